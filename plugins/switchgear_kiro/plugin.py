"""The hooks of ``kiro``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from switchgear import (
    Account,
    AuthStore,
    Failure,
    Login,
    Model,
    Provider,
    ProviderInfo,
    Quota,
    UpstreamClient,
    Verdict,
    hookimpl,
)
from switchgear_kiro import auth, chat, errors, importing, listing, loading, quota, renewal
from switchgear_kiro.models import FALLBACK
from switchgear_kiro.settings import KiroSettings

TERMS = (
    "You sign in to Kiro (kiro.dev, AWS) with an account of your own, under its terms; your plan's credits are spent. "
    "Switchgear says who it is. Kiro suspends accounts for unusual activity, so do not share one among many people."
)


@hookimpl
def provider_info() -> ProviderInfo:
    """What it is. It speaks none of the dialects: ``forward`` gives events."""
    return ProviderInfo(
        title="Kiro",
        settings=KiroSettings,
        login_methods=auth.METHODS,
        terms=TERMS,
        fallback_models=FALLBACK,
    )


@hookimpl
async def load_accounts(provider: Provider, store: AuthStore) -> Sequence[Account]:
    """The keys of the entry, those that are signed in, and the files of other programs."""
    return await loading.accounts(provider.settings, store)


@hookimpl
async def authenticate(provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
    """By the portal, with AWS, with a key, or from what another program on this machine has."""
    return await auth.sign_in(provider, login, store, client)


@hookimpl
def import_account(source: str, document: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> Account | None:
    """Out of the Kiro IDE's file, with its registration beside it, or another gateway's."""
    return importing.imported(source, document, beside)


@hookimpl
async def refresh_token(provider: Provider, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    """At the service that gave the token out; and find out who it is, where that is not known yet."""
    return await renewal.renewed(provider, account, store, client)


@hookimpl
async def list_models(provider: Provider, account: Account, client: UpstreamClient) -> list[Model]:
    """What the account's plan and region have."""
    return await listing.list_all(provider.settings, account, client)


forward = hookimpl(chat.forward)


@hookimpl
def classify_error(failure: Failure) -> Verdict | None:
    """By reason, exception, status and words."""
    return errors.verdict(failure)


@hookimpl
async def read_quota(provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
    """Credits: the plan's, a trial's, bonuses, and those beyond."""
    return await quota.read(provider.settings, account, client)

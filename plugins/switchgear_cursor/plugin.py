"""The hooks of ``cursor``."""

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
from switchgear_cursor import auth, errors, forwarding, importing, listing, loading, quota, renewal
from switchgear_cursor.models import FALLBACK
from switchgear_cursor.settings import CursorSettings

TERMS = (
    "You sign in to Cursor (cursor.com) with an account of your own, under its terms; requests spend what your plan "
    "has. Cursor publishes no API for chats: whether a gateway complies with its terms is for you to judge."
)


@hookimpl
def provider_info() -> ProviderInfo:
    """What it is. It speaks none of the dialects: ``forward`` gives events."""
    return ProviderInfo(
        title="Cursor",
        settings=CursorSettings,
        login_methods=auth.METHODS,
        terms=TERMS,
        fallback_models=FALLBACK,
    )


@hookimpl
async def load_accounts(provider: Provider, store: AuthStore) -> Sequence[Account]:
    """The keys of the entry, and those that are signed in."""
    return await loading.accounts(provider.settings, store)


@hookimpl
async def authenticate(provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
    """By a browser, with a key, or from what another program on this machine has."""
    return await auth.sign_in(provider.settings, login, store, client)


@hookimpl
def import_account(source: str, document: Mapping[str, Any]) -> Account | None:
    """Out of the vendor's command line's file, or another gateway's."""
    return importing.imported(source, document)


@hookimpl
async def refresh_token(provider: Provider, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    """Exchange the key once more, or renew the session where that can be."""
    return await renewal.renewed(provider, account, store, client)


@hookimpl
async def list_models(provider: Provider, account: Account, client: UpstreamClient) -> list[Model]:
    """What the account may call."""
    return await listing.list_all(provider.settings, account, client)


forward = hookimpl(forwarding.forward)


@hookimpl
def classify_error(failure: Failure) -> Verdict | None:
    """By region, name, code and status."""
    return errors.verdict(failure)


@hookimpl
async def read_quota(provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
    """The plan's pools, and what may be spent beyond them."""
    return await quota.read(provider.settings, account, client)

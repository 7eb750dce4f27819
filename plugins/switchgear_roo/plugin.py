"""The hooks. An entry is one service, an account a person in one organisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from switchgear import (
    Account,
    AuthStore,
    Failure,
    ForwardRequest,
    Login,
    Model,
    Provider,
    ProviderInfo,
    Quota,
    Reply,
    UpstreamClient,
    Verdict,
    hookimpl,
)
from switchgear_roo import auth, chat, listing, quota
from switchgear_roo.errors import verdict_on
from switchgear_roo.identity import imported
from switchgear_roo.settings import Settings

RETIRED = (
    "ended on 2026-05-15, when Roo Code Cloud and the Router were switched off and balances refunded; use another "
    "provider, or name a host that still speaks the protocol under 'endpoints'"
)
TERMS = (
    "Roo Code Cloud's terms of service apply, or those of the host named under 'endpoints'. The gateway says who it is "
    "in its User-Agent; sign in only with an account of your own."
)


@hookimpl
def provider_info() -> ProviderInfo:
    """A service that has ended; no model list can be trusted but a host's own, so there is no fallback."""
    return ProviderInfo(
        title="Roo Code Router",
        settings=Settings,
        dialects=("openai-chat",),
        login_methods=auth.METHODS,
        terms=TERMS,
        retired=RETIRED,
    )


@hookimpl
async def load_accounts(provider: Provider, store: AuthStore) -> list[Account]:
    """The keys of the configuration, then those who signed in; who is both is asked with the key."""
    settings: Settings = provider.settings
    accounts = {account.id: account for account in settings.key_accounts()}
    for account in store.load():
        accounts.setdefault(account.id, account)
    return list(accounts.values())


@hookimpl
async def list_models(provider: Provider, account: Account, client: UpstreamClient) -> list[Model]:
    """What the host lists for this account."""
    return await listing.list_models(provider.settings, account, client)


@hookimpl
async def authenticate(provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
    """Sign in by ``login.method``."""
    account = await auth.sign_in(provider.settings, login, client)
    await store.save(auth.saved(account))
    return account


@hookimpl
def import_account(source: str, document: Mapping[str, Any]) -> Account | None:
    """A file with ``"type": "roo"``, whoever wrote it."""
    return imported(document)


@hookimpl
async def refresh_token(provider: Provider, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    """Mint a session token. It is never saved; a client token that came anew with it is, first."""
    fresh = await auth.refresh(provider.settings, account, client)
    if auth.saved(fresh) != auth.saved(account):
        await store.save(auth.saved(fresh))
    return fresh


@hookimpl
async def forward(provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient) -> Reply:
    """Pass the body on, and the answer back."""
    return await chat.ask(provider.settings, request, account, client)


@hookimpl
def classify_error(provider: Provider, failure: Failure) -> Verdict:
    """By the words of a service that ended, then by status, code and words."""
    return verdict_on(failure, own_hosts=provider.settings.endpoints.are_own)


@hookimpl
async def read_quota(provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
    """The credit that is left."""
    return await quota.read(provider.settings, account, client)

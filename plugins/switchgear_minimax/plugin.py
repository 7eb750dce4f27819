"""The hooks of ``minimax``."""

from __future__ import annotations

import asyncio
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
from switchgear_minimax import auth, quota
from switchgear_minimax.accounts import imported, inline_accounts
from switchgear_minimax.answers import mended
from switchgear_minimax.errors import verdict_on
from switchgear_minimax.listing import list_all
from switchgear_minimax.models import FALLBACK
from switchgear_minimax.settings import DIALECTS, Settings
from switchgear_minimax.wire import post

TERMS = (
    "MiniMax's terms of service, and those of your plan, apply to every request. Sign in only to an account that is "
    "yours, where it belongs: oauth is platform.minimax.io, oauth-cn is platform.minimaxi.com."
)


@hookimpl
def provider_info() -> ProviderInfo:
    """What it is."""
    return ProviderInfo(
        title="MiniMax",
        settings=Settings,
        dialects=DIALECTS,
        login_methods=(*auth.METHODS, auth.KEY_METHOD),
        terms=TERMS,
        fallback_models=FALLBACK,
    )


@hookimpl
async def load_accounts(provider: Provider, store: AuthStore) -> list[Account]:
    """The keys of the configuration, then those that are signed in."""
    inline = inline_accounts(provider.settings)
    known = {account.id for account in inline}
    stored = await asyncio.to_thread(store.load)
    return [*inline, *(account for account in stored if account.id not in known)]


@hookimpl
async def authenticate(provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
    """By a code for the browser, or with a key."""
    return await auth.sign_in(provider.settings, login, store, client)


@hookimpl
def import_account(provider: Provider, source: str, document: Mapping[str, Any]) -> Account | None:
    """CLIProxyAPI's files of both regions."""
    return imported(document, provider.settings.oauth_client) if source == "cliproxyapi" else None


@hookimpl
async def refresh_token(provider: Provider, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    """Trade the refresh token, which is good once."""
    return await auth.refresh(provider.settings, account, store, client)


@hookimpl
async def list_models(provider: Provider, account: Account, client: UpstreamClient) -> list[Model]:
    """Ask the service."""
    return await list_all(provider.settings, account, client)


@hookimpl
async def forward(provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient) -> Reply:
    """Pass the body on as the service wants it, and the answer back as the dialect does."""
    return mended(await client.reply(post(provider.settings, request, account), request.timeouts), request)


@hookimpl
def classify_error(failure: Failure) -> Verdict:
    """By words, code, type and status."""
    return verdict_on(failure)


@hookimpl
async def read_quota(provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
    """A plan's windows, or a balance."""
    return await quota.read(provider.settings, account, client)

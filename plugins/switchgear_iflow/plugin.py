"""The hooks of ``iflow``."""

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
    Reply,
    UpstreamClient,
    Verdict,
    hookimpl,
)
from switchgear_iflow.accounts import METHODS, key_account
from switchgear_iflow.asking import ask
from switchgear_iflow.auth import sign_in
from switchgear_iflow.errors import verdict_on
from switchgear_iflow.importing import imported
from switchgear_iflow.listing import list_all
from switchgear_iflow.models import LIBRARY, NEW_NAMES, model
from switchgear_iflow.renewal import renewed
from switchgear_iflow.settings import Settings

TERMS = (
    "You sign in to iFlow (iflow.cn) with an account of your own, under its terms. Since February 2026 iFlow restricts "
    "its API to its own client and blocks keys that others use; Switchgear says who it is, so a key may be refused or "
    "blocked."
)
RETIRED = (
    "iFlow closed its sign-in for command-line clients on 2026-04-17 (announced 2026-03-20) and sends its users to "
    "Qoder; whether its API still answers is not known. Move to another provider, or set endpoints to a service "
    "that speaks the same protocol"
)


@hookimpl
def provider_info() -> ProviderInfo:
    """A service of the past, which spoke chat."""
    return ProviderInfo(
        title="iFlow",
        settings=Settings,
        dialects=("openai-chat",),
        login_methods=METHODS,
        terms=TERMS,
        fallback_models=tuple(model(id_) for id_ in (*LIBRARY, *NEW_NAMES)),
        retired=RETIRED,
    )


@hookimpl
async def load_accounts(provider: Provider, store: AuthStore) -> list[Account]:
    """Those that were signed in, then the keys of the entry that are not among them."""
    stored = store.load()
    known = {account.id for account in stored}
    configured = [key_account(key) for key in provider.settings.api_keys]
    return [*stored, *(account for account in configured if account.id not in known)]


@hookimpl
async def list_models(provider: Provider, account: Account, client: UpstreamClient) -> list[Model]:
    """What is known, less what the account was refused."""
    return await list_all(provider.settings, account, client)


@hookimpl
async def authenticate(provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
    """With a browser, its cookie, or a key."""
    return await sign_in(provider.settings, login, store, client)


@hookimpl
def import_account(source: str, document: Mapping[str, Any]) -> Account | None:
    """Out of CLIProxyAPI's files, or the vendor client's ``oauth_creds.json``."""
    return imported(source, document)


@hookimpl
async def refresh_token(provider: Provider, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    """New tokens and the key behind them, or a new key of the browser session."""
    return await renewed(provider.settings, account, store, client)


@hookimpl
async def forward(provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient) -> Reply:
    """Ask the first model that is not refused, and mend its answer."""
    return await ask(provider.settings, provider.name, request, account, client)


@hookimpl
def classify_error(failure: Failure) -> Verdict:
    """By words that stand above codes, code and status."""
    return verdict_on(failure)

"""A provider for tests: accounts with tokens that can be refreshed, over a real HTTP upstream.

It uses only what a stranger could. ``token-url`` answers a refresh; ``403`` with the reasons of fault U6 is told apart.
"""

from __future__ import annotations

import httpx2

from switchgear import (
    Account,
    AuthStore,
    Dialect,
    Failure,
    ForwardRequest,
    Kind,
    LoginRequired,
    Model,
    Provider,
    ProviderInfo,
    ProviderSettings,
    Reply,
    Secret,
    UpstreamClient,
    UpstreamError,
    Verdict,
    default_verdict,
    hookimpl,
)


class Settings(ProviderSettings):
    base_url: str
    accounts: list[str] = ["one"]
    expires_at: float | None = None
    dialects: list[Dialect] = ["openai-chat"]

    @property
    def native_dialects(self) -> tuple[Dialect, ...]:
        return tuple(self.dialects)


PATHS = {"openai-chat": "/chat/completions", "openai-responses": "/responses", "anthropic-messages": "/messages"}


@hookimpl
def provider_info() -> ProviderInfo:
    return ProviderInfo(title="Wired", settings=Settings, dialects=("openai-chat",))


@hookimpl
async def load_accounts(provider: Provider) -> list[Account]:
    settings: Settings = provider.settings
    return [
        Account(name, label=name, secrets={"token": Secret(f"token-of-{name}-0")}, expires_at=settings.expires_at)
        for name in settings.accounts
    ]


@hookimpl
async def list_models(provider: Provider, account: Account, client: UpstreamClient) -> list[Model]:
    response = await client.fetch(httpx2.Request("GET", f"{provider.settings.base_url}/models"))
    if response.status_code != 200:
        raise UpstreamError(Failure("status", response.status_code))
    return [Model(name) for name in response.json()]


@hookimpl
async def refresh_token(provider: Provider, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    request = httpx2.Request("POST", f"{provider.settings.base_url}/token", content=account.id.encode())
    response = await client.fetch(request)
    if response.status_code == 400:
        raise LoginRequired(Failure("status", 400, message="the refresh token is spent"))
    if response.status_code != 200:
        raise UpstreamError(Failure("status", response.status_code))
    fresh = Account(account.id, label=account.label, secrets={"token": Secret(response.text)})
    await store.save(fresh)
    return fresh


@hookimpl
async def forward(provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient) -> Reply:
    headers = {"authorization": f"Bearer {account.secrets['token'].reveal()}", "content-type": "application/json"}
    url = provider.settings.base_url + PATHS[request.dialect]
    return await client.reply(httpx2.Request("POST", url, headers=headers, content=request.body), request.timeouts)


@hookimpl
async def count_tokens(
    provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
) -> int | None:
    if request.dialect != "anthropic-messages":
        return None
    url = f"{provider.settings.base_url}/messages/count_tokens"
    response = await client.fetch(httpx2.Request("POST", url, content=request.body))
    if response.status_code != 200:
        raise UpstreamError(Failure("status", response.status_code))
    tokens: int = response.json()["input_tokens"]
    return tokens


@hookimpl
def classify_error(failure: Failure) -> Verdict | None:
    if failure.status == 403 and b"suspended" in failure.body:
        return Verdict(Kind.SUSPENDED, message=default_verdict(failure).message)
    return None

"""A provider for tests whose refresh tokens are single-use: a second use of one costs the account.

It uses only what a stranger could. Its accounts are the stored ones.
"""

from __future__ import annotations

from dataclasses import replace

import httpx2

from switchgear import (
    Account,
    AuthStore,
    ForwardRequest,
    Model,
    Provider,
    ProviderInfo,
    ProviderSettings,
    Reply,
    UpstreamClient,
    Url,
    hookimpl,
)
from switchgear.oauth import TokenEndpoint


class Settings(ProviderSettings):
    base_url: Url


@hookimpl
def provider_info() -> ProviderInfo:
    return ProviderInfo(
        title="Rotating",
        settings=Settings,
        dialects=("openai-chat",),
        login_methods=("none",),
        fallback_models=(Model("m"),),
    )


@hookimpl
async def authenticate() -> Account:
    raise NotImplementedError


@hookimpl
async def list_models() -> list[Model]:
    return [Model("m")]


@hookimpl
async def refresh_token(provider: Provider, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    endpoint = TokenEndpoint(f"{provider.settings.base_url}/token", "test-client")
    tokens = await endpoint.refresh(client, account.secrets["refresh"])
    assert tokens.refresh_token is not None
    secrets = {"access": tokens.access_token, "refresh": tokens.refresh_token}
    fresh = replace(account, secrets=secrets, expires_at=tokens.expires_at)
    await store.save(fresh)
    return fresh


@hookimpl
async def forward(provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient) -> Reply:
    headers = {"authorization": f"Bearer {account.secrets['access'].reveal()}", "content-type": "application/json"}
    url = f"{provider.settings.base_url}/chat/completions"
    return await client.reply(httpx2.Request("POST", url, headers=headers, content=request.body), request.timeouts)

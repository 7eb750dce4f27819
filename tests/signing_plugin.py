"""A provider for tests that signs in by key, by device, in the browser, and by a choice. Only what a stranger could use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2

from switchgear import (
    Account,
    AuthStore,
    Failure,
    ForwardRequest,
    Login,
    LoginFailed,
    Model,
    Provider,
    ProviderInfo,
    ProviderSettings,
    Reply,
    Secret,
    UpstreamClient,
    UpstreamError,
    hookimpl,
)
from switchgear.oauth import CallbackListener, TokenEndpoint, Tokens, authorization_url, new_pkce, new_state

CLIENT_ID = "switchgear-tests"


class Settings(ProviderSettings):
    base_url: str


@hookimpl
def provider_info() -> ProviderInfo:
    return ProviderInfo(
        title="Signing Example",
        settings=Settings,
        dialects=("openai-chat",),
        login_methods=("device", "browser", "api-key", "organisation"),
        terms="The example's own terms apply.",
    )


@hookimpl
async def authenticate(provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
    if login.method == "device":
        account = await _by_device(provider, login, client)
    elif login.method == "browser":
        account = await _by_browser(provider, login, client)
    else:
        account = await _by_key(provider, login, client)
    await store.save(account)
    return account


async def _by_device(provider: Provider, login: Login, client: UpstreamClient) -> Account:
    endpoint = _endpoint(provider)
    device = await endpoint.start_device(client, f"{provider.settings.base_url}/device")
    await login.show(device.verification_uri, device.user_code)
    await login.progress("waiting for the code to be confirmed")
    return _account(login.method, login.label, await endpoint.poll_device(client, device))


async def _by_browser(provider: Provider, login: Login, client: UpstreamClient) -> Account:
    pkce, state = new_pkce(), new_state()
    async with CallbackListener(state) as listener:
        url = f"{provider.settings.base_url}/authorize"
        await login.show(authorization_url(url, CLIENT_ID, listener.redirect_uri, state=state, pkce=pkce))
        parameters = await listener.wait(login)
        code = parameters["code"]
        tokens = await _endpoint(provider).exchange(client, code, listener.redirect_uri, pkce)
    return _account(login.method, login.label, tokens)


async def _by_key(provider: Provider, login: Login, client: UpstreamClient) -> Account:
    details = {"method": login.method}
    if login.method == "organisation":
        names = ["north", "south"]
        details["organisation"] = names[await login.choose("Which organisation", names)]
    key = Secret((await login.ask("The API key", secret=True)).strip())
    headers = {"authorization": f"Bearer {key.reveal()}"}
    response = await client.fetch(httpx2.Request("GET", f"{provider.settings.base_url}/whoami", headers=headers))
    if response.status_code != 200:
        raise LoginFailed(f"the provider does not know the key {key.reveal()}; copy it again")
    person = response.json()["sub"]
    return Account(person, label=login.label or person, secrets={"access": key}, details=details)


def _endpoint(provider: Provider) -> TokenEndpoint:
    return TokenEndpoint(f"{provider.settings.base_url}/token", CLIENT_ID)


def _account(method: str, label: str | None, tokens: Tokens) -> Account:
    assert tokens.refresh_token is not None
    person: str = tokens.raw["sub"]
    secrets = {"access": tokens.access_token, "refresh": tokens.refresh_token}
    return Account(person, label or person, secrets, {"method": method}, expires_at=tokens.expires_at)


@hookimpl
async def refresh_token(provider: Provider, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    tokens = await _endpoint(provider).refresh(client, account.secrets["refresh"])
    fresh = _account(account.details["method"], account.label, tokens)
    await store.save(fresh)
    return fresh


@hookimpl
def import_account(source: str, document: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> Account | None:
    if source not in {"cliproxyapi", "vendor"} or document.get("type") != "signing":
        return None
    document = {**document, **beside.get(document.get("beside", ""), {}), "type": "signing"}
    try:
        secrets = {"access": Secret(document["access_token"]), "refresh": Secret(document["refresh_token"])}
        return Account(
            document["sub"], document["sub"], secrets, {"method": "import"}, expires_at=document.get("expires")
        )
    except KeyError as error:
        raise LoginFailed(f"lacks {error.args[0]}; sign in instead") from None


@hookimpl
async def list_models(provider: Provider, account: Account, client: UpstreamClient) -> list[Model]:
    response = await client.fetch(
        httpx2.Request("GET", f"{provider.settings.base_url}/models", headers=_bearer(account))
    )
    if response.status_code != 200:
        raise UpstreamError(Failure("status", response.status_code))
    return [Model(name) for name in response.json()]


@hookimpl
async def forward(provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient) -> Reply:
    url = f"{provider.settings.base_url}/chat/completions"
    headers = {**_bearer(account), "content-type": "application/json"}
    return await client.reply(httpx2.Request("POST", url, headers=headers, content=request.body), request.timeouts)


def _bearer(account: Account) -> dict[str, str]:
    return {"authorization": f"Bearer {account.secrets['access'].reveal()}"}

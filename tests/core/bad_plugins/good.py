"""A small provider that does all a provider can: two ways to sign in, refresh, chat. And the fake it is proved over."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from typing import Any, ClassVar, Self

import httpx2

from switchgear import (
    Account,
    AuthStore,
    Failure,
    ForwardRequest,
    Kind,
    Login,
    Model,
    Provider,
    ProviderInfo,
    ProviderSettings,
    Quota,
    Reply,
    Secret,
    UpstreamClient,
    UpstreamError,
    Url,
    Verdict,
    default_verdict,
    hookimpl,
)
from switchgear.oauth import CallbackListener, TokenEndpoint, Tokens, authorization_url, new_pkce, new_state
from switchgear.testing import (
    CHAT_FAULTS,
    Behaviour,
    FakeOpenAI,
    FakeProvider,
    LoopbackServer,
    OAuthServer,
    ProviderContract,
    refusing,
)

CLIENT_ID = "fake-client"
KINDS = {
    "session_revoked": Kind.LOGIN_REQUIRED,
    "account_suspended": Kind.SUSPENDED,
    "insufficient_quota": Kind.QUOTA_EXHAUSTED,
    "context_length_exceeded": Kind.CONTEXT_TOO_LONG,
    "content_filter": Kind.CONTENT_FILTERED,
}


class Settings(ProviderSettings):
    """Where the provider is."""

    auth_url: Url = "https://auth.acme.example"
    api_url: Url = "https://api.acme.example/v1"


class Acme:
    """The good one. A bad one extends it."""

    @hookimpl
    def provider_info(self) -> ProviderInfo:
        return ProviderInfo("Acme", settings=Settings, dialects=("openai-chat",), login_methods=("device", "browser"))

    @hookimpl
    async def list_models(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Model]:
        response = await client.fetch(self.request("GET", provider, "/models", account))
        if response.status_code != 200:
            raise UpstreamError(Failure("status", response.status_code, dict(response.headers), response.content))
        return [self.model(one["id"]) for one in response.json()["data"]]

    def model(self, name: str) -> Model:
        return Model(name, aliases=(f"acme-{name}",))

    def request(self, method: str, provider: Provider, path: str, account: Account, **more: Any) -> httpx2.Request:
        headers = {"authorization": f"Bearer {account.secrets['access'].reveal()}", "content-type": "application/json"}
        return httpx2.Request(method, provider.settings.api_url + path, headers=headers, **more)

    # -- sign-in -------------------------------------------------------------------------------------------

    @hookimpl
    async def authenticate(self, provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
        tokens = await (self.by_device if login.method == "device" else self.by_browser)(provider, login, client)
        account = await self.account(provider, login, tokens, client)
        await store.save(account)
        return account

    async def by_device(self, provider: Provider, login: Login, client: UpstreamClient) -> Tokens:
        endpoint = self.endpoint(provider)
        device = await endpoint.start_device(client, f"{provider.settings.auth_url}/device_authorization")
        await login.show(device.verification_uri, device.user_code)
        await login.progress("waiting for the code to be confirmed")
        return await endpoint.poll_device(client, device)

    async def by_browser(self, provider: Provider, login: Login, client: UpstreamClient) -> Tokens:
        state, pkce = new_state(), new_pkce()
        issuer = provider.settings.auth_url
        async with CallbackListener(state, issuer=issuer) as listener:
            back = listener.redirect_uri
            await login.show(authorization_url(f"{issuer}/authorize", CLIENT_ID, back, state=state, pkce=pkce))
            found = await listener.wait(login)
        return await self.endpoint(provider).exchange(client, found["code"], back, pkce)

    async def account(self, provider: Provider, login: Login, tokens: Tokens, client: UpstreamClient) -> Account:
        claims = await self.claims(provider, tokens, client)
        return Account(
            self.identity(claims, tokens),
            label=login.label or self.label(claims, tokens),
            secrets=self.secrets(tokens),
            expires_at=tokens.expires_at,
        )

    async def claims(self, provider: Provider, tokens: Tokens, client: UpstreamClient) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {tokens.access_token.reveal()}"}
        url = f"{provider.settings.auth_url}/userinfo"
        response = await client.fetch(httpx2.Request("GET", url, headers=headers))
        if response.status_code != 200:
            raise UpstreamError(Failure("status", response.status_code))
        claims: dict[str, Any] = response.json()
        return claims

    @hookimpl
    def import_account(self, source: str, document: Mapping[str, Any]) -> Account | None:
        if source != "acme-cli" or "sub" not in document:
            return None
        tokens = Tokens(Secret(document["access"]), Secret(document["refresh"]), None, raw={})
        return Account(
            self.imported_identity(document, tokens), label=self.label(document, tokens), secrets=self.secrets(tokens)
        )

    def imported_identity(self, document: Mapping[str, Any], tokens: Tokens) -> str:
        return self.identity(document, tokens)

    def identity(self, claims: Mapping[str, Any], tokens: Tokens) -> str:
        return f"acme:{claims['sub']}"

    def label(self, claims: Mapping[str, Any], tokens: Tokens) -> str:
        return str(claims["name"])

    def secrets(self, tokens: Tokens) -> dict[str, Any]:
        return {"access": tokens.access_token, "refresh": tokens.refresh_token}

    def endpoint(self, provider: Provider) -> TokenEndpoint:
        return TokenEndpoint(f"{provider.settings.auth_url}/token", CLIENT_ID)

    # -- refresh -------------------------------------------------------------------------------------------

    @hookimpl
    async def refresh_token(
        self, provider: Provider, account: Account, store: AuthStore, client: UpstreamClient
    ) -> Account:
        fresh = await self.refreshed(provider, account, client)
        await store.save(fresh)
        return fresh

    async def refreshed(self, provider: Provider, account: Account, client: UpstreamClient) -> Account:
        tokens = await self.endpoint(provider).refresh(client, account.secrets["refresh"])
        return replace(account, secrets=self.secrets(tokens), expires_at=tokens.expires_at)

    # -- chat ----------------------------------------------------------------------------------------------

    @hookimpl
    async def forward(
        self, provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
    ) -> Reply:
        call = self.request("POST", provider, "/chat/completions", account, content=request.body)
        return await client.reply(call, request.timeouts)

    @hookimpl
    def classify_error(self, failure: Failure) -> Verdict | None:
        verdict = default_verdict(failure)
        kind = KINDS.get(verdict.code or "")
        return verdict if kind is None else replace(verdict, kind=kind)

    @hookimpl
    async def read_quota(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
        now = time.time()
        return [
            Quota("credits", 1000.0, 200.0, now + 3600, "reported", now, name="plan", plan="Pro"),
            Quota("credits", 500.0, 0.0, None, "reported", now, name="trial", plan="Pro"),
        ]


FAULTS: dict[str, str | Behaviour] = {
    **CHAT_FAULTS,
    "login_required": refusing(401, "Sign in again.", "session_revoked"),
    "suspended": refusing(403, "This account is suspended.", "account_suspended"),
}


class FakeAcme:
    """An OAuth server, and a chat that knows its tokens."""

    model = "demo-model"

    def __init__(self) -> None:
        self.oauth = OAuthServer(client_id=CLIENT_ID)
        self.chat = FakeOpenAI(accepts=self.oauth.accepts)
        self.settings: dict[str, Any] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.oauth)
        await self._stack.enter_async_context(self.chat)
        self.settings = {"name": "acme", "auth-url": self.oauth.server.url, "api-url": self.chat.base_url()}
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.__aexit__(*error)

    @property
    def server(self) -> LoopbackServer:
        return self.chat.server

    @property
    def refreshes(self) -> int:
        return self.oauth.refreshes

    def secrets(self) -> set[str]:
        return self.oauth.secrets()

    def fail(self, fault: str) -> bool:
        if fault == "token_expired":
            self.oauth.expire()
        elif fault == "refresh_omits_token":
            self.oauth.script("refresh", "omit")
        elif fault in FAULTS:
            self.chat.script(behaviour=FAULTS[fault], times=1)
        else:
            return False
        return True

    async def visit(self, url: str, code: str | None, person: str) -> None:
        await self.oauth.visit(url, code, person)

    async def refuse(self, url: str, code: str | None, person: str) -> None:
        await self.oauth.visit(url, code, person, confirms=False)

    def call_tool(self) -> None:
        """It does where the question says so."""

    def imports(self) -> tuple[str, Mapping[str, Any]]:
        grant = self.oauth.grants.begin("ada")
        tokens = self.oauth.grants.issue(grant, 3600)
        document = {"access": tokens["access_token"], "refresh": tokens["refresh_token"]}
        return "acme-cli", {**self.oauth.people["ada"], **document}

    def answer(self, question: str, person: str) -> str:
        return ""

    def expire(self) -> None:
        self.oauth.expire()

    def revoke(self) -> None:
        self.oauth.revoke()


class GoodContract(ProviderContract):
    """The good plugin's."""

    plugin = "acme"
    module: ClassVar[object] = Acme()

    def fake(self) -> AbstractAsyncContextManager[FakeProvider]:
        return FakeAcme()

"""Bad with accounts: who is who, what is saved and when, and what a refresh does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from switchgear import (
    Account,
    AuthStore,
    Failure,
    ForwardRequest,
    Login,
    LoginFailed,
    LoginRequired,
    Provider,
    ProviderInfo,
    Reply,
    Secret,
    UpstreamClient,
    UpstreamError,
    hookimpl,
)
from switchgear.oauth import Tokens
from tests.core.bad_plugins.good import Acme, Settings


class ByDevice(Acme):
    """The good one with one way to sign in, which is quicker to prove."""

    @hookimpl
    def provider_info(self) -> ProviderInfo:
        return ProviderInfo("Acme", settings=Settings, dialects=("openai-chat",), login_methods=("device",))


class ByBrowser(Acme):
    """The other way."""

    @hookimpl
    def provider_info(self) -> ProviderInfo:
        return ProviderInfo("Acme", settings=Settings, dialects=("openai-chat",), login_methods=("browser",))


class KnowsOneAccount(ByDevice):
    """Everybody has the same id: the second overwrites the first."""

    def identity(self, claims: Mapping[str, Any], tokens: Tokens) -> str:
        return "acme"


class GoesByTheEmail(ByDevice):
    """The id is the e-mail, which two people may share."""

    def identity(self, claims: Mapping[str, Any], tokens: Tokens) -> str:
        return str(claims["email"])


class GoesByTheToken(ByDevice):
    """The id is made from a token, which is another one each time."""

    def identity(self, claims: Mapping[str, Any], tokens: Tokens) -> str:
        return tokens.access_token.fingerprint()


class SavesTooEarly(ByDevice):
    """A file is there before anybody has confirmed anything."""

    @hookimpl
    async def authenticate(self, provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
        pending = Account("acme:pending", label="pending")
        await store.save(pending)
        tokens = await self.by_device(provider, login, client)
        await store.remove(pending)
        account = await self.account(provider, login, tokens, client)
        await store.save(account)
        return account


class SavesWhoWasRefused(ByBrowser):
    """A callback that says no leaves an account behind."""

    @hookimpl
    async def authenticate(self, provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
        try:
            tokens = await self.by_browser(provider, login, client)
        except LoginFailed:
            await store.save(Account("acme:unknown", label="unknown"))
            raise
        account = await self.account(provider, login, tokens, client)
        await store.save(account)
        return account


class KeepsWhoSaidNo(ByDevice):
    """Who says no in the browser has an account all the same."""

    @hookimpl
    async def authenticate(self, provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
        try:
            return await ByDevice.authenticate(self, provider, login, store, client)
        except LoginFailed:
            await store.save(Account("acme:unknown", label="unknown"))
            raise


class ImportsASecondAccount(ByDevice):
    """An import has an id of its own."""

    def imported_identity(self, document: Mapping[str, Any], tokens: Tokens) -> str:
        return f"acme:imported:{document['sub']}"


class ImportsByTheHour(ByDevice):
    """Each import is an account of its own."""

    def imported_identity(self, document: Mapping[str, Any], tokens: Tokens) -> str:
        return f"acme:{time.time_ns()}"


class NeverSavesARefresh(ByDevice):
    """The new token is in memory only."""

    @hookimpl
    async def refresh_token(
        self, provider: Provider, account: Account, store: AuthStore, client: UpstreamClient
    ) -> Account:
        return await self.refreshed(provider, account, client)


class SavesARefreshLater(ByDevice):
    """The new token is saved once it has proved its worth."""

    def __init__(self) -> None:
        self.unsaved: list[tuple[AuthStore, Account]] = []

    @hookimpl
    async def refresh_token(
        self, provider: Provider, account: Account, store: AuthStore, client: UpstreamClient
    ) -> Account:
        fresh = await self.refreshed(provider, account, client)
        self.unsaved.append((store, fresh))
        return fresh

    @hookimpl
    async def forward(
        self, provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
    ) -> Reply:
        call = self.request("POST", provider, "/chat/completions", account, content=request.body)
        reply = await client.reply(call, request.timeouts)
        while self.unsaved:
            store, fresh = self.unsaved.pop()
            await store.save(fresh)
        return reply


class DropsTheRefreshToken(ByDevice):
    """An answer without a refresh token clears the one there is."""

    async def refreshed(self, provider: Provider, account: Account, client: UpstreamClient) -> Account:
        tokens = await self.endpoint(provider).refresh(client, account.secrets["refresh"])
        given = Secret(str(tokens.raw.get("refresh_token", "")))
        secrets = {"access": tokens.access_token, "refresh": given}
        return replace(account, secrets=secrets, expires_at=tokens.expires_at)


class RefreshesForEver(ByDevice):
    """A fresh token is said to expire at once."""

    async def refreshed(self, provider: Provider, account: Account, client: UpstreamClient) -> Account:
        return replace(await super().refreshed(provider, account, client), expires_at=time.time())


class GivesUpTooSoon(ByDevice):
    """Whatever goes wrong in a refresh, the person has to sign in again."""

    async def refreshed(self, provider: Provider, account: Account, client: UpstreamClient) -> Account:
        try:
            return await super().refreshed(provider, account, client)
        except UpstreamError as error:
            raise LoginRequired(error.failure) from None


class NeverGivesUp(ByDevice):
    """A spent refresh token is tried again with each request."""

    async def refreshed(self, provider: Provider, account: Account, client: UpstreamClient) -> Account:
        try:
            return await super().refreshed(provider, account, client)
        except LoginRequired:
            raise UpstreamError(Failure("status", 503, message="try again")) from None

"""Bad at saying what is so, at calling failures by their names, at keeping secrets, and at keeping still."""

from __future__ import annotations

import asyncio
import base64
import time
import urllib.request
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx2
import structlog
from pydantic import ConfigDict

from switchgear import (
    Account,
    Failure,
    ForwardRequest,
    Kind,
    Login,
    Model,
    Provider,
    ProviderInfo,
    Quota,
    Reply,
    UpstreamClient,
    UpstreamError,
    Url,
    Verdict,
    default_verdict,
    hookimpl,
)
from switchgear.oauth import Tokens
from tests.core.bad_plugins.accounts import ByDevice
from tests.core.bad_plugins.good import Settings

log = structlog.get_logger("acme")


# -- what it says of itself --------------------------------------------------------------------------------


class SaysADialectTwice(ByDevice):
    """Its dialects are one, twice."""

    @hookimpl
    def provider_info(self) -> ProviderInfo:
        return ProviderInfo(
            "Acme", settings=Settings, dialects=("openai-chat", "openai-chat"), login_methods=("device",)
        )


class LaxSettings(Settings):
    model_config = ConfigDict(extra="ignore")


class TakesAnyKey(ByDevice):
    """A misspelt key goes unnoticed."""

    @hookimpl
    def provider_info(self) -> ProviderInfo:
        return ProviderInfo("Acme", settings=LaxSettings, dialects=("openai-chat",), login_methods=("device",))


class MoreSettings(Settings):
    quota_url: Url = "https://quota.acme.example"


class HasAHostOfItsOwn(ByDevice):
    """One of its hosts is a setting that nothing replaces."""

    @hookimpl
    def provider_info(self) -> ProviderInfo:
        return ProviderInfo("Acme", settings=MoreSettings, dialects=("openai-chat",), login_methods=("device",))


class CallsAHardCodedHost(ByDevice):
    """One of its hosts is no setting at all."""

    @hookimpl
    async def read_quota(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
        await client.fetch(httpx2.Request("GET", "https://quota.acme.example/v1/quota"))
        return []


class ListsNothingOnFailure(ByDevice):
    """A list that cannot be had is an empty one."""

    @hookimpl
    async def list_models(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Model]:
        try:
            response = await client.fetch(self.request("GET", provider, "/models", account))
        except UpstreamError:
            return []
        return [Model(one["id"]) for one in response.json().get("data", [])]


class NamesAModelTwice(ByDevice):
    """Another name of one model is the id of another."""

    def model(self, name: str) -> Model:
        return Model(name, aliases=("demo-model",))


class TellsNoPoolsApart(ByDevice):
    """Two quotas are called the same."""

    @hookimpl
    async def read_quota(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
        return [replace(row, name="") for row in await ByDevice.read_quota(self, provider, account, client)]


class GivesMilliseconds(ByDevice):
    """Its quota comes back in 50 000 years."""

    @hookimpl
    async def read_quota(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
        rows = await ByDevice.read_quota(self, provider, account, client)
        return [replace(row, resets_at=time.time() * 1000) for row in rows]


class FailsToCount(ByDevice):
    """Its count of tokens has a fault."""

    @hookimpl
    async def count_tokens(self, request: ForwardRequest) -> int:
        return int(request.json["no such field"])


class CountsNothing(ByDevice):
    """Its count of tokens is always the same."""

    @hookimpl
    async def count_tokens(self, request: ForwardRequest) -> int:
        return 7


# -- what failures are called ------------------------------------------------------------------------------


class Misnames(ByDevice):
    """Calls one kind of failure by another's name."""

    def __init__(self, kind: Kind, instead: Kind) -> None:
        self.kind = kind
        self.instead = instead

    @hookimpl
    def classify_error(self, failure: Failure) -> Verdict | None:
        verdict = ByDevice.classify_error(self, failure) or default_verdict(failure)
        return replace(verdict, kind=self.instead) if verdict.kind is self.kind else verdict


class LosesTheHint(ByDevice):
    """When to come back is not passed on."""

    @hookimpl
    def classify_error(self, failure: Failure) -> Verdict | None:
        verdict = ByDevice.classify_error(self, failure)
        return None if verdict is None else replace(verdict, retry_after=None, reset_at=None)


# -- secrets -----------------------------------------------------------------------------------------------


class LogsTheToken(ByDevice):
    """Its log line holds a token."""

    @hookimpl
    async def read_quota(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
        log.info("quota", token=account.secrets["access"].reveal())
        return []


class PrintsTheToken(ByDevice):
    """It prints a token."""

    @hookimpl
    async def read_quota(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
        print(account.secrets["access"].reveal())
        return []


class QuotesTheToken(ByDevice):
    """Its errors quote the token, in a form that is not masked."""

    @hookimpl
    async def forward(
        self, provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
    ) -> Reply:
        call = self.request("POST", provider, "/chat/completions", account, content=request.body)
        reply = await client.reply(call, request.timeouts)
        if reply.status != 400:
            return reply
        body = b"".join([part async for part in reply.body])
        await reply.aclose()
        sent = base64.b64encode(account.secrets["access"].reveal().encode())
        quoting = body.replace(b'"message": "', b'"message": "You sent ' + sent + b". ", 1)
        raise UpstreamError(Failure("status", 400, reply.headers, quoting))


class ShowsTheTokenInTheFile(ByDevice):
    """Anyone with access to the file may read the token."""

    async def account(self, provider: Provider, login: Login, tokens: Tokens, client: UpstreamClient) -> Account:
        account = await super().account(provider, login, tokens, client)
        return replace(account, details={"issued": tokens.access_token.reveal()})


class SendsTheTokenInTheUrl(ByDevice):
    """The token is part of an address."""

    @hookimpl
    async def read_quota(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
        url = f"{provider.settings.api_url}/quota?token={account.secrets['access'].reveal()}"
        await client.fetch(httpx2.Request("GET", url))
        return []


# -- manners -----------------------------------------------------------------------------------------------


class HasItsOwnClient(ByDevice):
    """It opens a connection of its own."""

    @hookimpl
    async def read_quota(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
        async with httpx2.AsyncClient(trust_env=False) as own:
            await own.get(f"{provider.settings.api_url}/quota")
        return []


class FetchesInAThread(ByDevice):
    """It opens a connection of its own, in a thread."""

    @hookimpl
    async def read_quota(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, _fetched, f"{provider.settings.api_url}/models")
        return []


def _fetched(url: str) -> None:
    with suppress(OSError), urllib.request.urlopen(url) as answer:
        answer.read()


class HoldsTheLoop(ByDevice):
    """It waits without an ``await``."""

    @hookimpl
    async def read_quota(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
        time.sleep(0.8)
        return []


class LeavesATask(ByDevice):
    """Something of it goes on for ever."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[Any]] = []

    @hookimpl
    async def read_quota(self, provider: Provider, account: Account, client: UpstreamClient) -> list[Quota]:
        self.tasks.append(asyncio.create_task(asyncio.Event().wait(), name="acme for ever"))
        return []

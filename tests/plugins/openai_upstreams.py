"""The openai-compatibility plugin configured for a fake upstream on a real socket, and its hooks as core calls them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from switchgear import Account, Conversation, Dialect, Failure, ForwardRequest, Provider, Reply, Timeouts, UpstreamError
from switchgear.testing import FakeOpenAI, LoopbackServer
from switchgear.testing.openai_personalities import BY_NAME
from switchgear.testing.server import Handler
from switchgear.upstream import UpstreamClient, UpstreamClients
from switchgear_openai_compatibility import plugin
from switchgear_openai_compatibility.settings import Settings

KEY = "upstream-key-5f0c2d91"


class Upstream:
    """The plugin configured for one upstream, and the hooks as core calls them."""

    def __init__(self, fake: FakeOpenAI, client: UpstreamClient, base_url: str, **fields: Any) -> None:
        more = {name.replace("_", "-"): value for name, value in fields.items()}
        entry = {"name": "up", "base-url": base_url, "api-key-entries": [{"api-key": KEY}], **more}
        self.fake = fake
        self.client = client
        self.provider = Provider("up", "openai-compatibility", "", Settings.model_validate(entry))

    async def account(self) -> Account:
        accounts: list[Account] = await plugin.load_accounts(self.provider)
        return accounts[0]

    async def models(self) -> list[str]:
        models = await plugin.list_models(self.provider, await self.account(), self.client)
        return [model.id for model in models]

    async def list_failure(self) -> Failure:
        with pytest.raises(UpstreamError) as caught:
            await self.models()
        return caught.value.failure

    async def forward(
        self,
        model: str = "demo-model",
        *,
        stream: bool = False,
        dialect: Dialect = "openai-chat",
        client_dialect: Dialect | None = None,
        headers: dict[str, str] | None = None,
        timeouts: Timeouts | None = None,
        **fields: Any,
    ) -> Reply:
        given = {"messages": [{"role": "user", "content": "Hello, big world"}], **fields}
        body = json.dumps({"model": model, "stream": stream, **given}).encode()
        request = asking(body, model, dialect, client_dialect, stream, headers, timeouts)
        reply: Reply = await plugin.forward(self.provider, request, await self.account(), self.client)
        return reply

    async def count(
        self, dialect: Dialect = "anthropic-messages", headers: dict[str, str] | None = None, **fields: Any
    ) -> int | None:
        body = json.dumps({"model": "demo-model", "messages": [{"role": "user", "content": "Hi"}], **fields}).encode()
        request = asking(body, "demo-model", dialect, "anthropic-messages", headers=headers)
        counted: int | None = await plugin.count_tokens(self.provider, request, await self.account(), self.client)
        return counted

    async def answer(self, model: str = "demo-model", **fields: Any) -> tuple[int, str, bytes]:
        reply = await self.forward(model, **fields)
        try:
            body = b"".join([part async for part in reply.body])
        finally:
            await reply.aclose()
        return reply.status, reply.headers.get("content-type", ""), body


def asking(
    body: bytes,
    model: str,
    dialect: Dialect,
    client_dialect: Dialect | None = None,
    stream: bool = False,
    headers: dict[str, str] | None = None,
    timeouts: Timeouts | None = None,
) -> ForwardRequest:
    """A request as core makes it; without a ``client_dialect`` the client speaks the upstream's."""

    def conversation() -> Conversation:
        raise AssertionError("bodies are passed on, nobody asks what they mean")

    speaks = client_dialect or dialect
    limits = timeouts or Timeouts()
    return ForwardRequest("r1", dialect, speaks, model, body, stream, headers or {}, limits, conversation)


@asynccontextmanager
async def upstream(
    personality: str = "openai", path: str | None = None, fake: FakeOpenAI | None = None, **fields: Any
) -> AsyncIterator[Upstream]:
    clients = UpstreamClients()
    async with fake or FakeOpenAI() as running:
        base_url = running.url + (BY_NAME[personality].base if path is None else path)
        try:
            yield Upstream(running, clients.through(None), base_url, **fields)
        finally:
            await clients.aclose()


@asynccontextmanager
async def loopback(
    handler: Handler, path: str = "/v1", **fields: Any
) -> AsyncIterator[tuple[Upstream, LoopbackServer]]:
    """The plugin configured for a server that answers as ``handler`` says, for what the fake does not do."""
    clients = UpstreamClients()
    async with LoopbackServer(handler) as server:
        try:
            yield Upstream(FakeOpenAI(), clients.through(None), server.url + path, **fields), server
        finally:
            await clients.aclose()


def events(body: bytes) -> list[Any]:
    datas = [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event]
    assert datas[-1] == b"[DONE]"
    return [json.loads(data) for data in datas[:-1]]


def said(chunks: list[Any], field: str = "content") -> str:
    return "".join(c["delta"].get(field) or "" for chunk in chunks for c in chunk["choices"])

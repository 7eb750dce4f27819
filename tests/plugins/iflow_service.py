"""The iflow plugin configured for its fake, and its hooks as core calls them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from switchgear import (
    Account,
    AuthStore,
    Conversation,
    Failure,
    ForwardRequest,
    Kind,
    Provider,
    Reply,
    Secret,
    Timeouts,
    UpstreamError,
)
from switchgear.authfile import DirectoryStore
from switchgear.testing.person import Person
from switchgear.upstream import UpstreamClient, UpstreamClients
from switchgear_iflow import plugin
from switchgear_iflow.accounts import key_account
from switchgear_iflow.fake import FakeIFlow
from switchgear_iflow.settings import Settings
from tests.stores import store as store_in


class Service:
    """The plugin over a running fake."""

    def __init__(self, fake: FakeIFlow, client: UpstreamClient, store: DirectoryStore, **fields: Any) -> None:
        more = {name.replace("_", "-"): value for name, value in fields.items()}
        self.fake = fake
        self.client = client
        self.store = store
        self.settings = Settings.model_validate({**fake.settings, **more})
        self.provider = Provider("iflow", "iflow", "iflow", self.settings)

    def person(self, who: str, method: str, typed: str | None = None, **script: Any) -> Person:
        async def visit(url: str, code: str | None) -> None:
            await self.fake.visit(url, code, who)

        def answer(question: str) -> str:
            return self.fake.answer(question, who) if typed is None else typed

        return Person(method, visit, answer, **script)

    async def sign_in(
        self, who: str = "ada", method: str = "oauth", typed: str | None = None, **script: Any
    ) -> Account:
        person = self.person(who, method, typed, **script)
        async with person:
            account: Account = await plugin.authenticate(self.provider, person, self.store, self.client)
        return account

    async def refresh(self, account: Account, store: AuthStore | None = None) -> Account:
        fresh: Account = await plugin.refresh_token(self.provider, account, store or self.store, self.client)
        return fresh

    async def models(self, account: Account) -> list[str]:
        return [model.id for model in await plugin.list_models(self.provider, account, self.client)]

    def key(self, who: str = "ada") -> Account:
        """An account with a good key of the person."""
        return key_account(Secret(self.fake.people.new_key(who)))

    async def forward(self, account: Account, model: str = "glm-4.6", *, stream: bool = False, **fields: Any) -> Reply:
        given = {"messages": [{"role": "user", "content": "Hello"}], **fields}
        body = json.dumps({"model": model, "stream": stream, **given}).encode()
        request = asking(body, model, stream)
        reply: Reply = await plugin.forward(self.provider, request, account, self.client)
        return reply

    async def answer(self, account: Account, model: str = "glm-4.6", **fields: Any) -> tuple[int, str, bytes]:
        """Status, content type and whole body."""
        reply = await self.forward(account, model, **fields)
        try:
            body = b"".join([part async for part in reply.body])
        finally:
            await reply.aclose()
        return reply.status, reply.headers.get("content-type", ""), body

    async def said(self, account: Account, model: str = "glm-4.6", **fields: Any) -> dict[str, Any]:
        """A whole answer's object."""
        status, _, body = await self.answer(account, model, **fields)
        assert status == 200, body
        found: dict[str, Any] = json.loads(body)
        return found

    async def streamed(self, account: Account, **fields: Any) -> list[dict[str, Any]]:
        """A streamed answer's chunks."""
        status, kind, body = await self.answer(account, stream=True, **fields)
        assert (status, kind) == (200, "text/event-stream")
        datas = [event.removeprefix(b"data:").strip() for event in body.split(b"\n\n") if event]
        assert datas[-1] == b"[DONE]"
        return [json.loads(data) for data in datas[:-1]]

    async def kind(self, account: Account, model: str = "glm-4.6", **fields: Any) -> Kind:
        """What ``classify_error`` says of the call's failure, wherever it shows."""
        try:
            status, _, body = await self.answer(account, model, **fields)
        except UpstreamError as error:
            return plugin.classify_error(error.failure).kind
        assert status >= 400, body
        return plugin.classify_error(Failure("status", status, {}, body)).kind


def asking(body: bytes, model: str, stream: bool = False) -> ForwardRequest:
    """A request of a chat client, as core makes it."""

    def conversation() -> Conversation:
        raise AssertionError("bodies are passed on, nobody asks what they mean")

    return ForwardRequest("r1", "openai-chat", "openai-chat", model, body, stream, {}, Timeouts(), conversation)


@asynccontextmanager
async def service(folder: Path, **fields: Any) -> AsyncIterator[Service]:
    """The plugin and a fresh fake; ``fields`` are further settings."""
    clients = UpstreamClients()
    async with FakeIFlow() as fake:
        try:
            yield Service(fake, clients.through(None), store_in(folder / "auth", "iflow"), **fields)
        finally:
            await clients.aclose()

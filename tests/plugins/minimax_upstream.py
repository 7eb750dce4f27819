"""The minimax plugin configured for its fake on a real socket, its hooks as core calls them, and a person at the dialog."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from switchgear import Account, Conversation, Dialect, ForwardRequest, LoginCancelled, Provider, Reply, Timeouts
from switchgear.authfile import DirectoryStore
from switchgear.upstream import UpstreamClient, UpstreamClients
from switchgear_minimax import plugin
from switchgear_minimax.fake import FakeMiniMax
from switchgear_minimax.settings import Settings
from tests.stores import store


class Person:
    """Plays one sign-in: confirms what is shown, and answers as the fake's ``answer`` does.

    Attributes:
        said: everything that was said, in order.
        leaves_at: the step (counted from 1) at which they give up; ``None`` for never.
        declines: they decline in the browser.
        stays: false for one who never opens the page.
    """

    def __init__(self, fake: FakeMiniMax, name: str, method: str = "oauth", label: str | None = None) -> None:
        self.method = method
        self.label = label
        self.said: list[str] = []
        self.leaves_at: int | None = None
        self.declines = False
        self.stays = True
        self._fake = fake
        self._name = name

    async def show(self, url: str, code: str | None = None) -> None:
        self._hear(f"{url} {code}")
        if self.declines:
            self._fake.decline(str(code))
        elif self.stays:
            await self._fake.visit(url, code, self._name)

    async def ask(self, question: str, *, secret: bool = False) -> str:
        self._hear(question)
        return self._fake.answer(question, self._name)

    async def choose(self, question: str, choices: Sequence[str]) -> int:
        raise AssertionError("there is nothing to choose")

    async def progress(self, text: str) -> None:
        self._hear(text)

    def _hear(self, text: str) -> None:
        self.said.append(text)
        if self.leaves_at == len(self.said):
            raise LoginCancelled("gone")


class Upstream:
    """The plugin configured for the fake, and the hooks as core calls them."""

    def __init__(self, fake: FakeMiniMax, client: UpstreamClient, folder: Path, **fields: Any) -> None:
        more = {name.replace("_", "-"): value for name, value in fields.items()}
        self.fake = fake
        self.client = client
        self.store: DirectoryStore = store(folder, "minimax")
        self.provider = Provider("minimax", "minimax", "minimax", Settings.model_validate({**fake.settings, **more}))

    async def sign_in(self, name: str = "ada", method: str = "oauth", label: str | None = None) -> Account:
        return await self.play(Person(self.fake, name, method, label))

    async def play(self, person: Person) -> Account:
        account: Account = await plugin.authenticate(self.provider, person, self.store, self.client)
        return account

    async def refresh(self, account: Account) -> Account:
        fresh: Account = await plugin.refresh_token(self.provider, account, self.store, self.client)
        return fresh

    async def accounts(self) -> list[Account]:
        accounts: list[Account] = await plugin.load_accounts(self.provider, self.store)
        return accounts

    async def models(self, account: Account) -> list[str]:
        return [model.id for model in await plugin.list_models(self.provider, account, self.client)]

    async def forward(
        self,
        account: Account,
        dialect: Dialect = "openai-chat",
        model: str = "MiniMax-M2.7",
        *,
        stream: bool = False,
        timeouts: Timeouts | None = None,
        **fields: Any,
    ) -> Reply:
        request = asking(dialect, model, stream=stream, timeouts=timeouts, **fields)
        reply: Reply = await plugin.forward(self.provider, request, account, self.client)
        return reply

    async def answer(self, account: Account, *args: Any, **fields: Any) -> tuple[int, bytes]:
        reply = await self.forward(account, *args, **fields)
        try:
            body = b"".join([part async for part in reply.body])
        finally:
            await reply.aclose()
        return reply.status, body


def asking(
    dialect: Dialect, model: str, *, stream: bool = False, timeouts: Timeouts | None = None, **fields: Any
) -> ForwardRequest:
    """A request as core makes it, from a client of the same dialect."""

    def conversation() -> Conversation:
        raise AssertionError("bodies are passed on, nobody asks what they mean")

    said: dict[str, Any] = {"input": "Hello"} if dialect == "openai-responses" else {"messages": [user("Hello")]}
    body = json.dumps({"model": model, "stream": stream, **said, **fields}).encode()
    return ForwardRequest("r1", dialect, dialect, model, body, stream, {}, timeouts or Timeouts(), conversation)


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


@asynccontextmanager
async def upstream(folder: Path, **fields: Any) -> AsyncIterator[Upstream]:
    clients = UpstreamClients()
    async with FakeMiniMax() as fake:
        try:
            yield Upstream(fake, clients.through(None), folder / "auth", **fields)
        finally:
            await clients.aclose()


def events(body: bytes) -> list[Any]:
    """The data of a stream's events, without ``[DONE]``."""
    lines = [line.removeprefix(b"data: ") for line in body.splitlines() if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def said(chunks: list[Any], field: str = "content") -> str:
    """What the chunks of a chat stream say in one field."""
    return "".join(c["delta"].get(field) or "" for chunk in chunks for c in chunk["choices"])

"""The roo plugin configured for a fake of the whole service, its hooks as core calls them, and a gateway over both."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from switchgear import Account, Conversation, ForwardRequest, Login, Provider, Reply, Secret, Timeouts
from switchgear.authfile import DirectoryStore
from switchgear.testing.person import Person
from switchgear.upstream import UpstreamClient, UpstreamClients
from switchgear_roo import plugin
from switchgear_roo.fake import FakeRoo
from switchgear_roo.fake.answers import PLAIN
from switchgear_roo.settings import Settings
from tests.gateways import Running, gateway
from tests.stores import store

HELLO = [{"role": "user", "content": "Hello"}]


def jwt(**claims: Any) -> str:
    """A token with these claims, signed by nobody."""
    parts: list[dict[str, Any]] = [{"alg": "none"}, claims, {}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)


class Roo:
    """The plugin configured for one fake service."""

    def __init__(self, fake: FakeRoo, client: UpstreamClient, folder: Path, **fields: Any) -> None:
        entry = {**fake.settings, **{name.replace("_", "-"): value for name, value in fields.items()}}
        self.fake = fake
        self.client = client
        self.store: DirectoryStore = store(folder, "roo")
        self.settings = Settings.model_validate(entry)
        self.provider = Provider("roo", "roo", "roo", self.settings)

    async def sign_in(self, method: str = "clerk", who: str = "ada", person: Login | None = None) -> Account:
        async def visit(url: str, code: str | None) -> None:
            await self.fake.visit(url, code, who)

        if person is not None:
            account: Account = await plugin.authenticate(self.provider, person, self.store, self.client)
            return account
        async with Person(method, visit, lambda question: self.fake.answer(question, who)) as played:
            return await self.sign_in(method, who, played)

    async def refresh(self, account: Account) -> Account:
        fresh: Account = await plugin.refresh_token(self.provider, account, self.store, self.client)
        return fresh

    async def forward(
        self,
        account: Account,
        model: str = PLAIN,
        *,
        stream: bool = False,
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> Reply:
        body = json.dumps({"model": model, "messages": HELLO, "stream": stream, **fields}).encode()
        request = asking(body, model, stream=stream, headers=headers)
        reply: Reply = await plugin.forward(self.provider, request, account, self.client)
        return reply

    async def answer(self, account: Account, model: str = PLAIN, **fields: Any) -> tuple[int, bytes]:
        reply = await self.forward(account, model, **fields)
        try:
            return reply.status, b"".join([part async for part in reply.body])
        finally:
            await reply.aclose()

    @property
    def sent(self) -> dict[str, Any]:
        """The body of the last request the proxy took."""
        return self.fake.proxy.bodies[-1]


def asking(
    body: bytes, model: str = PLAIN, *, stream: bool = False, headers: Mapping[str, str] | None = None
) -> ForwardRequest:
    """A request as core makes it for a client of the chat dialect."""

    def conversation() -> Conversation:
        raise AssertionError("bodies are passed on, nobody asks what they mean")

    chat, limits = "openai-chat", Timeouts()
    return ForwardRequest("r1", chat, chat, model, body, stream, headers or {}, limits, conversation)  # type: ignore[arg-type]  # a Literal


@asynccontextmanager
async def roo(folder: Path, fake: FakeRoo | None = None, **fields: Any) -> AsyncIterator[Roo]:
    clients = UpstreamClients()
    async with fake or FakeRoo() as running:
        try:
            yield Roo(running, clients.through(None), folder / "auth", **fields)
        finally:
            await clients.aclose()


class Paster:
    """A person whose browser is on another machine: pastes what ``copy`` makes of the address shown."""

    def __init__(self, method: str, *addresses: str, label: str | None = None) -> None:
        self.method = method
        self.label = label
        self.shown = ""
        self.said: list[str] = []
        self._addresses = iter(addresses)

    async def show(self, url: str, code: str | None = None) -> None:
        self.shown = url

    async def ask(self, question: str, *, secret: bool = False) -> str:
        assert secret
        state = self.shown.partition("state=")[2].partition("&")[0]
        return next(self._addresses).replace("STATE", quote(state))

    async def choose(self, question: str, choices: Any) -> int:
        raise AssertionError("nothing is to be chosen")

    async def progress(self, text: str) -> None:
        self.said.append(text)


@asynccontextmanager
async def served(folder: Path, *who: str, method: str = "clerk") -> AsyncIterator[tuple[Running, FakeRoo]]:
    """A whole gateway over a fake in which ``who`` are signed in; with nobody, a key of Ada's is configured."""
    async with FakeRoo() as fake:
        block: dict[str, Any] = dict(fake.settings)
        if not who:
            block["api-keys"] = [fake.people.static_key("ada")]
        async with gateway(folder, {"roo": [block], "max-retry-interval": 1}) as running:
            entry = running.service.current.entries[0]
            for person in who:
                await _sign_in(running, fake, person, method)
            if who:
                await running.service.load_accounts(running.service.current)
                await running.service.current.catalog.relist(entry)
            yield running, fake


async def _sign_in(running: Running, fake: FakeRoo, who: str, method: str) -> None:
    async def visit(url: str, code: str | None) -> None:
        await fake.visit(url, code, who)

    entry, plugins = running.service.current.entries[0], running.service.current.plugins
    async with Person(method, visit, lambda question: fake.answer(question, who)) as person:
        await plugins.authenticate(entry.provider, person, entry.store, entry.client(Account("new")))


def secrets_of(account: Account) -> dict[str, str]:
    return {name: secret.reveal() for name, secret in account.secrets.items()}


def events(body: bytes) -> list[Any]:
    datas = [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event.startswith(b"data: ")]
    assert datas[-1] == b"[DONE]"
    return [json.loads(data) for data in datas[:-1]]


def deltas(body: bytes) -> list[dict[str, Any]]:
    return [choice["delta"] for event in events(body) for choice in event["choices"]]


def static_account(key: str) -> Account:
    return Account("k", secrets={"token": Secret(key)}, details={"flow": "static"})

"""A client of the fake agent that sends what it is told, byte for byte, and nothing of its own."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from switchgear import Duplex
from switchgear.upstream import UpstreamClient
from switchgear_cursor.calls import identification
from switchgear_cursor.chat import ALLOWED_TOOLS
from switchgear_cursor.fake.agent import RUN, STREAMED, FakeAgent
from switchgear_cursor.fake.fields import Fields, Value, message, to_value
from switchgear_cursor.fake.people import People
from switchgear_cursor.fake.stream import envelope
from switchgear_cursor.framing import Envelopes
from switchgear_cursor.settings import CursorSettings

SYSTEM = json.dumps({"role": "system", "content": "s"}).encode()
CONVERSATION = "3f2b8c1e-5d4a-4c6b-8e7f-1a2b3c4d5e6f"


class Caller:
    """A client that sends what it is told, and nothing of its own."""

    def __init__(self, call: Duplex) -> None:
        self.call = call
        self._envelopes = Envelopes()
        self._said: list[tuple[bool, bytes]] = []

    async def send(self, *messages: Mapping[int, Value]) -> None:
        for fields in messages:
            await self.call.send(envelope(message(fields)))

    async def heard(self) -> tuple[bool, bytes]:
        """The next message, and whether it is the end frame."""
        while not self._said:
            data = await anext(self.call)
            self._said += [(each.is_end, each.payload) for each in self._envelopes.feed(data)]
        return self._said.pop(0)

    async def next(self, kind: int) -> Fields:
        """The next server message of this kind."""
        while True:
            is_end, payload = await self.heard()
            assert not is_end, payload
            if Fields(payload).has(kind):
                return Fields(payload).message(kind)

    async def error(self) -> dict[str, Any]:
        """The error of the end frame."""
        while True:
            is_end, payload = await self.heard()
            if is_end:
                found: dict[str, Any] = json.loads(payload).get("error", {})
                return found


def root(blob: bytes = SYSTEM) -> bytes:
    return hashlib.sha256(blob).digest()


def tool(name: str = "weather", schema: Any = None, **more: Value) -> bytes:
    given = {"type": "object"} if schema is None else schema
    return message({1: name, 3: to_value(given), 4: "gw", 5: name, **{int(k[1:]): v for k, v in more.items()}})


def state(**fields: Value) -> bytes:
    return message({1: [root()], 10: 1, **{int(name[1:]): value for name, value in fields.items()}})


def action(text: str = "hi", tools: tuple[bytes, ...] = ()) -> bytes:
    user = message({1: text, 2: str(uuid.uuid4()), 4: 1})
    return message({1: message({1: user, 2: message({4: message({10: "UTC"}), 7: [*tools]})})})


MODEL: dict[int, Value] = {1: "gpt-5.5", 3: "gpt-5.5", 4: "gpt-5.5"}


def first(**fields: Value) -> dict[int, Value]:
    """A run request in the client's envelope, with these fields of it (``f8``) replaced or added."""
    given: dict[int, Value] = {
        1: state(),
        2: action(),
        3: message(MODEL),
        5: CONVERSATION,
        9: message({1: "gpt-5.5"}),
        **{int(name[1:]): value for name, value in fields.items()},
    }
    return {1: message(given)}


class Stage:
    """The agent, and a way to call it."""

    def __init__(self, agent: FakeAgent, people: People, client: UpstreamClient) -> None:
        self.agent = agent
        self.people = people
        self.client = client
        self.identity = identification(CursorSettings(), people.access(people.user("ada")))
        self.headers = {
            **self.identity,
            "content-type": STREAMED,
            "connect-protocol-version": "1",
            "x-request-id": str(uuid.uuid4()),
            "x-cursor-agent-allowed-tools": ALLOWED_TOOLS,
        }

    @asynccontextmanager
    async def called(self, **headers: str) -> AsyncIterator[Caller]:
        named = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        sent = {name: value for name, value in named.items() if value}
        call = await self.client.duplex(httpx2.Request("POST", self.agent.server.url + RUN, headers=sent))
        try:
            yield Caller(call)
        finally:
            await call.aclose()

    async def breach(self) -> str:
        """The breach that there was."""
        await self.agent.server.wait_for(lambda: bool(self.agent.breaches))
        return str(self.agent.breaches.pop())

"""All of the fake in one place: the unary services on one server, the agent on another, and the people who use them."""

from __future__ import annotations

import ssl as tls
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from switchgear.testing import Exchange, LoopbackServer
from switchgear_cursor.fake.agent import RAW, FakeAgent
from switchgear_cursor.fake.agent_http1 import Http1Runs
from switchgear_cursor.fake.agent_scenarios import SCENARIOS
from switchgear_cursor.fake.lists import COMPOSER
from switchgear_cursor.fake.machine import OWNERS
from switchgear_cursor.fake.services import FakeServices


class FakeCursor:
    """A fake of Cursor for as long as its ``async with`` block lasts; see the kit's ``FakeProvider``.

    Args:
        ssl: a server's context, for TLS on the agent's host; without one it speaks HTTP/2 by prior knowledge.

    Attributes:
        model: answers plainly.
        settings: an entry that leads here; it holds no key.
        services: everything but runs.
        agent: runs.
        http1: runs over HTTP/1.1.
        unary: the server of all that is not a run over HTTP/2.
    """

    def __init__(self, ssl: tls.SSLContext | None = None) -> None:
        self.model = COMPOSER
        self.settings: dict[str, Any] = {}
        self.unary = LoopbackServer(self._handle)
        self.services = FakeServices(self.unary.notify)
        self.agent = FakeAgent(self.services.people, ssl)
        self.http1 = Http1Runs(self.agent)
        self._held = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._held.enter_async_context(self.unary)
        await self._held.enter_async_context(self.agent)
        self.services.lists.agent_url = self.agent.server.url
        self.settings = self.services.settings(self.unary.url)
        self.settings["endpoints"]["agent-fallback"] = self.agent.server.url
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._held.__aexit__(kind, error, trace)

    async def _handle(self, exchange: Exchange) -> None:
        if not await self.services.answer(exchange) and not await self.http1.answer(exchange):
            await exchange.respond(404, "Not found", content_type="text/plain")

    # -- what the kit asks for -------------------------------------------------------------------------------

    @property
    def server(self) -> Runs:
        """See the kit."""
        return Runs(self.agent)

    @property
    def refreshes(self) -> int:
        """See the kit."""
        return self.services.login.refreshes

    def secrets(self) -> set[str]:
        """See the kit."""
        return set(self.services.people.given)

    def fail(self, fault: str) -> bool:
        """See the kit. The service filters no content that it would tell."""
        if fault == "token_expired":
            self.expire()
        elif fault == "refresh_omits_token":
            self.services.login.omits_refresh_token = True
        elif fault in SCENARIOS or fault in RAW:
            self.agent.play(fault)
        else:
            return False
        return True

    async def visit(self, url: str, code: str | None, person: str) -> None:
        """See the kit."""
        await self.services.login.visit(url, person)

    async def refuse(self, url: str, code: str | None, person: str) -> None:
        """See the kit."""
        await self.services.login.visit(url, person, confirms=False)

    def imports(self) -> tuple[str, Mapping[str, Any]]:
        """Ada's session, as another gateway keeps it (CLIProxyAPIPlus, read 2026-11)."""
        user = self.services.people.user("ada")
        token = self.services.people.session(user)
        return "cliproxyapi", {"type": "cursor", "access_token": token, "refresh_token": token, "sub": user.subject}

    def call_tool(self) -> None:
        """See the kit."""
        self.agent.play("calls_a_tool")

    def answer(self, question: str, person: str) -> str:
        """See the kit. Of the sign-ins that are found on the machine they choose their own."""
        if question.startswith("Whose sign-in"):
            return str(OWNERS.index(person) + 1)
        return self.services.typed(question, person)

    def expire(self) -> None:
        """See the kit."""
        self.services.people.expire()

    def revoke(self) -> None:
        """See the kit."""
        self.services.people.revoke()


class Runs:
    """The agent's server, as the kit looks at it: a call is a stream, for many share a connection."""

    def __init__(self, agent: FakeAgent) -> None:
        self._server = agent.server

    @property
    def requests(self) -> Collection[object]:
        """The last runs that were asked for."""
        return self._server.exchanges

    @property
    def open_connections(self) -> int:
        """How many streams are open."""
        return self._server.open_streams

    async def wait_for(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Wait until ``condition()`` holds."""
        await self._server.wait_for(condition, timeout_s)

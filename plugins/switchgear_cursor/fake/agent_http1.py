"""Runs over HTTP/1.1: the answer is the body of one call, and each message of the client's is a call of its own."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, field

from switchgear.testing import ClientGoneError, Exchange
from switchgear_cursor.fake.agent import RUN, STREAMED, FakeAgent
from switchgear_cursor.fake.agent_errors import Breach
from switchgear_cursor.fake.fields import Fields, WireError
from switchgear_cursor.fake.stream import ClientStream, StreamError

RUN_SSE = "/agent.v1.AgentService/RunSSE"
APPEND = "/aiserver.v1.BidiService/BidiAppend"
UNARY = "application/proto"
HTTP1_ONLY_FOR_OTHERS = 464
"""What the load balancer says to HTTP/1.1 where HTTP/2 is wanted; it has no body."""


@dataclass(slots=True)
class _Open:
    """A run that is open; ``due`` is the number of the message to come."""

    messages: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    due: int = 0


class Http1Runs:
    """The calls of it, for the handler of a server; runs are the agent's.

    Attributes:
        appended: how many messages came.
        append_refusals: statuses that the next messages are refused with.
    """

    def __init__(self, agent: FakeAgent) -> None:
        self._agent = agent
        self._open: dict[str, _Open] = {}
        self.appended = 0
        self.append_refusals: list[int] = []

    async def answer(self, exchange: Exchange) -> bool:
        """Answer one request, if it is for here; whether it was."""
        if exchange.path == RUN:
            await exchange.respond(HTTP1_ONLY_FOR_OTHERS)
        elif exchange.path == RUN_SSE:
            await self._begin(exchange)
        elif exchange.path == APPEND:
            await self._append(exchange)
        else:
            return False
        return True

    async def _begin(self, exchange: Exchange) -> None:
        if exchange.headers.get("content-type") != STREAMED:
            await exchange.respond(415)
            return
        try:
            (first,) = ClientStream().feed(exchange.body)
            request_id = Fields(first).text(1)
        except (ValueError, StreamError, WireError):
            request_id = ""
        if not request_id or request_id != exchange.headers.get("x-request-id"):
            self._breach("RunSSE is not opened with the request id of its header")
            await exchange.respond(400)
            return
        open_ = self._open[request_id] = _Open()
        try:
            await exchange.start(200, {"content-type": STREAMED})
            await self._agent.serve(_Http1Channel(exchange, open_), exchange.headers)
        finally:
            del self._open[request_id]

    async def _append(self, exchange: Exchange) -> None:
        body = Fields(exchange.body)
        request_id, data = body.message(2).text(1), body.text(1)
        open_ = self._open.get(request_id)
        self.appended += 1
        if exchange.headers.get("content-type") != UNARY:
            await exchange.respond(415)
        elif self.append_refusals:
            await exchange.respond(self.append_refusals.pop(0))
        elif open_ is None:
            await exchange.respond(404, '{"code": "not_found", "message": "no such run"}')
        elif request_id != exchange.headers.get("x-request-id") or body.numbers - {1, 2, 3}:
            self._breach("BidiAppend is for another run than its header says")
            await exchange.respond(400)
        elif body.number(3) != open_.due or not re.fullmatch(r"(?:[0-9a-f]{2})*", data):
            self._breach(f"BidiAppend has the number {body.number(3)}, not {open_.due}, or is no lower-case hex")
            await exchange.respond(400)
        else:
            open_.due += 1
            open_.messages.put_nowait(bytes.fromhex(data))
            await exchange.respond(200, b"", content_type=UNARY)

    def _breach(self, words: str) -> None:
        self._agent.breaches.append(Breach(words))


class _Http1Channel:
    """One run; see :class:`~switchgear_cursor.fake.agent_run.Channel`. There is no word for half-closing."""

    def __init__(self, exchange: Exchange, open_: _Open) -> None:
        self._exchange = exchange
        self._open = open_
        self.send, self.end, self.reset = exchange.send, exchange.end, exchange.cut

    async def receive(self) -> bytes | None:
        getting = asyncio.ensure_future(self._open.messages.get())
        leaving = asyncio.ensure_future(self._exchange.closed.wait())
        try:
            await asyncio.wait((getting, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                raise ClientGoneError("the client went away")
            return getting.result()
        finally:
            for task in (getting, leaving):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

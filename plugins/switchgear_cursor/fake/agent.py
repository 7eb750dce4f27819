"""The agent service: runs over HTTP/2, each a stream that is open in both directions."""

from __future__ import annotations

import asyncio
import re
import ssl as tls
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from switchgear.testing import ClientGoneError, Http2Exchange, Http2Server
from switchgear_cursor.fake.agent_answers import Scenario, plain
from switchgear_cursor.fake.agent_errors import Breach, Json, Refused, bare
from switchgear_cursor.fake.agent_request import check_head, read_request
from switchgear_cursor.fake.agent_run import Channel, Run
from switchgear_cursor.fake.agent_scenarios import SCENARIOS
from switchgear_cursor.fake.fields import WireError
from switchgear_cursor.fake.people import People
from switchgear_cursor.fake.stream import ClientStream, ServerStream, StreamError

RUN = "/agent.v1.AgentService/Run"
STREAMED = "application/connect+proto"
SILENCE_S = 5.5
"""A client that sends nothing for so long is dropped: it is to send a heartbeat every 5 s."""
RUNS_KEPT = 1000
MARK = re.compile(r"\[play (\w+)\]")
"""In what the person says: the scenario to play."""


async def _html(exchange: Http2Exchange) -> None:
    await exchange.respond(200, "<!doctype html><title>A page</title>", {"content-type": "text/html"})


async def _empty(exchange: Http2Exchange) -> None:
    await exchange.respond(200, b"", {"content-type": STREAMED})


async def _cut_before(exchange: Http2Exchange) -> None:
    exchange.reset()


async def _never_starts(exchange: Http2Exchange) -> None:
    await exchange.closed.wait()


RAW: Mapping[str, Callable[[Http2Exchange], Awaitable[None]]] = {
    "html": _html,
    "empty": _empty,
    "cut_before": _cut_before,
    "never_starts": _never_starts,
}
"""Faults that come before any message is read."""


class FakeAgent:
    """The service, in an ``async with`` block.

    What is to come is taken from ``coming``; then from a mark in the person's words (``[play native]``); else it is
    ``otherwise``.

    Args:
        people: who may ask.
        ssl: a server's context, for TLS; without one it is cleartext HTTP/2 by prior knowledge.

    Attributes:
        server: where runs over HTTP/2 arrive.
        coming: what becomes of the next runs, by name or as a scenario.
        otherwise: what else becomes of a run: a sensible answer.
        runs: the last runs that were accepted, oldest first.
        breaches: what the client did that no client does; raised at the end of the block.
        silence_s: how long a client may be silent.
        is_plain: answers are sent as they are, neither cut nor packed; for measurements.
    """

    def __init__(self, people: People, ssl: tls.SSLContext | None = None) -> None:
        self.server = Http2Server(self._over_http2, ssl=ssl)
        self.coming: deque[str | Scenario] = deque()
        self.otherwise: Scenario = plain
        self.runs: deque[Run] = deque(maxlen=RUNS_KEPT)
        self.breaches: list[Exception] = []
        self.silence_s = SILENCE_S
        self.is_plain = False
        self._people = people
        self._request_ids: set[str] = set()
        self._conversations: set[str] = set()

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.__aexit__(kind, error, trace)
        if self.breaches and error is None:
            raise self.breaches[0]

    def play(self, *scenarios: str | Scenario) -> None:
        """Let the next runs become these."""
        unknown = [name for name in scenarios if isinstance(name, str) and name not in {*SCENARIOS, *RAW}]
        if unknown:
            raise ValueError(f"no such scenario: {', '.join(map(str, unknown))}")
        self.coming += scenarios

    # -- one run -----------------------------------------------------------------------------------------------

    async def _over_http2(self, exchange: Http2Exchange) -> None:
        if (exchange.method, exchange.path) != ("POST", RUN):
            await exchange.respond(404)
        elif exchange.headers.get("content-type") != STREAMED:
            await exchange.respond(415)
        elif self.coming and isinstance(self.coming[0], str) and self.coming[0] in RAW:
            await RAW[str(self.coming.popleft())](exchange)
        else:
            await exchange.start(200, {"content-type": STREAMED, "connect-content-encoding": "gzip"})
            await self.serve(_Http2Channel(exchange), exchange.headers)

    async def serve(self, channel: Channel, headers: Mapping[str, str]) -> None:
        """Serve one run, whose headers were answered already."""
        packs = "gzip" in headers.get("connect-accept-encoding", "")
        out = ServerStream(len(self._request_ids), packs=packs, is_plain=self.is_plain)
        try:
            await self._run(channel, headers, out)
        except Refused as refusal:
            await _end(channel, out, refusal.error)
        except (Breach, WireError, StreamError) as breach:
            self.breaches.append(breach)
            await _end(channel, out, bare("invalid_argument", f"parse binary: {breach}"))

    async def _run(self, channel: Channel, headers: Mapping[str, str], out: ServerStream) -> None:
        user = check_head(headers, self._people)
        request_id = headers["x-request-id"]
        if request_id in self._request_ids:
            raise Breach("a request id came twice")
        self._request_ids.add(request_id)
        first = await channel.receive()
        if first is None:
            raise Breach("the client half-closed without a word")
        asked = read_request(first)
        if asked.conversation_id in self._conversations:
            raise Breach("two runs at a time under one conversation id")
        self._conversations.add(asked.conversation_id)
        run = Run(asked, self._people.name_of(user), headers, channel, out)
        self.runs.append(run)
        self.server.notify()
        try:
            await self._play(run)
        finally:
            self._conversations.discard(asked.conversation_id)
            self.server.notify()

    async def _play(self, run: Run) -> None:
        """Play the scenario while what the client sends is taken in; whichever fails ends both."""
        listening = asyncio.ensure_future(run.listen(self.silence_s))
        playing = asyncio.ensure_future(self._scenario(run)(run))
        try:
            await asyncio.wait((listening, playing), return_when=asyncio.FIRST_COMPLETED)
            if not playing.done() and listening.exception() is None and not run.was_dropped:
                await playing
        finally:
            for task in (listening, playing):
                task.cancel()
            ended = await asyncio.gather(listening, playing, return_exceptions=True)
        problems = [one for one in ended if isinstance(one, Exception)]
        run.was_left = any(isinstance(one, ClientGoneError) for one in problems)
        if problems:
            raise next((one for one in problems if not isinstance(one, ClientGoneError)), problems[0])

    def _scenario(self, run: Run) -> Scenario:
        if self.coming:
            given = self.coming.popleft()
        else:
            mark = MARK.search(run.asked.said)
            given = mark[1] if mark is not None else self.otherwise
        return SCENARIOS[given] if isinstance(given, str) else given


class _Http2Channel:
    """One stream; see :class:`~switchgear_cursor.fake.agent_run.Channel`."""

    def __init__(self, exchange: Http2Exchange) -> None:
        self._exchange = exchange
        self._stream = ClientStream()
        self._messages: deque[bytes] = deque()
        self.send, self.end, self.reset = exchange.send, exchange.end, exchange.reset

    async def receive(self) -> bytes | None:
        while not self._messages:
            data = await self._exchange.read()
            if not data:
                if self._stream.is_cut:
                    raise StreamError("premature EOF")
                return None
            self._messages += self._stream.feed(data)
        return self._messages.popleft()


async def _end(channel: Channel, out: ServerStream, error: Json) -> None:
    for piece in out.end({"error": error}):
        await channel.send(piece)
    await channel.end()

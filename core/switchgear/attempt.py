"""One upstream call: from the plugin's ``forward`` to the client's last byte.

Everything is held back until the answer has *started* (the first output, not the first header): up to there a failure
can be answered by another candidate. From there on nothing is retried.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from switchgear.dialects import Codec, Renderer
from switchgear.dialects.codec import NO_USAGE
from switchgear.dialects.request_body import RequestBody
from switchgear.errors import PluginError, UpstreamError
from switchgear.plugins import Plugins
from switchgear.routing import Candidate
from switchgear.types import Account, Cause, Event, Failure, ForwardRequest, Reply, Timeouts, Usage

MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
READ_OUT_S = 0.25
"""How long the end of the HTTP message may take after the last event: read, the connection can be used again."""
MAX_HELD_BYTES = 1024 * 1024
"""How much of a stream is held back while it has not started; beyond it the stream counts as started."""
EVENTS_PER_TURN = 64
"""A generator that never waits gives the loop a turn after so many events."""

JSON = b"application/json"
EVENT_STREAM = b"text/event-stream; charset=utf-8"


@dataclass(slots=True)
class Ask:
    """One client request on its way through. Times are ``perf_counter`` seconds.

    ``waited_s`` is the time spent waiting for upstreams so far: what is left of the request's time is our overhead.
    """

    id: str
    codec: Codec
    body: RequestBody
    headers: dict[str, str]
    received: float
    created: int
    waited_s: float = 0.0
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Served:
    """Who served the request, for the response headers."""

    provider: str
    account: str
    attempts: int
    overhead_ms: float


class ClientSide(Protocol):
    """What may be done to the client. Each method waits while the client reads slowly."""

    committed: bool

    async def whole(
        self, status: int, content_type: bytes, body: bytes, served: Served, retry_after_s: int | None = None
    ) -> None:
        """Send a whole answer: the commit and the end."""

    async def start(self, content_type: bytes, served: Served) -> None:
        """Send status 200 and the headers of a stream: the commit."""

    async def send(self, data: bytes) -> None:
        """Send a part of the body."""

    async def end(self) -> None:
        """The body is complete."""


@dataclass(slots=True)
class Attempt:
    """One call to one candidate, and what is known of it when it ended."""

    ask: Ask
    candidate: Candidate
    number: int
    plugins: Plugins
    started: float = field(default_factory=time.perf_counter)
    status: int | None = None
    ttft_ms: float | None = None
    usage: Usage = NO_USAGE
    account: Account | None = None
    _timeouts: Timeouts = field(default_factory=Timeouts)

    async def run(self, client: ClientSide) -> None:
        """Call the upstream and deliver its answer.

        Raises:
            UpstreamError: the call failed; ``client.committed`` tells whether that was before the first byte.
            PluginError: the plugin did.
        """
        entry = self.candidate.entry
        self._timeouts = entry.timeouts
        try:
            async with asyncio.timeout(self._timeouts.first_byte_s) as limit:
                self.account = await entry.fresh(self.candidate.account)
                await self._forward(self.account, client, limit)
        except TimeoutError:
            what = "the answer took" if client.committed else "nothing came for"
            limit_s = self._timeouts.total_s if client.committed else self._timeouts.first_byte_s
            raise UpstreamError(Failure("timeout", message=f"{what} more than {limit_s:g} s")) from None

    async def _forward(self, account: Account, client: ClientSide, limit: asyncio.Timeout) -> None:
        ask, entry, model = self.ask, self.candidate.entry, self.candidate.model
        body = ask.body.with_model(model)
        request = ForwardRequest(ask.id, ask.codec.name, model, body, ask.body.stream, ask.headers, self._timeouts)
        waiting = time.perf_counter()
        try:
            answer = await self.plugins.forward(entry.provider, request, account, entry.client(account))
        finally:
            ask.waited_s += time.perf_counter() - waiting
        if not isinstance(answer, Reply):
            await self._deliver_events(answer, body, client, limit)
            return
        try:
            await self._deliver_reply(answer, client, limit)
        finally:
            await answer.aclose()

    # -- raw bytes -----------------------------------------------------------------------------------------

    async def _deliver_reply(self, reply: Reply, client: ClientSide, limit: asyncio.Timeout) -> None:
        ask, codec = self.ask, self.ask.codec
        self.status = reply.status
        if codec.name not in self.candidate.entry.info.dialects:
            provider = self.candidate.entry.provider
            raise PluginError(provider.key, "forward", f"gave a Reply, but its dialects do not name {codec.name}")
        if reply.status >= 400:
            raise UpstreamError(self._failure("status", reply, await self._read(reply, MAX_ERROR_BYTES, cut=True)))
        if reply.status >= 300:
            message = f"HTTP {reply.status}: a redirect is not followed, it could carry the key elsewhere"
            raise UpstreamError(self._failure("protocol", reply, b"", message))
        content_type = reply.headers.get("content-type", "").lower()
        if ask.body.stream and codec.streams and not content_type.startswith(("application/json", "text/html")):
            await self._deliver_stream(reply, client, limit)
            return
        body = await self._read(reply, MAX_ANSWER_BYTES)
        whole = codec.read_whole(body)
        if whole.error is not None:
            raise UpstreamError(self._failure("in_band", reply, whole.error[:MAX_ERROR_BYTES]))
        problem = whole.problem or (
            "a stream was asked for, and a whole answer came" if ask.body.stream and codec.streams else ""
        )
        if problem:
            raise UpstreamError(self._failure("protocol", reply, body[:MAX_ERROR_BYTES], problem))
        self.usage = whole.usage
        await client.whole(200, JSON, body, self._served(limit))

    async def _read(self, reply: Reply, max_bytes: int, *, cut: bool = False) -> bytes:
        parts: list[bytes] = []
        size = 0
        waiting = time.perf_counter()
        async for part in reply.body:
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                if cut:
                    break
                raise UpstreamError(Failure("protocol", reply.status, message=f"the answer exceeds {max_bytes} bytes"))
        self.ask.waited_s += time.perf_counter() - waiting
        return b"".join(parts)[:max_bytes]

    async def _deliver_stream(self, reply: Reply, client: ClientSide, limit: asyncio.Timeout) -> None:
        watch = self.ask.codec.watch()
        held: list[bytes] = []
        held_bytes = 0
        waiting = time.perf_counter()
        try:
            async for chunk in reply.body:
                ready = watch.feed(chunk)
                if client.committed:
                    if ready:
                        await client.send(ready)
                else:
                    held.append(ready)
                    held_bytes += len(ready)
                    if watch.started or (held_bytes > MAX_HELD_BYTES and watch.error is None):
                        self.ask.waited_s += time.perf_counter() - waiting
                        await client.start(EVENT_STREAM, self._served(limit))
                        await client.send(b"".join(held))
                if watch.done or watch.error is not None:
                    break
            last, problem = watch.end()
        except ValueError as error:
            raise UpstreamError(self._failure("protocol", reply, b"", str(error))) from None
        finally:
            self.usage = watch.usage
        if client.committed and last:
            await client.send(last)
        if watch.error is not None:
            raise UpstreamError(self._failure("in_band", reply, watch.error[:MAX_ERROR_BYTES]))
        if problem:
            raise UpstreamError(self._failure("protocol", reply, b"", problem))
        if not client.committed:  # the whole stream came as its unterminated rest
            await client.start(EVENT_STREAM, self._served(limit))
            await client.send(b"".join((*held, last)))
        await client.end()
        await _read_out(reply)

    # -- events --------------------------------------------------------------------------------------------

    async def _deliver_events(
        self, events: AsyncIterator[Event], body: bytes, client: ClientSide, limit: asyncio.Timeout
    ) -> None:
        ask = self.ask
        renderer = ask.codec.renderer(ask.id, ask.body.model, ask.created, body)
        size = count = 0
        waiting = time.perf_counter()
        try:
            async with asyncio.timeout(None) as idle:
                async for event in events:
                    data = renderer.event(event)
                    count += 1
                    size += len(data)
                    if not ask.body.stream and size > MAX_ANSWER_BYTES:
                        raise UpstreamError(Failure("protocol", message=f"the answer exceeds {MAX_ANSWER_BYTES} bytes"))
                    if data and ask.body.stream:
                        if not client.committed:
                            ask.waited_s += time.perf_counter() - waiting
                            await client.start(EVENT_STREAM, self._served(limit))
                            data = renderer.start() + data
                        await client.send(data)
                    if count % EVENTS_PER_TURN == 0:
                        await asyncio.sleep(0)
                    if client.committed:
                        idle.reschedule(asyncio.get_running_loop().time() + self._timeouts.idle_s)
        except TimeoutError:
            if limit.expired():
                raise
            message = f"nothing came for more than {self._timeouts.idle_s:g} s"
            raise UpstreamError(Failure("timeout", message=message)) from None
        finally:
            self.usage = renderer.usage
        await self._finish_events(renderer, count, client, limit)

    async def _finish_events(self, renderer: Renderer, count: int, client: ClientSide, limit: asyncio.Timeout) -> None:
        if count == 0:
            raise UpstreamError(Failure("protocol", message="the plugin yielded no event"))
        self.status = 200
        if not self.ask.body.stream:
            await client.whole(200, JSON, renderer.whole(), self._served(limit))
            return
        opening = b""
        if not client.committed:
            opening = renderer.start()
            await client.start(EVENT_STREAM, self._served(limit))
        await client.send(opening + renderer.end())
        await client.end()

    # -- both ----------------------------------------------------------------------------------------------

    def _served(self, limit: asyncio.Timeout) -> Served:
        """Who served, at the moment of the commit; from here on the call's total limit counts."""
        now = time.perf_counter()
        self.status = self.status or 200
        self.ttft_ms = (now - self.started) * 1000
        left_s = max(self._timeouts.total_s - (now - self.started), 0.0)
        limit.reschedule(asyncio.get_running_loop().time() + left_s)
        overhead_ms = max((now - self.ask.received - self.ask.waited_s) * 1000, 0.0)
        return Served(self.candidate.entry.name, self.candidate.label, self.number, overhead_ms)

    def _failure(self, cause: Cause, reply: Reply, body: bytes, message: str = "") -> Failure:
        return Failure(cause, reply.status, reply.headers, body, message, self.candidate.model)


async def _read_out(reply: Reply) -> None:
    with suppress(TimeoutError, UpstreamError):
        async with asyncio.timeout(READ_OUT_S):
            async for _ in reply.body:
                pass

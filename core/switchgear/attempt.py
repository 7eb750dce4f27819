"""One upstream call: from the plugin's ``forward`` to the client's last byte.

Everything is held back until the answer has *started* (the first output, not the first header): up to there a failure
can be answered by another candidate. From there on nothing is retried.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from switchgear.ask import Ask, ClientSide, Prepared, Served
from switchgear.conversion import Batches, events_of_stream, events_of_whole, one_by_one
from switchgear.deadlines import Deadline, Deadlines
from switchgear.dialects import CODECS, Codec, Renderer
from switchgear.dialects.codec import NO_USAGE
from switchgear.errors import PluginError, UpstreamError
from switchgear.events import Event, Usage
from switchgear.plugins import Plugins
from switchgear.routing import Candidate
from switchgear.types import Account, Cause, Failure, Reply

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
NO_STREAM = ("application/json", "text/html")


class Attempt:
    """One call to one candidate, and what is known of it when it ended.

    Args:
        ask: what the client wants.
        candidate: who is asked.
        number: which of the request's attempts it is, from 1 on.
        committed: called at the first byte.

    Attributes:
        started: ``perf_counter`` seconds.
        account: with the credential it was asked with; ``None`` before.
    """

    __slots__ = (
        "_committed", "_deadlines", "_ignored", "_plugins", "_prepared", "account", "ask", "candidate", "number",
        "started", "status", "ttft_ms", "usage",
    )  # fmt: skip

    def __init__(
        self,
        ask: Ask,
        candidate: Candidate,
        number: int,
        plugins: Plugins,
        deadlines: Deadlines,
        committed: Callable[[], None],
    ) -> None:
        self.ask = ask
        self.candidate = candidate
        self.number = number
        self.started = time.perf_counter()
        self.status: int | None = None
        self.ttft_ms: float | None = None
        self.usage: Usage = NO_USAGE
        self.account: Account | None = None
        self._plugins = plugins
        self._deadlines = deadlines
        self._committed = committed
        self._prepared: Prepared | None = None
        self._ignored: set[str] | None = None

    async def run(self, client: ClientSide) -> None:
        """Call the upstream and deliver its answer.

        Raises:
            UpstreamError: the call failed; ``client.committed`` tells whether that was before the first byte.
            PluginError: the plugin did.
            Refusal: the client's request cannot be said in the upstream's dialect; nothing was sent.
        """
        entry = self.candidate.entry
        timeouts = entry.timeouts
        prepared = self._prepared = self.ask.prepare(self.candidate)
        try:
            with self._deadlines.within(timeouts.first_byte_s) as limit:
                self.account = await entry.fresh(self.candidate.account)
                await self._forward(prepared, self.account, client, limit)
        except TimeoutError:
            what = "the answer took" if client.committed else "nothing came for"
            limit_s = timeouts.total_s if client.committed else timeouts.first_byte_s
            raise UpstreamError(Failure("timeout", message=f"{what} more than {limit_s:g} s")) from None

    async def _forward(self, prepared: Prepared, account: Account, client: ClientSide, limit: Deadline) -> None:
        ask, entry, request = self.ask, self.candidate.entry, prepared.request
        waiting = time.perf_counter()
        try:
            answer = await self._plugins.forward(entry.provider, request, account, entry.client(account))
        finally:
            ask.waited_s += time.perf_counter() - waiting
        if not isinstance(answer, Reply):
            await self._deliver_own_events(answer, client, limit)
            return
        try:
            self.status = answer.status
            await self._check_head(answer)
            if request.dialect == ask.codec.name:
                await self._pass_on(answer, client, limit)
            else:
                await self._convert(answer, CODECS[request.dialect], client, limit)
        finally:
            await answer.aclose()

    async def _check_head(self, reply: Reply) -> None:
        if not self.candidate.entry.dialects:
            provider = self.candidate.entry.provider
            raise PluginError(
                provider.key, "forward", f"gave a Reply, but its dialects do not name {self.ask.codec.name}"
            )
        if reply.status >= 400:
            raise UpstreamError(self._failure("status", reply, await self._read(reply, MAX_ERROR_BYTES, cut=True)))
        if reply.status >= 300:
            message = f"HTTP {reply.status}: a redirect is not followed, it could carry the key elsewhere"
            raise UpstreamError(self._failure("protocol", reply, b"", message))

    def _is_stream(self, reply: Reply, codec: Codec) -> bool:
        content_type = reply.headers.get("content-type", "").lower()
        return self.ask.body.stream and codec.streams and not content_type.startswith(NO_STREAM)

    # -- raw bytes, in the client's own dialect ------------------------------------------------------------

    async def _pass_on(self, reply: Reply, client: ClientSide, limit: Deadline) -> None:
        ask = self.ask
        if self._is_stream(reply, ask.codec):
            await self._pass_stream_on(reply, client, limit)
            return
        body = await self._read_whole(reply, ask.codec)
        if ask.body.stream and ask.codec.streams:
            await self._deliver(self._as_stream(body, reply, ask.codec), client, limit)
            return
        if ask.keep is not None:
            ask.keep(body, True)
        await client.whole(200, JSON, self._named(body), self._served(limit))

    def _named(self, beginning: bytes) -> bytes:
        name = self.ask.body.model
        return beginning if name == self.candidate.model else self.ask.codec.named(beginning, name)

    async def _read_whole(self, reply: Reply, codec: Codec) -> bytes:
        """The whole answer, in which there is no error."""
        body = await self._read(reply, MAX_ANSWER_BYTES)
        whole = codec.read_whole(body)
        if whole.error is not None:
            raise UpstreamError(self._failure("in_band", reply, whole.error))
        problem = whole.problem
        if not problem and self.ask.body.stream and codec.streams and not codec.converts:
            problem = "a stream was asked for, and a whole answer came"
        if problem:
            raise UpstreamError(self._failure("protocol", reply, body, problem))
        self.usage = whole.usage
        return body

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

    async def _pass_stream_on(self, reply: Reply, client: ClientSide, limit: Deadline) -> None:
        keep = self.ask.keep
        watch = self.ask.codec.watch()
        held: list[bytes] = []
        held_bytes = 0
        waiting = time.perf_counter()
        client.error_event = watch.error_event
        try:
            async for chunk in reply.body:
                ready = watch.feed(chunk)
                if keep is not None and watch.final is not None:
                    keep(watch.final, True)
                    keep = None
                if client.committed:
                    if ready:
                        await client.send(ready)
                else:
                    held.append(ready)
                    held_bytes += len(ready)
                    if watch.started or (held_bytes > MAX_HELD_BYTES and watch.error is None):
                        self.ask.waited_s += time.perf_counter() - waiting
                        await client.start(EVENT_STREAM, self._served(limit))
                        await client.send(self._named(b"".join(held)))
                if watch.done or watch.error is not None or watch.broken:
                    break
            last, problem = watch.end()
        except ValueError as error:
            raise UpstreamError(self._failure("protocol", reply, b"", str(error))) from None
        finally:
            self.usage = watch.usage
        if client.committed and last:
            await client.send(last)
        if watch.error is not None:
            raise UpstreamError(self._failure("in_band", reply, watch.error))
        if problem:
            raise UpstreamError(self._failure("protocol", reply, b"", problem))
        if not client.committed:  # the whole stream came as its unterminated rest
            await client.start(EVENT_STREAM, self._served(limit))
            await client.send(self._named(b"".join((*held, last))))
        await client.end()
        await self._read_out(reply)

    # -- events: a plugin's own, or those of another dialect -----------------------------------------------

    async def _convert(self, reply: Reply, codec: Codec, client: ClientSide, limit: Deadline) -> None:
        if self._is_stream(reply, codec):
            await self._deliver(events_of_stream(reply, codec, self._failure), client, limit)
            await self._read_out(reply)
            return
        body = await self._read_whole(reply, codec)
        if self.ask.body.stream:
            await self._deliver(self._as_stream(body, reply, codec), client, limit)
            return
        events = events_of_whole(body, reply, codec, self._failure)
        renderer = self._renderer(client)
        for event in events:
            renderer.event(event)
        await self._deliver_whole(renderer, client, limit)

    async def _as_stream(self, body: bytes, reply: Reply, codec: Codec) -> Batches:
        """A whole answer where a stream was asked for, as the stream it should have been."""
        yield events_of_whole(body, reply, codec, self._failure)

    async def _deliver_own_events(self, events: AsyncIterator[Event], client: ClientSide, limit: Deadline) -> None:
        if not self.ask.codec.converts:
            provider = self.candidate.entry.provider
            raise PluginError(provider.key, "forward", f"yielded events, which {self.ask.codec.name} cannot show")
        self._ignored = set()
        await self._deliver(one_by_one(events, self._ignored), client, limit)

    def _renderer(self, client: ClientSide) -> Renderer:
        ask = self.ask
        sent = ask.sent or ask.body
        renderer = ask.codec.renderer(ask.id, sent.model, ask.created, sent.with_model(sent.model))
        client.error_event = renderer.error_event
        return renderer

    async def _deliver(self, batches: Batches, client: ClientSide, limit: Deadline) -> None:
        ask, renderer = self.ask, self._renderer(client)
        opening = renderer.start() if ask.body.stream else b""
        size = count = 0
        waiting = time.perf_counter()
        try:
            with self._deadlines.within() as idle:
                async for batch in batches:
                    data = b"".join([renderer.event(event) for event in batch])
                    turns = count // EVENTS_PER_TURN
                    count += len(batch)
                    size += len(data)
                    if not ask.body.stream and size > MAX_ANSWER_BYTES:
                        raise UpstreamError(Failure("protocol", message=f"the answer exceeds {MAX_ANSWER_BYTES} bytes"))
                    if data and ask.body.stream:
                        if not client.committed:
                            ask.waited_s += time.perf_counter() - waiting
                            await client.start(EVENT_STREAM, self._served(limit))
                            data = opening + data
                        await client.send(data)
                    if count // EVENTS_PER_TURN > turns:
                        await asyncio.sleep(0)
                    if client.committed:
                        idle.move(self.candidate.entry.timeouts.idle_s)
        except TimeoutError:
            if limit.expired:
                raise
            message = f"nothing came for more than {self.candidate.entry.timeouts.idle_s:g} s"
            raise UpstreamError(Failure("timeout", message=message)) from None
        finally:
            self.usage = renderer.usage
        if count == 0:
            raise UpstreamError(Failure("protocol", message="the plugin yielded no event"))
        self.status = 200
        if ask.body.stream:
            await self._end_stream(renderer, opening, client, limit)
        else:
            await self._deliver_whole(renderer, client, limit)

    async def _end_stream(self, renderer: Renderer, opening: bytes, client: ClientSide, limit: Deadline) -> None:
        last = renderer.end()
        if not client.committed:
            last = opening + last
            await client.start(EVENT_STREAM, self._served(limit))
        if self.ask.keep is not None:
            self.ask.keep(renderer.whole(), False)
        await client.send(last)
        await client.end()

    async def _deliver_whole(self, renderer: Renderer, client: ClientSide, limit: Deadline) -> None:
        self.usage = renderer.usage
        body = renderer.whole()
        if self.ask.keep is not None:
            self.ask.keep(body, False)
        await client.whole(200, JSON, body, self._served(limit))

    # -- both ----------------------------------------------------------------------------------------------

    def _served(self, limit: Deadline) -> Served:
        """Who served, at the moment of the commit; from here on the call's total limit counts."""
        now = time.perf_counter()
        self._committed()
        self.status = self.status or 200
        self.ttft_ms = (now - self.started) * 1000
        limit.move(max(self.candidate.entry.timeouts.total_s - (now - self.started), 0.0))
        overhead_ms = max((now - self.ask.received - self.ask.waited_s) * 1000, 0.0)
        converted, dropped = None, self.ask.dropped_in_parsing
        if self._prepared is not None and self._prepared.request.dialect != self.ask.codec.name:
            converted, dropped = self._prepared.request.dialect, self._prepared.dropped
        if self._ignored:
            dropped = tuple(sorted({*dropped, *self._ignored}))
        entry = self.candidate.entry
        return Served(entry.name, self.candidate.label, self.number, overhead_ms, converted, dropped)

    async def _read_out(self, reply: Reply) -> None:
        with suppress(TimeoutError, UpstreamError), self._deadlines.within(READ_OUT_S):
            async for _ in reply.body:
                pass

    def _failure(self, cause: Cause, reply: Reply, body: bytes, message: str = "") -> Failure:
        return Failure(cause, reply.status, reply.headers, body[:MAX_ERROR_BYTES], message, self.candidate.model)

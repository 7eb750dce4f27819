"""Time limits, back-pressure and cancellation on the way to an upstream (U1, U9, S7, S8)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx2
import pytest

from switchgear import Timeouts, UpstreamError
from switchgear.testing import Exchange, LoopbackServer
from switchgear.transport.answer import HIGH_WATER_BYTES
from switchgear.types import Reply
from switchgear.upstream import UpstreamClient
from tests.core.raw_upstream import Ask, by_library, by_reply, get, pool, post

LONG = Timeouts(connect_s=5, first_byte_s=5, idle_s=5)

both_ways = pytest.mark.parametrize(
    "ask", [pytest.param(by_library, id="through the library's interface"), pytest.param(by_reply, id="as a reply")]
)


async def silent(exchange: Exchange) -> None:
    await exchange.closed.wait()


async def half_a_head(exchange: Exchange) -> None:
    await exchange.send_raw(b"HTTP/1.1 200 OK\r\n")
    await exchange.closed.wait()


async def only_a_head(exchange: Exchange) -> None:
    await exchange.start(200)
    await exchange.closed.wait()


async def half_a_body(exchange: Exchange) -> None:
    await exchange.start(200)
    await exchange.send(b"half")
    await exchange.closed.wait()


@both_ways
@pytest.mark.parametrize(
    ("handle", "timeouts"),
    [
        pytest.param(silent, Timeouts(first_byte_s=0.1), id="nothing"),
        pytest.param(half_a_head, Timeouts(first_byte_s=0.1), id="half a head"),
        pytest.param(only_a_head, Timeouts(idle_s=0.1), id="only a head"),
        pytest.param(half_a_body, Timeouts(idle_s=0.1), id="half a body"),
    ],
)
async def test_an_upstream_that_falls_silent_is_given_up(ask: Ask, handle: Ask, timeouts: Timeouts) -> None:
    async with LoopbackServer(handle) as upstream, pool() as transport:  # type: ignore[arg-type]
        if ask is by_library:  # it has one limit for both
            timeouts = Timeouts(first_byte_s=0.1)
        with pytest.raises((httpx2.ReadTimeout, UpstreamError)) as caught:
            await ask(transport, post(upstream.url), timeouts)
        if isinstance(caught.value, UpstreamError):
            assert caught.value.failure.cause == "timeout"
        await upstream.wait_for(lambda: upstream.open_connections == 0, timeout_s=1)


async def test_every_part_of_a_body_starts_the_idle_limit_again() -> None:
    async def trickle(exchange: Exchange) -> None:
        await exchange.start(200)
        for _ in range(8):
            await exchange.pause(0.05)
            await exchange.send(b"x")

    async with LoopbackServer(trickle) as upstream, pool() as transport:
        assert (await by_reply(transport, post(upstream.url), Timeouts(idle_s=0.2))).body == b"x" * 8


async def test_without_limits_nothing_is_counted() -> None:
    async with LoopbackServer(half_a_body) as upstream, pool() as transport:
        response = await transport.handle_async_request(post(upstream.url))
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        assert [await anext(aiter(response.stream))] == [b"half"]
        await response.aclose()


@asynccontextmanager
async def full() -> AsyncIterator[str]:
    """A listener with no place in its queue: connections to it are neither made nor refused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            for one in waiting:
                one.close()


@asynccontextmanager
async def mute() -> AsyncIterator[str]:
    """A server that takes connections and says nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here.add(writer)
        with suppress(OSError):
            await reader.read()
        writer.close()
        here.discard(writer)

    here: set[asyncio.StreamWriter] = set()
    server = await asyncio.start_server(serve, "127.0.0.1")
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        while here:
            await asyncio.sleep(0.01)


@both_ways
@pytest.mark.parametrize(("scheme", "place"), [("http", full), ("https", mute)], ids=["TCP", "the TLS handshake"])
async def test_a_connection_that_takes_too_long(ask: Ask, scheme: str, place: type[AsyncIterator[str]]) -> None:
    async with place() as address, pool() as transport:  # type: ignore[attr-defined]
        with pytest.raises((httpx2.ConnectTimeout, UpstreamError)) as caught:
            await ask(transport, get(f"{scheme}://{address}"), Timeouts(connect_s=0.1))
        if isinstance(caught.value, UpstreamError):
            assert str(caught.value) == "no connection to the upstream in time"
            assert caught.value.failure.cause == "timeout"


# -- readers that take their time --------------------------------------------------------------------------

TOTAL = 24_000_000


class Flood:
    """Sends a long body; ``sent`` is how much of it is gone."""

    def __init__(self) -> None:
        self.sent = 0

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.start(200)
        while self.sent < TOTAL:
            await exchange.send(b"x" * 60_000)
            self.sent += 60_000


@asynccontextmanager
async def opened(server: LoopbackServer, timeouts: Timeouts = LONG) -> AsyncIterator[Reply]:
    async with server, pool() as transport:
        reply = await UpstreamClient(transport).reply(post(server.url), timeouts)
        try:
            yield reply
        finally:
            await reply.aclose()


async def settled(flood: Flood) -> int:
    """How much was sent when no more goes."""
    while True:
        before = flood.sent
        await asyncio.sleep(0.05)
        if flood.sent == before:
            return before


async def test_a_reader_that_pauses_stops_the_upstream_and_may_go_on() -> None:
    flood = Flood()
    async with opened(LoopbackServer(flood), Timeouts(idle_s=0.05)) as reply:
        size = len(await anext(reply.body))
        stopped = await settled(flood)
        assert stopped < TOTAL / 2  # the rest of it is in the buffers of the kernel
        largest = 0
        async for part in reply.body:
            size += len(part)
            largest = max(largest, len(part))
        assert size == TOTAL
        assert largest <= HIGH_WATER_BYTES + 2 * 65536


async def test_a_reader_that_leaves_closes_the_connection() -> None:
    flood = Flood()
    server = LoopbackServer(flood)
    async with opened(server) as reply:
        await anext(reply.body)
        await reply.aclose()
        await server.wait_for(lambda: server.open_connections == 0, timeout_s=1)
        assert flood.sent < TOTAL
        with pytest.raises(UpstreamError):
            await anext(reply.body)


async def test_a_reader_that_leaves_at_the_end_does_not() -> None:
    async def hello(exchange: Exchange) -> None:
        await exchange.respond(200, b"hello")

    async with LoopbackServer(hello) as upstream, pool() as transport:
        for _ in range(3):
            response = await transport.handle_async_request(post(upstream.url))
            await response.aclose()
        assert upstream.connections_made == 1


# -- cancellation ------------------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize(
    "handle", [silent, half_a_head, half_a_body], ids=["nothing came", "half a head", "half a body"]
)
async def test_a_cancelled_call_closes_its_connection(ask: Ask, handle: Ask) -> None:
    async with LoopbackServer(handle) as upstream, pool() as transport:  # type: ignore[arg-type]
        task = asyncio.create_task(ask(transport, post(upstream.url), LONG))
        await upstream.wait_for(lambda: len(upstream.requests) == 1)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.wait_for(lambda: upstream.open_connections == 0, timeout_s=1)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_call_may_be_cancelled_at_any_moment(scheme: str) -> None:
    async with mute() as address, pool(max_connections=1) as transport:
        for ticks in range(12):
            task = asyncio.create_task(by_reply(transport, get(f"{scheme}://{address}"), LONG))
            for _ in range(ticks):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 2)

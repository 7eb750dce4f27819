"""Full-duplex calls that break: closed, cancelled, out of time, reset, or left by the upstream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from h2.errors import ErrorCodes

from switchgear import Duplex, Failure, Timeouts, UpstreamError
from switchgear.testing import Http2Exchange, Http2Server
from switchgear.upstream import UpstreamClient
from tests.core.duplexes import client as client
from tests.core.duplexes import clients as clients
from tests.core.duplexes import echo, failure_of, held, last, ping_pong, post


async def silent(exchange: Http2Exchange) -> None:
    await exchange.closed.wait()


# -- leaving ---------------------------------------------------------------------------------------------------


async def test_closing_resets_the_stream_at_once_and_once(client: UpstreamClient) -> None:
    async with Http2Server(held) as upstream:
        call = await client.duplex(post(upstream.url))
        await call.answered()
        await call.aclose()
        await call.aclose()
        await upstream.wait_for(last(upstream).closed.is_set)
        assert last(upstream).reset_code == ErrorCodes.CANCEL
        with pytest.raises(UpstreamError, match="the call was closed"):
            await call.send(b"more")
        with pytest.raises(UpstreamError, match="the call was closed"):
            await anext(call)
        assert upstream.open_connections == 1


async def test_cancelling_whoever_reads_resets_the_stream(client: UpstreamClient) -> None:
    async with Http2Server(held) as upstream:

        async def use() -> None:
            call = await client.duplex(post(upstream.url))
            try:
                async for _ in call:
                    pass
            finally:
                await call.aclose()

        using = asyncio.create_task(use())
        await upstream.wait_for(lambda: bool(upstream.exchanges))
        using.cancel()
        await upstream.wait_for(last(upstream).closed.is_set, timeout_s=1.0)
        assert last(upstream).reset_code == ErrorCodes.CANCEL


async def test_a_send_cancelled_half_way_breaks_the_call(client: UpstreamClient) -> None:
    async with Http2Server(held, window_bytes=1000) as upstream:
        call = await client.duplex(post(upstream.url))
        await call.answered()
        sending = asyncio.create_task(call.send(b"x" * 5000))
        await upstream.wait_for(lambda: last(upstream).received == 1000)
        sending.cancel()
        await upstream.wait_for(last(upstream).closed.is_set)
        with pytest.raises(UpstreamError, match="was broken off"):
            await call.send(b"y")
        await call.aclose()


async def test_a_connecting_that_is_cancelled_leaves_nothing_behind(client: UpstreamClient) -> None:
    accepted = asyncio.Event()
    gone = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set()
        with contextlib.suppress(OSError):
            while await reader.read(1000):
                pass
        writer.transport.abort()
        gone.set()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    opening = asyncio.create_task(client.duplex(post(url)))
    await accepted.wait()
    opening.cancel()
    await asyncio.wait_for(gone.wait(), 2)
    gone.clear()
    failure = await failure_of(client, post(url), Timeouts(connect_s=0.05))
    assert failure == Failure("timeout", message="no connection to the upstream in time")
    await asyncio.wait_for(gone.wait(), 2)
    server.close()
    await server.wait_closed()


# -- time limits -----------------------------------------------------------------------------------------------


async def answer_and_wait(call: Duplex) -> None:
    await call.answered()
    await anext(call)


async def send_much(call: Duplex) -> None:
    await call.send(b"x" * 1_000_000)


@pytest.mark.parametrize(
    ("handler", "limits", "use", "words"),
    [
        pytest.param(
            silent, Timeouts(first_byte_s=0.05), Duplex.answered, "sent nothing in time, before", id="first byte"
        ),
        pytest.param(held, Timeouts(idle_s=0.05), answer_and_wait, "nothing in time, while", id="idle"),
        pytest.param(held, Timeouts(idle_s=0.05), send_much, "read nothing in time", id="nothing read"),
        pytest.param(held, Timeouts(total_s=0.05), answer_and_wait, "the call took more than 0.05 s", id="total"),
    ],
)
async def test_a_limit_that_passes_resets_the_call(
    client: UpstreamClient,
    handler: Callable[[Http2Exchange], Awaitable[None]],
    limits: Timeouts,
    use: Callable[[Duplex], Awaitable[None]],
    words: str,
) -> None:
    async with Http2Server(handler) as upstream:
        call = await client.duplex(post(upstream.url), limits)
        with pytest.raises(UpstreamError) as caught:
            await use(call)
        assert caught.value.failure.cause == "timeout"
        assert words in caught.value.failure.message
        await upstream.wait_for(last(upstream).closed.is_set)
        with pytest.raises(UpstreamError, match=words):
            await call.send(b"more")
        await call.aclose()


async def test_the_total_limit_holds_also_while_nobody_waits(client: UpstreamClient) -> None:
    async with Http2Server(held) as upstream:
        call = await client.duplex(post(upstream.url), Timeouts(total_s=0.05))
        await call.answered()
        await upstream.wait_for(last(upstream).closed.is_set)
        await call.aclose()


async def test_a_connection_that_fell_silent_takes_no_new_call(client: UpstreamClient) -> None:
    """A dead path looks like a quiet one; the next call is not to find out the same way."""
    async with Http2Server(held) as upstream:
        call = await client.duplex(post(upstream.url), Timeouts(idle_s=0.05))
        await call.answered()
        with pytest.raises(UpstreamError, match="nothing in time"):
            await anext(call)
        upstream.handler = echo
        await ping_pong(second := await client.duplex(post(upstream.url)))
        assert upstream.connections_made == 2
        await call.aclose()
        await second.aclose()


# -- what upstreams do -----------------------------------------------------------------------------------------


async def test_what_came_before_a_reset_is_read_first(client: UpstreamClient) -> None:
    async def breaks(exchange: Http2Exchange) -> None:
        await exchange.start()
        await exchange.send(b"half an ans")
        exchange.reset(ErrorCodes.ENHANCE_YOUR_CALM)

    async with Http2Server(breaks) as upstream:
        call = await client.duplex(post(upstream.url))
        other = await client.duplex(post(upstream.url))
        assert await anext(call) == b"half an ans"
        with pytest.raises(UpstreamError, match=r"reset the stream \(ENHANCE_YOUR_CALM\)") as caught:
            await anext(call)
        assert caught.value.failure.cause == "connection"
        for used in (call.send(b"x"), call.end()):
            with pytest.raises(UpstreamError, match="ENHANCE_YOUR_CALM"):
                await used
        assert await anext(other) == b"half an ans"
        assert upstream.connections_made == 1
        await call.aclose()
        await other.aclose()


async def test_a_reset_before_the_answer(client: UpstreamClient) -> None:
    async def wants_http1(exchange: Http2Exchange) -> None:
        exchange.reset(ErrorCodes.HTTP_1_1_REQUIRED)

    async with Http2Server(wants_http1) as upstream:
        failure = await failure_of(client, post(upstream.url))
        assert failure == Failure("protocol", message="the upstream wants HTTP/1.1 for this")


async def test_a_whole_answer_stays_one_though_the_rest_of_the_request_is_not_wanted(client: UpstreamClient) -> None:
    """Source: RFC 9113 section 8.1, the reset with NO_ERROR."""

    async def answers_early(exchange: Http2Exchange) -> None:
        await exchange.respond(200, b"enough")
        exchange.reset(ErrorCodes.NO_ERROR)

    async with Http2Server(answers_early) as upstream:
        call = await client.duplex(post(upstream.url))
        assert [piece async for piece in call] == [b"enough"]
        await call.end()
        await call.aclose()


async def test_a_goaway_lets_open_calls_end_and_new_ones_go_elsewhere(client: UpstreamClient) -> None:
    async with Http2Server(echo) as upstream:
        call = await client.duplex(post(upstream.url))
        await ping_pong(call)
        upstream.go_away()
        await ping_pong(call)  # the announcement is read by now
        second = await client.duplex(post(upstream.url))
        await ping_pong(second)
        await ping_pong(call)
        assert upstream.connections_made == 2
        await call.end()
        assert [piece async for piece in call] == []
        await call.aclose()
        await upstream.wait_for(lambda: upstream.open_connections == 1)
        await ping_pong(second)
        await second.aclose()


async def test_a_call_that_meets_a_goaway_was_not_begun(client: UpstreamClient) -> None:
    async with Http2Server(echo) as upstream:
        first = await client.duplex(post(upstream.url))
        await ping_pong(first)
        upstream.go_away()
        failure = await failure_of(client, post(upstream.url))
        assert failure == Failure("connection", message="the upstream is closing the connection: nothing was done")
        await ping_pong(first)
        await first.aclose()


async def test_a_broken_connection_breaks_its_calls_and_no_later_ones(client: UpstreamClient) -> None:
    async with Http2Server(held) as upstream:
        calls = [await client.duplex(post(upstream.url)) for _ in range(3)]
        for call in calls:
            await call.answered()
        last(upstream).cut()
        for call in calls:
            with pytest.raises(UpstreamError, match="broke the connection while the answer"):
                await anext(call)
        upstream.handler = echo
        await ping_pong(later := await client.duplex(post(upstream.url)))
        assert upstream.connections_made == 2
        for call in (*calls, later):
            await call.aclose()


async def test_a_broken_protocol_breaks_the_connection(client: UpstreamClient) -> None:
    async with Http2Server(held) as upstream:
        call = await client.duplex(post(upstream.url))
        await call.answered()
        (connection,) = upstream.connections
        connection._transport.write(b"\0\0\1\0\0\0\0\0\0x")  # a DATA frame of stream 0
        with pytest.raises(UpstreamError, match="broke HTTP/2's rules") as caught:
            await anext(call)
        assert caught.value.failure.cause == "protocol"
        await call.aclose()


async def test_pings_are_answered(client: UpstreamClient) -> None:
    async with Http2Server(held) as upstream:
        call = await client.duplex(post(upstream.url))
        await call.answered()
        upstream.ping()
        await upstream.wait_for(lambda: upstream.pings_answered == 1)
        await call.aclose()

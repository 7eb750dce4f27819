"""Many full-duplex calls at once, slow peers on either side, and what stays afterwards: nothing."""

from __future__ import annotations

import asyncio
import gc

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Duplex, Failure, Timeouts
from switchgear.duplex.connection import CONNECTION_WINDOW_BYTES, Connection
from switchgear.duplex.pool import DuplexPool
from switchgear.duplex.request_head import request_head
from switchgear.duplex.stream import STREAM_WINDOW_BYTES, Stream
from switchgear.testing import Http2Exchange, Http2Server
from switchgear.upstream import UpstreamClient, UpstreamClients, http2_tls_context, tls_context
from tests.core.duplexes import client as client
from tests.core.duplexes import clients as clients
from tests.core.duplexes import echo, failure_of, held, last, ping_pong, post

# -- many calls, few connections -------------------------------------------------------------------------------


async def test_200_calls_share_few_connections(client: UpstreamClient) -> None:
    async with Http2Server(echo, max_streams=80) as upstream:
        calls = await asyncio.gather(*(client.duplex(post(upstream.url)) for _ in range(200)))
        await asyncio.gather(*(ping_pong(call) for call in calls))
        assert upstream.connections_made == 3
        assert upstream.open_streams == 200
        for call in calls:
            await call.aclose()
        await upstream.wait_for(lambda: upstream.open_streams == 0)
        await ping_pong(call := await client.duplex(post(upstream.url)))
        await call.aclose()
        assert upstream.connections_made == 3


async def test_an_upstream_that_takes_no_stream_is_left(client: UpstreamClient) -> None:
    async with Http2Server(echo, max_streams=0) as upstream:
        failure = await failure_of(client, post(upstream.url))
        assert failure == Failure("connection", message="the upstream takes no stream")
        await upstream.wait_for(lambda: upstream.open_connections == 0)


async def test_a_connection_that_nobody_uses_is_closed() -> None:
    pool = DuplexPool(None, http2_tls_context, tls_context, idle_s=0.05)

    async def takes_its_time(exchange: Http2Exchange) -> None:
        await exchange.pause(0.1)
        await echo(exchange)

    async with Http2Server(takes_its_time) as upstream:
        first = await pool.open(post(upstream.url), Timeouts())
        await first.aclose()
        second = await pool.open(post(upstream.url), Timeouts())
        await ping_pong(second)
        await second.aclose()
        await upstream.wait_for(lambda: upstream.open_connections == 0)
        await ping_pong(third := await pool.open(post(upstream.url), Timeouts()))
        assert upstream.connections_made == 2
        await third.aclose()
    await pool.aclose()


async def test_clients_that_nobody_holds_close_their_connections() -> None:
    async with Http2Server(echo) as upstream:
        clients = UpstreamClients()
        clients.close_when_unused()
        call = await clients.through(None).duplex(post(upstream.url))
        await ping_pong(call)
        await call.aclose()
        del clients, call
        gc.collect()
        await upstream.wait_for(lambda: upstream.open_connections == 0)


# -- flow control ----------------------------------------------------------------------------------------------


async def test_an_upstream_that_does_not_read_holds_the_sender_back(client: UpstreamClient) -> None:
    go_on = asyncio.Event()

    async def reads_late(exchange: Http2Exchange) -> None:
        await exchange.start()
        await go_on.wait()
        await exchange.send(b"%d" % len(await exchange.body()))

    async with Http2Server(reads_late, window_bytes=10_000) as upstream:
        call = await client.duplex(post(upstream.url))
        sending = asyncio.create_task(call.send(b"x" * 100_000))
        await upstream.wait_for(lambda: last(upstream).received == 10_000 if upstream.exchanges else False)
        other = await client.duplex(post(upstream.url))
        await other.answered()
        assert last(upstream).received == 0
        assert not sending.done()
        go_on.set()
        await sending
        await call.end()
        assert [piece async for piece in call] == [b"100000"]
        await call.aclose()
        await other.aclose()


async def test_a_reader_that_does_not_read_holds_back_its_own_upstream_only(client: UpstreamClient) -> None:
    sent = 0

    async def floods(exchange: Http2Exchange) -> None:
        nonlocal sent
        if exchange.headers.get("x-flood") is None:
            await echo(exchange)
            return
        await exchange.start()
        for _ in range(3 * CONNECTION_WINDOW_BYTES // 10_000):
            await exchange.send(b"x" * 10_000)
            sent += 10_000

    async with Http2Server(floods) as upstream:
        unread = [await client.duplex(post(upstream.url, {"x-flood": "1"})) for _ in range(10)]
        for call in unread:
            await call.answered()
        other = await client.duplex(post(upstream.url))
        await ping_pong(other)
        assert sent <= 10 * STREAM_WINDOW_BYTES
        read = sum([len(piece) async for piece in unread[0]])
        assert read == 3 * CONNECTION_WINDOW_BYTES // 10_000 * 10_000
        for call in (*unread, other):
            await call.aclose()
        assert upstream.connections_made == 1


async def test_a_large_message_lets_others_through(client: UpstreamClient) -> None:
    sent = []

    async def send(call: Duplex, size: int) -> None:
        await call.send(b"x" * size)
        sent.append(size)

    async with Http2Server(held, window_bytes=2_000_000) as upstream:
        calls = [await client.duplex(post(upstream.url)) for _ in range(2)]
        await asyncio.gather(send(calls[0], 500_000), send(calls[1], 1))
        assert sent == [1, 500_000]
        for call in calls:
            await call.aclose()


@settings(max_examples=12, deadline=None)
@given(
    pieces=st.lists(st.integers(1, 70_000).map(lambda size: bytes([size % 251]) * size), min_size=1, max_size=6),
    window=st.integers(1_000, 100_000),
)
async def test_whatever_is_sent_comes_back(pieces: list[bytes], window: int) -> None:
    clients = UpstreamClients()
    async with Http2Server(echo, window_bytes=window) as upstream:
        call = await clients.through(None).duplex(post(upstream.url))

        async def send() -> None:
            for piece in pieces:
                await call.send(piece)
            await call.end()

        sending = asyncio.create_task(send())
        assert b"".join([piece async for piece in call]) == b"".join(pieces)
        await sending
        await call.aclose()
        await clients.aclose()


class Stuck(asyncio.Transport):
    """Takes what is written, and sends none of it."""

    def __init__(self) -> None:
        super().__init__()
        self.held = 0
        self.aborted = False

    def is_closing(self) -> bool:
        return self.aborted

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.held += len(data)

    def get_write_buffer_size(self) -> int:
        return self.held

    def abort(self) -> None:
        self.aborted = True


def stuck() -> tuple[Connection, Stuck, H2Connection]:
    """A connection whose peer allows everything and reads nothing."""
    transport, peer = Stuck(), H2Connection(H2Configuration(client_side=False))
    connection = Connection(False, lambda connection: None)
    connection.connection_made(transport)
    peer.initiate_connection()
    connection.data_received(peer.data_to_send())
    return connection, transport, peer


async def test_a_peer_that_asks_and_does_not_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.duplex.connection.MAX_UNSENT_BYTES", 10_000)
    connection, transport, peer = stuck()
    assert connection.room > 0
    while not transport.aborted:
        peer.ping(b"are you?")
        connection.data_received(peer.data_to_send())
    assert 10_000 < transport.held < 11_000
    assert connection.failure == Failure("connection", message="the upstream asks, and does not read what it is told")


async def test_nothing_is_written_to_a_transport_that_is_full() -> None:
    connection, transport, _ = stuck()
    stream = connection.open(request_head(post("http://upstream.invalid")))
    connection.pause_writing()
    before = transport.held
    sending = asyncio.create_task(stream.send(b"x" * 10_000, 5.0))
    await asyncio.sleep(0)
    assert (transport.held, sending.done()) == (before, False)
    connection.resume_writing()
    await sending
    assert transport.held > before + 10_000


# -- nothing stays ---------------------------------------------------------------------------------------------


async def test_calls_leave_nothing_behind(client: UpstreamClient) -> None:
    async def one(url: str, cancelled: bool) -> None:
        call = await client.duplex(post(url))
        try:
            await ping_pong(call, 1)
            if not cancelled:
                await call.end()
                assert [piece async for piece in call] == []
        finally:
            await call.aclose()

    async with Http2Server(echo) as upstream:
        tasks = len(asyncio.all_tasks())
        await asyncio.gather(*(one(upstream.url, bool(number % 2)) for number in range(100)))
        await upstream.wait_for(lambda: upstream.open_streams == 0)
        gc.collect()
        assert [left for left in gc.get_objects() if isinstance(left, Stream | Duplex)] == []
        assert len(asyncio.all_tasks()) == tasks
        assert upstream.connections_made == 1


async def test_a_connection_is_not_used_for_ever(client: UpstreamClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.duplex.connection.LAST_STREAM_ID", 3)
    async with Http2Server(echo) as upstream:
        for _ in range(5):
            call = await client.duplex(post(upstream.url))
            await ping_pong(call)
            await call.aclose()
        assert upstream.connections_made == 2
        await upstream.wait_for(lambda: upstream.open_connections == 1)

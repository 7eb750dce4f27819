"""The loopback server itself: what it records, how it fails, and what it notices of its peer."""

from __future__ import annotations

import asyncio
import ssl
import time

import httpx2
import pytest
import trustme

from switchgear.testing import ClientGoneError, Exchange, LoopbackServer


async def hello(exchange: Exchange) -> None:
    await exchange.respond(200, b'{"hello": true}', {"x-seen": exchange.headers.get("x-ask", "")})


async def raw(server: LoopbackServer, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    return reader, writer


async def leave(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    try:
        await writer.wait_closed()
    except OSError:
        pass


async def test_records_what_it_was_asked() -> None:
    async with LoopbackServer(hello) as server, httpx2.AsyncClient(verify=False) as client:
        answer = await client.post(f"{server.url}/a%20b?c=d%2F", content=b"body", headers={"X-Ask": "why"})
        assert (answer.status_code, answer.json(), answer.headers["x-seen"]) == (200, {"hello": True}, "why")
        (request,) = server.requests
        assert (request.method, request.path, request.query) == ("POST", "/a%20b", "c=d%2F")
        assert request.target == "/a%20b?c=d%2F"
        assert request.body == b"body"
        assert ("X-Ask", "why") in request.raw_headers
        assert (server.hits("/a%20b"), server.hits("/")) == (1, 0)


async def test_keeps_a_connection_alive() -> None:
    async with LoopbackServer(hello) as server, httpx2.AsyncClient(verify=False) as client:
        for _ in range(5):
            await client.get(server.url)
        assert (len(server.requests), server.connections_made, server.open_connections) == (5, 1, 1)
    assert server.open_connections == 0


async def test_is_quick() -> None:
    async with LoopbackServer(hello) as server, httpx2.AsyncClient(verify=False) as client:
        await client.get(server.url)
        started = time.perf_counter()
        for _ in range(4):
            await asyncio.gather(*(client.get(server.url) for _ in range(50)))
        assert time.perf_counter() - started < 4.0
        assert len(server.requests) == 201


async def test_streams_in_chunks() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.start(200, {"content-type": "text/event-stream"})
        for part in (b"one", b"two", b""):
            await exchange.send(part)
        await exchange.end()

    async with LoopbackServer(handle) as server, httpx2.AsyncClient(verify=False) as client:
        async with client.stream("GET", server.url) as answer:
            assert [part async for part in answer.aiter_raw()] == [b"one", b"two"]
        await client.get(server.url)
        assert server.connections_made == 1


async def test_completes_what_a_handler_leaves_open() -> None:
    async def handle(exchange: Exchange) -> None:
        if exchange.path == "/begun":
            await exchange.start()
            await exchange.send(b"part")

    async with LoopbackServer(handle) as server, httpx2.AsyncClient(verify=False) as client:
        assert (await client.get(f"{server.url}/begun")).content == b"part"
        assert (await client.get(f"{server.url}/nothing")).status_code == 500


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_answers_head_without_a_body(method: str) -> None:
    async with LoopbackServer(hello) as server, httpx2.AsyncClient(verify=False) as client:
        answer = await client.request(method, server.url)
        assert answer.headers["content-length"] == "15"
        assert bool(answer.content) is (method == "GET")


async def test_refuses_what_is_no_http() -> None:
    async with LoopbackServer(hello) as server:
        reader, writer = await raw(server, b"\x16\x03\x01 hello\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        await leave(writer)
        assert not server.requests


async def test_says_go_on_when_asked() -> None:
    async with LoopbackServer(hello) as server:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        reader, writer = await raw(server, head)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"ok")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        await leave(writer)
        assert server.requests[0].body == b"ok"


async def test_answers_requests_sent_ahead() -> None:
    async with LoopbackServer(hello) as server:
        get = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
        _, writer = await raw(server, get % 1 + get % 2)
        await server.wait_for(lambda: server.hits("/2") == 1)
        await leave(writer)


# -- breaking off --------------------------------------------------------------------------------------------


async def test_a_cut_resets_the_connection() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.send(b"part")
        exchange.cut()
        with pytest.raises(ClientGoneError):
            await exchange.send(b"more")

    async with LoopbackServer(handle) as server:
        reader, writer = await raw(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"part")).endswith(b"4\r\npart")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        await leave(writer)


async def test_a_cut_without_reset_is_an_early_end() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.start(200, {"content-length": "100"})
        await exchange.send(b"part")
        exchange.cut(reset=False)

    async with LoopbackServer(handle) as server, httpx2.AsyncClient(verify=False) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get(server.url)


async def test_raw_bytes_break_the_protocol() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.send_raw(b"this is no HTTP\r\n\r\n")

    async with LoopbackServer(handle) as server, httpx2.AsyncClient(verify=False) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get(server.url)


# -- noticing the peer ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("doing", ["sleeping", "streaming", "blocked"])
async def test_notices_at_once_that_the_peer_left(doing: str) -> None:
    ended = asyncio.Event()

    async def handle(exchange: Exchange) -> None:
        try:
            if doing == "sleeping":
                await exchange.pause(60)
            await exchange.start()
            while True:
                await exchange.send(b"x" * (1_000_000 if doing == "blocked" else 10))
                await asyncio.sleep(0)
        finally:
            await exchange.closed.wait()
            ended.set()

    async with LoopbackServer(handle, send_buffer_bytes=8192) as server:
        _, writer = await raw(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # every socket transport reads
        await server.wait_for(lambda: server.hits("/") == 1)
        for _ in range(20):
            await asyncio.sleep(0)
        await leave(writer)
        async with asyncio.timeout(1):
            await ended.wait()
            await server.wait_for(lambda: server.open_connections == 0)


async def test_a_slow_reader_holds_the_sender_back() -> None:
    sent = 0

    async def handle(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.start()
        for _ in range(400):
            await exchange.send(b"x" * 65_536)
            sent += 1

    async with LoopbackServer(handle) as server, httpx2.AsyncClient(verify=False) as client:
        async with client.stream("GET", server.url) as answer:
            before = -1
            while before != sent:  # until nothing moves any more
                before = sent
                await asyncio.sleep(0.02)
            assert sent < 300
            assert sum([len(part) async for part in answer.aiter_raw()]) == 400 * 65_536
        assert sent == 400


async def test_a_pause_ends_by_itself() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.pause(0.001)
        await exchange.respond(204)

    async with LoopbackServer(handle) as server, httpx2.AsyncClient(verify=False) as client:
        assert (await client.get(server.url)).status_code == 204


# -- the end -------------------------------------------------------------------------------------------------


async def test_shutdown_cancels_handlers_and_leaves_no_task() -> None:
    cancelled = asyncio.Event()

    async def handle(exchange: Exchange) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    before = asyncio.all_tasks()
    async with LoopbackServer(handle) as server:
        _, writer = await raw(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        _, idle = await raw(server, b"")
        await server.wait_for(lambda: server.hits("/") == 1 and server.open_connections == 2)
    assert cancelled.is_set()
    assert asyncio.all_tasks() == before
    await leave(writer)
    await leave(idle)


async def test_a_handlers_own_fault_is_raised_at_the_end() -> None:
    async def handle(exchange: Exchange) -> None:
        raise KeyError("oops")

    async def provoke() -> None:
        async with LoopbackServer(handle) as server, httpx2.AsyncClient(verify=False) as client:
            with pytest.raises(httpx2.TransportError):
                await client.get(server.url)

    with pytest.raises(KeyError, match="oops"):
        await provoke()


async def test_waiting_has_a_limit() -> None:
    async with LoopbackServer(hello) as server:
        with pytest.raises(TimeoutError):
            await server.wait_for(lambda: False, timeout_s=0.01)


async def test_speaks_tls() -> None:
    authority = trustme.CA()
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(ours)
    theirs = ssl.create_default_context()
    authority.configure_trust(theirs)
    async with LoopbackServer(hello, ssl=ours) as server:
        async with httpx2.AsyncClient(verify=theirs) as client:
            assert server.url.startswith("https://127.0.0.1:")
            assert (await client.get(server.url)).json() == {"hello": True}
        async with httpx2.AsyncClient() as stranger:
            with pytest.raises(httpx2.ConnectError):
                await stranger.get(server.url)

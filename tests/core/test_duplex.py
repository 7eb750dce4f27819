"""Full-duplex calls: both directions at once, over TLS and in the clear, and what cannot be begun."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable

import httpx2
import pytest
import trustme

from switchgear import Duplex, UpstreamError
from switchgear.testing import Exchange, Http2Exchange, Http2Server, LoopbackServer
from switchgear.upstream import UpstreamClient, UpstreamClients, http2_tls_context, tls_context
from tests.core.duplexes import authority as authority
from tests.core.duplexes import client as client
from tests.core.duplexes import clients as clients
from tests.core.duplexes import echo, failure_of, ping_pong, post, server_context


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "cleartext"])
async def test_both_directions_are_open_at_once(client: UpstreamClient, authority: trustme.CA, secure: bool) -> None:
    async with Http2Server(echo, ssl=server_context(authority) if secure else None) as upstream:
        call = await client.duplex(post(upstream.url))
        assert (call.status, dict(call.headers), dict(call.trailers)) == (0, {}, {})
        await call.answered()
        assert (call.status, call.headers["x-echo"]) == (200, "yes")
        await ping_pong(call)
        await call.end()
        assert [piece async for piece in call] == []
        assert call.trailers == {"x-bytes": "21"}
        await call.aclose()
        (seen,) = upstream.exchanges
        assert (seen.method, seen.target, seen.request.authority) == (
            "POST",
            "/echo?a=%2F",
            f"127.0.0.1:{upstream.port}",
        )
        assert seen.headers["user-agent"].startswith("switchgear/")
        assert seen.headers["accept-encoding"] == "identity"
        assert seen.reset_code is None
        assert "content-length" not in seen.headers


async def test_an_upstream_may_answer_only_after_it_has_read(client: UpstreamClient) -> None:
    async def after_reading(exchange: Http2Exchange) -> None:
        first = await exchange.read()
        await exchange.respond(200, b"read " + first)

    async with Http2Server(after_reading) as upstream:
        call = await client.duplex(post(upstream.url))
        await call.send(b"something")
        assert [piece async for piece in call] == [b"read something"]
        assert call.status == 200
        await call.aclose()


async def test_an_upstream_may_speak_while_nothing_is_sent(client: UpstreamClient) -> None:
    async def speaks(exchange: Http2Exchange) -> None:
        await exchange.start()
        await exchange.send(b"first")
        assert await exchange.read() == b"thanks"
        await exchange.send(b"second")

    async with Http2Server(speaks) as upstream:
        call = await client.duplex(post(upstream.url))
        assert await anext(call) == b"first"
        await call.send(b"thanks")
        assert await anext(call) == b"second"
        with pytest.raises(StopAsyncIteration):
            await anext(call)
        await call.aclose()


async def test_an_error_status_is_an_answer(client: UpstreamClient) -> None:
    async def refuses(exchange: Http2Exchange) -> None:
        await exchange.respond(464, b"no", {"x-why": "a, b"})

    async with Http2Server(refuses) as upstream:
        call = await client.duplex(post(upstream.url))
        await call.answered()
        assert (call.status, call.headers["x-why"]) == (464, "a, b")
        assert [piece async for piece in call] == [b"no"]
        await call.aclose()


async def test_a_reading_that_is_cancelled_loses_nothing(client: UpstreamClient) -> None:
    async with Http2Server(echo) as upstream:
        call = await client.duplex(post(upstream.url))
        await call.answered()
        for piece in (b"one", b"two"):
            reading = asyncio.create_task(anext(call))
            await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait({reading})
            await call.send(piece)
            assert await anext(call) == piece
        await call.aclose()


async def test_what_one_send_is_given_stays_in_one_piece(client: UpstreamClient) -> None:
    async def collects(exchange: Http2Exchange) -> None:
        await exchange.respond(200, await exchange.body())

    async with Http2Server(collects, window_bytes=1000) as upstream:
        call = await client.duplex(post(upstream.url))
        pieces = [bytes([letter]) * 50_000 for letter in b"abcd"]
        await asyncio.gather(*(call.send(piece) for piece in pieces))
        await call.end()
        assert b"".join([piece async for piece in call]) == b"".join(pieces)
        await call.aclose()


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        pytest.param({"connection": "close"}, "no header 'connection'", id="of the connection"),
        pytest.param({"te": "gzip"}, "no header 'te'", id="te that is not trailers"),
        pytest.param({"transfer-encoding": "x"}, None, id="a body of its own"),
        pytest.param({"x y": "1"}, "no header 'x y'", id="not a name"),
        pytest.param({":path": "/other"}, "no header ':path'", id="a pseudo-header"),
        pytest.param({"x-a": "1\r\nx-b: 2"}, "value of the header 'x-a'", id="a line break"),
    ],
)
async def test_a_header_that_cannot_be_sent_spoils_nothing(
    client: UpstreamClient, headers: dict[str, str], why: str | None
) -> None:
    async with Http2Server(echo) as upstream:
        call = await client.duplex(post(upstream.url, {"x-secret": "kept", "TE": "Trailers"}))
        if why is None:
            with pytest.raises(ValueError, match="the body of a duplex call"):
                await client.duplex(post(upstream.url, headers))
        else:
            failure = await failure_of(client, post(upstream.url, headers))
            assert failure.cause == "protocol"
            assert why in failure.message
        await ping_pong(call)
        await call.aclose()
        assert upstream.connections_made == len(upstream.exchanges) == 1


async def test_a_request_with_a_body_of_its_own_is_a_mistake(client: UpstreamClient) -> None:
    with pytest.raises(ValueError, match="sent with send"):
        await client.duplex(httpx2.Request("POST", "http://127.0.0.1:1/", content=b"body"))


async def test_nothing_is_sent_after_the_end(client: UpstreamClient) -> None:
    async with Http2Server(echo) as upstream:
        call = await client.duplex(post(upstream.url))
        await call.end()
        await call.end()
        with pytest.raises(RuntimeError, match="was sent before"):
            await call.send(b"more")
        await call.aclose()


@pytest.mark.parametrize("use", [Duplex.answered, Duplex.__anext__], ids=["waiting for the headers", "reading"])
async def test_packing_nobody_asked_for_is_refused(
    client: UpstreamClient, use: Callable[[Duplex], Awaitable[object]]
) -> None:
    async def packs(exchange: Http2Exchange) -> None:
        await exchange.start(200, {"content-encoding": "gzip"})
        await exchange.send(b"packed")
        await exchange.closed.wait()

    async with Http2Server(packs) as upstream:
        call = await client.duplex(post(upstream.url))
        await call._stream.answered.wait()
        with pytest.raises(UpstreamError, match="unrequested content-encoding 'gzip'") as caught:
            await use(call)
        assert caught.value.failure.cause == "protocol"
        await upstream.wait_for(upstream.exchanges[0].closed.is_set)
        await call.aclose()


# -- no connection ---------------------------------------------------------------------------------------------


async def test_no_connection_says_why_and_where(client: UpstreamClient) -> None:
    async with Http2Server(echo) as closed:
        url, port = closed.url, closed.port
    failure = await failure_of(client, post(url))
    assert (failure.cause, failure.host) == ("connection", f"127.0.0.1:{port}")
    assert failure.message == "cannot connect to the upstream: Connection refused"
    assert "cannot connect" in (await failure_of(client, post("https://no-such-host.invalid"))).message


async def test_tls_to_a_server_of_another_name_is_refused(client: UpstreamClient, authority: trustme.CA) -> None:
    async with Http2Server(echo, ssl=server_context(authority, "other.example")) as upstream:
        failure = await failure_of(client, post(upstream.url))
        assert failure.cause == "connection"
        assert "certificate verify failed" in failure.message
        assert not upstream.exchanges


@pytest.mark.parametrize(
    ("secure", "protocols"),
    [
        pytest.param(True, ["http/1.1"], id="TLS, ALPN says HTTP/1.1"),
        pytest.param(True, [], id="TLS, no ALPN"),
        pytest.param(False, [], id="cleartext"),
    ],
)
async def test_an_upstream_without_http2_is_a_protocol_failure(
    client: UpstreamClient, authority: trustme.CA, secure: bool, protocols: list[str]
) -> None:
    async def refuses(exchange: Exchange) -> None:
        assert not secure, "nothing is to be sent"
        await exchange.respond(400, b"what is PRI?")

    context = server_context(authority) if secure else None
    if context is not None and protocols:
        context.set_alpn_protocols(protocols)
    async with LoopbackServer(refuses, ssl=context) as upstream:
        failure = await failure_of(client, post(upstream.url))
        assert (failure.cause, failure.message) == ("protocol", "the upstream does not speak HTTP/2")
        await upstream.wait_for(lambda: upstream.open_connections == 0)


async def test_one_client_makes_both_kinds_of_calls(authority: trustme.CA, client: UpstreamClient) -> None:
    """HTTP/2 in one does not become HTTP/2 in the other: each has a TLS context of its own."""

    async def hello(exchange: Exchange) -> None:
        await exchange.respond(200, b"hello")

    async with (
        Http2Server(echo, ssl=server_context(authority)) as upstream,
        LoopbackServer(hello, ssl=server_context(authority)) as plain,
    ):
        for _ in range(2):
            call = await client.duplex(post(upstream.url))
            assert (await client.fetch(httpx2.Request("GET", plain.url))).content == b"hello"
            await ping_pong(call)
            await call.aclose()
        assert upstream.connections_made == 1


def test_the_two_tls_contexts_are_made_once() -> None:
    assert http2_tls_context() is http2_tls_context()
    assert http2_tls_context() is not tls_context()


def test_nothing_is_loaded_before_a_call() -> None:
    code = (
        "import sys, switchgear.upstream; switchgear.upstream.UpstreamClients().through(None); "
        "print([name for name in sys.modules if name.startswith('switchgear.duplex')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


async def test_a_closed_client_begins_no_call(clients: UpstreamClients) -> None:
    client = clients.through(None)
    async with Http2Server(echo) as upstream:
        call: Duplex = await client.duplex(post(upstream.url))
        await call.answered()
        await clients.aclose()
        await upstream.wait_for(lambda: upstream.open_connections == 0)
        with pytest.raises(UpstreamError, match="the gateway closed the connection"):
            await call.send(b"more")
        assert "the gateway closed" in (await failure_of(client, post(upstream.url))).message
        await call.aclose()
        await upstream.wait_for(lambda: upstream.open_connections == 0)


async def test_all_who_wait_for_a_connection_go_on_at_once(client: UpstreamClient) -> None:
    """In a busy loop a step is long: nobody waits for a step of its own."""
    steps = 0
    opened_at: list[int] = []

    async def count() -> None:
        nonlocal steps
        while True:
            await asyncio.sleep(0)
            steps += 1

    async def open_one() -> Duplex:
        call = await client.duplex(post(upstream.url))
        opened_at.append(steps)
        return call

    async with Http2Server(echo) as upstream:
        counting = asyncio.create_task(count())
        calls = await asyncio.gather(*(open_one() for _ in range(80)))
        counting.cancel()
        assert opened_at[-1] - opened_at[0] < 5
        assert upstream.connections_made == 1
        for call in calls:
            await call.aclose()

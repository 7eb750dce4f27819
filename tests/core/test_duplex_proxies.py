"""Full-duplex calls through proxies: HTTP CONNECT, over TLS too, and SOCKS 5."""

from __future__ import annotations

import asyncio
import base64

import pytest
import trustme
from h2.config import H2Configuration
from h2.connection import H2Connection

from switchgear import Secret, Timeouts
from switchgear.testing import Exchange, Http2Server, LoopbackServer
from switchgear.upstream import UpstreamClients
from tests.core.duplexes import authority as authority
from tests.core.duplexes import clients as clients
from tests.core.duplexes import echo, failure_of, ping_pong, post, server_context
from tests.core.relays import Ask, http_connect, relay, socks5

PASSWORD = "proxy password 4c1f"
BASIC = base64.b64encode(f"user:{PASSWORD}".encode()).decode()


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "cleartext"])
@pytest.mark.parametrize(
    ("scheme", "ask", "user", "login"),
    [
        pytest.param("http", http_connect, None, "", id="http"),
        pytest.param("http", http_connect, BASIC, "user:proxy%20password%204c1f@", id="http with a password"),
        pytest.param("https", http_connect, None, "", id="https"),
        pytest.param("socks5", socks5, None, "", id="socks5"),
        pytest.param(
            "socks5h", socks5, f"user:{PASSWORD}", "user:proxy%20password%204c1f@", id="socks5h with a password"
        ),
    ],
)
async def test_a_proxy_carries_the_call(
    clients: UpstreamClients,
    authority: trustme.CA,
    secure: bool,
    scheme: str,
    ask: Ask,
    user: str | None,
    login: str,
) -> None:
    proxy_tls = server_context(authority) if scheme == "https" else None
    async with (
        Http2Server(echo, ssl=server_context(authority) if secure else None) as upstream,
        relay(ask, user, proxy_tls) as proxy,
    ):
        client = clients.through(Secret(f"{scheme}://{login}127.0.0.1:{proxy.port}"))
        calls = await asyncio.gather(*(client.duplex(post(upstream.url)) for _ in range(3)))
        for call in calls:
            await ping_pong(call)
            await call.aclose()
        (asked,) = proxy.asked
        assert f"127.0.0.1:{upstream.port}" in asked
        await clients.aclose()
        await upstream.wait_for(lambda: upstream.open_connections == 0)


async def test_the_proxy_looks_the_name_up(clients: UpstreamClients) -> None:
    async with Http2Server(echo) as upstream, relay(socks5) as proxy:
        client = clients.through(Secret(f"socks5://127.0.0.1:{proxy.port}"))
        call = await client.duplex(post(f"http://localhost:{upstream.port}"))
        await ping_pong(call)
        await call.aclose()
        assert proxy.asked == [f"localhost:{upstream.port}"]


@pytest.mark.parametrize(
    ("scheme", "answers"),
    [
        pytest.param("http", [b"HTTP/1.1 200 OK\r\n\r\n"], id="http"),
        pytest.param("socks5", [b"\5\0", b"\5\0\0\1\0\0\0\0\0\0"], id="socks5"),
    ],
)
async def test_what_the_upstream_says_with_the_proxys_answer_is_not_lost(
    clients: UpstreamClients, scheme: str, answers: list[bytes]
) -> None:
    upstream = H2Connection(H2Configuration(client_side=False))
    upstream.initiate_connection()
    gone = asyncio.Event()

    async def at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.read(1000)
            writer.write(answer + (upstream.data_to_send() if answer is answers[-1] else b""))
        while await reader.read(1000):
            pass
        writer.close()
        gone.set()

    server = await asyncio.start_server(at_once, "127.0.0.1", 0)
    client = clients.through(Secret(f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    call = await client.duplex(post("http://127.0.0.1:9"), Timeouts(connect_s=2.0))
    await call.aclose()
    await clients.aclose()
    await asyncio.wait_for(gone.wait(), 2.0)
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("scheme", "ask", "user"),
    [
        pytest.param("http", http_connect, BASIC, id="407"),
        pytest.param("socks5", socks5, "user:right", id="wrong SOCKS password"),
        pytest.param("socks5", socks5, None, id="SOCKS host unreachable"),
    ],
)
async def test_a_proxys_refusal_is_no_connection(
    clients: UpstreamClients, scheme: str, ask: Ask, user: str | None
) -> None:
    login = f"user:{PASSWORD}" if user == "user:right" else ""
    async with relay(ask, user) as proxy:
        at = f"{login}@" if login else ""
        client = clients.through(Secret(f"{scheme}://{at}127.0.0.1:{proxy.port}"))
        failure = await failure_of(client, post("https://upstream.invalid"))
        assert (failure.cause, failure.message) == ("connection", "the proxy refused the way to the upstream")


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_is_none_is_no_connection(clients: UpstreamClients, scheme: str) -> None:
    async def cut(exchange: Exchange) -> None:
        exchange.cut()

    async with LoopbackServer(cut) as server:
        client = clients.through(Secret(f"{scheme}://user:{PASSWORD}@127.0.0.1:{server.port}"))
        failure = await failure_of(client, post("https://upstream.invalid"))
        assert (failure.cause, failure.message) == ("connection", "the proxy refused the way to the upstream")
        await server.wait_for(lambda: server.open_connections == 0)
    failure = await failure_of(client, post("https://upstream.invalid"))
    assert failure.message == "cannot connect to the upstream: Connection refused"
    assert PASSWORD not in repr(failure)


async def test_tls_behind_a_proxy_is_checked_too(clients: UpstreamClients, authority: trustme.CA) -> None:
    async with (
        Http2Server(echo, ssl=server_context(authority, "other.example")) as upstream,
        relay(http_connect) as proxy,
    ):
        client = clients.through(Secret(f"http://127.0.0.1:{proxy.port}"))
        failure = await failure_of(client, post(upstream.url))
        assert "certificate verify failed" in failure.message
        assert not upstream.exchanges

"""The one way to an upstream: limits, proxies, TLS, and what its errors say."""

from __future__ import annotations

import base64
import gzip
import ssl
from collections.abc import AsyncIterator

import httpx2
import pytest
import trustme

from switchgear import Secret, Timeouts, UpstreamError
from switchgear.testing import Exchange, LoopbackServer
from switchgear.upstream import Post, UpstreamClients, tls_context, transport_through


@pytest.fixture
async def clients() -> AsyncIterator[UpstreamClients]:
    made = UpstreamClients()
    yield made
    await made.aclose()


async def hello(exchange: Exchange) -> None:
    await exchange.respond(200, b"hello", {"set-cookie": "a=b"})


def get(url: str) -> httpx2.Request:
    return httpx2.Request("GET", url)


async def test_an_answer_is_fetched_whole(clients: UpstreamClients) -> None:
    async with LoopbackServer(hello) as upstream:
        response = await clients.through(None).fetch(get(upstream.url))
        assert (response.status_code, response.content) == (200, b"hello")
        await clients.through(None).fetch(get(upstream.url))
        assert all("cookie" not in request.headers for request in upstream.requests)
        assert upstream.requests[0].headers["user-agent"].startswith("switchgear/")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
async def test_no_answer_is_longer_than_allowed(clients: UpstreamClients, packed: bool) -> None:
    async def long(exchange: Exchange) -> None:
        data = b" " * 3_000_000
        headers = {"content-encoding": "gzip"} if packed else {}
        await exchange.respond(200, gzip.compress(data) if packed else data, headers)

    async with LoopbackServer(long) as upstream:
        with pytest.raises(UpstreamError, match="longer than 1000000 bytes"):
            await clients.through(None).fetch(get(upstream.url), max_bytes=1_000_000)
        assert len((await clients.through(None).fetch(get(upstream.url))).content) == 3_000_000


async def test_silence_is_a_timeout(clients: UpstreamClients) -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.closed.wait()

    async with LoopbackServer(silent) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await clients.through(None).fetch(get(upstream.url), Timeouts(first_byte_s=0.1))
        assert caught.value.failure.cause == "timeout"


async def test_a_proxy_carries_the_call_and_its_password_stays_secret(clients: UpstreamClients) -> None:
    proxy_password = "proxy-password-9f31"

    async with LoopbackServer(hello) as proxy:
        url = Secret(f"http://user:{proxy_password}@127.0.0.1:{proxy.port}")
        response = await clients.through(url).fetch(get("http://upstream.invalid/v1/models"))
        assert response.content == b"hello"
        (request,) = proxy.requests
        assert request.target == "http://upstream.invalid/v1/models"
        given = base64.b64decode(request.headers["proxy-authorization"].removeprefix("Basic ")).decode()
        assert given == f"user:{proxy_password}"
    with pytest.raises(UpstreamError) as caught:
        await clients.through(url).fetch(get("http://upstream.invalid/"))
    assert proxy_password not in str(caught.value)


async def test_a_post_goes_through_a_proxy_too(clients: UpstreamClients) -> None:
    async with LoopbackServer(hello) as proxy:
        client = clients.through(Secret(proxy.url))
        reply = await client.post(Post("http://upstream.invalid/v1/x", {"x-key": "one"}), b"{}")
        assert b"".join([part async for part in reply.body]) == b"hello"
        await reply.aclose()
        (request,) = proxy.requests
        assert (request.method, request.target, request.body) == ("POST", "http://upstream.invalid/v1/x", b"{}")
        assert (request.headers["x-key"], request.headers["content-length"]) == ("one", "2")


async def test_one_client_serves_one_proxy(clients: UpstreamClients) -> None:
    assert clients.through(None) is clients.through(None)
    assert clients.through(Secret("http://a:1")) is clients.through(Secret("http://a:1"))
    assert clients.through(Secret("http://a:1")) is not clients.through(None)


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that the gateway trusts."""
    made = trustme.CA()
    context = ssl.create_default_context()
    made.configure_trust(context)
    monkeypatch.setattr("switchgear.upstream.tls_context", lambda: context)
    return made


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_tls_to_a_trusted_server(clients: UpstreamClients, authority: trustme.CA) -> None:
    async with LoopbackServer(hello, ssl=server_context(authority, "127.0.0.1")) as upstream:
        assert (await clients.through(None).fetch(get(upstream.url))).content == b"hello"


async def test_tls_to_a_server_of_another_name_is_refused(clients: UpstreamClients, authority: trustme.CA) -> None:
    async with LoopbackServer(hello, ssl=server_context(authority, "other.example")) as upstream:
        with pytest.raises(UpstreamError, match="certificate verify failed"):
            await clients.through(None).fetch(get(upstream.url))
        assert len(upstream.requests) == 0


async def test_the_environments_proxies_are_not_used(clients: UpstreamClients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with LoopbackServer(hello) as upstream:
        assert (await clients.through(None).fetch(get(upstream.url))).content == b"hello"


def test_the_transport_can_be_replaced() -> None:
    made: list[str | None] = []

    def factory(proxy_url: str | None) -> httpx2.AsyncBaseTransport:
        made.append(proxy_url)
        return transport_through(proxy_url)

    UpstreamClients(factory).through(Secret("http://proxy.invalid:1"))
    assert made == ["http://proxy.invalid:1"]
    assert tls_context() is tls_context()

"""What tests of full-duplex calls share: clients, an authority they trust, and requests."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import httpx2
import pytest
import trustme

from switchgear import Duplex, Failure, Timeouts, UpstreamError
from switchgear.testing import Http2Exchange, Http2Server
from switchgear.upstream import UpstreamClient, UpstreamClients


@pytest.fixture
async def clients() -> AsyncIterator[UpstreamClients]:
    made = UpstreamClients()
    yield made
    await made.aclose()


@pytest.fixture
async def client(clients: UpstreamClients) -> UpstreamClient:
    return clients.through(None)


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that the gateway trusts."""
    made = trustme.CA()
    for name, protocols in (("tls_context", ["http/1.1"]), ("http2_tls_context", ["h2"])):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(protocols)
        made.configure_trust(context)
        monkeypatch.setattr(f"switchgear.upstream.{name}", lambda context=context: context)
    return made


def server_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def post(url: str, headers: dict[str, str] | None = None) -> httpx2.Request:
    return httpx2.Request("POST", f"{url}/echo?a=%2F", headers=headers)


async def echo(exchange: Http2Exchange) -> None:
    """Say back each piece as it comes."""
    await exchange.start(200, {"x-echo": "yes"})
    async for piece in exchange:
        await exchange.send(piece)
    await exchange.end({"x-bytes": str(exchange.received)})


async def held(exchange: Http2Exchange) -> None:
    """Answer, and stay until the client leaves."""
    await exchange.start()
    await exchange.closed.wait()


def last(upstream: Http2Server) -> Http2Exchange:
    return upstream.exchanges[-1]


async def failure_of(client: UpstreamClient, request: httpx2.Request, timeouts: Timeouts | None = None) -> Failure:
    """Why the call could not be begun, or not answered."""
    call = None
    try:
        call = await client.duplex(request, timeouts)
        await call.answered()
    except UpstreamError as error:
        return error.failure
    finally:
        if call is not None:
            await call.aclose()
    raise AssertionError("it was answered")


async def ping_pong(call: Duplex, times: int = 3) -> None:
    for number in range(times):
        piece = f"piece {number}".encode()
        await call.send(piece)
        assert await anext(call) == piece

"""Over TLS: the same, and nobody may cut an answer short or pose as another."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
import trustme

from switchgear import Timeouts, UpstreamError
from switchgear.testing import Exchange, LoopbackServer
from switchgear.upstream import UpstreamClient
from tests.core.raw_upstream import OK, SHORT, by_library, by_reply, get, pool, post, raw_upstream

CA = trustme.CA()
TRUSTING = ssl.create_default_context()
CA.configure_trust(TRUSTING)


def context(*names: str, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.minimum_version = made.maximum_version = version
    CA.issue_cert(*(names or ("127.0.0.1",))).configure_cert(made)
    return made


both_versions = pytest.mark.parametrize(
    "version", [pytest.param(ssl.TLSVersion.TLSv1_2, id="1.2"), pytest.param(ssl.TLSVersion.TLSv1_3, id="1.3")]
)


@both_versions
@pytest.mark.parametrize("size", [1, 16 * 1024 + 1, 6_000_000])
async def test_bodies_of_any_size_both_ways(version: ssl.TLSVersion, size: int) -> None:
    async def echo(exchange: Exchange) -> None:
        await exchange.respond(200, exchange.body)

    body = b"0123456789abcdef" * (size // 16 + 1)
    async with LoopbackServer(echo, ssl=context(version=version)) as upstream, pool(TRUSTING) as transport:
        for _ in range(3):
            assert (await by_reply(transport, post(upstream.url, body), SHORT)).body == body
        assert upstream.connections_made == 1


async def test_a_stream_arrives_as_it_is_sent() -> None:
    seen = asyncio.Event()

    async def stream(exchange: Exchange) -> None:
        await exchange.start(200)
        for _ in range(3):
            await exchange.send(b"event")
            await seen.wait()
            seen.clear()

    async with LoopbackServer(stream, ssl=context()) as upstream, pool(TRUSTING) as transport:
        reply = await UpstreamClient(transport).reply(post(upstream.url), SHORT)
        async for part in reply.body:
            assert part == b"event"
            seen.set()
        await reply.aclose()


@pytest.mark.parametrize("clean", [True, False], ids=["with a farewell", "without"])
async def test_a_body_that_ends_with_its_connection_needs_a_farewell(clean: bool) -> None:
    wire = b"HTTP/1.1 200 OK\r\n\r\nall of it"
    async with raw_upstream(wire, tls=context()) as upstream, pool(TRUSTING) as transport:
        reply = await UpstreamClient(transport).reply(post(upstream.url), SHORT)
        assert await anext(reply.body) == b"all of it"
        if clean:
            upstream.writers[0].close()
            with pytest.raises(StopAsyncIteration):
                await anext(reply.body)
        else:
            upstream.writers[0].transport.abort()
            with pytest.raises(UpstreamError, match="broke the connection while the answer was on its way"):
                await anext(reply.body)
        await reply.aclose()


async def test_a_kept_connection_that_said_farewell_is_not_used() -> None:
    async with raw_upstream(OK, tls=context()) as upstream, pool(TRUSTING) as transport:
        await by_reply(transport, post(upstream.url), SHORT)
        upstream.writers[0].close()
        await upstream.until(lambda: upstream.open == 0)
        await by_reply(transport, post(upstream.url), SHORT)
        assert upstream.made == 2


async def test_idle_connections_are_closed_with_a_farewell() -> None:
    ended: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(OK)
        ended.append(await reader.read())  # without a farewell it would raise
        done.set()
        writer.close()

    done = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", ssl=context())
    async with pool(TRUSTING, idle_s=0.05) as transport:
        await by_reply(transport, post(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"), SHORT)
        async with asyncio.timeout(5):
            await done.wait()
    assert ended == [b""]
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("names", "sni", "fine"),
    [
        pytest.param(("127.0.0.1",), None, True, id="the address's own"),
        pytest.param(("up.example",), None, False, id="another name's"),
        pytest.param(("up.example",), "up.example", True, id="the name's that was asked for"),
        pytest.param(("127.0.0.1",), "up.example", False, id="the address's, where a name was asked for"),
    ],
)
async def test_the_certificate_must_be(names: tuple[str, ...], sni: str | None, fine: bool) -> None:
    async with raw_upstream(OK, tls=context(*names)) as upstream, pool(TRUSTING) as transport:
        request = post(upstream.url)
        if sni is not None:
            request.extensions = {"sni_hostname": sni}
        if fine:
            assert (await by_reply(transport, request, SHORT)).body == b"ok"
        else:
            with pytest.raises(UpstreamError, match=r"cannot connect to the upstream: .* certificate verify failed"):
                await by_reply(transport, request, SHORT)
            assert upstream.requests == []


async def test_a_connection_is_kept_for_the_name_it_was_proved_for() -> None:
    async with raw_upstream(OK, tls=context("127.0.0.1", "up.example")) as upstream, pool(TRUSTING) as transport:
        for name in ("up.example", "up.example", None, "other.example"):
            request = post(upstream.url)
            if name is not None:
                request.extensions = {"sni_hostname": name}
            if name == "other.example":
                with pytest.raises(UpstreamError, match="certificate verify failed"):
                    await by_reply(transport, request, SHORT)
            else:
                await by_reply(transport, request, SHORT)
        assert len(upstream.requests) == 3
        assert upstream.made == 2


@asynccontextmanager
async def answering(data: bytes | None) -> AsyncIterator[str]:
    """No TLS at all: it says ``data`` to whoever comes, or hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(data or b"")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("data", [None, OK, b"\x16\x03\x03\xff\xff"], ids=["hangs up", "HTTP", "half a record"])
async def test_a_server_that_does_not_speak_it(data: bytes | None) -> None:
    async with answering(data) as url, pool(TRUSTING) as transport:
        with pytest.raises(httpx2.ConnectError):
            await by_library(transport, get(url), SHORT)
        with pytest.raises(UpstreamError, match="cannot connect to the upstream") as caught:
            await by_reply(transport, get(url), SHORT)
        assert caught.value.failure.cause == "connection"


async def test_no_one_is_trusted_unasked() -> None:
    async with raw_upstream(OK, tls=context()) as upstream, pool(ssl.create_default_context()) as transport:
        with pytest.raises(UpstreamError, match="certificate verify failed"):
            await by_reply(transport, get(upstream.url), SHORT)


DAMAGED = b"\x17\x03\x03\x00\x02ab"


async def test_damaged_records_end_the_connection() -> None:
    async with raw_upstream(b"HTTP/1.1 200 OK\r\n\r\nhalf", tls=context()) as upstream, pool(TRUSTING) as transport:
        reply = await UpstreamClient(transport).reply(post(upstream.url), SHORT)
        assert await anext(reply.body) == b"half"
        upstream.writers[0].transport._ssl_protocol._transport.write(DAMAGED)  # type: ignore[attr-defined]  # asyncio's
        with pytest.raises(UpstreamError):
            await anext(reply.body)
        await reply.aclose()
        upstream.writers[0].transport.abort()


async def test_a_reader_that_pauses_stops_the_upstream() -> None:
    sent = 0

    async def flood(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.start(200)
        while sent < 16_000_000:
            await exchange.send(b"x" * 50_000)
            sent += 50_000

    async with LoopbackServer(flood, ssl=context()) as upstream, pool(TRUSTING) as transport:
        reply = await UpstreamClient(transport).reply(post(upstream.url), Timeouts(idle_s=0.1))
        size = len(await anext(reply.body))
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.05)
        assert sent < 12_000_000
        async for part in reply.body:
            size += len(part)
        assert size == 16_000_000
        await reply.aclose()

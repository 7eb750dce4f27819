"""What is sent to an upstream: heads as they should be, bodies of every kind, and answers that come too early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from switchgear import Timeouts, UpstreamError
from switchgear.testing import Exchange, LoopbackServer
from switchgear.transport.sending import head_of
from switchgear.upstream import Post, UpstreamClient
from tests.core.raw_upstream import OK, SHORT, by_library, by_reply, get, pool, post, raw_upstream

URL = "http://up.example:8080/v1/chat?x=1&y=%2F"
HOST = b"Host: up.example:8080\r\n"
LIST: list[tuple[bytes, bytes]] = [(b"a", b"1")]


def bare(method: str, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> httpx2.Request:
    """A request with these headers and no others."""
    return httpx2.Request(method, URL, headers=headers, stream=httpx2.ByteStream(body))


HEADS = [
    pytest.param(bare("GET", LIST), 0, b"GET /v1/chat?x=1&y=%2F HTTP/1.1\r\n" + HOST + b"a: 1\r\n\r\n", id="GET"),
    pytest.param(bare("POST", LIST), 0, HOST + b"a: 1\r\nContent-Length: 0\r\n\r\n", id="POST of nothing"),
    pytest.param(bare("POST", []), 12, HOST + b"Content-Length: 12\r\n\r\n", id="a length that was not said"),
    pytest.param(
        bare("POST", [(b"Host", b"up"), (b"content-length", b"99"), (b"Transfer-Encoding", b"chunked")]),
        2,
        b"\r\nHost: up\r\nContent-Length: 2\r\n\r\n",
        id="a length that is not so",
    ),
    pytest.param(
        bare("POST", [(b"host", b"up")]), None, b"host: up\r\nTransfer-Encoding: chunked\r\n\r\n", id="chunks"
    ),
    pytest.param(bare("POST", [(b"X-Y", "grüß".encode())]), 0, b"X-Y: gr\xc3\xbc\xc3\x9f\r\n", id="bytes beyond ASCII"),
]
UNFIT = [
    pytest.param(bare("GET", [(b"a", b"1\r\nb: 2")]), id="a line break in a value"),
    pytest.param(bare("GET", [(b"a", b"1\nb: 2")]), id="a line feed in a value"),
    pytest.param(bare("GET", [(b"a", b"1\rb: 2")]), id="a carriage return in a value"),
    pytest.param(bare("GET", [(b"a", b"1\0")]), id="a null byte"),
    pytest.param(bare("GET", [(b"a\r\nb", b"1")]), id="a line break in a name"),
    pytest.param(bare("GET", [(b"a b", b"1")]), id="a blank in a name"),
    pytest.param(bare("GET", [(b"a:", b"1")]), id="a colon in a name"),
    pytest.param(bare("GET", [(b"", b"1")]), id="no name"),
    pytest.param(bare("GET /x HTTP/1.1\r\nA:", []), id="a line break in the method"),
    pytest.param(bare("GÈT", []), id="a method beyond ASCII"),
    pytest.param(bare("", []), id="no method"),
]


@pytest.mark.parametrize(("request_", "length", "part"), HEADS)
def test_a_head_says_what_is_so(request_: httpx2.Request, length: int | None, part: bytes) -> None:
    assert part in head_of(request_, (), length)


def test_defaults_are_sent_where_the_request_has_none() -> None:
    head = head_of(bare("GET", [(b"User-Agent", b"mine")]), ((b"user-agent", b"ours"), (b"accept", b"x")), 0)
    assert head.endswith(b"\r\nUser-Agent: mine\r\naccept: x\r\n\r\n")


@pytest.mark.parametrize("request_", UNFIT)
async def test_what_http_does_not_allow_is_not_sent(request_: httpx2.Request) -> None:
    async with raw_upstream(OK) as upstream, pool() as transport:
        request_.url = httpx2.URL(upstream.url)
        with pytest.raises(httpx2.LocalProtocolError):
            await by_library(transport, request_, SHORT)
        with pytest.raises(UpstreamError, match="the request cannot be sent") as caught:
            await by_reply(transport, request_, SHORT)
        assert caught.value.failure.cause == "protocol"
        assert upstream.requests == []


@pytest.mark.parametrize(
    "headers", [[(b"a", b"1\r\nb: 2")], [(b"a b", b"1")], [(b"a", b"1\0")]], ids=["line", "name", "null"]
)
@pytest.mark.parametrize("later", [False, True], ids=["given at once", "given later"])
async def test_what_http_does_not_allow_is_not_posted(headers: list[tuple[bytes, bytes]], later: bool) -> None:
    async with raw_upstream(OK) as upstream, pool() as transport:
        made = Post(upstream.url, []).with_headers(headers) if later else Post(upstream.url, headers)
        for _ in range(2):
            with pytest.raises(UpstreamError, match="the request cannot be sent") as caught:
                await UpstreamClient(transport).post(made, b"{}", SHORT)
            assert caught.value.failure.cause == "protocol"
        assert upstream.made == 0


async def test_a_post_is_sent_as_its_request_would_be() -> None:
    async with raw_upstream(OK) as upstream, pool() as transport:
        client = UpstreamClient(transport)
        made = Post(upstream.url, [(b"x-key", b"one"), (b"X-List", b"a"), (b"X-List", b"b")])
        for body in (b"", b"{}", b"x" * 100_000, b"{}"):
            for reply in (await client.post(made, body, SHORT), await client.reply(made.request(body), SHORT)):
                assert (reply.status, b"".join([part async for part in reply.body])) == (200, b"ok")
                await reply.aclose()
            posted, asked = (said.partition(b"\r\n\r\n") for said in upstream.requests[-2:])
            assert (sorted(posted[0].split(b"\r\n")), posted[2]) == (sorted(asked[0].split(b"\r\n")), body)
        assert upstream.made == 1


async def test_a_posts_further_headers_are_of_one_request() -> None:
    async with raw_upstream(OK) as upstream, pool() as transport:
        client, made = UpstreamClient(transport), Post(upstream.url, [(b"x-key", b"one")])
        for one in (made, made.with_headers([(b"user-agent", b"mine"), (b"x-id", b"7")]), made):
            await (await client.post(one, b"{}", SHORT)).aclose()
        plain, own, again = upstream.requests
        assert plain == again
        assert b"user-agent: switchgear/" in plain
        assert [line for line in own.split(b"\r\n") if line.startswith((b"user-agent", b"x-"))] == [
            b"x-key: one",
            b"user-agent: mine",
            b"x-id: 7",
        ]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://127.0.0.1/", "neither http nor https"),
        ("//127.0.0.1/", "no scheme"),
        ("http:///x", "names no host"),
    ],
    ids=["another scheme", "no scheme", "no host"],
)
async def test_an_address_that_is_none(url: str, words: str) -> None:
    async with pool() as transport:
        with pytest.raises(httpx2.UnsupportedProtocol, match=words):
            await by_library(transport, get(url), SHORT)


# -- bodies ------------------------------------------------------------------------------------------------


async def echo(exchange: Exchange) -> None:
    await exchange.respond(200, exchange.body, {"x-framing": ",".join(sorted(exchange.headers))})


@asynccontextmanager
async def echoing() -> AsyncIterator[tuple[LoopbackServer, UpstreamClient]]:
    async with LoopbackServer(echo) as upstream, pool() as transport:
        yield upstream, UpstreamClient(transport)


async def body_of(client: UpstreamClient, request: httpx2.Request, timeouts: Timeouts = SHORT) -> bytes:
    reply = await client.reply(request, timeouts)
    try:
        return b"".join([part async for part in reply.body])
    finally:
        await reply.aclose()


async def parts(*given: bytes) -> AsyncIterator[bytes]:
    for part in given:
        yield part
        await asyncio.sleep(0)


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 6_000_000])
async def test_a_body_of_any_size_arrives_whole(size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    async with echoing() as (upstream, client):
        for _ in range(2):
            assert await body_of(client, post(upstream.url, body)) == body
        assert upstream.connections_made == 1


@pytest.mark.parametrize("headers", [{}, {"content-length": "6"}], ids=["in chunks", "with its length"])
async def test_a_body_that_is_made_while_it_is_sent(headers: dict[str, str]) -> None:
    async with echoing() as (upstream, client):
        for _ in range(2):
            request = httpx2.Request("POST", upstream.url, headers=headers, content=parts(b"one", b"", b"two"))
            assert await body_of(client, request) == b"onetwo"
            assert ("transfer-encoding" in upstream.requests[-1].headers) is (not headers)
        assert upstream.connections_made == 1


@pytest.mark.parametrize("given", [(b"12345",), (b"1234", b"567")], ids=["shorter", "longer"])
async def test_a_body_that_is_not_as_long_as_it_says_ends_the_connection(given: tuple[bytes, ...]) -> None:
    async with echoing() as (upstream, client):
        request = httpx2.Request("POST", upstream.url, headers={"content-length": "6"}, content=parts(*given))
        with pytest.raises(UpstreamError, match="not as long as it says"):
            await client.reply(request, SHORT)
        await upstream.wait_for(lambda: upstream.connections_made == 1 and upstream.open_connections == 0)
        assert len(upstream.requests) == 0


async def test_a_body_that_fails_ends_the_connection() -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"half"
        raise LookupError("no more")

    async with echoing() as (upstream, client):
        with pytest.raises(LookupError):
            await client.reply(httpx2.Request("POST", upstream.url, content=failing()), SHORT)
        await upstream.wait_for(lambda: upstream.connections_made == 1 and upstream.open_connections == 0)
        assert len(upstream.requests) == 0


# -- answers before the body is sent ----------------------------------------------------------------------

REFUSED = b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno"


@asynccontextmanager
async def refusing(then: str) -> AsyncIterator[tuple[str, list[bool]]]:
    """An upstream that reads the head, refuses, and reads no more. Gives its address, and who has left."""
    left: list[bool] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REFUSED)
        await writer.drain()
        if then == "hang up":
            writer.transport.abort()
        elif then == "do nothing":
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # every socket transport has it
            await over.wait()
        else:
            while await reader.read(65536):
                pass
        writer.close()
        left.append(True)

    over = asyncio.Event()
    server = await asyncio.start_server(refuse, "127.0.0.1", limit=1024)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", left
    finally:
        over.set()
        server.close()
        await server.wait_closed()


async def without_end() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 100_000
        await asyncio.sleep(0)


@pytest.mark.parametrize("then", ["read on", "hang up", "do nothing"])
async def test_a_refusal_in_the_middle_of_a_long_body_is_heard(then: str) -> None:
    async with refusing(then) as (url, left), pool(max_connections=1) as transport:
        for _ in range(2):
            heard = await by_reply(transport, post(url, b"x" * 30_000_000), SHORT)
            assert (heard.status, heard.body) == (413, b"no")
            heard = await by_reply(transport, httpx2.Request("POST", url, content=without_end()), SHORT)
            assert (heard.status, heard.body) == (413, b"no")
        if then != "do nothing":
            async with asyncio.timeout(5):
                while len(left) < 4:
                    await asyncio.sleep(0.01)


# -- an upstream that reads slowly -------------------------------------------------------------------------


@asynccontextmanager
async def reading(pause_s: float | None) -> AsyncIterator[str]:
    """An upstream that reads a part of its request after each pause; never without one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if pause_s is None:
                writer.transport.pause_reading()  # type: ignore[attr-defined]  # every socket transport has it
                await gone.wait()
            left = 8_000_000
            while left > 0:
                left -= len(await reader.read(200_000))
                await asyncio.sleep(pause_s or 0)
            writer.write(OK)
        finally:
            writer.close()

    gone = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", limit=1024)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        gone.set()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("made", [False, True], ids=["at hand", "made while it is sent"])
async def test_an_upstream_that_does_not_read_is_given_up(made: bool) -> None:
    async with reading(None) as url, pool() as transport:
        body = without_end() if made else b"x" * 30_000_000
        with pytest.raises(httpx2.WriteTimeout):
            await by_library(transport, httpx2.Request("POST", url, content=body), Timeouts(idle_s=0.1))


async def test_an_upstream_that_reads_slowly_is_not() -> None:
    async with reading(0.015) as url, pool() as transport:
        heard = await by_reply(transport, post(url, b"x" * 8_000_000), Timeouts(idle_s=0.3))
        assert heard.body == b"ok"

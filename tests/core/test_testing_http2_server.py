"""The HTTP/2 test server itself, asked by another client than ours."""

from __future__ import annotations

import asyncio
import ssl

import httpx2
import pytest
import trustme
from h2.exceptions import ProtocolError

from switchgear.testing import ClientGoneError, Http2Exchange, Http2Server
from tests.core.duplexes import server_context


def cleartext() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(http1=False, http2=True, verify=False)


async def sums(exchange: Http2Exchange) -> None:
    body = await exchange.body()
    await exchange.respond(201, b"%d" % len(body), {"x-path": exchange.path})


async def test_speaks_http2_over_tls() -> None:
    authority = trustme.CA()
    theirs = ssl.create_default_context()
    authority.configure_trust(theirs)
    async with (
        Http2Server(sums, ssl=server_context(authority)) as server,
        httpx2.AsyncClient(http2=True, verify=theirs) as client,
    ):
        answers = await asyncio.gather(
            *(client.post(f"{server.url}/a?b=c", content=b"x" * size) for size in (0, 5, 300_000))
        )
        assert [answer.text for answer in answers] == ["0", "5", "300000"]
        assert {answer.http_version for answer in answers} == {"HTTP/2"}
        assert answers[0].headers["x-path"] == "/a"
        assert (server.hits("/a"), server.connections_made, server.open_streams) == (3, 1, 0)
        assert server.exchanges[0].request.authority == f"127.0.0.1:{server.port}"
    assert server.open_connections == 0


async def test_a_handler_that_says_nothing_answers_500_and_one_that_begins_is_ended() -> None:
    async def lazy(exchange: Http2Exchange) -> None:
        if exchange.path == "/begun":
            await exchange.start(202)

    async with Http2Server(lazy) as server, cleartext() as client:
        assert (await client.get(server.url)).status_code == 500
        assert (await client.get(f"{server.url}/begun")).status_code == 202


async def test_what_a_handler_raises_fails_the_test() -> None:
    async def wrong(exchange: Http2Exchange) -> None:
        raise AssertionError("the request was wrong")

    async def ask() -> None:
        async with Http2Server(wrong) as server, cleartext() as client:
            with pytest.raises(httpx2.RemoteProtocolError):
                await client.get(server.url)

    with pytest.raises(AssertionError, match="the request was wrong"):
        await ask()


async def test_what_breaks_http2_fails_the_test() -> None:
    async def speak_http1() -> None:
        async with Http2Server(sums) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            while await reader.read(1000):
                pass
            writer.transport.abort()

    with pytest.raises(ProtocolError):
        await speak_http1()


async def test_a_client_that_leaves_is_noticed_by_whoever_waits() -> None:
    noticed = []

    async def waits(exchange: Http2Exchange) -> None:
        if exchange.path == "/wait":
            await exchange.closed.wait()
        with pytest.raises(ClientGoneError):
            await (exchange.pause(60) if exchange.path == "/pause" else exchange.send(b"too late"))
        noticed.append(exchange.path)

    async with Http2Server(waits) as server, cleartext() as client:
        asking = [asyncio.create_task(client.get(f"{server.url}/{what}")) for what in ("pause", "wait")]
        await server.wait_for(lambda: server.open_streams == 2)
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)
        await client.aclose()
        await server.wait_for(lambda: sorted(noticed) == ["/pause", "/wait"])

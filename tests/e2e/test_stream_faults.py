"""What can go wrong in a stream: faults S1 to S9 of a whole gateway on real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import httpx2
import pytest

from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import DONE, HELLO, ROLE, SSE, STOP, Running, completion, delta, gateway, wired

ERROR = b'data: {"error": {"message": "overloaded", "code": "busy"}}\n\n'


def sends(*parts: bytes, cut: bool = False) -> Any:
    """A handler that streams ``parts``, and ends or breaks off."""

    async def handle(exchange: Exchange) -> None:
        await exchange.start(200, SSE)
        for part in parts:
            await exchange.send(part)
        if cut:
            await exchange.pause(0.05)
            exchange.cut()

    return handle


def events(response: httpx2.Response) -> list[Any]:
    """The JSON of every event; ``[DONE]`` as a text."""
    data = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line.startswith("data: ")]
    return [text if text == "[DONE]" else json.loads(text) for text in data]


# -- S1: broken off -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handle", "words"),
    [
        pytest.param(sends(ROLE, HELLO, cut=True), "broke the connection", id="reset"),
        pytest.param(sends(ROLE, HELLO), "without a finish reason", id="ended without a finish"),
        pytest.param(sends(ROLE, HELLO, b'data: {"choi'), "inside an event", id="ended inside an event"),
        pytest.param(sends(ROLE, HELLO, delta("abort")), "", id="aborted"),
        pytest.param(sends(ROLE, HELLO, b"data: <html>\n\n"), "no JSON", id="garbage in the middle"),
    ],
)
async def test_s1_a_broken_stream_ends_with_an_error_event(tmp_path: Path, handle: Any, words: str) -> None:
    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        response = await running.chat(stream=True)
        *before, last = events(response)
        assert words in last["error"]["message"]
        assert all(choice["finish_reason"] is None for event in before for choice in event["choices"])
        assert "[DONE]" not in before
        assert len(upstream.requests) == 1, "nothing is retried after the first byte"
        counted = await running.counted("wired")
        assert (counted["failures"], counted["successes"]) == (1, 0)


@pytest.mark.parametrize(
    "handle",
    [
        pytest.param(sends(ROLE, cut=True), id="cut after the role"),
        pytest.param(sends(ROLE), id="ended after the role"),
        pytest.param(sends(), id="nothing"),
        pytest.param(sends(b": comment\n\n"), id="a comment only"),
        pytest.param(sends(DONE), id="DONE only"),
        pytest.param(sends(ROLE, ERROR), id="S2: an error before output"),
        pytest.param(sends(b"event: error\n" + ERROR), id="S2: an error event first"),
        pytest.param(sends(b'{"error": "queue full"}\n\n'), id="S2: a bare JSON error"),
    ],
)
async def test_before_output_another_candidate_is_tried(tmp_path: Path, handle: Any) -> None:
    async def route(exchange: Exchange) -> None:
        if "token-of-one" in exchange.headers["authorization"]:
            await handle(exchange)
        else:
            await sends(ROLE, HELLO, STOP, DONE)(exchange)

    config = {"routing": {"strategy": "fill-first"}}
    async with LoopbackServer(route) as upstream:
        async with gateway(tmp_path, {**wired(upstream, accounts=["one", "two"]), **config}) as running:
            response = await running.chat(stream=True)
            assert response.content == ROLE + HELLO + STOP + DONE
            assert response.headers["x-switchgear-account"] == "two"
            assert (await running.counted("wired"))["failures"] == 1


async def test_s2_the_last_real_error_reaches_the_client_as_an_error_status(tmp_path: Path) -> None:
    async with LoopbackServer(sends(ROLE, ERROR)) as upstream:
        async with gateway(tmp_path, {**wired(upstream), "request-retry": 0}) as running:
            response = await running.chat(stream=True)
            assert response.status_code >= 500
            assert response.json()["error"]["message"] == "overloaded"


async def test_s3_after_output_there_is_no_fallback(tmp_path: Path) -> None:
    async with LoopbackServer(sends(ROLE, HELLO, ERROR, HELLO, DONE)) as upstream:
        async with gateway(tmp_path, wired(upstream, accounts=["one", "two"])) as running:
            response = await running.chat(stream=True)
            assert [sorted(event) for event in events(response)] == [
                ["choices", "object"],
                ["choices", "object"],
                ["error"],
            ]
            assert events(response)[-1]["error"]["code"] == "busy"
            assert len(upstream.requests) == 1


# -- S6: usage ------------------------------------------------------------------------------------------------------


def usage(given: int, made: int) -> bytes:
    return (
        b"data: "
        + json.dumps({"choices": [], "usage": {"prompt_tokens": given, "completion_tokens": made}}).encode()
        + b"\n\n"
    )


@pytest.mark.parametrize(
    ("parts", "tokens"),
    [
        pytest.param([], (0, 0, 1), id="missing"),
        pytest.param([usage(3, 5)], (3, 5, 0), id="only in the last chunk"),
        pytest.param([usage(1, 2), usage(3, 5)], (3, 5, 0), id="twice"),
        pytest.param([usage(3, 5), usage(0, 0)], (3, 5, 0), id="zero at the end"),
    ],
)
async def test_s6_a_request_is_counted_once(tmp_path: Path, parts: list[bytes], tokens: tuple[int, int, int]) -> None:
    async with (
        LoopbackServer(sends(HELLO, STOP, *parts, DONE)) as upstream,
        gateway(tmp_path, wired(upstream)) as running,
    ):
        await running.chat(stream=True)
        counted = await running.counted("wired")
        assert counted["attempts"] == 1
        assert tuple(counted["tokens"][name] for name in ("input", "output", "usage_missing")) == tokens


# -- S7: a slow client ----------------------------------------------------------------------------------------------


async def test_s7_a_client_that_does_not_read_stops_the_upstream(tmp_path: Path) -> None:
    part = delta(content="x" * 65_000)
    sent = 0

    async def handle(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.start(200, SSE)
        while True:
            await exchange.send(part)
            sent += len(part)
            upstream.notify()

    async with LoopbackServer(handle, send_buffer_bytes=65_536) as upstream:
        async with gateway(tmp_path, wired(upstream)) as running:
            reader, writer = await raw_request(running, small_buffer=True)
            await reader.readuntil(b"\r\n\r\n")
            before = -1
            while before != sent:  # until nothing moves any more
                before = sent
                await asyncio.sleep(0.3)
            assert sent < 16 * 1024 * 1024
            writer.transport.abort()
            await upstream.wait_for(lambda: upstream.open_connections == 0)


async def raw_request(
    running: Running, *, stream: bool = True, small_buffer: bool = False
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A chat request over a socket of our own, to read from or to hang up."""
    sock = socket.socket()
    if small_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", running.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
    body = json.dumps({"model": "m", "messages": [], "stream": stream}).encode()
    key = running.client.headers["authorization"].encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: %s\r\ncontent-length: %d\r\n\r\n"
    writer.write(head % (key, len(body)) + body)
    await writer.drain()
    return reader, writer


# -- S8: the client hangs up ----------------------------------------------------------------------------------------


async def first_byte_never_comes(exchange: Exchange) -> None:
    await exchange.closed.wait()


async def starts_and_goes_on(exchange: Exchange) -> None:
    await exchange.start(200, SSE)
    await exchange.send(usage(7, 1) + HELLO)
    await exchange.closed.wait()


@pytest.mark.parametrize(
    ("handle", "stream", "after"),
    [
        pytest.param(first_byte_never_comes, True, False, id="a stream, before its first byte"),
        pytest.param(first_byte_never_comes, False, False, id="a whole answer"),
        pytest.param(starts_and_goes_on, True, True, id="a stream, after its first byte"),
    ],
)
async def test_s8_a_hang_up_reaches_the_upstream_within_a_second(
    tmp_path: Path, handle: Any, stream: bool, after: bool
) -> None:
    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        reader, writer = await raw_request(running, stream=stream)
        await upstream.wait_for(lambda: len(upstream.requests) == 1)
        if after:
            await reader.readuntil(b"Hello")
        writer.transport.abort()
        await upstream.wait_for(lambda: upstream.open_connections == 0, timeout_s=1.0)
        counted = await running.counted("wired")
        assert (counted["cancelled"], counted["failures"], counted["success_ratio"]) == (1, 0, None)
        assert (await running.provider("wired"))["in_flight"] == 0
        assert counted["tokens"]["input"] == (7 if after else 0), "partial usage is kept"


# -- S9: shutdown and reload during a stream ------------------------------------------------------------------------


async def test_s9_a_stream_ends_by_itself_within_the_drain_time(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def handle(exchange: Exchange) -> None:
        await exchange.start(200, SSE)
        await exchange.send(HELLO)
        await go_on.wait()
        await exchange.send(STOP + DONE)

    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        reader, writer = await raw_request(running)
        await reader.readuntil(b"Hello")
        running.stop.set()
        while not running.service.draining:
            await asyncio.sleep(0)
        go_on.set()
        assert b"[DONE]" in await reader.read(-1)
        writer.close()
        await asyncio.wait_for(asyncio.shield(running.served), 5)


async def test_s9_at_the_drain_deadline_the_client_gets_a_clear_error(tmp_path: Path) -> None:
    async with LoopbackServer(starts_and_goes_on) as upstream:
        async with gateway(tmp_path, {**wired(upstream), "drain-seconds": 0.2}) as running:
            reader, writer = await raw_request(running)
            await reader.readuntil(b"Hello")
            running.stop.set()
            rest = await asyncio.wait_for(reader.read(-1), 5)
            assert b"shutting_down" in rest
            assert b"[DONE]" not in rest
            writer.close()
            await asyncio.wait_for(asyncio.shield(running.served), 5)
            await upstream.wait_for(lambda: upstream.open_connections == 0)


async def test_s9_a_client_that_does_not_read_cannot_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchgear.http.app.FAREWELL_S", 0.3)
    part = delta(content="x" * 65_000)

    async def endless(exchange: Exchange) -> None:
        await exchange.start(200, SSE)
        while True:
            await exchange.send(part)

    async with LoopbackServer(endless) as upstream:
        async with gateway(tmp_path, {**wired(upstream), "drain-seconds": 0.2}) as running:
            reader, writer = await raw_request(running, small_buffer=True)
            await reader.readuntil(b"\r\n\r\n")
            running.stop.set()
            await asyncio.wait_for(asyncio.shield(running.served), 10)
            writer.transport.abort()


async def test_s9_a_reload_drops_no_stream(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def handle(exchange: Exchange) -> None:
        if b'"stream":false' in exchange.body:
            await exchange.respond(200, completion())
            return
        await exchange.start(200, SSE)
        await exchange.send(HELLO)
        await go_on.wait()
        await exchange.send(STOP + DONE)

    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        reader, writer = await raw_request(running)
        await reader.readuntil(b"Hello")
        config = json.loads(running.config_file.read_text())
        config["wired"][0]["models"] = [{"name": "other"}]
        running.config_file.write_text(json.dumps(config))
        await running.service.reload()
        assert (await running.chat("other")).status_code == 200
        assert (await running.chat("m")).status_code == 404
        go_on.set()
        assert b"[DONE]" in await reader.readuntil(b"[DONE]")
        writer.close()


async def test_a_wrong_file_leaves_the_last_good_one_in_place(tmp_path: Path) -> None:
    async with LoopbackServer(sends(HELLO, STOP, DONE)) as upstream, gateway(tmp_path, wired(upstream)) as running:
        running.config_file.write_text("api-keys: [\n")
        await running.service.reload()
        assert (await running.chat(stream=True)).status_code == 200
        health = (await running.client.get("/health")).json()
        assert "config.yaml:" in health["config"]["rejected"]

"""A whole gateway on either server: answers, streams, hang-ups and the end are the same."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import DONE, HELLO, KEY, SSE, STOP, Running, completion, gateway, wired

both = pytest.mark.parametrize("server", ["fast", "stock"])
CHAT = b'{"model":"m","messages":[],"stream":true}'
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\ncontent-length: %d\r\n\r\n"


async def streams(exchange: Exchange) -> None:
    if b'"stream":true' in exchange.body:
        await exchange.start(200, SSE)
        await exchange.send(HELLO)
        await exchange.send(STOP + DONE)
    else:
        await exchange.respond(200, completion())


async def never_ends(exchange: Exchange) -> None:
    await exchange.start(200, SSE)
    await exchange.send(HELLO)
    await exchange.closed.wait()


async def never_begins(exchange: Exchange) -> None:
    await exchange.closed.wait()


async def asking(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD % (KEY.encode(), len(CHAT)) + CHAT)
    return reader, writer


async def refused(port: int) -> None:
    """Wait until nobody listens there."""
    with suppress(ConnectionError):  # refused, or reset in the moment the listener closes
        while True:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.transport.abort()
            await asyncio.sleep(0.02)


async def idle(running: Running) -> None:
    async with asyncio.timeout(2):
        await running.app.active.idle.wait()


@both
async def test_answers_and_streams_come_whole(tmp_path: Path, server: str) -> None:
    async with LoopbackServer(streams) as upstream:
        async with gateway(tmp_path, {**wired(upstream), "server": server}) as running:
            assert (await running.chat()).json()["choices"][0]["message"]["content"] == "Hi"
            answer = await running.chat(stream=True)
            assert answer.content == HELLO + STOP + DONE
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert "server" not in answer.headers
            big = await running.chat(padding="x" * 3_000_000)
            assert (big.status_code, len(upstream.requests[-1].body) > 3_000_000) == (200, True)


@both
@pytest.mark.parametrize("handle", [never_begins, never_ends], ids=["before the first byte", "after the first byte"])
async def test_a_hang_up_reaches_the_upstream(tmp_path: Path, handle: Any, server: str) -> None:
    async with LoopbackServer(handle) as upstream:
        async with gateway(tmp_path, {**wired(upstream), "server": server}) as running:
            reader, writer = await asking(running.port)
            await upstream.wait_for(lambda: len(upstream.requests) == 1)
            if handle is never_ends:
                await reader.readuntil(b"Hello")
            writer.transport.abort()
            await upstream.wait_for(lambda: upstream.open_connections == 0, timeout_s=1.0)
            await idle(running)
            assert (await running.counted("wired"))["cancelled"] == 1


@both
async def test_at_the_end_of_the_drain_the_client_is_told(tmp_path: Path, server: str) -> None:
    async with LoopbackServer(never_ends) as upstream:
        async with gateway(tmp_path, {**wired(upstream), "server": server, "drain-seconds": 0.1}) as running:
            reader, writer = await asking(running.port)
            await reader.readuntil(b"Hello")
            running.stop.set()
            rest = await asyncio.wait_for(reader.read(-1), 5)
            assert b"shutting_down" in rest
            assert rest.endswith(b"0\r\n\r\n")
            writer.close()
            await asyncio.wait_for(asyncio.shield(running.served), 5)


@both
async def test_a_second_signal_ends_it_at_once(tmp_path: Path, server: str) -> None:
    async with LoopbackServer(never_ends) as upstream:
        entry = {
            "name": "a",
            "base-url": upstream.url,
            "api-key-entries": [{"api-key": "sk-q7Zt4Lw0Vb2Nn8"}],
            "models": [{"name": "m"}],
        }
        config = {"port": 0, "server": server, "api-keys": [KEY], "openai-compatibility": [entry], "drain-seconds": 60}
        config |= {"auth-dir": str(tmp_path / "auth"), "state-dir": str(tmp_path / "state")}
        (tmp_path / "config.yaml").write_text(json.dumps(config))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "switchgear", "serve"), cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            url = re.search(rb"http://127.0.0.1:(\d+)", await process.stdout.readline())
            assert url is not None
            reader, writer = await asking(int(url[1]))
            await asyncio.wait_for(reader.readuntil(b"Hello"), 10)
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(refused(int(url[1])), 10)
            assert process.returncode is None
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 5) == 0
            writer.transport.abort()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

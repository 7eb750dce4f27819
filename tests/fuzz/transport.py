"""Random damage to what an upstream says: every call ends, in an answer or an error of ours, and nothing is left over.

Run it as ``python -m tests.fuzz.transport [seconds] [seed]``; it prints the seed, so that a find can be seen again.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from pathlib import Path

import httpx2

from switchgear import Timeouts, UpstreamError
from switchgear.transport import PooledTransport
from switchgear.upstream import UpstreamClient
from tests.core.raw_upstream import CONTEXT, OK

TIMEOUTS = Timeouts(connect_s=2, first_byte_s=0.2, idle_s=0.2)
LIMIT_S = 10.0
AT_ONCE = 8
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
GOOD = [
    OK,
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.0 200 OK\nx: a\n\nuntil the end",
    CHUNKED + b"\r\n5\r\nhello\r\n2;x=y\r\nok\r\n0\r\nx-sum: 1\r\n\r\n",
    CHUNKED + b"content-encoding: gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 400000\r\n\r\n" + b"x" * 400_000,
    b"HTTP/1.1 503 Busy\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno",
]
PIECES = [b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"0\r\n\r\n", b"HTTP/1.1 ", b"content-length: 1\r\n", b"\xff" * 9]


def damaged(chance: random.Random) -> bytes:
    """A good answer with something changed, put in, left out or put behind."""
    wire = bytearray(chance.choice(GOOD))
    for _ in range(chance.randrange(5)):
        at = chance.randrange(min(len(wire), 300) + 1)
        wire[at : at + chance.randrange(4)] = chance.choice([*PIECES, chance.randbytes(chance.randrange(5))])
    if chance.random() < 0.2:
        wire += chance.choice(GOOD)
    return bytes(wire[: chance.randrange(len(wire) + 1)] if chance.random() < 0.2 else wire)


async def _serve(chance: random.Random, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.read(1000):
            wire = damaged(chance)
            for _ in range(chance.randrange(4)):
                cut = chance.randrange(len(wire) + 1)
                writer.write(wire[:cut])
                wire = wire[cut:]
                await asyncio.sleep(0)
            writer.write(wire)
            if chance.random() < 0.8:
                break  # of what is left out the end may be the only sign
        if chance.random() < 0.3:
            writer.transport.abort()
    except OSError:
        pass
    finally:
        writer.close()


async def _call(chance: random.Random, client: UpstreamClient, url: str) -> str:
    """One call; what came of it."""
    request = httpx2.Request(chance.choice(["GET", "POST", "HEAD"]), url)
    try:
        reply = await client.reply(request, TIMEOUTS)
        try:
            parts = chance.choice([0, 1, 10**9])
            async for _ in reply.body:
                parts -= 1
                if parts < 0:
                    return "left"
        finally:
            await reply.aclose()
    except UpstreamError as error:
        return error.failure.cause
    return "answered"


async def fuzz(seconds: float, seed: int, limit_s: float = LIMIT_S) -> dict[str, int]:
    """Ask for so long; how often what came of it. A call that takes longer than ``limit_s`` hangs.

    Raises:
        Exception: a find: what should not have been raised, a call that hangs, or something left over.
    """
    chance = random.Random(seed)
    counted: dict[str, int] = {}
    raised: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))
    files = sum(1 for _ in Path("/proc/self/fd").iterdir())
    server = await asyncio.start_server(lambda *streams: _serve(chance, *streams), "127.0.0.1")
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    transport = PooledTransport(CONTEXT, max_connections=AT_ONCE // 2, max_idle=AT_ONCE, idle_s=1)
    client = UpstreamClient(transport)
    end = time.monotonic() + seconds
    while time.monotonic() < end and not raised:
        async with asyncio.timeout(limit_s):
            for outcome in await asyncio.gather(*(_call(chance, client, url) for _ in range(AT_ONCE))):
                counted[outcome] = counted.get(outcome, 0) + 1
    server.close()
    async with asyncio.timeout(limit_s):
        await transport.aclose()
        await server.wait_closed()
        while len(asyncio.all_tasks()) > 1 or sum(1 for _ in Path("/proc/self/fd").iterdir()) > files:
            await asyncio.sleep(0.01)
    if raised:
        raise AssertionError(raised[0])
    return counted


def main(arguments: list[str]) -> None:
    """See the top of the module."""
    seconds = float(arguments[0]) if arguments else 60.0
    seed = int(arguments[1]) if len(arguments) > 1 else random.randrange(2**32)
    print(f"seed {seed}")
    print(asyncio.run(fuzz(seconds, seed)))


if __name__ == "__main__":
    main(sys.argv[1:])

"""Fuzz our HTTP server: ``python -m tests.fuzz.server [SECONDS] [SEED]``.

Streams of requests are cut, spliced and damaged, and given to a connection over a transport in memory. What must hold,
whatever comes:

- nothing is raised out of the protocol, nothing is logged as a failure of the server or of the application;
- what is answered is the same however the bytes are cut;
- once the client is gone nothing is left: no connection, no request, no task.

It prints the seed; one that fails is printed with its bytes, and repeats by itself.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import structlog

from switchgear.server.connection import Connection
from switchgear.server.connections import Connections
from switchgear.server.limits import HEADER_LIMIT_BYTES
from tests.fuzz import seeds

HEAD = b" HTTP/1.1\r\nhost: x\r\n"
REQUESTS = [
    b"GET /a" + HEAD + b"\r\n",
    b"HEAD /b?c=d" + HEAD + b"accept: */*\r\n\r\n",
    b"POST /c" + HEAD + b"content-length: 5\r\n\r\nhello",
    b"POST /d" + HEAD + b"expect: 100-continue\r\ncontent-length: 12\r\n\r\nGET / HTTP/1",
    b"POST /e" + HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
    b"POST /f" + HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: y\r\n\r\n",
    b"GET http://y/g HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
    b"OPTIONS *" + HEAD + b"connection: close\r\n\r\n",
    b"GET /h" + HEAD + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]
TOKENS = [
    b"",
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b":",
    b"\xff",
    b"0",
    b"-1",
    b"fffffffffffffffff",
    b"content-length: 3\r\n",
    b"transfer-encoding: chunked\r\n",
    b"transfer-encoding: gzip\r\n",
    b"host: y\r\n",
    b"connection: close\r\n",
    b"upgrade: h2c\r\n",
    b"HTTP/1.0",
    b"CONNECT",
    b"x: " + b"y" * 70_000,
]


class Found(AssertionError):
    """Something that must hold did not."""


class Outcome(NamedTuple):
    """What a connection came to: what was written, whether it was handed over, whether the server ended it."""

    written: bytes
    handed_over: bool
    ended: bool


class MemoryTransport(asyncio.Transport):
    """A connection to nobody: it takes what is written, and keeps what comes while it is not read from."""

    def __init__(self, protocol: Connection) -> None:
        super().__init__()
        self.protocol = protocol
        self.written = b""
        self.ended = self.handed_over = False
        self._closing = self._paused = False
        self._waiting: list[bytes] = []
        protocol.connection_made(self)

    def feed(self, data: bytes) -> None:
        """This came from the client."""
        if self._closing or self.handed_over:
            return
        if self._paused:
            self._waiting.append(data)
        elif data:
            self.protocol.data_received(data)

    def leave(self) -> None:
        """The client hangs up."""
        if not self._closing and not self.handed_over:
            self._paused = False
            self.protocol.eof_received()  # which does not keep it open
            self._close()

    def write(self, data: Any) -> None:
        if not data:
            raise Found("an empty write")
        if self.ended:
            raise Found("a write after the end")
        if not self._closing:
            self.written += data

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.ended = True
        self._close()

    abort = close

    def _close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            waiting, self._waiting = self._waiting, []
            for data in waiting:
                asyncio.get_running_loop().call_soon(self.feed, data)

    def get_write_buffer_size(self) -> int:
        return 0


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the method, the path and the body, in chunks; a request that breaks off not at all."""
    parts = [f"{scope['method']} {scope['path']} ".encode()]
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        parts.append(message["body"])
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"".join(parts), "more_body": True})
    await send({"type": "http.response.body"})
    if (await receive())["type"] != "http.disconnect":
        raise Found("the request goes on after its answer")


async def outcome(pieces: Iterable[bytes], pauses: random.Random | None = None) -> Outcome:
    """Give the pieces to a connection, now and then with a pause in which it can answer.

    Raises:
        Found: something failed, or was left.
    """
    handed: list[bytes] = []

    def hand_over(transport: asyncio.Transport, data: bytes) -> None:
        handed.append(data)
        assert isinstance(transport, MemoryTransport)
        transport.handed_over = True

    before = asyncio.all_tasks()
    connections = Connections(echo, hand_over)
    transport = MemoryTransport(connections())
    for piece in pieces:
        transport.feed(piece)
        if pauses is not None and pauses.random() < 0.5:
            await _settle(pauses.randint(1, 5))
    await _settle(100)
    result = Outcome(_told(transport.written), bool(handed), transport.ended)
    transport.leave()
    await _settle(10)
    if connections.open or connections.running or asyncio.all_tasks() != before:
        raise Found(f"left: {connections.open} {connections.running} {asyncio.all_tasks() - before}")
    await connections.ended()
    return result


async def _settle(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


def _told(written: bytes) -> bytes:
    """What was answered, without what may differ: the date, and whether a body had to be asked for."""
    return re.sub(rb"date: .*?\r\n", b"", written).replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")


def damaged(rng: random.Random) -> bytes:
    """Some requests, and what happened to them."""
    data = b"".join(rng.choice(REQUESTS[: rng.choice([7, 8, 10])]) for _ in range(rng.randint(1, 6)))
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5])):
        data = _broken(data, rng)
    return data


def _broken(data: bytes, rng: random.Random) -> bytes:
    """One change: a bit, a piece less, a piece twice, a piece of something else."""
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.choice([0, 1, 4, 40]))
    match rng.randrange(4):
        case 0 if start < len(data):
            return data[:start] + bytes([data[start] ^ 1 << rng.randrange(8)]) + data[start + 1 :]
        case 1:
            return data[:start] + data[end:]
        case 2:
            return data[:end] + data[start:]
        case _:
            return data[:start] + rng.choice(TOKENS) + data[end:]


def cut(data: bytes, rng: random.Random) -> list[bytes]:
    """The same bytes in pieces."""
    pieces = []
    longest = rng.choice([3, 40, 400]) if len(data) < 10_000 else 30_000
    while data:
        size = rng.randint(1, longest)
        pieces.append(data[:size])
        data = data[size:]
    return pieces


async def _tried(seed: int) -> bytes:
    rng = random.Random(seed)
    data = damaged(rng)
    pieces = cut(data, rng)
    failures: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    try:
        with structlog.testing.capture_logs() as logged:
            whole = await outcome([data])
            in_pieces = await outcome(pieces, rng)
        if failures or logged:
            raise Found(f"{failures} {logged}")
        if whole != in_pieces and len(data) < HEADER_LIMIT_BYTES:  # what is too long may be wrong first, or too long
            raise Found(f"{whole}, but in pieces {in_pieces}")
    except Exception as error:
        error.add_note(f"seed {seed}: {data[:2000]!r}")
        raise
    return data


def one(seed: int) -> bytes:
    """Try one seed; gives the bytes that were tried.

    Raises:
        Found: something did not hold.
    """
    return asyncio.run(_tried(seed))


if __name__ == "__main__":
    seeds.main(one)

"""Both of our servers with an application of a test behind them, and a client that sends bytes as they are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import h11
import pytest

from switchgear.cli.server import listen
from switchgear.server.serving import Choice, serve

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Coroutine[Any, Any, Message]]
Send = Callable[[Message], Coroutine[Any, Any, None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LIMIT_S = 5.0
both = pytest.mark.parametrize("choice", ["fast", "stock"])
"""The test is one of both servers."""

LAST = b"GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
"""A request that ends its connection."""


def request(target: str = "/", body: bytes | None = None, *headers: str, method: str = "GET") -> bytes:
    """A request in order; with a ``body`` it is a POST with its length."""
    if body is not None:
        method, headers = "POST", (*headers, f"content-length: {len(body)}")
    lines = [f"{method} {target} HTTP/1.1", "host: x", *headers, "", ""]
    return "\r\n".join(lines).encode() + (body or b"")


async def read_body(receive: Receive) -> bytes:
    """The whole body.

    Raises:
        ConnectionError: the client went away.
    """
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client went away")
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts)


async def answer(send: Send, body: bytes = b"ok", status: int = 200, *headers: tuple[bytes, bytes]) -> None:
    """Answer in one piece."""
    head = [(b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Echo:
    """Answers with the method, the path and the body, and remembers them."""

    seen: list[str] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            body = await read_body(receive)
        except ConnectionError:
            self.seen.append(f"{scope['method']} {scope['path']} cut")
            return
        self.seen.append(f"{scope['method']} {scope['path']} {body.decode('latin-1')}".rstrip())
        self.scopes.append(scope)
        await answer(send, self.seen[-1].encode("latin-1"))


class Held:
    """An application whose answers wait for the test: a head at once where ``begun``, the rest on ``release``."""

    def __init__(self, *, begun: bool = False) -> None:
        self.begun = begun
        self.asked = asyncio.Semaphore(0)
        self.release = asyncio.Event()
        self.gone = asyncio.Event()
        self.paths: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.paths.append(scope["path"])
        await read_body(receive)
        if self.begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        self.asked.release()
        leaving = asyncio.create_task(receive())
        waiting = asyncio.create_task(self.release.wait())
        try:
            await asyncio.wait({leaving, waiting}, return_when=asyncio.FIRST_COMPLETED)
            gone = leaving.done() and leaving.result() == {"type": "http.disconnect"}
        finally:
            leaving.cancel()
            waiting.cancel()
        if gone:
            self.gone.set()
        else:
            if self.begun:
                await send({"type": "http.response.body", "body": b" ended"})
            else:
                await answer(send, scope["path"].encode())

    async def wait(self) -> None:
        async with asyncio.timeout(5):
            await self.asked.acquire()

    async def lost(self) -> None:
        async with asyncio.timeout(5):
            await self.gone.wait()


@dataclass
class Served:
    """A server that serves."""

    port: int
    stop: asyncio.Event
    task: asyncio.Task[None]

    async def ended(self) -> None:
        """Wait until it has ended."""
        await asyncio.wait_for(asyncio.shield(self.task), LIMIT_S)


@asynccontextmanager
async def served(app: App, choice: Choice = "fast") -> AsyncIterator[Served]:
    """Serve ``app`` on a free port. Afterwards nothing of the server may be left: no task, no connection."""
    before = asyncio.all_tasks()
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    stop = asyncio.Event()
    task = asyncio.create_task(serve(app, listener, stop.wait, choice))
    try:
        yield Served(port, stop, task)
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.wait({task}), LIMIT_S)
    if not task.cancelled():
        task.result()
    if choice == "fast":
        assert asyncio.all_tasks() <= before, "the server left something behind"


class Client:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._parser = h11.Connection(h11.CLIENT)

    @classmethod
    @asynccontextmanager
    async def to(cls, server: Served) -> AsyncIterator[Self]:
        """Connect; the connection is reset at the end."""
        client = cls(*await asyncio.open_connection("127.0.0.1", server.port))
        try:
            yield client
        finally:
            client.writer.transport.abort()

    def send(self, data: bytes) -> None:
        """Send bytes, now or when the server reads."""
        self.writer.write(data)

    async def rest(self) -> bytes:
        """What comes until the server closes the connection.

        Raises:
            TimeoutError: it does not close it.
        """
        async with asyncio.timeout(LIMIT_S):
            return await self.reader.read(-1)

    async def until(self, end: bytes) -> bytes:
        """What comes until ``end`` has."""
        async with asyncio.timeout(LIMIT_S):
            return await self.reader.readuntil(end)

    async def answer(self, method: str = "GET") -> Answer:
        """The next answer; after it :meth:`rest` may miss what came with it."""
        parser = self._parser
        if parser.our_state is h11.DONE:
            parser.start_next_cycle()
        parser.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
        parser.send(h11.EndOfMessage())
        found = Answer(0, [], b"")
        async with asyncio.timeout(LIMIT_S):
            while True:
                event = parser.next_event()
                if event is h11.NEED_DATA:
                    parser.receive_data(await self.reader.read(65536))
                elif isinstance(event, h11.Response):
                    found = Answer(event.status_code, event.headers.raw_items(), b"")
                elif isinstance(event, h11.Data):
                    found.body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    return found


@dataclass
class Answer:
    """One answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """The value of a header; ``None`` when it is missing."""
        return {key.lower(): value for key, value in self.headers}.get(name)


async def said(server: Served, data: bytes) -> bytes:
    """All that the server says to ``data``, up to its closing the connection."""
    async with Client.to(server) as client:
        client.send(data)
        return await client.rest()


def statuses(data: bytes) -> list[int]:
    """Of the answers in ``data``."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", data)]

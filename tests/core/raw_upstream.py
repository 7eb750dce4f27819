"""An upstream without manners: it answers each request with bytes as they are given, and two ways to ask it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2

from switchgear import Timeouts
from switchgear.transport import PooledTransport
from switchgear.upstream import UpstreamClient

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""It trusts nobody."""

After = Literal["stay", "close", "reset"]


@dataclass(frozen=True)
class Heard:
    """An answer as it was taken in, names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


Ask = Callable[[PooledTransport, httpx2.Request, Timeouts], Coroutine[Any, Any, Heard]]


async def by_library(transport: PooledTransport, request: httpx2.Request, timeouts: Timeouts) -> Heard:
    """Through the HTTP library's interface."""
    request.extensions = {
        "timeout": {"connect": timeouts.connect_s, "pool": timeouts.connect_s, "read": timeouts.first_byte_s}
        | {"write": timeouts.idle_s}
    }
    response = await transport.handle_async_request(request)
    try:
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        return Heard(response.status_code, dict(response.headers), b"".join([part async for part in response.stream]))
    finally:
        await response.aclose()


async def by_reply(transport: PooledTransport, request: httpx2.Request, timeouts: Timeouts) -> Heard:
    """The way of every request of a client."""
    reply = await UpstreamClient(transport).reply(request, timeouts)
    try:
        return Heard(reply.status, dict(reply.headers), b"".join([part async for part in reply.body]))
    finally:
        await reply.aclose()


@dataclass
class RawUpstream:
    """Answers the n-th request of all with the n-th of ``answers``, and the last one for ever; ``None`` hangs up.

    ``requests`` are the heads and bodies that came; ``open`` are the connections open now.
    """

    answers: list[bytes | None]
    after: After = "stay"
    requests: list[bytes] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    made: int = 0
    open: int = 0
    port: int = 0
    scheme: str = "http"
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/"

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def _change(self, by: int) -> None:
        self.open += by
        self.made += by > 0
        self.changed.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._change(1)
        self.writers.append(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                    body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
                    self.requests.append(head + body)
                    self.changed.set()
                    answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
                    if answer is None:
                        return
                    writer.write(answer)
                    await writer.drain()
                    if self.after == "reset":
                        sock = writer.get_extra_info("socket")
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        writer.transport.abort()
                    if self.after != "stay":
                        return
        finally:
            writer.close()
            self._change(-1)


@asynccontextmanager
async def raw_upstream(
    *answers: bytes | None, after: After = "stay", tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawUpstream]:
    """Serves until the block ends."""
    upstream = RawUpstream(list(answers), after, scheme="http" if tls is None else "https")
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", ssl=tls)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        await upstream.until(lambda: upstream.open == 0)
        await server.wait_closed()


@asynccontextmanager
async def pool(
    context: ssl.SSLContext | None = None, *, max_connections: int = 100, max_idle: int = 100, idle_s: float = 30.0
) -> AsyncIterator[PooledTransport]:
    """A transport, closed when the block ends."""
    transport = PooledTransport(context or CONTEXT, max_connections=max_connections, max_idle=max_idle, idle_s=idle_s)
    try:
        yield transport
    finally:
        await transport.aclose()


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
SHORT = Timeouts(connect_s=5, first_byte_s=5, idle_s=5)


def get(url: str) -> httpx2.Request:
    return httpx2.Request("GET", url)


def post(url: str, content: bytes = b"{}") -> httpx2.Request:
    return httpx2.Request("POST", url, content=content)

"""Proxies on loopback: HTTP CONNECT and SOCKS 5, for every target they are asked for."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Ask = Callable[["Relay", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[tuple[str, int] | None]]
"""Takes a client's wish; ``None`` when it was refused."""


@dataclass
class Relay:
    """A proxy that runs; ``asked`` is what it was asked, ``user`` who is let through (``name:password``), if not all."""

    user: str | None = None
    port: int = 0
    asked: list[str] = field(default_factory=list)
    open_connections: int = 0


@contextlib.asynccontextmanager
async def relay(ask: Ask, user: str | None = None, context: ssl.SSLContext | None = None) -> AsyncIterator[Relay]:
    """Run a proxy on a free port."""
    made = Relay(user)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.open_connections += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                target = await ask(made, reader, writer)
                if target is not None:
                    other_reader, other_writer = await asyncio.open_connection(*target)
                    await asyncio.gather(pump(reader, other_writer), pump(other_reader, writer))
        finally:
            writer.transport.abort()
            made.open_connections -= 1

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
    finally:
        writer.transport.abort()


async def http_connect(
    made: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, int] | None:
    """The answer comes in two pieces, with a header."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    made.asked.append(head)
    if made.user is not None and made.user not in head:
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 2\r\n\r\nno")
        await writer.drain()
        return None
    writer.write(b"HTTP/1.1 200 Connection est")
    await asyncio.sleep(0)
    writer.write(b"ablished\r\nvia: 1.1 relay\r\n\r\n")
    host, _, port = head.split()[1].rpartition(":")
    return host.strip("[]"), int(port)


async def socks5(made: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int] | None:
    """Its replies name the address it is bound to as a name."""
    _, count = await reader.readexactly(2)
    methods = await reader.readexactly(count)
    wanted = 0 if made.user is None else 2
    writer.write(bytes([5, wanted if wanted in methods else 255]))
    if wanted not in methods:
        return None
    if made.user is not None:
        name = await reader.readexactly((await reader.readexactly(2))[1])
        password = await reader.readexactly((await reader.readexactly(1))[0])
        right = f"{name.decode()}:{password.decode()}" == made.user
        writer.write(bytes([1, not right]))
        if not right:
            return None
    _, _, _, kind = await reader.readexactly(4)
    if kind == 1:
        host = ".".join(str(part) for part in await reader.readexactly(4))
    else:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    port = int.from_bytes(await reader.readexactly(2), "big")
    made.asked.append(f"{host}:{port}")
    if host.endswith(".invalid"):
        writer.write(b"\5\4\0\1\0\0\0\0\0\0")
        return None
    writer.write(b"\5\0\0\3\5relay\0\0")
    return host, port

"""Hypercorn's connections inside our own server: HTTP/2, WebSocket, and any other upgrade.

It uses what hypercorn does not promise to keep; :data:`switchgear.server.serving.KNOWN` says with which versions it was
tested.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from switchgear.server import limits
from switchgear.server.exchange import ASGIApp

if TYPE_CHECKING:
    from hypercorn.asyncio.worker_context import WorkerContext

log = logging.getLogger("hypercorn.error")


class Guests:
    """Connections that hypercorn serves; it is imported when the first one comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._context: WorkerContext | None = None
        self._tasks: dict[asyncio.Task[None], asyncio.Transport] = {}

    def take(self, transport: asyncio.Transport, data: bytes) -> None:
        """Serve a connection that has sent ``data`` so far."""
        from hypercorn.app_wrappers import ASGIWrapper
        from hypercorn.asyncio.tcp_server import TCPServer
        from hypercorn.asyncio.worker_context import WorkerContext

        from switchgear.server import stock

        if self._context is None:
            self._context = WorkerContext(None)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        reader.feed_data(data)
        app = ASGIWrapper(stock.framework(self._app))
        server = TCPServer(app, loop, stock.config(), self._context, {}, reader, writer)
        task = loop.create_task(server.run())
        self._tasks[task] = transport
        task.add_done_callback(self._left)

    def _left(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a connection failed", exc_info=error)

    async def stop(self) -> None:
        """Close the idle ones; the others close when they have answered."""
        if self._context is not None:
            await self._context.terminated.set()

    async def ended(self) -> None:
        """Wait until there is none."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def abort(self) -> None:
        """Close them all; cancel what goes on all the same."""
        for transport in self._tasks.values():
            transport.abort()
        if self._tasks:  # cancelled before it has seen the end, hypercorn may wait for ever
            await asyncio.wait(list(self._tasks), timeout=limits.GRACE_S / 2)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=limits.GRACE_S / 2)

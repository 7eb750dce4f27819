"""All connections of our own server: they are counted, swept, stopped and waited for together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from switchgear.server import limits
from switchgear.server.connection import Connection
from switchgear.server.exchange import ASGIApp, Exchange

HandOver = Callable[[asyncio.Transport, bytes], None]


class Connections:
    """All connections of one listener.

    Args:
        app: the ASGI application.
        hand_over: takes over a connection that speaks something else, with what it has sent so far.

    Attributes:
        stopping: the server is about to end.
    """

    def __init__(self, app: ASGIApp, hand_over: HandOver) -> None:
        self.app = app
        self.hand_over = hand_over
        self.loop = asyncio.get_running_loop()
        self.stopping = False
        self.open: set[Connection] = set()
        self.running: set[Exchange] = set()
        self._ended: asyncio.Future[None] | None = None

    def __call__(self) -> Connection:
        """A protocol for one more connection."""
        return Connection(self)

    def sweep(self) -> None:
        """End the connections whose time is up. Call it about once a second: one look instead of a timer each."""
        now = self.loop.time()
        for connection in [each for each in self.open if each.deadline <= now]:
            connection.expire()

    def stop(self) -> None:
        """Close the idle ones; the others close when they have answered."""
        self.stopping = True
        for connection in list(self.open):
            connection.stop()

    async def ended(self) -> None:
        """Wait until there is no connection, and nothing that runs for one."""
        if self.open or self.running:
            self._ended = self.loop.create_future()
            await self._ended

    def changed(self) -> None:
        """A connection ended, or what ran for one."""
        if self._ended is not None and not self.open and not self.running and not self._ended.done():
            self._ended.set_result(None)

    async def abort(self) -> None:
        """Close them all, whatever they are doing, and cancel what runs for them."""
        for connection in list(self.open):
            connection.abort()
        tasks = {exchange.task for exchange in self.running if exchange.task is not None}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=limits.GRACE_S)

"""Which server serves: our own HTTP/1.1 with hypercorn for the rest, or hypercorn alone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import structlog

from switchgear.server import limits
from switchgear.server.exchange import ASGIApp
from switchgear.server.guests import Guests

Choice = Literal["fast", "stock"]
KNOWN = {"hypercorn": ("0.18.",), "httptools": ("0.7.", "0.8.", "0.9.")}
"""The versions that our own server was tested with; with others hypercorn serves alone."""
SWEEP_S = 1.0

Stop = Callable[[], Awaitable[object]]
log = structlog.get_logger("switchgear.server")


async def serve(app: ASGIApp, listener: socket.socket, stop: Stop, choice: Choice = "fast") -> None:
    """Serve until ``stop`` returns, and then until every connection has ended; cancel it to end them at once.

    Args:
        app: the ASGI application.
        listener: a listening socket, which is the server's from here on.
        stop: from then on nobody can connect, and a connection ends with the answer under way.
        choice: ``stock`` for hypercorn alone.
    """
    problem = unfit() if choice == "fast" else ""
    if problem:
        log.warning("stock_server", problem=problem)
    if choice == "stock" or problem:
        from switchgear.server import stock

        await stock.serve(app, listener, stop)
    else:
        await _serve_fast(app, listener, stop)


def unfit() -> str:
    """Why our own server cannot be used; empty when it can."""
    for name, known in KNOWN.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            return f"{name} is not installed"
        if not found.startswith(known):
            return f"{name} is {found}, and it was tested with {' and '.join(f'{each}x' for each in known)}"
    try:
        import_module("switchgear.server.connections")
    except ImportError as error:
        return f"it cannot be loaded: {error}"
    return ""


async def _serve_fast(app: ASGIApp, listener: socket.socket, stop: Stop) -> None:
    from switchgear.server.connections import Connections

    guests = Guests(app)
    connections = Connections(app, guests.take)
    loop = asyncio.get_running_loop()
    accepting = await loop.create_server(connections, sock=listener, backlog=limits.BACKLOG)
    sweeping = loop.create_task(_sweep(connections.sweep))
    try:
        await stop()
        accepting.close()
        connections.stop()
        await guests.stop()
        await connections.ended()
        await guests.ended()
    finally:
        accepting.close()
        sweeping.cancel()
        await connections.abort()
        await guests.abort()


async def _sweep(sweep: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        sweep()

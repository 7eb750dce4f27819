"""Hypercorn alone, through its public names: where our own server is switched off or does not fit."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config

from switchgear.server import limits
from switchgear.server.exchange import ASGIApp
from switchgear.server.target import origin_form, path_of

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework


def config() -> Config:
    """Hypercorn's settings, to the same limits as our own protocol's."""
    settings = Config()
    settings.accesslog = None
    settings.errorlog = logging.getLogger("hypercorn.error")
    settings.include_server_header = False
    settings.h11_max_incomplete_size = limits.HEADER_LIMIT_BYTES
    settings.keep_alive_timeout = limits.KEEP_ALIVE_S
    settings.keep_alive_max_requests = 1_000_000
    settings.backlog = limits.BACKLOG
    settings.graceful_timeout = limits.GRACE_S
    return settings


async def serve(app: ASGIApp, listener: socket.socket, stop: Callable[[], Awaitable[object]]) -> None:
    """Serve everything until ``stop`` returns; the socket is hypercorn's from here on. Cancel it to end at once."""
    settings = config()
    settings.bind = [f"fd://{listener.detach()}"]
    requests: set[asyncio.Task[object]] = set()

    async def tracked(scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        requests.add(task)
        try:
            await app(scope, receive, send)
        finally:
            requests.discard(task)

    serving = asyncio.create_task(hypercorn_serve(framework(tracked), settings, shutdown_trigger=stop))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        # With Python 3.12.1 and later hypercorn waits for its connections all the same, and they for their requests.
        for task in (*requests, serving):
            task.cancel()
        await asyncio.wait({serving}, timeout=2 * limits.GRACE_S)
        serving.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody asks for it
        raise


def framework(app: ASGIApp) -> ASGIFramework:
    """``app`` as hypercorn takes it, and saved from what h11 lets through."""

    async def strict(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["http_version"] in {"1.0", "1.1"}:
            status = _objection(scope)
            if status is not None:
                headers = [(b"content-length", b"0"), (b"connection", b"close")]
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body"})
                return
            if not scope["path"].startswith("/"):
                raw_path = origin_form(scope["raw_path"])
                scope = {**scope, "path": path_of(raw_path), "raw_path": raw_path}
        await app(scope, receive, send)

    return cast("ASGIFramework", strict)


def _objection(scope: Any) -> int | None:
    """What our own server refuses, too: what a proxy may have read differently (RFC 9112, 6.1), and tunnels."""
    names = {name for name, _ in scope["headers"]}
    if b"transfer-encoding" in names and (b"content-length" in names or scope["http_version"] == "1.0"):
        return 400
    return 501 if scope["method"] == "CONNECT" else None

"""Running the application on a server in this process: sockets, signals and the drain deadline are ours."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable

import structlog

from switchgear.errors import SwitchgearError
from switchgear.server.exchange import ASGIApp
from switchgear.server.serving import Choice, serve

AFTER_DRAIN_S = 3.0

log = structlog.get_logger("switchgear.server")


class CannotListenError(SwitchgearError):
    """The address cannot be listened on."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; ``port`` 0 takes a free one.

    Raises:
        CannotListenError: the address is taken, not this machine's, or not permitted.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1024)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        hint = "; is another gateway running? choose another port with --port" if error.errno == 98 else ""
        raise CannotListenError(f"cannot listen on {host}:{port}: {error.strerror}{hint}") from None
    return listener


async def run(
    app: ASGIApp,
    listener: socket.socket,
    *,
    drain: Callable[[], Awaitable[None]],
    reload: Callable[[], Awaitable[None]],
    ready: Callable[[], None],
    stop: asyncio.Event | None = None,
    choice: Choice = "fast",
) -> None:
    """Serve until SIGTERM or SIGINT (or ``stop``), then drain. A second signal ends it at once.

    Args:
        app: the ASGI application.
        listener: from :func:`listen`.
        drain: waits for the requests in flight, and ends them at its deadline.
        reload: what SIGHUP does.
        ready: called when connections are accepted.
        stop: ends it from inside, for tests and embedding.
        choice: which server.
    """
    stopping = stop if stop is not None else asyncio.Event()
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(serve(app, listener, stopping.wait, choice))
    reloads: set[asyncio.Task[None]] = set()

    def on_stop() -> None:
        if stopping.is_set():
            running.cancel()
        stopping.set()

    def on_reload() -> None:
        task = loop.create_task(_awaited(reload))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_stop)
    loop.add_signal_handler(signal.SIGHUP, on_reload)
    stopped = asyncio.create_task(stopping.wait())
    try:
        loop.call_soon(ready)
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running  # it ended by itself: it says why
            return
        await drain()
        # The requests are over, and the server closes connections. Hypercorn may do so for ever (Python 3.12.1 and
        # later wait for all of them) or not quite (a client that does not read makes it raise InvalidStateError).
        _, late = await asyncio.wait({running}, timeout=AFTER_DRAIN_S)
        running.cancel()
        (problem,) = await asyncio.gather(running, return_exceptions=True)
        if late or (problem is not None and not isinstance(problem, asyncio.CancelledError)):
            log.warning("connections_cut", problem=type(problem).__name__)
    finally:
        stopped.cancel()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _awaited(action: Callable[[], Awaitable[None]]) -> None:
    await action()

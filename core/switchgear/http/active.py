"""Requests in flight: each watches for its client's hang-up, and all can be brought to an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from enum import Enum, auto
from typing import Any

import structlog
from starlette.types import Receive

CANCEL_GRACE_S = 1.0
"""How long a cancelled request may take to let go; a plugin that swallows the cancellation is left behind."""

log = structlog.get_logger("switchgear.http")


class End(Enum):
    """How a request came to its end."""

    DONE = auto()
    FAILED = auto()
    CLIENT_GONE = auto()
    STOPPED = auto()


class Active:
    """The requests in flight."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[bool]] = set()
        self.idle = asyncio.Event()
        self.idle.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def stop_all(self) -> None:
        """Bring every request to its end now; each tells its client."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(True)

    async def run(
        self,
        work: Coroutine[Any, Any, bool],
        receive: Receive,
        answered: Callable[[], bool],
        disconnected: asyncio.Future[None] | None = None,
    ) -> End:
        """Run ``work`` until it is done, its client hangs up before it is ``answered``, or :meth:`stop_all`.

        ``work`` gives whether it delivered. What it raises rises from here. Work that was cancelled is waited for, one
        second at most.

        Args:
            work: what is to be done.
            receive: the server's; it is asked for the hang-up where the server has no ``disconnected`` for us.
            answered: whether the whole answer went out.
            disconnected: is done when the client has hung up.
        """
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[bool] = loop.create_future()

        def wake(_: object) -> None:
            if not waiting.done():
                waiting.set_result(False)

        task = loop.create_task(work)
        gone = loop.create_task(_gone(receive)) if disconnected is None else disconnected
        task.add_done_callback(wake)
        gone.add_done_callback(wake)
        self._waiting.add(waiting)
        self.idle.clear()
        try:
            stopped = await waiting
            if answered() and not task.done():
                # The server says "disconnect" after a complete answer too: what is left is putting things away.
                await asyncio.wait({task}, timeout=CANCEL_GRACE_S)
            if task.done():
                return End.DONE if task.result() else End.FAILED
            await _cancel(task)
            return End.STOPPED if stopped else End.CLIENT_GONE
        except asyncio.CancelledError:
            await _cancel(task)
            raise
        finally:
            gone.remove_done_callback(wake)
            if disconnected is None:
                gone.cancel()
            self._waiting.discard(waiting)
            if not self._waiting:
                self.idle.set()
            del task  # what it raised would hold this frame, and this frame it: garbage that only the collector finds


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancel(task: asyncio.Task[bool]) -> None:
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=CANCEL_GRACE_S)
    if not done:
        where = task.get_stack(limit=1)
        code = where[0].f_code if where else None
        log.error("cancellation_swallowed", function=None if code is None else code.co_qualname)
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
    elif not task.cancelled() and task.exception() is not None:
        log.error("failed_while_cancelled", exc_info=task.exception())

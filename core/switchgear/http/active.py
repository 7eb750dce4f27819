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
        self._stops: set[asyncio.Future[None]] = set()
        self.idle = asyncio.Event()
        self.idle.set()

    def __len__(self) -> int:
        return len(self._stops)

    def stop_all(self) -> None:
        """Bring every request to its end now; each tells its client."""
        for stop in self._stops:
            if not stop.done():
                stop.set_result(None)

    async def run(self, work: Coroutine[Any, Any, bool], receive: Receive, answered: Callable[[], bool]) -> End:
        """Run ``work`` until it is done, its client hangs up before it is ``answered``, or :meth:`stop_all`.

        ``work`` gives whether it delivered. What it raises rises from here. Work that was cancelled is waited for, one
        second at most.
        """
        stop = asyncio.get_running_loop().create_future()
        self._stops.add(stop)
        self.idle.clear()
        task = asyncio.create_task(work)
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({task, gone, stop}, return_when=asyncio.FIRST_COMPLETED)
            if answered() and not task.done():
                # The server says "disconnect" after a complete answer too: what is left is putting things away.
                await asyncio.wait({task, stop}, timeout=CANCEL_GRACE_S, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return End.DONE if await task else End.FAILED
            await _cancel(task)
            return End.STOPPED if stop.done() else End.CLIENT_GONE
        except asyncio.CancelledError:
            await _cancel(task)
            raise
        finally:
            gone.cancel()
            stop.cancel()
            self._stops.discard(stop)
            if not self._stops:
                self.idle.set()


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

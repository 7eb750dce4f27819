"""Requests in flight: each ends when its client hangs up, and all can be brought to an end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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
        self._requests: set[_InFlight] = set()
        self.idle = asyncio.Event()
        self.idle.set()

    def __len__(self) -> int:
        return len(self._requests)

    def stop_all(self) -> None:
        """Bring every request to its end now; each tells its client."""
        for request in self._requests:
            request.cancel(End.STOPPED)

    async def run(
        self,
        work: Awaitable[bool],
        receive: Receive,
        answered: Callable[[], bool],
        disconnected: asyncio.Future[None] | None = None,
    ) -> End:
        """Run ``work`` until it is done, its client hangs up before it is ``answered``, or :meth:`stop_all`.

        ``work`` gives whether it delivered. It runs in the task that calls this, and is cancelled by it; what it raises
        rises from here. One that lets a second pass after its cancellation counts as in flight no more.

        Args:
            work: what is to be done.
            receive: the server's; it is asked for the hang-up where the server has no ``disconnected`` for us.
            answered: whether the whole answer went out.
            disconnected: is done when the client has hung up.
        """
        request = _InFlight(answered, self._leave)
        gone = asyncio.create_task(_gone(receive)) if disconnected is None else disconnected
        gone.add_done_callback(request.hung_up)
        self._requests.add(request)
        self.idle.clear()
        try:
            delivered = await work
            request.over()
        except (asyncio.CancelledError, Exception) as error:
            if not request.over():
                raise
            delivered = False
            if isinstance(error, Exception):
                log.error("failed_while_cancelled", exc_info=error)
        finally:
            gone.remove_done_callback(request.hung_up)
            if disconnected is None:
                gone.cancel()
            self._leave(request)
        return request.end or (End.DONE if delivered else End.FAILED)

    def _leave(self, request: _InFlight) -> None:
        self._requests.discard(request)
        if not self._requests:
            self.idle.set()


class _InFlight:
    """One of them. ``end`` is why it was cancelled; ``None`` when it was not."""

    __slots__ = ("_answered", "_leave", "_over", "_task", "_timer", "end")

    def __init__(self, answered: Callable[[], bool], leave: Callable[[_InFlight], None]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._answered = answered
        self._leave = leave
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self.end: End | None = None

    def hung_up(self, _: object) -> None:
        """The client is gone. A server says so after a complete answer too: what is left is putting things away."""
        if self._answered() and not self._over:
            self._timer = self._task.get_loop().call_later(CANCEL_GRACE_S, self.cancel, End.CLIENT_GONE)
        else:
            self.cancel(End.CLIENT_GONE)

    def cancel(self, end: End) -> None:
        """End it."""
        if self.end is None and not self._over:
            self.end = end
            self._task.cancel()
            self._timer = self._task.get_loop().call_later(CANCEL_GRACE_S, self._leave_behind)

    def over(self) -> bool:
        """Its work came to an end. Gives whether that was our doing, and nobody else wants the task cancelled."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        return self.end is not None and self._task.uncancel() == 0

    def _leave_behind(self) -> None:
        log.error("cancellation_swallowed", function=_waiting_in(self._task.get_coro()))
        self._leave(self)


def _waiting_in(coroutine: Any) -> str | None:
    """The innermost function that a suspended coroutine is in, as far as can be seen."""
    name = None
    while (code := getattr(coroutine, "cr_code", None)) is not None:
        name, coroutine = code.co_qualname, coroutine.cr_await
    return name


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

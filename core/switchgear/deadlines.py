"""Time limits for blocks of code, as :func:`asyncio.timeout` sets them, at a tenth of the price.

Every request has one, and nearly none is ever reached: so one timer looks after them all, at the nearest of them.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

NEVER = float("inf")


class Deadlines:
    """The limits that count now, on one event loop."""

    def __init__(self) -> None:
        self._counting: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._look_at = NEVER

    def within(self, seconds: float = NEVER) -> Deadline:
        """A limit for a ``with`` block, ``seconds`` from its begin."""
        return Deadline(self, seconds)

    def add(self, deadline: Deadline) -> None:
        """``deadline`` counts from now on."""
        self._counting.add(deadline)

    def discard(self, deadline: Deadline) -> None:
        """It counts no more."""
        self._counting.discard(deadline)

    def look_by(self, at: float, loop: asyncio.AbstractEventLoop) -> None:
        """See what has come to its end no later than ``at``, on the loop's clock."""
        if at < self._look_at:
            if self._timer is not None:
                self._timer.cancel()
            self._look_at = at
            self._timer = loop.call_at(at, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer, self._look_at = None, NEVER
        now = loop.time()
        for deadline in [deadline for deadline in self._counting if deadline.at <= now]:
            deadline.expire()
        if self._counting:
            self.look_by(min(deadline.at for deadline in self._counting), loop)


class Deadline:
    """A limit of one ``with`` block, in a task: at its end what the block waits for is cancelled, and it raises.

    Raises:
        TimeoutError: at the end of the block.

    Attributes:
        at: when, on the loop's clock; infinity for never.
        expired: it has come.
    """

    __slots__ = ("_all", "_cancelling", "_loop", "_seconds", "_task", "at", "expired")

    def __init__(self, all_: Deadlines, seconds: float) -> None:
        self._all = all_
        self._seconds = seconds
        self.at = NEVER
        self.expired = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is set in a task")
        self._task = task
        self._loop = task.get_loop()
        self._cancelling = task.cancelling()
        self._all.add(self)
        self.move(self._seconds)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._all.discard(self)
        if self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def move(self, seconds: float) -> None:
        """It comes ``seconds`` from now instead."""
        if not self.expired:
            self.at = self._loop.time() + seconds
            self._all.look_by(self.at, self._loop)

    def expire(self) -> None:
        """It has come."""
        self.expired = True
        self.at = NEVER
        self._task.cancel()

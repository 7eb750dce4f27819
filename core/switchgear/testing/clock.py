"""A clock that a test moves."""

from __future__ import annotations

import asyncio


class FakeClock:
    """Wall clock, monotonic clock and sleep in one: time passes only when it is told to, or when somebody sleeps.

    Give its methods where the code under test takes a clock: ``wall=clock.wall``, ``monotonic=clock.monotonic``,
    ``sleep=clock.sleep``.

    >>> clock = FakeClock(wall_s=1000.0)
    >>> clock.advance(5)
    >>> clock.wall(), clock.monotonic()
    (1005.0, 5.0)

    Args:
        wall_s: what the wall clock says first, Unix seconds.

    Attributes:
        slept: every sleep so far, in seconds.
    """

    def __init__(self, wall_s: float = 1_800_000_000.0) -> None:
        self._wall_s = wall_s
        self._monotonic_s = 0.0
        self.slept: list[float] = []

    def wall(self) -> float:
        """Unix seconds, as ``time.time``."""
        return self._wall_s

    def monotonic(self) -> float:
        """Seconds since it was made, as ``time.monotonic``; a jump of the wall clock does not change it."""
        return self._monotonic_s

    async def sleep(self, seconds: float) -> None:
        """Pass the time at once, as ``asyncio.sleep``; others get their turn."""
        self.slept.append(seconds)
        self.advance(max(seconds, 0.0))
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Let both clocks go on."""
        if seconds < 0:
            raise ValueError("time does not go back; a wall clock that is set is jump()")
        self._wall_s += seconds
        self._monotonic_s += seconds

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock, forward or back; the monotonic one goes on as it was."""
        self._wall_s += seconds

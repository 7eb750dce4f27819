"""The polling of a device flow (RFC 8628, sections 3.4 and 3.5)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import TypeVar

from switchgear.errors import LoginFailed, UpstreamError

DEFAULT_INTERVAL_S = 5.0
SLOWER_S = 5.0
LONGEST_BACK_OFF_S = 60.0

T = TypeVar("T")


class Wait(Enum):
    """What a poll found that is not the end."""

    PENDING = auto()
    """The person has not answered yet."""
    SLOW_DOWN = auto()
    """Likewise; and from now on five seconds more pass between polls."""


async def poll_device(
    poll: Callable[[], Awaitable[T | Wait]],
    *,
    expires_in_s: float,
    interval_s: float = DEFAULT_INTERVAL_S,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> T:
    """Call ``poll`` until it gives something else than a :class:`Wait`; the first time after one interval.

    An :class:`~switchgear.errors.UpstreamError` for a connection, a time limit, a 429 or a 5xx is survived, with pauses
    that double up to a minute; any other error of ``poll`` ends the wait.

    Args:
        poll: asks once.
        expires_in_s: how long the code is good, in seconds from now.
        interval_s: the least pause between two polls.
        sleep: replaced in tests.
        monotonic: likewise.

    Raises:
        LoginFailed: the code expired.
    """
    deadline = monotonic() + expires_in_s
    pause_s = interval_s
    while True:
        if monotonic() + pause_s >= deadline:
            raise LoginFailed("the code expired before it was confirmed; start again with: switchgear login")
        await sleep(pause_s)
        try:
            found = await poll()
        except UpstreamError as error:
            if not _passing(error):
                raise
            pause_s = min(max(pause_s, 1.0) * 2, max(LONGEST_BACK_OFF_S, interval_s))
            continue
        if not isinstance(found, Wait):
            return found
        if found is Wait.SLOW_DOWN:
            interval_s += SLOWER_S
        pause_s = interval_s


def _passing(error: UpstreamError) -> bool:
    failure = error.failure
    status = failure.status or 0
    return failure.cause in {"connection", "timeout"} or status == 429 or status >= 500

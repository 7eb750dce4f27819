"""Limits of blocks of code: they end what waits, and nothing but their own block."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from switchgear.deadlines import Deadlines


async def test_what_waits_beyond_its_limit_ends_in_a_timeout() -> None:
    deadlines = Deadlines()
    with pytest.raises(TimeoutError), deadlines.within(0.01) as limit:
        await asyncio.Event().wait()
    assert limit.expired
    await asyncio.sleep(0)  # the task goes on as if nothing had been


async def test_a_block_that_ends_in_time_is_left_alone() -> None:
    deadlines = Deadlines()
    with deadlines.within(0.01) as limit:
        pass
    with deadlines.within(0.03), suppress(TimeoutError), deadlines.within(0.02) as later:
        await asyncio.Event().wait()
    assert (limit.expired, later.expired) == (False, True)


@pytest.mark.parametrize(
    ("first_s", "then_s"),
    [pytest.param(30.0, 0.01, id="it comes sooner"), pytest.param(0.001, 0.05, id="it comes later")],
)
async def test_a_limit_can_be_moved(first_s: float, then_s: float) -> None:
    deadlines, loop = Deadlines(), asyncio.get_running_loop()
    began = loop.time()
    limit = deadlines.within(first_s)

    async def moved() -> None:
        with limit:
            limit.move(then_s)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await moved()
    assert loop.time() - began >= then_s


async def test_of_two_limits_the_one_that_has_come_raises() -> None:
    deadlines = Deadlines()
    with deadlines.within(30.0) as outer:
        with pytest.raises(TimeoutError), deadlines.within(0.01) as inner:
            await asyncio.Event().wait()
        assert (outer.expired, inner.expired) == (False, True)
        await asyncio.sleep(0)


async def test_each_task_has_its_own() -> None:
    deadlines = Deadlines()

    async def waits(limit_s: float) -> str:
        try:
            with deadlines.within(limit_s):
                await asyncio.sleep(0.05)
        except TimeoutError:
            return "late"
        return "in time"

    assert list(await asyncio.gather(waits(30.0), waits(0.01), waits(0.02))) == ["in time", "late", "late"]


async def test_a_cancellation_from_outside_stays_one_even_when_the_limit_comes_with_it() -> None:
    deadlines = Deadlines()
    waiting = asyncio.Event()

    async def wait() -> None:
        with deadlines.within(30.0) as limit:
            waiting.set()
            try:
                await asyncio.Event().wait()
            finally:
                limit.expire()

    task = asyncio.create_task(wait())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

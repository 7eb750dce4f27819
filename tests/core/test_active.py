"""A request in flight: how it ends, whoever ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from switchgear.http.active import Active, End


async def never_received() -> dict[str, Any]:
    raise AssertionError("the server has a future for it")


def started(active: Active, work: Coroutine[Any, Any, bool], gone: asyncio.Future[None]) -> asyncio.Task[End]:
    return asyncio.create_task(active.run(work, never_received, lambda: False, gone))


async def waits(entered: asyncio.Event) -> bool:
    entered.set()
    await asyncio.Event().wait()
    return True


@pytest.fixture
async def gone() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("delivered", [True, False])
async def test_work_that_ends_by_itself(gone: asyncio.Future[None], delivered: bool) -> None:
    async def work() -> bool:
        return delivered

    active = Active()
    assert await started(active, work(), gone) is (End.DONE if delivered else End.FAILED)
    assert (len(active), active.idle.is_set()) == (0, True)


async def test_the_client_hangs_up(gone: asyncio.Future[None]) -> None:
    active, entered = Active(), asyncio.Event()
    task = started(active, waits(entered), gone)
    await entered.wait()
    assert len(active) == 1
    gone.set_result(None)
    assert await task is End.CLIENT_GONE
    assert (len(active), task.cancelling()) == (0, 0)


async def test_all_are_stopped(gone: asyncio.Future[None]) -> None:
    active, entered = Active(), asyncio.Event()
    task = started(active, waits(entered), gone)
    await entered.wait()
    active.stop_all()
    assert await task is End.STOPPED


async def test_whoever_else_cancels_the_task_is_heard(gone: asyncio.Future[None]) -> None:
    active, entered = Active(), asyncio.Event()
    task = started(active, waits(entered), gone)
    await entered.wait()
    active.stop_all()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert active.idle.is_set()


async def test_a_hang_up_after_the_end_cancels_nothing(gone: asyncio.Future[None]) -> None:
    async def work() -> bool:
        gone.set_result(None)  # its callbacks come after the work's end
        return True

    active = Active()

    async def request() -> tuple[End, bool]:
        end = await active.run(work(), never_received, lambda: False, gone)
        await asyncio.sleep(0)
        return end, True

    assert await asyncio.create_task(request()) == (End.DONE, True)


async def test_what_it_raises_rises_unless_it_was_cancelled(
    gone: asyncio.Future[None], capfd: pytest.CaptureFixture[str]
) -> None:
    async def fails(entered: asyncio.Event) -> bool:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("while it let go")

    async def fails_at_once() -> bool:
        raise ValueError("by itself")

    active, entered = Active(), asyncio.Event()
    with pytest.raises(ValueError, match="by itself"):
        await started(active, fails_at_once(), gone)
    task = started(active, fails(entered), gone)
    await entered.wait()
    gone.set_result(None)
    assert await task is End.CLIENT_GONE
    out, errors = capfd.readouterr()
    assert "failed_while_cancelled" in out + errors

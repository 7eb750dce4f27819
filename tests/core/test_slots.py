"""Calls under way, and the line of those who wait."""

from __future__ import annotations

import asyncio

import pytest

from switchgear.slots import Place, QueueFullError, SlotLimits, Slots


def slots(most_waiting: int = 10, **limits: int) -> Slots:
    """``p=2`` limits the provider, ``a=1`` its account ``a``."""
    made = Slots(most_waiting)
    made.limits = SlotLimits(
        {name: most for name, most in limits.items() if name == "p"},
        {("p", name): most for name, most in limits.items() if name != "p"},
    )
    return made


def test_without_a_limit_every_call_may_begin() -> None:
    free = slots()
    for _ in range(1000):
        assert free.free("p", "a")
        free.take("p", "a")
    assert free.busy("p", "a") == 1000


@pytest.mark.parametrize(
    ("limits", "begun"),
    [
        pytest.param({"a": 2}, 2, id="the account's"),
        pytest.param({"p": 3}, 3, id="the provider's"),
        pytest.param({"a": 5, "p": 3}, 3, id="the lower of both"),
    ],
)
def test_a_limit_is_kept_and_a_call_that_ended_makes_room(limits: dict[str, int], begun: int) -> None:
    held = slots(**limits)
    count = 0
    while held.free("p", "a"):
        held.take("p", "a")
        count += 1
    assert count == begun
    held.give_back("p", "a")
    assert held.free("p", "a")
    assert held.free("other", "a")


async def test_those_in_line_come_first_and_in_order() -> None:
    held = slots(a=1)
    held.take("p", "a")
    order: list[int] = []

    async def call(number: int) -> None:
        with held.line({"p"}) as place:
            while not held.free("p", "a", place):
                await place.wait(5)
            held.take("p", "a")
        order.append(number)
        await asyncio.sleep(0)
        held.give_back("p", "a")

    tasks = [asyncio.create_task(call(number)) for number in range(5)]
    await asyncio.sleep(0)
    assert held.waiting("p") == 5
    held.give_back("p", "a")
    assert not held.free("p", "a"), "who has just come does not go before those in line"
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]
    assert held.waiting("p") == 0
    assert held.free("p", "a")


async def test_one_who_leaves_the_line_holds_nobody_up() -> None:
    held = slots(a=1)
    held.take("p", "a")
    done = asyncio.Event()

    async def call() -> None:
        with held.line({"p"}) as place:
            while not held.free("p", "a", place):
                await place.wait(5)
        done.set()

    gone, stays = asyncio.create_task(call()), asyncio.create_task(call())
    await asyncio.sleep(0)
    held.give_back("p", "a")  # wakes both; the first is cancelled before it looks
    gone.cancel()
    await stays
    assert done.is_set()


async def test_the_line_has_an_end() -> None:
    held = slots(1, a=1)
    with held.line({"p"}), pytest.raises(QueueFullError):
        with held.line({"p"}):
            pass
    with held.line({"p"}):
        pass


async def test_a_wait_has_an_end() -> None:
    with pytest.raises(TimeoutError):
        await Place(frozenset({"p"})).wait(0.001)


def test_a_higher_limit_counts_at_once() -> None:
    held = slots(a=1)
    held.take("p", "a")
    held.limits = SlotLimits()
    assert held.free("p", "a")

"""Traffic that is moved at run time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear.shifts import Shifts


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@given(st.integers(1, 100))
def test_of_every_hundred_exactly_the_share_moves_evenly_spread(share: int) -> None:
    shifts = Shifts(Clock())
    shift = shifts.set("a", "b", share=share)
    moved = [shifts.moves(shift) for _ in range(300)]
    assert [sum(moved[start : start + 100]) for start in (0, 100, 200)] == [share] * 3
    for taken in range(1, 301):
        assert abs(sum(moved[:taken]) - taken * share / 100) <= 1


def test_a_shift_ends_by_itself_or_when_it_is_ended() -> None:
    clock = Clock()
    shifts = Shifts(clock)
    shifts.set("a", "b", for_s=60)
    shifts.set("c", "b", by="alert provider-success")
    assert [(shift.source, shift.by) for shift in shifts.all()] == [("a", "operator"), ("c", "alert provider-success")]
    clock.now += 60
    assert shifts.of("a") is None
    assert shifts.end("a") is None
    ended = shifts.end("c")
    assert ended is not None
    assert ended.target == "b"
    assert shifts.all() == []


def test_a_later_shift_replaces_the_earlier() -> None:
    shifts = Shifts(Clock())
    shifts.set("a", "b")
    shifts.set("a", "c", share=10)
    assert [(shift.target, shift.share) for shift in shifts.all()] == [("c", 10)]


@pytest.mark.parametrize(
    ("source", "target", "options", "says"),
    [
        pytest.param("a", "a", {}, "to itself", id="to itself"),
        pytest.param("a", "b", {"share": 0}, "from 1 to 100", id="nothing of it"),
        pytest.param("a", "b", {"share": 101}, "from 1 to 100", id="more than all"),
        pytest.param("a", "b", {"for_s": 0.0}, "longer than nothing", id="for no time"),
        pytest.param("b", "z", {}, "'z' is shifted to 'b'", id="back and forth"),
    ],
)
def test_shifts_that_do_not_do(source: str, target: str, options: dict[str, float], says: str) -> None:
    shifts = Shifts(Clock())
    shifts.set("z", "b")
    with pytest.raises(ValueError, match=says):
        shifts.set(source, target, **options)  # type: ignore[arg-type]
    assert len(shifts.all()) == 1


def test_shifts_outlive_a_restart_and_one_that_ran_out_meanwhile_does_not() -> None:
    clock = Clock()
    shifts = Shifts(clock)
    shifts.set("a", "b", for_s=60)
    shifts.set("c", "d", share=30)
    rows = shifts.dump()
    clock.now += 61
    again = Shifts(clock)
    again.restore(rows)
    assert [(shift.source, shift.share) for shift in again.all()] == [("c", 30)]

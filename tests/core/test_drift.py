"""Drift: what one list changed, what makes it suspicious, and that nothing of it grows without bound."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear.drift import NO_DRIFT, Drift, compare, shown

NAMES = st.lists(st.sampled_from("abcdefgh"))


@settings(max_examples=60)
@given(served=NAMES, listed=NAMES)
def test_it_adds_up(served: list[str], listed: list[str]) -> None:
    drift = compare(served, listed)
    assert drift.after == drift.before + len(drift.added) - len(drift.removed)
    assert set(served) - set(drift.removed) | set(drift.added) == set(listed)
    assert bool(drift) == (set(served) != set(listed))


@settings(max_examples=30)
@given(served=NAMES, listed=NAMES)
def test_the_way_back_is_the_mirror(served: list[str], listed: list[str]) -> None:
    there, back = compare(served, listed), compare(listed, served)
    assert (set(there.added), set(there.removed)) == (set(back.removed), set(back.added))


@pytest.mark.parametrize(
    ("served", "listed", "suspicious"),
    [
        pytest.param("abcd", "", True, id="empty where there were models"),
        pytest.param("a", "", True, id="the only one is gone"),
        pytest.param("a", "b", True, id="the only one has another name"),
        pytest.param("abcd", "a", True, id="more than half is gone"),
        pytest.param("abcd", "ab", False, id="just half is gone"),
        pytest.param("abcd", "abxyz", False, id="half is gone and others came"),
        pytest.param("", "", False, id="empty as before"),
        pytest.param("", "ab", False, id="the first models"),
    ],
)
def test_a_list_that_lost_too_much_is_suspicious(served: str, listed: str, suspicious: bool) -> None:
    assert compare(served, listed).suspicious is suspicious


def test_no_drift_is_false() -> None:
    assert not NO_DRIFT
    assert not Drift(3, 3)


def test_names_are_shown_up_to_a_bound() -> None:
    names = [f"m{number}" for number in range(1000)]
    assert shown(names)[-1] == "… and 980 more"
    assert len(shown(names)) == 21
    assert shown(names[:20]) == names[:20]

"""In which order accounts are asked."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear.affinity import preference
from switchgear.strategies import Ordering, Pair, Strategy


def pairs(**weights: int) -> list[Pair]:
    return [Pair(account, "m", weight=weight) for account, weight in weights.items()]


def nobody_busy(account: str) -> int:
    return 0


def firsts(ordering: Ordering, among: list[Pair], count: int) -> list[str]:
    return [ordering.order("m", among, nobody_busy)[0].account for _ in range(count)]


def test_round_robin_asks_each_in_turn_and_each_name_has_turns_of_its_own() -> None:
    ordering = Ordering("round-robin")
    among = pairs(a=1, b=1, c=1)
    assert firsts(ordering, among, 6) == ["a", "b", "c", "a", "b", "c"]
    assert ordering.order("other", among, nobody_busy)[0].account == "a"
    assert [pair.account for pair in ordering.order("m", among, nobody_busy)] == ["a", "b", "c"]
    assert [pair.account for pair in ordering.order("m", among, nobody_busy)] == ["b", "c", "a"]


def test_fill_first_keeps_the_operators_order() -> None:
    assert firsts(Ordering("fill-first"), pairs(b=1, a=1), 3) == ["b", "b", "b"]


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6))
def test_weighted_gives_each_exactly_its_share_and_evenly(weights: list[int]) -> None:
    ordering = Ordering("weighted")
    among = pairs(**{f"a{at}": weight for at, weight in enumerate(weights)})
    total = sum(weights)
    chosen = firsts(ordering, among, total)
    assert Counter(chosen) == {f"a{at}": weight for at, weight in enumerate(weights)}
    for at, weight in enumerate(weights):  # never far behind its share
        for taken in range(1, total + 1):
            assert abs(chosen[:taken].count(f"a{at}") - taken * weight / total) < len(weights)


def test_a_weight_of_0_is_asked_last() -> None:
    ordering = Ordering("weighted")
    for _ in range(5):
        assert [pair.account for pair in ordering.order("m", pairs(a=0, b=1), nobody_busy)] == ["b", "a"]


def test_least_busy_asks_whoever_has_the_fewest_calls_for_its_weight() -> None:
    busy = {"a": 3, "b": 1, "c": 4}
    ordering = Ordering("least-busy")
    order = ordering.order("m", pairs(a=1, b=1, c=1), busy.__getitem__)
    assert [pair.account for pair in order] == ["b", "a", "c"]
    order = ordering.order("m", pairs(a=1, b=1, c=10), busy.__getitem__)
    assert [pair.account for pair in order] == ["c", "b", "a"]
    assert set(firsts(ordering, pairs(a=1, b=1, c=1), 6)) == {"a", "b", "c"}  # equally busy ones in turn


@pytest.mark.parametrize("strategy", ["round-robin", "fill-first", "weighted", "least-busy"])
@given(st.lists(st.tuples(st.text(max_size=3), st.integers(-2, 2), st.integers(0, 3)), max_size=8, unique=True))
def test_every_strategy_gives_each_pair_once_and_the_higher_priority_first(
    strategy: Strategy, rows: list[tuple[str, int, int]]
) -> None:
    among = [Pair(account, "m", priority, weight) for account, priority, weight in rows]
    ordering = Ordering(strategy)
    for conversation in (None, "c", None):
        order = ordering.order("m", among, nobody_busy, conversation)
        assert sorted(order, key=repr) == sorted(among, key=repr)
        assert [pair.priority for pair in order] == sorted((pair.priority for pair in among), reverse=True)


@given(st.text(max_size=10), st.lists(st.text(max_size=5), min_size=2, max_size=8, unique=True), st.data())
def test_a_conversation_moves_only_when_its_own_account_goes(key: str, names: list[str], data: st.DataObject) -> None:
    order = [names[at] for at in preference(key, names)]
    gone = data.draw(st.sampled_from(names))
    left = [name for name in names if name != gone]
    assert [left[at] for at in preference(key, left)] == [name for name in order if name != gone]


def test_conversations_spread_over_the_accounts() -> None:
    ordering = Ordering("round-robin")
    among = pairs(a=1, b=1, c=1, d=1)
    chosen = Counter(ordering.order("m", among, nobody_busy, f"c{n}")[0].account for n in range(400))
    assert min(chosen.values()) > 60
    again = Counter(ordering.order("m", among, nobody_busy, f"c{n}")[0].account for n in range(400))
    assert chosen == again

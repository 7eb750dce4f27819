"""In which order the accounts of a model are asked: by priority, a conversation's preference, the strategy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from switchgear.affinity import preference

Strategy = Literal["round-robin", "fill-first", "weighted", "least-busy"]
MAX_REMEMBERED = 10_000
"""Public names whose turn is remembered; the counters start anew beyond it."""


class Pair(NamedTuple):
    """One (account, upstream model), as a strategy sees it."""

    account: str
    model: str
    priority: int = 0
    weight: int = 1


class Ordering:
    """Puts pairs in order. It remembers only whose turn it is.

    Args:
        strategy: the operator's.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._turns: dict[str, int] = {}
        self._balances: dict[str, dict[Pair, float]] = {}

    def copy(self) -> Ordering:
        """Another that stands where this one does, and goes its own way."""
        other = Ordering(self._strategy)
        other._turns, other._balances = dict(self._turns), dict(self._balances)
        return other

    def order(
        self, name: str, pairs: Sequence[Pair], busy: Callable[[str], int], conversation: str | None = None
    ) -> list[Pair]:
        """The pairs as they are to be asked: by priority, and within one by the conversation or the strategy.

        Args:
            name: the public name; each has turns of its own.
            pairs: in the operator's order.
            busy: the calls an account has under way.
            conversation: the digest of a conversation that is to stay on one account; ``None`` for none.
        """
        if len(pairs) < 2:
            return list(pairs)
        priorities = sorted({pair.priority for pair in pairs}, reverse=True)
        if len(priorities) == 1:
            return self._within(name, pairs, busy, conversation)
        return [
            pair
            for priority in priorities
            for pair in self._within(
                f"{name} {priority}", [p for p in pairs if p.priority == priority], busy, conversation
            )
        ]

    def _within(
        self, name: str, pairs: Sequence[Pair], busy: Callable[[str], int], conversation: str | None
    ) -> list[Pair]:
        if conversation is not None:
            return [pairs[at] for at in preference(conversation, [f"{p.account} {p.model}" for p in pairs])]
        match self._strategy:
            case "fill-first":
                return list(pairs)
            case "weighted":
                return self._weighted(name, pairs)
            case "least-busy":
                return sorted(self._rotated(name, pairs), key=lambda pair: busy(pair.account) / max(pair.weight, 0.001))
        return self._rotated(name, pairs)

    def _rotated(self, name: str, pairs: Sequence[Pair]) -> list[Pair]:
        if len(self._turns) > MAX_REMEMBERED:
            self._turns.clear()
        turn = self._turns.get(name, 0)
        self._turns[name] = turn + 1
        start = turn % len(pairs)
        return [*pairs[start:], *pairs[:start]]

    def _weighted(self, name: str, pairs: Sequence[Pair]) -> list[Pair]:
        """Smooth weighted round-robin: each gets its share, evenly spread. A weight of 0 comes last."""
        if len(self._balances) > MAX_REMEMBERED:
            self._balances.clear()
        old = self._balances.get(name, {})
        balance = {pair: old.get(pair, 0.0) + pair.weight for pair in pairs}
        order = sorted(pairs, key=lambda pair: (pair.weight > 0, balance[pair]), reverse=True)
        balance[order[0]] -= sum(pair.weight for pair in pairs)
        self._balances[name] = balance
        return order

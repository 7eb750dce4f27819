"""One thing that was looked at, and what came of it; a list of them is an examination."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "attention", "failed", "skipped"]
"""``attention``: it works, and somebody should look. ``skipped``: it could not, or need not, be looked at."""
GRAVITY: Mapping[State, int] = {"skipped": 0, "ok": 1, "attention": 2, "failed": 3}


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one look.

    Attributes:
        detail: what was found, in words.
        advice: what to do next; empty where nothing is to be done.
        facts: the same for a program; it may be empty.
    """

    name: str
    state: State
    detail: str
    advice: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "name": self.name,
            "state": self.state,
            "detail": self.detail,
            "advice": self.advice,
            "facts": dict(self.facts),
        }


def worst(states: Iterable[State]) -> State:
    """The gravest of them; ``ok`` where there is none, or all were skipped."""
    return max(("ok", *states), key=lambda state: GRAVITY[state])


def examination(checks: Sequence[Check]) -> dict[str, Any]:
    """All of them as JSON data, with what they come to."""
    return {"state": worst(check.state for check in checks), "checks": [check.shown() for check in checks]}

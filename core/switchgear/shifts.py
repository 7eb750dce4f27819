"""Traffic moved from one prefix to another at run time, in whole or in part, for a while or until it is moved back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from switchgear.metrics.report import rfc3339

WHOLE = 100


@dataclass(frozen=True, slots=True)
class Shift:
    """Requests for ``source/…`` go to ``target/…`` first, under the same model name.

    Attributes:
        source: the prefix whose traffic moves.
        target: the prefix it moves to; where that does not list the model, nothing moves.
        share: how much of it, in percent, 1 to 100.
        since: Unix seconds.
        until: Unix seconds; ``None`` until it is moved back.
        by: who moved it: ``operator``, or ``alert`` and the rule's name.
    """

    source: str
    target: str
    share: int
    since: float
    until: float | None
    by: str = "operator"

    def shown(self) -> dict[str, Any]:
        """The shift as JSON."""
        return {
            "from": self.source,
            "to": self.target,
            "share": self.share,
            "since": rfc3339(self.since),
            "until": rfc3339(self.until),
            "by": self.by,
        }


class Shifts:
    """The shifts in force, one a source at most."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._shifts: dict[str, Shift] = {}
        self._owed: dict[str, int] = {}
        self.changes = 0

    def set(
        self, source: str, target: str, *, share: int = WHOLE, for_s: float | None = None, by: str = "operator"
    ) -> Shift:
        """Move traffic; an earlier shift of ``source`` is replaced.

        Raises:
            ValueError: the values do not do; the message says why.
        """
        if source == target:
            raise ValueError(f"{source!r} cannot be shifted to itself")
        if not 1 <= share <= WHOLE:
            raise ValueError("a share is a whole number of percent, from 1 to 100")
        if for_s is not None and for_s <= 0:
            raise ValueError("a shift lasts longer than nothing")
        back = self.of(target)
        if back is not None and back.target == source:
            raise ValueError(f"{target!r} is shifted to {source!r}; move that back first")
        now = self._wall()
        shift = Shift(source, target, share, now, None if for_s is None else now + for_s, by)
        self._shifts[source] = shift
        self._owed[source] = 0
        self.changes += 1
        return shift

    def end(self, source: str) -> Shift | None:
        """Move the traffic back; ``None`` when it was not moved."""
        shift = self.of(source)
        if self._shifts.pop(source, None) is not None:
            self.changes += 1
        return shift

    def of(self, source: str) -> Shift | None:
        """The shift of ``source`` now; ``None`` for none."""
        shift = self._shifts.get(source)
        if shift is not None and shift.until is not None and self._wall() >= shift.until:
            del self._shifts[source]
            self.changes += 1
            return None
        return shift

    def all(self) -> list[Shift]:
        """The shifts in force."""
        return [shift for source in list(self._shifts) if (shift := self.of(source)) is not None]

    def moves(self, shift: Shift) -> bool:
        """Whether the next request is one that moves: of every hundred, exactly ``share`` do, evenly."""
        owed = self._owed.get(shift.source, 0) + shift.share
        self._owed[shift.source] = owed % WHOLE
        return owed >= WHOLE

    def copy(self) -> Shifts:
        """Another that stands where this one does, and goes its own way."""
        other = Shifts(self._wall)
        other._shifts, other._owed = dict(self._shifts), dict(self._owed)
        return other

    def dump(self) -> list[dict[str, Any]]:
        """What :meth:`restore` takes."""
        return [asdict(shift) for shift in self.all()]

    def restore(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """The shifts from before a restart.

        Raises:
            TypeError: they are none.
        """
        for row in rows:
            shift = Shift(**row)
            self._shifts[shift.source] = shift

"""How what an upstream lists differs from what is served."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Drift:
    """What one list changed.

    Attributes:
        before: how many models were served until then.
        after: how many the upstream lists now.
        added: listed now and not served before, in the list's order.
        removed: served before and no longer listed. They stay served for a while: see :mod:`switchgear.listing`.
    """

    before: int = 0
    after: int = 0
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)

    @property
    def suspicious(self) -> bool:
        """Whether so much is gone (all, or more than half) that a fault is likelier than a farewell."""
        return 2 * len(self.removed) > self.before


NO_DRIFT = Drift()


def compare(served: Iterable[str], listed: Iterable[str]) -> Drift:
    """How ``listed`` differs from ``served``; a name given twice counts once.

    >>> compare(["a", "b"], ["b", "c"])
    Drift(before=2, after=2, added=('c',), removed=('a',))
    """
    before, after = dict.fromkeys(served), dict.fromkeys(listed)
    added = tuple(name for name in after if name not in before)
    removed = tuple(name for name in before if name not in after)
    return Drift(len(before), len(after), added, removed)


def shown(names: Sequence[str], most: int = NAMES_SHOWN) -> list[str]:
    """The names for a log line or a report, ``most`` of them; the rest as a count.

    >>> shown(["a", "b", "c"], most=2)
    ['a', 'b', '… and 1 more']
    """
    return list(names) if len(names) <= most else [*names[:most], f"… and {len(names) - most} more"]

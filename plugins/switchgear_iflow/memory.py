"""Which models an account was refused, which have served it, and which the service listed for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from switchgear import Account
from switchgear_iflow.accounts import API_KEY

REFUSED_S = 6 * 3600.0
"""How long a refused model is passed over; a key's rights were seen to change within days."""


@dataclass(slots=True)
class _Known:
    """Of one key: until when (monotonic) an id is passed over, the ids that answered, and the last list.

    Ids are case-folded, but for the list's.
    """

    key: str
    refused: dict[str, float] = field(default_factory=dict)
    served: set[str] = field(default_factory=set)
    listed: tuple[str, ...] = ()


class ModelMemory:
    """Kept in memory only, for each account's present key: a new key is tried anew. ``monotonic`` is in seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = monotonic
        self._known: dict[str, _Known] = {}
        self._said: set[str] = set()

    def refused(self, account: Account, model: str) -> None:
        """The model is not for this account."""
        known = self._of(account)
        known.refused[model.casefold()] = self._now() + REFUSED_S
        known.served.discard(model.casefold())

    def served(self, account: Account, model: str) -> None:
        """The model answered."""
        known = self._of(account)
        known.refused.pop(model.casefold(), None)
        known.served.add(model.casefold())

    def is_refused(self, account: Account, model: str) -> bool:
        """Whether the model was refused within the last six hours."""
        until = self._of(account).refused.get(model.casefold())
        return until is not None and self._now() < until

    def has_served(self, account: Account, model: str) -> bool:
        """Whether the model has answered, and was not refused since."""
        return model.casefold() in self._of(account).served

    def listed(self, account: Account, ids: Sequence[str] = ()) -> Sequence[str]:
        """The account's last list: ``ids`` where there are any. A list that cannot be had takes nothing away."""
        known = self._of(account)
        known.listed = tuple(ids) or known.listed
        return known.listed

    def first_time(self, what: str) -> bool:
        """Whether this is the first time that ``what`` is to be said."""
        first = what not in self._said
        self._said.add(what)
        return first

    def _of(self, account: Account) -> _Known:
        key = account.secrets[API_KEY].fingerprint() if API_KEY in account.secrets else ""
        known = self._known.get(account.id)
        if known is None or known.key != key:
            known = self._known[account.id] = _Known(key)
        return known

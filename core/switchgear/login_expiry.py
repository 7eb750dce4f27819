"""When sign-ins themselves end, and saying so ahead: no refresh helps then, a person has to sign in again.

Nothing is taken out of service for it: the upstream says when a credential is worth nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import structlog

from switchgear.accounts import Entry
from switchgear.checks import State

AHEAD_S = 7 * 86_400.0
"""How long before its end a sign-in is worth a look."""
REMIND_S = 86_400.0
"""How often the log says so, of each account."""

log = structlog.get_logger("switchgear.accounts")


def state_of(left_s: float) -> State:
    """What a sign-in with so many seconds left comes to.

    >>> state_of(8 * 86_400), state_of(86_400), state_of(0)
    ('ok', 'attention', 'failed')
    """
    if left_s <= 0:
        return "failed"
    return "attention" if left_s <= AHEAD_S else "ok"


def how_long(seconds: float) -> str:
    """How long a sign-in lasts, or since when it is over, in words.

    >>> how_long(3 * 86_400 + 5), how_long(7200), how_long(-86_400)
    ('ends in 3 days', 'ends in 2 hours', 'ended 24 hours ago')
    """
    away = abs(seconds)
    size, unit = (86_400, "days") if away >= 2 * 86_400 else (3600, "hours")
    count = int(away // size)
    return f"ends in {count} {unit}" if seconds > 0 else f"ended {count} {unit} ago"


class Reminders:
    """Logs each sign-in that is about to end, or has ended, once a day."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str, float], float] = {}

    def look(self, entries: Iterable[Entry], wall: float) -> None:
        """Say what is due. ``wall`` is Unix seconds."""
        told: dict[tuple[str, str, float], float] = {}
        for entry in entries:
            for account in entry.accounts:
                at = account.login_expires_at
                if at is None or account.disabled or state_of(at - wall) == "ok":
                    continue
                last = self._told.get((entry.name, account.id, at))  # a new sign-in ends at another time
                if last is None or wall - last >= REMIND_S:
                    last = wall
                    self._say(entry, account.label, at, wall)
                told[entry.name, account.id, at] = last
        self._told = told

    @staticmethod
    def _say(entry: Entry, label: str, at: float, wall: float) -> None:
        tell = log.warning if at > wall else log.error
        tell(
            "login_expires" if at > wall else "login_expired",
            provider=entry.name,
            account=label,
            at=datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"),
            means=f"its sign-in {how_long(at - wall)}; it serves for as long as its token works",
            advice=f"switchgear login {entry.name}",
        )

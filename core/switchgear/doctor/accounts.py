"""The accounts: which can be used, when their tokens run out, and how the last refresh went."""

from __future__ import annotations

import time
from collections import Counter

from switchgear import account_list
from switchgear.account_list import Row
from switchgear.accounts import Entry
from switchgear.assembly import Service
from switchgear.checks import Check, worst
from switchgear.login_expiry import how_long, state_of

USABLE = frozenset({"ready", "disabled"})
SOON_S = 900.0
GOOD = frozenset({"ok", "signed in", "imported"})
"""What a refresh note says when nothing went wrong."""
ELSEWHERE = "put that right where it stands, or take it out of config.yaml"
"""What to do about accounts that are not in the auth directory: keys, and files of other programs."""


async def check(service: Service, entry: Entry) -> Check:
    """The accounts of one entry, as their files and the configuration say; no upstream is asked."""
    name = f"accounts of {entry.name}"
    if entry.provider.settings.disabled:
        return Check(name, "skipped", "the entry is disabled")
    await entry.load()
    rows = await account_list.rows(service, [entry])
    facts = {"accounts": [row.fields() for row in rows]}
    login = f"switchgear login {entry.name}" if entry.info.login_methods else "look at its keys in config.yaml"
    bad = [row for row in rows if row.state not in USABLE]
    if entry.problem and not bad:
        return Check(name, "failed", entry.problem, login, facts)
    said = [f"{count} {state}" for state, count in Counter(row.state for row in rows).items()]
    said += [f"{row.label or row.file}: {row.problem or row.state}" for row in bad]
    said += _times(rows)
    ending = _ending(rows)
    said += [f"the sign-in of {label} {how_long(left_s)}" for label, left_s in ending]
    states = [state_of(left_s) for _, left_s in ending]
    if bad:
        ready = any(row.state == "ready" for row in rows)
        advice = ELSEWHERE if all(row.file is None for row in bad) else login
        return Check(name, worst(["attention" if ready else "failed", *states]), "; ".join(said), advice, facts)
    late = [row for row in rows if _is_late(row)] if entry.can_refresh else []
    if late:
        said.append(f"the refresh of {', '.join(row.label for row in late)} failed, and the token runs out")
        states.append("attention")
    advice = ""
    if states:
        advice = login if worst(states) == "failed" else f"{login}, before it has"
    return Check(name, worst(states), "; ".join(said), advice, facts)


def _ending(rows: list[Row]) -> list[tuple[str, float]]:
    """The accounts whose sign-in has ended or is about to, and the seconds left of it."""
    now = time.time()
    return [
        (row.label, at - now)
        for row in rows
        if row.state == "ready" and (at := row.login_expires_at) is not None and state_of(at - now) != "ok"
    ]


def _is_late(row: Row) -> bool:
    failed = row.last_refresh is not None and row.last_refresh.result not in GOOD
    return failed and row.expires_at is not None and row.expires_at - time.time() < SOON_S


def _times(rows: list[Row]) -> list[str]:
    """When the first token runs out, and how the last refresh of all went."""
    said = []
    expiries = [row.expires_at for row in rows if row.expires_at is not None and row.state == "ready"]
    if expiries:
        left = min(expiries) - time.time()
        said.append(f"next expiry in {left / 60:.0f} min" if left > 0 else "a token has run out")
    notes = [row.last_refresh for row in rows if row.last_refresh is not None]
    if notes:
        last = max(notes, key=lambda note: note.at)
        said.append(f"last refresh {(time.time() - last.at) / 60:.0f} min ago: {last.result}")
    return said


async def strangers(service: Service) -> list[Check]:
    """The auth files that belong to no entry."""
    rows = await account_list.strangers(service)
    if not rows:
        return []
    detail = "; ".join(f"{row.file}: {row.problem}" for row in rows)
    return [
        Check("other auth files", "attention", detail, "switchgear accounts list", {"files": [r.file for r in rows]})
    ]

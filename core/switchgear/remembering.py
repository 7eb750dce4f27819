"""Cooldowns, accounts that are out, and shifts, over a restart: with absolute times and reasons."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from switchgear.accounts import Entry
from switchgear.health import Blocked, Health
from switchgear.shifts import Shifts

DOCUMENT = "standing"

log = structlog.get_logger("switchgear.remembering")


def remembered(entries: Iterable[Entry], health: Health, shifts: Shifts) -> dict[str, Any]:
    """What :func:`recall` takes. Times are Unix seconds."""
    offset = time.time() - time.monotonic()
    return {
        "blocks": [
            {
                "provider": entry.name,
                "account": account,
                "model": model,
                "credential": entry.credential(account),
                "reason": block.reason,
                "since": block.since + offset,
                "until": None if block.until is None else block.until + offset,
                "hint": block.hint_s,
                "capped": block.capped,
                "message": block.message,
            }
            for entry in entries
            for account, model, block in health.rows(entry.name)
        ],
        "shifts": shifts.dump(),
    }


def recall(document: Mapping[str, Any], entries: Iterable[Entry], health: Health, shifts: Shifts) -> None:
    """Take in what stood before a restart: what has run out meanwhile, or stood against another credential, is over."""
    by_name = {entry.name: entry for entry in entries}
    offset = time.time() - time.monotonic()
    try:
        shifts.restore(document["shifts"])
        for row in document["blocks"]:
            entry = by_name.get(row["provider"])
            gone = entry is None or entry.credential(row["account"]) != row["credential"]
            if gone or (row["until"] is not None and row["until"] <= time.time()):
                continue
            until = None if row["until"] is None else row["until"] - offset
            block = Blocked(row["reason"], row["since"] - offset, until, row["hint"], row["capped"], row["message"])
            health.restore(row["provider"], row["account"], row["model"], block)
    except (KeyError, TypeError, AttributeError) as error:  # safe to delete, so safe to leave
        log.warning("standing_not_recalled", problem=f"{type(error).__name__}: {error}"[:200])

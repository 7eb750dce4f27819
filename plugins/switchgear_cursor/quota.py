"""What an account has left: two pools of models, and what it may spend beyond them. Pure but for the asking.

The vendor counts "Cursor Models" (auto, composer and its own) and "Other Models" apart, each as a percentage of what
the plan has of it; beyond a full pool it goes on where the account may spend on demand (captures, read 2026-11).
"""

from __future__ import annotations

import time
from typing import Any

from switchgear import Account, Quota, UpstreamClient, UpstreamError
from switchgear_cursor.account import Credential
from switchgear_cursor.calls import Json, ask, text_in
from switchgear_cursor.endpoints import HARD_LIMIT, PLAN, USAGE
from switchgear_cursor.settings import CursorSettings

UNIT = "percent"
POOLS = {"Cursor Models": "autoPercentUsed", "Other Models": "apiPercentUsed"}
WHOLE, ON_DEMAND = "plan", "on demand"
"""What the rows are called where there is no telling the pools apart, and for what goes beyond them."""
NO_LIMIT = 2_147_483_647
FULL = 100.0


async def read(settings: CursorSettings, account: Account, client: UpstreamClient) -> list[Quota]:
    """See the hook ``read_quota``. Plan and on-demand limit are asked for where they matter, and may be missing."""
    token, now = Credential.of(account).access_token, time.time()
    usage = await ask(settings, token, client, USAGE)
    plan = _object(await _perhaps(settings, token, client, PLAN), "planInfo")
    hard_limit = await _perhaps(settings, token, client, HARD_LIMIT) if is_full(usage) else {}
    rows = rows_in(usage, text_in(plan, "planName"), hard_limit, now)
    settings.memory.of(account.id).quota_resets_at = resets_at(usage)
    return rows


async def _perhaps(settings: CursorSettings, token: str, client: UpstreamClient, path: str) -> Json:
    try:
        return await ask(settings, token, client, path)
    except UpstreamError:
        return {}


def rows_in(usage: Json, plan: str, hard_limit: Json, now: float) -> list[Quota]:
    """The pools; empty where the service tells none, as for some teams."""
    ends_at = resets_at(usage)
    told = _object(usage, "planUsage")

    def row(name: str, used: float | None, limit: float | None = FULL) -> Quota:
        return Quota(UNIT, limit, used, ends_at, "reported", now, name, plan)

    rows = [row(name, used) for name, field in POOLS.items() if (used := _number(told.get(field))) is not None]
    if not rows and (used := _number(told.get("totalPercentUsed"))) is not None:
        rows = [row(WHOLE, used)]
    if rows and (beyond := on_demand(usage, hard_limit)) is not None:
        used, limit = beyond
        rows.append(row(ON_DEMAND, used, limit))
    return rows


def is_full(usage: Json) -> bool:
    """Whether a pool has nothing left."""
    told = _object(usage, "planUsage")
    return any((_number(told.get(name)) or 0.0) >= FULL for name in (*POOLS.values(), "totalPercentUsed"))


def on_demand(usage: Json, hard_limit: Json) -> tuple[float | None, float | None] | None:
    """How much of what may be spent on demand is used, as a percentage, and the limit; ``None`` where none may be.

    Where there is no limit, neither is known. ``usage`` has cents, ``hard_limit`` has dollars.
    """
    spent = _object(usage, "spendLimitUsage")
    if limit := _number(spent.get("individualLimit")):
        used = _number(spent.get("individualUsed")) or 0.0
    elif limit := _number(spent.get("pooledLimit")):
        used = _number(spent.get("totalSpend")) or 0.0
    else:
        dollars = _number(hard_limit.get("perUserMonthlyLimitDollars")) or _number(hard_limit.get("hardLimit"))
        if not dollars:
            return None
        if dollars >= NO_LIMIT:
            return None, None
        limit, used = dollars * 100, _number(spent.get("totalSpend")) or 0.0
    return round(100 * used / limit, 2), FULL


def resets_at(usage: Json) -> float | None:
    """When the billing cycle ends, Unix seconds; ``None`` where it does not say."""
    milliseconds = _number(usage.get("billingCycleEnd"))
    return None if not milliseconds else milliseconds / 1000


def _object(answer: Json, name: str) -> Json:
    value = answer.get(name)
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    """A number, which may be written as text; none below zero."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None

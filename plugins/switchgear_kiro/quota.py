"""What an account has left: its plan's credits, a trial, bonuses, and what goes beyond. Pure but for the asking."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from switchgear import Account, Quota, UpstreamClient
from switchgear_kiro.account import Credential
from switchgear_kiro.control_plane import Json
from switchgear_kiro.limits import amount, moment, object_at, objects_at, text_at, usage_limits
from switchgear_kiro.listing import profiled
from switchgear_kiro.settings import KiroSettings

COUNTED = frozenset({"CREDIT", "AGENTIC_REQUEST", ""})
"""Kinds of usage that chats count against; an entry without a kind is the only one."""


async def read(settings: KiroSettings, account: Account, client: UpstreamClient) -> list[Quota]:
    """See the hook ``read_quota``."""
    known = settings.memory.of(account.id)
    credential = await profiled(settings, Credential.of(account), client, known)
    answer, now = await usage_limits(settings, credential, client), time.time()
    known.quota_resets_at = resets_at(answer, now)
    return rows_in(answer, now)


PLAN, TRIAL, BONUS, OVERAGE = "plan", "trial", "bonus", "overage"
"""What the rows are called; a bonus has its own name behind that."""


def rows_in(answer: Json, now: float) -> list[Quota]:
    """The pools that an account may spend from now; those that are used up are shown, those that ended are not."""
    plan = text_at(object_at(answer, "subscriptionInfo"), "subscriptionTitle", "type")
    ends_at = moment(answer.get("nextDateReset"))
    overages = object_at(answer, "overageConfiguration").get("overageStatus") == "ENABLED"
    rows: list[Quota] = []
    for entry in objects_at(answer, "usageBreakdownList"):
        kind = text_at(entry, "resourceType")
        if kind in COUNTED:
            rows += _rows(entry, plan, moment(entry.get("nextDateReset")) or ends_at, overages, now)
    return rows


def is_spent(answer: Json, now: float) -> bool:
    """Whether nothing is left in any pool. What does not say how much it holds may hold something."""
    rows = rows_in(answer, now)
    return bool(rows) and all(row.limit is not None and row.used is not None and row.used >= row.limit for row in rows)


def resets_at(answer: Json, now: float) -> float | None:
    """When the plan's credits come back, Unix seconds; ``None`` where it does not say."""
    moments = [row.resets_at for row in rows_in(answer, now) if row.name == PLAN and row.resets_at is not None]
    return min(moments, default=None)


def _rows(entry: Mapping[str, Any], plan: str, resets: float | None, overages: bool, now: float) -> Iterator[Quota]:
    unit = text_at(entry, "displayNamePlural", "displayName").lower() or "credits"

    def row(name: str, pool: Mapping[str, Any], ends_at: float | None) -> Quota:
        limit, used = amount(pool, "usageLimit"), amount(pool, "currentUsage")
        return Quota(unit, limit, used, ends_at, "reported", now, name, plan)

    yield row(PLAN, entry, resets)
    trial = object_at(entry, "freeTrialInfo")
    ends_at = moment(trial.get("freeTrialExpiry"))
    if trial.get("freeTrialStatus") == "ACTIVE" and not _is_past(ends_at, now):
        yield row(TRIAL, trial, ends_at)
    for bonus in objects_at(entry, "bonuses"):
        ends_at = moment(bonus.get("expiresAt"))
        if bonus.get("status") == "ACTIVE" and not _is_past(ends_at, now):
            yield row(f"{BONUS} {text_at(bonus, 'displayName', 'bonusCode')}".strip(), bonus, ends_at)
    if overages:
        used, cap = amount(entry, "currentOverages"), amount(entry, "overageCap")
        yield Quota(unit, cap, used, resets, "reported", now, OVERAGE, plan)


def _is_past(moment_s: float | None, now: float) -> bool:
    return moment_s is not None and moment_s <= now

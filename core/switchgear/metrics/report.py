"""The provider metrics as JSON, schema version 1: what ``GET /v1/metrics/providers`` answers.

The counts are those of :class:`~switchgear.metrics.registry.Metrics`. What plugins, health, accounts and catalog know
comes in as :class:`~switchgear.metrics.status.ProviderSnapshot`, so nothing here depends on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final, Literal

from switchgear.metrics.registry import Metrics, ProviderMetrics
from switchgear.metrics.status import (
    Cooldown,
    ModelFacts,
    ProviderSnapshot,
    QuotaRow,
    provider_status,
    quota_totals,
)
from switchgear.metrics.summary import Window, ratio
from switchgear.metrics.windows import RING_S, Ring

SCHEMA_VERSION: Final = 1
WINDOWS: Final[Mapping[str, int]] = {"1m": 60, "5m": 300, "10m": 600}
"""The windows of a report that asks for none: name and seconds."""


def parse_window(text: str) -> int:
    """The seconds of a window as a person writes it.

    >>> parse_window("5m")
    300

    Raises:
        ValueError: it is no whole number of minutes, or more of them than are remembered.
    """
    match = re.fullmatch("([0-9]{1,2})m", text)
    seconds = int(match[1]) * 60 if match else 0
    if not 60 <= seconds <= RING_S:
        raise ValueError(f"a window is a whole number of minutes, from 1m to {RING_S // 60}m")
    return seconds


def provider_report(
    metrics: Metrics,
    snapshots: Iterable[ProviderSnapshot],
    *,
    by: Literal["account", "model"] | None = None,
    window: int | None = None,
    provider: str | None = None,
    with_accounts: bool,
    alerts: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Everything about each provider.

    Args:
        metrics: the counts.
        snapshots: the configured providers as they are now.
        by: adds ``by_account`` or ``by_model``, the same windows for each.
        window: seconds of the one window to show, as :func:`parse_window` gives them; all of :data:`WINDOWS` if absent.
        provider: the only provider to show; one that is not configured leaves ``providers`` empty.
        with_accounts: whether the reader may see account labels; ``null`` stands in their place otherwise.
        alerts: the alerts as JSON; those of ``provider`` are shown.

    Raises:
        ValueError: ``by="account"`` for a reader who may not see labels.
    """
    if by == "account" and not with_accounts:
        raise ValueError("figures by account need the right to see accounts")
    windows = WINDOWS if window is None else {f"{window // 60}m": window}
    providers: dict[str, Any] = {}
    for snapshot in snapshots:
        if provider is None or provider == snapshot.name:
            counted = metrics.provider(snapshot.name)
            providers[snapshot.name] = row = _row(metrics, snapshot, counted, windows, with_accounts)
            if by is not None:
                rings = counted.accounts if by == "account" else counted.models
                row[f"by_{by}"] = {label: {"windows": _windows(ring, windows)} for label, ring in rings.items()}
    return {
        "object": "provider_metrics",
        "schema_version": SCHEMA_VERSION,
        "generated_at": rfc3339(metrics.wall()),
        "started_at": rfc3339(metrics.started_at),
        "scope": "node",
        "workers": 1,
        "client_requests": metrics.clients.windows(windows),
        "providers": providers,
        "alerts": [alert for alert in alerts if provider is None or provider == alert["provider"]],
    }


def legacy_report(
    metrics: Metrics, snapshots: Iterable[ProviderSnapshot], *, provider: str | None = None
) -> dict[str, dict[str, Any]]:
    """The bare map of earlier days: nine keys each, counts since the start, latencies of the last ten minutes.

    Costs are ``null``: nobody tells us prices.
    """
    report = {}
    for snapshot in snapshots:
        if provider is None or provider == snapshot.name:
            counted = metrics.provider(snapshot.name)
            latency = counted.ring.summary(WINDOWS["10m"])["latency_ms"]
            report[snapshot.name] = _totals(counted) | {
                "cost_per_1k_input": None,
                "cost_per_1k_output": None,
                "latency_p50_ms": latency["p50"],
                "latency_p95_ms": latency["p95"],
            }
    return report


def rfc3339(seconds: float | None) -> str | None:
    """Unix seconds as a UTC date for people and programs; ``None`` for none, and for what no calendar holds.

    >>> rfc3339(1767225600.9)
    '2026-01-01T00:00:00Z'
    """
    if seconds is None:
        return None
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OSError, OverflowError, ValueError):
        return None


def _row(
    metrics: Metrics,
    snapshot: ProviderSnapshot,
    counted: ProviderMetrics,
    windows: Mapping[str, int],
    with_accounts: bool,
) -> dict[str, Any]:
    status, reasons = provider_status(snapshot, counted)
    auth = snapshot.auth
    return {
        "status": status,
        "status_reasons": reasons,
        "enabled": snapshot.enabled,
        "retired": snapshot.retired,
        "plugin": asdict(snapshot.plugin),
        "accounts": asdict(snapshot.accounts),
        "in_flight": metrics.in_flight(snapshot.name),
        "queue_depth": snapshot.queue_depth,
        "windows": _windows(counted.ring, windows),
        "quota": quota_report(snapshot.quota, with_accounts=with_accounts),
        "cooldowns": [_cooldown(row, with_accounts) for row in snapshot.cooldowns],
        "auth": {
            "next_expiry_at": rfc3339(auth.next_expiry_at),
            "next_login_expiry_at": rfc3339(auth.next_login_expiry_at),
            "last_refresh_at": rfc3339(auth.last_refresh_at),
            "last_refresh_result": auth.last_refresh_result,
            "refresh_failures_1h": auth.refresh_failures_1h,
        },
        "models": _models(snapshot.models),
        "totals": _totals(counted) | {"since": rfc3339(counted.since)},
        "last_success_at": rfc3339(counted.last_success_at),
        "last_error": _last_error(counted),
    }


def _windows(ring: Ring, windows: Mapping[str, int]) -> dict[str, Window]:
    return {name: ring.summary(seconds) for name, seconds in windows.items()}


def quota_report(rows: Sequence[QuotaRow], *, with_accounts: bool) -> list[dict[str, Any]]:
    """The limits as JSON; ``None`` in the account's place for a reader who may not see labels.

    ``total_used_ratio`` is that of all the account has in this unit: what ``quota-low`` watches.
    """
    totals = quota_totals(rows)
    return [
        _quota(row, totals.get((row.account, row.account_id, row.unit)), with_accounts=with_accounts) for row in rows
    ]


def _quota(row: QuotaRow, total: float | None, *, with_accounts: bool) -> dict[str, Any]:
    left = None if row.limit is None or row.used is None else max(row.limit - row.used, 0)
    return {
        "account": row.account if with_accounts else None,
        "name": row.name,
        "plan": row.plan,
        "unit": row.unit,
        "limit": row.limit,
        "remaining": left,
        "used_ratio": row.used_ratio,
        "total_used_ratio": total,
        "resets_at": rfc3339(row.resets_at),
        "source": row.source,
        "observed_at": rfc3339(row.observed_at),
        "exhausted": row.exhausted,
    }


def _cooldown(row: Cooldown, with_accounts: bool) -> dict[str, Any]:
    return {
        "account": row.account if with_accounts else None,
        "model": row.model,
        "reason": str(row.reason),
        "since": rfc3339(row.since),
        "until": rfc3339(row.until),
        "hint_seconds": row.hint_seconds,
        "capped": row.capped,
        "next_probe_at": rfc3339(row.next_probe_at),
    }


def _models(facts: ModelFacts) -> dict[str, Any]:
    return {
        "listed": facts.listed,
        "hidden": facts.hidden,
        "last_sync_at": rfc3339(facts.last_sync_at),
        "source": facts.source,
        "missing": facts.missing,
        "drift": {
            "added": facts.added,
            "removed": facts.removed,
            "before": facts.before,
            "after": facts.after,
            "added_names": list(facts.added_names),
            "removed_names": list(facts.removed_names),
        },
    }


def _totals(counted: ProviderMetrics) -> dict[str, Any]:
    attempts = counted.successes + counted.failures
    return {
        "request_count": attempts,
        "success_count": counted.successes,
        "failure_count": counted.failures,
        "total_tokens": counted.tokens,
        "success_rate": ratio(counted.successes, attempts),
    }


def _last_error(counted: ProviderMetrics) -> dict[str, Any] | None:
    error = counted.last_error
    if error is None:
        return None
    return {
        "at": rfc3339(error.at),
        "class": error.kind.value,
        "status": error.status,
        "request_id": error.request_id,
    }

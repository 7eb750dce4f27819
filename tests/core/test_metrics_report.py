"""The report: the shape that operators' tools read, and the status they look at first."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any

import pytest

from switchgear.metrics import (
    WINDOWS,
    AccountCounts,
    AuthFacts,
    Cooldown,
    Metrics,
    ModelFacts,
    PluginFacts,
    ProviderSnapshot,
    legacy_report,
    parse_window,
    provider_report,
    provider_status,
)
from switchgear.metrics.report import rfc3339
from switchgear.types import AttemptRecord, Kind

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z


@dataclass
class Clock:
    """Both clocks, moved together."""

    seconds: float = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return NOON + self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    return Metrics(clock.monotonic, clock.wall)


COOLDOWN = Cooldown("acct_2", "*", "rate_limited", NOON, NOON + 60, 3600.0, True, NOON + 60)
HEALTHY = ProviderSnapshot(
    name="acme",
    enabled=True,
    eligible=True,
    plugin=PluginFacts("acme-plugin", "1.2.3", "active"),
    accounts=AccountCounts(total=2, ready=2),
)
COOLING = replace(HEALTHY, accounts=AccountCounts(total=2, ready=1, cooling=1), cooldowns=(COOLDOWN,))


def attempt(
    metrics: Metrics,
    kind: Kind | None = None,
    *,
    times: int = 1,
    account: str = "acct_1",
    model: str = "m",
    status: int | None = 200,
    provider: str = "acme",
) -> None:
    for _ in range(times):
        metrics.attempt(AttemptRecord("req_7", provider, account, model, 1, status, kind, 100.0, 20.0, 30, 12))


def row(metrics: Metrics, snapshot: ProviderSnapshot = HEALTHY, **options: Any) -> dict[str, Any]:
    options.setdefault("with_accounts", True)
    found: dict[str, Any] = provider_report(metrics, [snapshot], **options)["providers"][snapshot.name]
    return found


# -- the shape ---------------------------------------------------------------------------------------------


def test_the_whole_report(metrics: Metrics, clock: Clock) -> None:
    clock.seconds = 10
    attempt(metrics)
    clock.seconds = 20.9
    attempt(metrics, Kind.RATE_LIMITED, status=429)
    metrics.started("acme")
    snapshot = replace(
        COOLING,
        auth=AuthFacts(NOON + 3600, NOON - 60, "ok", 1, logins=(("b", NOON + 9 * 86400), ("a", NOON + 8 * 86400))),
        models=ModelFacts(9, 4, NOON, 1, 2, "upstream", 2, 14, 13, ("new",), ("old", "older")),
        queue_depth=3,
        retired="closed on 2026-05-15",
    )
    report = provider_report(metrics, [snapshot], window=60, with_accounts=True)
    assert report == {
        "object": "provider_metrics",
        "schema_version": 1,
        "generated_at": "2026-01-01T12:00:20Z",
        "started_at": "2026-01-01T12:00:00Z",
        "scope": "node",
        "workers": 1,
        "client_requests": {"1m": {"requests": 0, "succeeded": 0, "failed": 0, "success_ratio": None}},
        "providers": {
            "acme": {
                "status": "degraded",
                "status_reasons": ["rate_limited"],
                "enabled": True,
                "retired": "closed on 2026-05-15",
                "plugin": {"name": "acme-plugin", "version": "1.2.3", "state": "active"},
                "accounts": {
                    "total": 2,
                    "ready": 1,
                    "cooling": 1,
                    "exhausted": 0,
                    "auth_failed": 0,
                    "suspended": 0,
                    "disabled": 0,
                },
                "in_flight": 1,
                "queue_depth": 3,
                "windows": {"1m": metrics.provider("acme").ring.summary(60)},
                "quota": [],
                "cooldowns": [
                    {
                        "account": "acct_2",
                        "model": "*",
                        "reason": "rate_limited",
                        "since": "2026-01-01T12:00:00Z",
                        "until": "2026-01-01T12:01:00Z",
                        "hint_seconds": 3600.0,
                        "capped": True,
                        "next_probe_at": "2026-01-01T12:01:00Z",
                    }
                ],
                "auth": {
                    "next_expiry_at": "2026-01-01T13:00:00Z",
                    "next_login_expiry_at": "2026-01-09T12:00:00Z",
                    "last_refresh_at": "2026-01-01T11:59:00Z",
                    "last_refresh_result": "ok",
                    "refresh_failures_1h": 1,
                },
                "models": {
                    "listed": 9,
                    "hidden": 4,
                    "last_sync_at": "2026-01-01T12:00:00Z",
                    "source": "upstream",
                    "missing": 2,
                    "drift": {
                        "added": 1,
                        "removed": 2,
                        "before": 14,
                        "after": 13,
                        "added_names": ["new"],
                        "removed_names": ["old", "older"],
                    },
                },
                "totals": {
                    "request_count": 2,
                    "success_count": 1,
                    "failure_count": 1,
                    "total_tokens": 84,
                    "success_rate": 0.5,
                    "since": "2026-01-01T12:00:10Z",
                },
                "last_success_at": "2026-01-01T12:00:10Z",
                "last_error": {
                    "at": "2026-01-01T12:00:20Z",
                    "class": "rate_limited",
                    "status": 429,
                    "request_id": "req_7",
                },
            }
        },
        "alerts": [],
    }
    assert json.loads(json.dumps(report)) == report


def test_a_provider_nobody_has_asked_claims_nothing(metrics: Metrics) -> None:
    found = row(metrics)
    assert (found["status"], found["status_reasons"]) == ("ok", [])
    assert list(found["windows"]) == list(WINDOWS) == ["1m", "5m", "10m"]
    assert all(window["success_ratio"] is None for window in found["windows"].values())
    assert found["totals"]["success_rate"] is None
    assert found["last_success_at"] is found["last_error"] is None
    assert found["auth"]["next_expiry_at"] is None
    assert found["in_flight"] == 0


@pytest.mark.parametrize(
    ("by", "labels"), [("account", ["acct_1", "acct_2"]), ("model", ["large", "small"])], ids=["account", "model"]
)
def test_by(metrics: Metrics, by: str, labels: list[str]) -> None:
    attempt(metrics, account="acct_1", model="large")
    attempt(metrics, account="acct_2", model="small")
    metrics.short_circuited("acme", account="acct_2", model="small")
    found = row(metrics, by=by, window=300)[f"by_{by}"]
    assert list(found) == labels
    assert [list(found[label]["windows"]) for label in labels] == [["5m"], ["5m"]]
    windows = [found[label]["windows"]["5m"] for label in labels]
    assert [(window["attempts"], window["short_circuited"]) for window in windows] == [(1, 0), (1, 1)]


def test_labels_are_withheld_from_who_may_not_see_them(metrics: Metrics) -> None:
    attempt(metrics)
    report = provider_report(metrics, [COOLING], by="model", with_accounts=False)
    assert "acct_" not in json.dumps(report)
    assert report["providers"]["acme"]["cooldowns"][0]["account"] is None
    with pytest.raises(ValueError, match="right to see accounts"):
        provider_report(metrics, [COOLING], by="account", with_accounts=False)


@pytest.mark.parametrize(("provider", "shown"), [("acme", ["acme"]), ("nobody", []), (None, ["acme", "best"])])
def test_one_provider(metrics: Metrics, provider: str | None, shown: list[str]) -> None:
    snapshots = [HEALTHY, replace(HEALTHY, name="best")]
    assert list(provider_report(metrics, snapshots, provider=provider, with_accounts=True)["providers"]) == shown
    assert list(legacy_report(metrics, snapshots, provider=provider)) == shown


def test_the_legacy_report_has_nine_keys(metrics: Metrics) -> None:
    attempt(metrics, times=3)
    attempt(metrics, Kind.TIMEOUT, status=None)
    attempt(metrics, Kind.INVALID_REQUEST, status=400)
    assert legacy_report(metrics, [HEALTHY]) == {
        "acme": {
            "request_count": 4,
            "success_count": 3,
            "failure_count": 1,
            "total_tokens": 5 * 42,
            "success_rate": 0.75,
            "cost_per_1k_input": None,
            "cost_per_1k_output": None,
            "latency_p50_ms": 99,
            "latency_p95_ms": 101,
        }
    }


@pytest.mark.parametrize(("text", "seconds"), [("1m", 60), ("5m", 300), ("05m", 300), ("15m", 900)])
def test_a_window_is_whole_minutes(text: str, seconds: int) -> None:
    assert parse_window(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0m", "16m", "99m", "5", "5 m", "5s", "-5m", "1.5m", "m", "5m\n", "\u0665m", "5M", "1h"]
)
def test_anything_else_is_no_window(text: str) -> None:
    with pytest.raises(ValueError, match="whole number of minutes, from 1m to 15m"):
        parse_window(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(NOON + 0.999, "2026-01-01T12:00:00Z", id="fractions are cut"),
        pytest.param(-0.5, "1969-12-31T23:59:59Z", id="before the epoch"),
        pytest.param(math.inf, None, id="never"),
        pytest.param(math.nan, None, id="not a number"),
        pytest.param(1e15, None, id="after the calendar"),
    ],
)
def test_dates(seconds: float | None, text: str | None) -> None:
    assert rfc3339(seconds) == text


# -- the status --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("snapshot", "status", "reasons"),
    [
        pytest.param(HEALTHY, "ok", [], id="healthy"),
        pytest.param(replace(HEALTHY, enabled=False), "disabled", [], id="switched off"),
        pytest.param(
            replace(HEALTHY, plugin=PluginFacts("x", "1", "broken")), "broken", ["plugin_broken"], id="broken plugin"
        ),
        pytest.param(
            replace(HEALTHY, enabled=False, plugin=PluginFacts("x", "1", "broken")),
            "disabled",
            [],
            id="switched off and broken",
        ),
        pytest.param(
            replace(HEALTHY, accounts=AccountCounts(total=2, ready=1, disabled=1)),
            "ok",
            [],
            id="an account the operator disabled is no fault",
        ),
        pytest.param(COOLING, "degraded", ["rate_limited"], id="one cooling"),
        pytest.param(
            replace(
                COOLING,
                cooldowns=(
                    replace(COOLDOWN, model="m", reason="model_not_found"),
                    replace(COOLDOWN, model="m", reason="breaker_open"),
                ),
            ),
            "degraded",
            ["breaker_open"],
            id="a model that is gone is not why an account cools",
        ),
        pytest.param(
            replace(HEALTHY, accounts=AccountCounts(total=4, ready=1, exhausted=1, auth_failed=1, suspended=1)),
            "degraded",
            ["suspended", "login_required", "quota_exhausted"],
            id="one of each out",
        ),
        pytest.param(
            replace(COOLING, eligible=False, accounts=AccountCounts(total=1, cooling=1)),
            "down",
            ["rate_limited"],
            id="all cooling",
        ),
        pytest.param(
            replace(HEALTHY, eligible=False, accounts=AccountCounts()), "down", ["no_accounts"], id="no accounts"
        ),
        pytest.param(
            replace(HEALTHY, eligible=False, accounts=AccountCounts(total=1, disabled=1)),
            "down",
            ["accounts_disabled"],
            id="all disabled",
        ),
    ],
)
def test_status_by_accounts(metrics: Metrics, snapshot: ProviderSnapshot, status: str, reasons: list[str]) -> None:
    assert provider_status(snapshot, metrics.provider("acme")) == (status, reasons)


@pytest.mark.parametrize(
    ("outcomes", "status", "reasons"),
    [
        pytest.param([(None, 19), (Kind.TIMEOUT, 1)], "ok", [], id="95 % is enough"),
        pytest.param([(Kind.TIMEOUT, 2), (None, 18)], "degraded", ["timeout"], id="90 % is not"),
        pytest.param([(Kind.TIMEOUT, 4), (None, 1)], "ok", [], id="too few to tell"),
        pytest.param([(None, 4), (Kind.TIMEOUT, 5)], "degraded", ["timeout"], id="few, but the last five failed"),
        pytest.param(
            [(Kind.TIMEOUT, 1), (Kind.FORBIDDEN, 3), (Kind.OVERLOADED, 2), (Kind.PROTOCOL, 2), (None, 20)],
            "degraded",
            ["forbidden", "overloaded", "protocol"],
            id="the three most frequent",
        ),
        pytest.param([(Kind.INVALID_REQUEST, 50), (Kind.CANCELLED, 50)], "ok", [], id="not the provider's fault"),
    ],
)
def test_status_by_attempts(
    metrics: Metrics, clock: Clock, outcomes: list[tuple[Kind | None, int]], status: str, reasons: list[str]
) -> None:
    for kind, times in outcomes:
        attempt(metrics, kind, times=times)
    assert provider_status(HEALTHY, metrics.provider("acme")) == (status, reasons)
    down = replace(HEALTHY, eligible=False, models=ModelFacts(listed=1))
    assert provider_status(down, metrics.provider("acme")) == ("down", reasons)

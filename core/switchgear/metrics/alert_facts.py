"""What the alert rules look at, taken from the counts and from what the gateway knows of a provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from switchgear.alert_rules import Failing, Metric, Rule
from switchgear.metrics.registry import Metrics, ProviderMetrics
from switchgear.metrics.status import ProviderSnapshot, quota_totals
from switchgear.metrics.summary import AUTH, RATE_LIMIT, Window
from switchgear.types import Kind

GROWTH: Final = 0.2
"""A list that gained a larger share of what it was is drift; one that lost anything is, always."""

_CLASSES: Final[Mapping[Failing, frozenset[Kind] | None]] = {"any": None, "auth": AUTH, "rate_limit": RATE_LIMIT}


@dataclass(frozen=True, slots=True)
class Reading:
    """One rule's value for one provider.

    Attributes:
        value: ``None`` when there is nothing to measure.
        attempts: what ``Rule.min_attempts`` is held against.
        in_a_row: the latest attempts that all failed as ``Rule.low_traffic`` says.
    """

    value: float | None
    attempts: int = 0
    in_a_row: int = 0


Facts = Mapping[str, Reading]
"""One provider's readings, by rule."""


def read_facts(
    metrics: Metrics, snapshots: Iterable[ProviderSnapshot], rules: Sequence[Rule], wall: float
) -> dict[str, Facts]:
    """The readings of every provider that is not switched off. ``wall`` is Unix seconds."""
    return {
        snapshot.name: _provider(metrics.provider(snapshot.name), snapshot, rules, wall)
        for snapshot in snapshots
        if snapshot.enabled
    }


def _provider(counted: ProviderMetrics, snapshot: ProviderSnapshot, rules: Sequence[Rule], wall: float) -> Facts:
    windows = {seconds: counted.ring.summary(seconds) for seconds in {rule.window_s for rule in rules} if seconds}
    facts = {}
    for rule in rules:
        if rule.window_s is None:
            facts[rule.name] = Reading(_now(rule.metric, snapshot, wall))
            continue
        window = windows[rule.window_s]
        wanted = window["short_circuited"] if rule.metric == "availability" else 0
        in_a_row = 0 if rule.low_traffic is None else failures_in_a_row(counted, rule.low_traffic)
        facts[rule.name] = Reading(_over(rule.metric, window), window["attempts"] + wanted, in_a_row)
    return facts


def failures_in_a_row(counted: ProviderMetrics, failing: Failing) -> int:
    """How many of the latest attempts, counted back from the last one, failed in this way; few are remembered."""
    kinds = _CLASSES[failing]
    row = 0
    for kind in reversed(counted.latest):
        if kind is None or not (kinds is None or kind in kinds):
            break
        row += 1
    return row


def models_drifted(snapshot: ProviderSnapshot) -> int:
    """The models that came or went unexpectedly, by the last list and by the upstream's own answers.

    Those gone from the list; those the upstream says it does not have when asked (``model_not_found``); and those
    that are new, where the list grew by more than a fifth.
    """
    facts = snapshot.models
    missing = {row.model for row in snapshot.cooldowns if row.reason == Kind.MODEL_NOT_FOUND}
    grown = facts.before > 0 and facts.after - facts.before > GROWTH * facts.before
    return facts.removed + len(missing) + (facts.added if grown else 0)


def quota_used_ratio(snapshot: ProviderSnapshot) -> float | None:
    """The used share of the fullest quota, an account's pools of one unit together; ``None`` where none is known."""
    return max(quota_totals(snapshot.quota).values(), default=None)


def _now(metric: Metric, snapshot: ProviderSnapshot, wall: float) -> float | None:
    match metric:
        case "quota_used_ratio":
            return quota_used_ratio(snapshot)
        case "accounts_exhausted":
            return snapshot.accounts.exhausted
        case "unrefreshed_expiry_s":
            at = snapshot.auth.unrefreshed_expiry_at
            return None if at is None else at - wall
        case "refresh_failures":
            return snapshot.auth.refresh_failures_in_a_row
        case "models_drifted":
            return models_drifted(snapshot)
    raise ValueError(f"{metric} is measured over a window")


def _over(metric: Metric, window: Window) -> float | None:
    match metric:
        case "success_ratio" | "auth_ratio" | "rate_limit_ratio" | "availability":
            return window[metric]
        case "refused_ratio":
            auth, limited = window["auth_ratio"], window["rate_limit_ratio"]
            return None if auth is None or limited is None else round(auth + limited, 6)
        case "latency_p95_s":
            return _seconds(window["latency_ms"]["p95"])
        case "ttft_p95_s":
            return _seconds(window["ttft_ms"]["p95"])
    raise ValueError(f"{metric} has no window")


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000

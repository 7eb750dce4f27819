"""The built-in alert rules: what is compared with what, over how long, and which playbook helps.

The table is the only place where a rule is written down: the evaluation, the configuration, the documentation and the
rules for Prometheus are all made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Severity = Literal["warning", "critical"]
State = Literal["inactive", "pending", "firing", "resolved"]
Comparison = Literal["<", "<=", ">", ">="]
Failing = Literal["any", "auth", "rate_limit"]
"""Which failures a row of failed attempts is made of."""

Metric = Literal[
    "success_ratio",
    "auth_ratio",
    "rate_limit_ratio",
    "refused_ratio",
    "availability",
    "quota_used_ratio",
    "accounts_exhausted",
    "unrefreshed_expiry_s",
    "refresh_failures",
    "latency_p95_s",
    "ttft_p95_s",
    "models_drifted",
]
"""What a rule looks at. Ratios are shares of the attempts in 0..1.

``refused_ratio``: 401, 403 and 429 together. ``availability``: share of the window with an account that may be asked.
``quota_used_ratio``: of the fullest quota, an account's pools of one unit taken together. ``accounts_exhausted``:
accounts whose quota is spent. ``unrefreshed_expiry_s``: seconds to the first expiry among tokens whose last refresh
failed. ``refresh_failures``: in a row, of the account with most. ``latency_p95_s``, ``ttft_p95_s``: seconds.
``models_drifted``: see :func:`~switchgear.metrics.alert_facts.models_drifted`.
"""

LOW_TRAFFIC_ATTEMPTS: Final = 5
"""With fewer attempts than a ratio needs, so many that all failed in a row count as the threshold passed."""
CLEAR_HOLD_S: Final = 20
"""How long a firing rule must be clearly back before it is resolved: two evaluations."""
EVALUATION_S: Final = 10
PLAYBOOKS: Final = "docs/alerts.md"
"""The page that has a heading for each ``runbook``."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, evaluated for each provider.

    Attributes:
        comparison: how the value stands to the threshold when the rule is broken.
        window_s: how far back the value looks; ``None`` for what is so at this moment.
        min_attempts: with fewer in the window the value is not judged; for ``availability`` it is the calls wanted.
        hold_s: how long it must stay broken before it fires.
        margin: how far behind the threshold, as a share of it (for ``<``: of the rest up to 1), a firing rule must be
            to count as back.
        low_traffic: the failures that count in a row when there are too few attempts; ``None`` for none.
        runbook: names the playbook, a heading of :data:`PLAYBOOKS`.
        summary: what it means when it fires, in words.
        thresholds: the operator's own thresholds by provider, before ``threshold``.
    """

    name: str
    metric: Metric
    comparison: Comparison
    threshold: float
    window_s: int | None
    min_attempts: int
    severity: Severity
    runbook: str
    summary: str
    hold_s: int = 0
    margin: float = 0.0
    low_traffic: Failing | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict, hash=False)

    @property
    def window(self) -> str | None:
        """The window as people write it; ``None`` for a rule about the moment."""
        return None if self.window_s is None else f"{self.window_s // 60}m"

    @property
    def playbook(self) -> str:
        """Where the playbook stands."""
        return f"{PLAYBOOKS}#{self.runbook}"

    def threshold_for(self, provider: str) -> float:
        """The threshold that holds for this provider."""
        return self.thresholds.get(provider, self.threshold)

    def clear_of(self, threshold: float) -> float:
        """Where a firing rule still counts as broken: a value that hovers at the threshold does not flap.

        >>> BY_NAME["provider-success"].clear_of(0.95), BY_NAME["provider-429"].clear_of(0.05)
        (0.96, 0.04)
        """
        if self.comparison in {"<", "<="}:
            return round(threshold + self.margin * (1 - threshold), 9)
        return round(threshold * (1 - self.margin), 9)

    def broken(self, value: float | None, limit: float) -> bool:
        """Whether ``value`` is beyond ``limit``; ``None``, for want of anything to measure, never is."""
        if value is None:
            return False
        match self.comparison:
            case "<":
                return value < limit
            case "<=":
                return value <= limit
            case ">":
                return value > limit
            case ">=":
                return value >= limit


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "provider-success", "success_ratio", "<", 0.95, 600, 20, "critical", "low-success-ratio",
        "fewer attempts succeed than should", hold_s=30, margin=0.2, low_traffic="any",
    ),
    Rule(
        "provider-auth", "auth_ratio", ">", 0.02, 300, 20, "critical", "repeated-401403",
        "the upstream refuses credentials (401, 403)", hold_s=30, margin=0.2, low_traffic="auth",
    ),
    Rule(
        "provider-429", "rate_limit_ratio", ">", 0.05, 300, 20, "warning", "repeated-429",
        "the upstream says there are too many requests (429)", hold_s=30, margin=0.2, low_traffic="rate_limit",
    ),
    Rule(
        "provider-429-critical", "rate_limit_ratio", ">", 0.10, 600, 20, "critical", "repeated-429",
        "the upstream has been refusing many requests (429) for long", hold_s=30, margin=0.2,
    ),
    Rule(
        "provider-down", "availability", "<=", 0.0, 60, 1, "critical", "provider-down",
        "no account may be asked, and clients want one",
    ),
    Rule(
        "quota-low", "quota_used_ratio", ">", 0.9, None, 0, "warning", "quota-pressure",
        "a quota is nearly spent", margin=0.05,
    ),
    Rule(
        "quota-out", "accounts_exhausted", ">", 0.0, None, 0, "warning", "quota-pressure",
        "an account's quota is spent",
    ),
    Rule(
        "token-expiring", "unrefreshed_expiry_s", "<", 900.0, None, 0, "critical", "tokens-are-not-refreshed",
        "a token is about to expire, and its last refresh failed",
    ),
    Rule(
        "refresh-failing", "refresh_failures", ">=", 3.0, None, 0, "warning", "tokens-are-not-refreshed",
        "an account's token could not be refreshed, several times in a row",
    ),
    Rule(
        "latency-p95", "latency_p95_s", ">", 60.0, 600, 50, "warning", "slow-answers",
        "whole answers take longer than they should (95th percentile, seconds)", hold_s=60, margin=0.2,
    ),
    Rule(
        "ttft-p95", "ttft_p95_s", ">", 15.0, 600, 50, "warning", "slow-answers",
        "the first token takes longer than it should (95th percentile, seconds)", hold_s=60, margin=0.2,
    ),
    Rule(
        "model-drift", "models_drifted", ">", 0.0, None, 0, "warning", "models-come-and-go",
        "models are gone from the upstream's list, or it grew by more than a fifth",
    ),
    Rule(
        "burst-401-403-429", "refused_ratio", ">", 0.5, 120, 5, "warning", "refused-after-a-sign-in",
        "most attempts are refused (401, 403, 429); a handful is enough, as after a sign-in", margin=0.2,
    ),
)  # fmt: skip
"""Every rule. The thresholds of the first three are the runbook's; holds, margins and the other thresholds are ours."""

BY_NAME: Final[Mapping[str, Rule]] = {rule.name: rule for rule in RULES}

"""What happened, counted: rolling windows, totals since the start, and the reports made of them."""

from __future__ import annotations

from switchgear.metrics.alerts import Alerts
from switchgear.metrics.registry import Metrics
from switchgear.metrics.report import WINDOWS, legacy_report, parse_window, provider_report
from switchgear.metrics.status import (
    AccountCounts,
    AuthFacts,
    Cooldown,
    ModelFacts,
    PluginFacts,
    ProviderSnapshot,
    provider_status,
)

__all__ = [
    "WINDOWS",
    "AccountCounts",
    "Alerts",
    "AuthFacts",
    "Cooldown",
    "Metrics",
    "ModelFacts",
    "PluginFacts",
    "ProviderSnapshot",
    "legacy_report",
    "parse_window",
    "provider_report",
    "provider_status",
]

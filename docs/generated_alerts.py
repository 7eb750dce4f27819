"""The built-in alert rules in the documentation, as Prometheus rules, and on a board: all made from the one table.

``python -m docs.generated_alerts`` writes ``docs/prometheus``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from switchgear.alert_rules import CLEAR_HOLD_S, LOW_TRAFFIC_ATTEMPTS, RULES, Rule

FOLDER: Final = Path(__file__).parent / "prometheus"
NOTE: Final = "# Made from the table of built-in rules; change that, then run: python -m docs.generated_alerts\n"
LEVEL: Final = "switchgear:provider"
REFUSED: Final = {
    "success_ratio": ("success",),
    "auth_ratio": ("auth",),
    "rate_limit_ratio": ("rate_limit",),
    "refused_ratio": ("auth", "rate_limit"),
}
"""Which outcomes a ratio is made of."""
MOMENT: Final = {
    "quota_used_ratio": "max by (provider) (switchgear_quota_used_ratio)",
    "accounts_exhausted": 'sum by (provider) (switchgear_accounts{state="exhausted"})',
    "unrefreshed_expiry_s": "min by (provider) (switchgear_unrefreshed_token_expiry_timestamp_seconds) - time()",
    "refresh_failures": "max by (provider) (switchgear_auth_refresh_failures_in_a_row)",
    "latency_p95_s": "max by (provider) (switchgear_provider_latency_p95_seconds)",
    "ttft_p95_s": "max by (provider) (switchgear_provider_ttft_p95_seconds)",
    "models_drifted": "max by (provider) (switchgear_provider_models_drifted)",
}
"""The values that the gateway shows as they are."""


# -- recording rules ---------------------------------------------------------------------------------------


def _increase(series: str, window: str) -> str:
    """What a counter gained, exactly; ``increase()`` would guess at the window's ends."""
    return f"sum by (provider) ({series} - min_over_time({series}[{window}]))"


def recordings() -> dict[str, str]:
    """Each recorded series with its expression, in the order of evaluation."""
    recorded: dict[str, str] = {}
    for rule in RULES:
        if rule.window is None:
            continue
        outcomes = "switchgear_provider_outcomes_total"
        recorded.setdefault(f"{LEVEL}_attempts:{rule.window}", _increase(outcomes, rule.window))
        if rule.metric == "availability":
            short = _increase("switchgear_short_circuited_total", rule.window)
            recorded[f"{LEVEL}_wanted:{rule.window}"] = f"{LEVEL}_attempts:{rule.window} + {short}"
            over = f"max by (provider) (max_over_time(switchgear_provider_available[{rule.window}]))"
            recorded[f"{LEVEL}_availability:{rule.window}"] = over
        elif rule.metric in REFUSED:
            chosen = REFUSED[rule.metric]
            label = f'outcome="{chosen[0]}"' if len(chosen) == 1 else f'outcome=~"{"|".join(chosen)}"'
            part = _increase(f"{outcomes}{{{label}}}", rule.window)
            recorded[f"{LEVEL}_{rule.metric}:{rule.window}"] = f"{part} / {LEVEL}_attempts:{rule.window}"
    return recorded


# -- alert rules -------------------------------------------------------------------------------------------


def value_of(rule: Rule) -> str:
    """The expression of what the rule looks at; one series a provider."""
    return MOMENT.get(rule.metric) or f"{LEVEL}_{rule.metric}:{rule.window}"


def expression(rule: Rule) -> str:
    """The rule in PromQL: broken; or, with too few attempts, all failed; or firing and not clearly back."""
    value, wanted = value_of(rule), "wanted" if rule.metric == "availability" else "attempts"
    attempts = f"{LEVEL}_{wanted}:{rule.window}"
    broken = f"{value} {rule.comparison} {rule.threshold:g}"
    if rule.min_attempts:
        broken = f"({broken} and on (provider) {attempts} >= {rule.min_attempts})"
    parts = [broken]
    if rule.low_traffic is not None:
        row = f'max by (provider) (switchgear_provider_failures_in_a_row{{class="{rule.low_traffic}"}})'
        few = f"{attempts} < {rule.min_attempts}"
        parts.append(f"({row} >= {LOW_TRAFFIC_ATTEMPTS} and on (provider) {few})")
    clear = rule.clear_of(rule.threshold)
    if rule.min_attempts or clear != rule.threshold:
        firing = f'ALERTS{{alertname="{rule.name}", alertstate="firing"}}'
        parts.append(f"({value} {rule.comparison} {clear:g} and on (provider) {firing})")
    return "\nor\n".join(parts)


def rules_yml() -> str:
    """The recording rules' file."""
    groups = [{"record": name, "expr": expr} for name, expr in recordings().items()]
    return NOTE + _group("switchgear", groups)


def alerts_yml() -> str:
    """The alert rules' file."""
    alerts: list[dict[str, Any]] = []
    for rule in RULES:
        alert: dict[str, Any] = {"alert": rule.name, "expr": expression(rule)}
        if rule.hold_s:
            alert["for"] = f"{rule.hold_s}s"
        alert["keep_firing_for"] = f"{CLEAR_HOLD_S}s"
        alert["labels"] = {"severity": rule.severity}
        alert["annotations"] = {
            "summary": "{{ $labels.provider }}: " + rule.summary,
            "runbook": rule.playbook,
        }
        alerts.append(alert)
    return NOTE + _group("switchgear-alerts", alerts)


def _group(name: str, rules: list[dict[str, Any]]) -> str:
    lines = ["groups:", f"  - name: {name}", "    interval: 10s", "    rules:"]
    for rule in rules:
        mark = "-"
        for key, value in rule.items():
            lines += _entry(f"      {mark} {key}:", value)
            mark = " "
    return "\n".join(lines) + "\n"


def _entry(head: str, value: Any) -> list[str]:
    if isinstance(value, dict):
        return [head, *(f"          {key}: {json.dumps(text)}" for key, text in value.items())]
    if any(sign in value for sign in '\n"{'):
        return [f"{head} |", *(f"          {line}" for line in value.splitlines())]
    return [f"{head} {value}"]


# -- the board ---------------------------------------------------------------------------------------------

PANELS: Final = (
    ("Alerts that fire", "stat", "none", (("{{rule}} {{provider}}", "switchgear_alert_firing == 1"),)),
    ("Success ratio, 10 minutes", "timeseries", "percentunit", (("{{provider}}", f"{LEVEL}_success_ratio:10m"),)),
    ("401 and 403, 5 minutes", "timeseries", "percentunit", (("{{provider}}", f"{LEVEL}_auth_ratio:5m"),)),
    ("429, 5 minutes", "timeseries", "percentunit", (("{{provider}}", f"{LEVEL}_rate_limit_ratio:5m"),)),
    (
        "Attempts a second", "timeseries", "reqps",
        (("{{provider}} {{outcome}}", "sum by (provider, outcome) (rate(switchgear_provider_outcomes_total[1m]))"),),
    ),
    (
        "What clients felt", "timeseries", "reqps",
        (("{{outcome}}", "sum by (outcome) (rate(switchgear_client_requests_total[1m]))"),),
    ),
    (
        "Answer time, 95th percentile", "timeseries", "s",
        (("{{provider}}", "max by (provider) (switchgear_provider_latency_p95_seconds)"),),
    ),
    (
        "First token, 95th percentile", "timeseries", "s",
        (("{{provider}}", "max by (provider) (switchgear_provider_ttft_p95_seconds)"),),
    ),
    (
        "The gateway's own time", "timeseries", "s",
        (
            ("50 %", "histogram_quantile(0.5, sum by (le) (rate(switchgear_overhead_seconds_bucket[5m])))"),
            ("99 %", "histogram_quantile(0.99, sum by (le) (rate(switchgear_overhead_seconds_bucket[5m])))"),
            ("in line, 99 %", "histogram_quantile(0.99, sum by (le) (rate(switchgear_queue_wait_seconds_bucket[5m])))"),
        ),
    ),
    (
        "Calls under way", "timeseries", "none",
        (("{{provider}}", "sum by (provider) (switchgear_inflight_requests)"),),
    ),
    (
        "Accounts by state", "timeseries", "none",
        (("{{provider}} {{state}}", "sum by (provider, state) (switchgear_accounts) > 0"),),
    ),
    (
        "Quota used", "timeseries", "percentunit",
        (("{{provider}} {{unit}}", "max by (provider, unit) (switchgear_quota_used_ratio)"),),
    ),
    (
        "Until the first token expires", "timeseries", "s",
        (("{{provider}}", "min by (provider) (switchgear_token_expiry_timestamp_seconds) - time()"),),
    ),
    (
        "Until the first sign-in ends", "timeseries", "s",
        (("{{provider}}", "min by (provider) (switchgear_login_expiry_timestamp_seconds) - time()"),),
    ),
    (
        "Tokens a second", "timeseries", "none",
        (("{{provider}} {{type}}", "sum by (provider, type) (rate(switchgear_tokens_total[5m]))"),),
    ),
    (
        "Retries and fallbacks a second", "timeseries", "reqps",
        (
            ("retries {{provider}}", "sum by (provider) (rate(switchgear_retries_total[5m]))"),
            ("{{from}} to {{to}}", "sum by (from, to) (rate(switchgear_fallbacks_total[5m]))"),
        ),
    ),
    ("Models listed", "timeseries", "none", (("{{provider}}", "max by (provider) (switchgear_provider_models)"),)),
)  # fmt: skip
"""Title, kind, unit, and the legend and expression of each line."""


def grafana_json() -> str:
    """The board; Grafana asks for the Prometheus that it is for."""
    source = {"type": "prometheus", "uid": "${source}"}
    source_variable = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    panels = [
        {
            "id": number + 1,
            "title": title,
            "type": kind,
            "datasource": source,
            "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
            "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
            "targets": [
                {"refId": chr(ord("A") + place), "datasource": source, "expr": expr, "legendFormat": legend}
                for place, (legend, expr) in enumerate(lines)
            ],
        }
        for number, (title, kind, unit, lines) in enumerate(PANELS)
    ]
    board = {
        "title": "Switchgear",
        "uid": "switchgear",
        "schemaVersion": 39,
        "tags": ["switchgear"],
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "10s",
        "templating": {"list": [source_variable]},
        "panels": panels,
    }
    return json.dumps(board, indent=2) + "\n"


# -- the documentation -------------------------------------------------------------------------------------


def table() -> str:
    """The rules as a table."""
    lines = ["| rule | fires when | window | from | held | back at | severity | what to do |", "| --- " * 8 + "|"]
    for rule in RULES:
        fires = f"`{rule.metric}` {rule.comparison} {rule.threshold:g}"
        least = str(rule.min_attempts) if rule.min_attempts else ""
        back = f"{rule.clear_of(rule.threshold):g}"
        hold = f"{rule.hold_s} s" if rule.hold_s else ""
        playbook = f"[{rule.runbook}](#{rule.runbook})"
        cells = (f"`{rule.name}`", fires, rule.window or "now", least, hold, back, rule.severity, playbook)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


FILES: Final = {"rules.yml": rules_yml, "alerts.yml": alerts_yml, "grafana.json": grafana_json}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, make in FILES.items():
        (FOLDER / file).write_text(make())

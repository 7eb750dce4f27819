"""The daily checks of the runbook, as judgements on what a running gateway says of itself. Nothing is asked here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from switchgear.alert_rules import BY_NAME, Rule
from switchgear.checks import Check, State, worst
from switchgear.login_expiry import how_long, state_of
from switchgear.metrics.report import rfc3339
from switchgear.secret import redact

DOCUMENT = "daily"
"""The name of the last run's :class:`Inventory` in the :class:`~switchgear.state.StateStore`."""
RATIOS = ("provider-success", "provider-auth", "provider-429", "provider-429-critical")
"""The rules whose ratios are compared here too, so that a breach shows before it has lasted long enough to alert."""
HEALTH: Mapping[str, State] = {"ok": "ok", "down": "failed"}
REFUSED = ("401", "403", "429")
BURST = "burst-401-403-429"

Rows = Mapping[str, Mapping[str, Any]]
"""Each provider's row of ``/v0/status``."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """How many models each provider had. ``at`` is in Unix seconds."""

    at: float
    models: Mapping[str, int]

    def document(self) -> dict[str, Any]:
        """As JSON data; :meth:`read` is the way back."""
        return {"at": self.at, "models": dict(self.models)}

    @classmethod
    def read(cls, document: Mapping[str, Any] | None) -> Inventory | None:
        """The same from its document; ``None`` for none, or a damaged one."""
        try:
            given = {} if document is None else document
            return cls(float(given["at"]), {str(name): int(count) for name, count in given["models"].items()})
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def inventory(status: Mapping[str, Any], at: float) -> Inventory:
    """The models there are now."""
    return Inventory(at, {name: row["models"]["listed"] for name, row in status["providers"].items()})


def checks(
    health: Mapping[str, Any], status: Mapping[str, Any], rules: Sequence[Rule], before: Inventory | None
) -> list[Check]:
    """The checks.

    Args:
        health: ``/health``.
        status: ``/v0/status``.
        rules: the alert rules that are on, as the operator wants them.
        before: the models at the last run; ``None`` at the first.
    """
    enabled = {name: row for name, row in status["providers"].items() if row["enabled"]}
    return [
        _health(health, status),
        _models(enabled, inventory(status, 0), before),
        _metrics(enabled, status["alerts"], rules),
        _refusals(enabled, status["alerts"]),
        _logins(enabled, status["generated_at"]),
    ]


# -- 1: health ---------------------------------------------------------------------------------------------


def _health(health: Mapping[str, Any], status: Mapping[str, Any]) -> Check:
    word = health["status"]
    states = [HEALTH.get(word, "attention")]
    said, advice = [word], ""
    for name, row in status["providers"].items():
        if row["status"] not in {"ok", "disabled"}:
            why = row["problem"] or ", ".join(row["status_reasons"])
            said.append(f"{name} is {row['status']}{f' ({redact(why)})' if why else ''}")
            advice = "switchgear status"
    if status["config"]["rejected"]:
        states.append("attention")
        said.append("config.yaml was changed and refused")
        advice = "switchgear config check"
    if status["plugin_errors"]:
        states.append("attention")
        said.append(f"plugins failed: {', '.join(sorted({row['plugin'] for row in status['plugin_errors']}))}")
        advice = advice or "switchgear plugins list"
    return Check("health", worst(states), "; ".join(said), advice, {"status": word})


# -- 2: model inventory ------------------------------------------------------------------------------------


def _models(rows: Rows, now: Inventory, before: Inventory | None) -> Check:
    total = sum(now.models.values())
    facts: dict[str, Any] = {"count": total, "before": None, "changes": {}}
    said = ["1 model" if total == 1 else f"{total} models"]
    state: State = "ok" if total else "failed"
    if before is not None:
        names = dict.fromkeys([*before.models, *now.models])
        counts = {name: (before.models.get(name, 0), now.models.get(name, 0)) for name in names}
        changed = {name: pair for name, pair in counts.items() if pair[0] != pair[1]}
        facts |= {"before": sum(before.models.values()), "changes": {name: [*pair] for name, pair in changed.items()}}
        since = f"since {rfc3339(before.at)}"
        told = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in changed.items())
        said.append(f"{told} {since}" if changed else f"unchanged {since}")
        if any(new < old for old, new in changed.values()):
            state = worst([state, "attention"])
    else:
        said.append("nothing to compare with yet")
    missing = [f"{name}: {row['models']['missing']}" for name, row in rows.items() if row["models"]["missing"]]
    if missing:
        state = worst([state, "attention"])
        said.append(f"no longer listed upstream: {', '.join(missing)}")
    advice = "" if state == "ok" else "switchgear models diff; of one name: switchgear models --why NAME"
    return Check("models", state, "; ".join(said), advice, facts)


# -- 3: metrics against the thresholds ---------------------------------------------------------------------


def _metrics(rows: Rows, alerts: Sequence[Mapping[str, Any]], rules: Sequence[Rule]) -> Check:
    firing = {(row["rule"], row["provider"]) for row in alerts if row["state"] == "firing" and row["rule"] != BURST}
    broken = {pair: BY_NAME[pair[0]] for pair in firing if pair[0] in BY_NAME}
    on = {rule.name: rule for rule in rules}
    for name, row in rows.items():
        for rule in (on[each] for each in RATIOS if each in on):
            if _beyond(rule, name, row["windows"].get(rule.window)):
                broken[rule.name, name] = rule
    states: list[State] = ["failed" if rule.severity == "critical" else "attention" for rule in broken.values()]
    told = [f"{provider}: {rule.summary} ({rule.name})" for (_, provider), rule in broken.items()]
    if not broken:
        told = [_ratios(name, row["windows"]["10m"]) for name, row in rows.items()] or ["no provider is enabled"]
    playbooks = dict.fromkeys(rule.playbook for rule in broken.values())
    advice = f"see {', '.join(playbooks)}" if broken else ""
    facts = {"beyond": [{"rule": rule, "provider": provider} for rule, provider in broken]}
    return Check("metrics", worst(states), "; ".join(told), advice, facts)


def _beyond(rule: Rule, provider: str, window: Mapping[str, Any] | None) -> bool:
    """Whether the rule is broken now. A window that the report does not have is left to the alerts."""
    if window is None or window["attempts"] < rule.min_attempts:
        return False
    return rule.broken(window[rule.metric], rule.threshold_for(provider))


def _ratios(name: str, window: Mapping[str, Any]) -> str:
    if not window["attempts"]:
        return f"{name}: no traffic in 10 minutes"
    return f"{name}: {window['success_ratio']:.1%} of {window['attempts']} succeeded in 10 minutes"


# -- 4: bursts of refusals ---------------------------------------------------------------------------------


def _refusals(rows: Rows, alerts: Sequence[Mapping[str, Any]]) -> Check:
    bursting = sorted(row["provider"] for row in alerts if row["rule"] == BURST and row["state"] == "firing")
    going_on, told = [], []
    counts: dict[str, dict[str, int]] = {}
    for name, row in rows.items():
        lately, before = _refused(row["windows"]["1m"]), _refused(row["windows"]["10m"])
        if before:
            counts[name] = before
            told.append(f"{name}: {', '.join(f'{n} x {code}' for code, n in before.items())} in 10 minutes")
        if lately and sum(before.values()) > sum(lately.values()):  # in the last minute, and before it
            going_on.append(name)
    state: State = "failed" if bursting else "attention" if going_on else "ok"
    advice = ""
    if state != "ok":
        names = ", ".join(dict.fromkeys([*bursting, *going_on]))
        told.append(f"it goes on: {names}")
        playbook = BY_NAME[BURST].playbook if bursting else BY_NAME["provider-429"].playbook
        advice = f"switchgear cooldowns; see {playbook}"
    facts = {"bursting": bursting, "going_on": going_on, "counts": counts}
    return Check("refusals", state, "; ".join(told) or "no 401, 403 or 429 in 10 minutes", advice, facts)


def _refused(window: Mapping[str, Any]) -> dict[str, int]:
    return {code: window["status"][code] for code in REFUSED if window["status"].get(code)}


# -- 5: sign-ins that end ----------------------------------------------------------------------------------


def _logins(rows: Rows, now: str) -> Check:
    ends = {name: at for name, row in rows.items() if (at := row["auth"]["next_login_expiry_at"]) is not None}
    seconds = {
        name: (datetime.fromisoformat(at) - datetime.fromisoformat(now)).total_seconds() for name, at in ends.items()
    }
    near = {name: left_s for name, left_s in seconds.items() if state_of(left_s) != "ok"}
    state = worst(state_of(left_s) for left_s in near.values())
    told = [f"{name}: the first sign-in {how_long(left_s)}" for name, left_s in near.items()]
    advice = f"switchgear login {next(iter(near))}; which account: switchgear accounts list" if near else ""
    return Check("sign-ins", state, "; ".join(told) or "none ends within a week", advice, {"ends": ends})

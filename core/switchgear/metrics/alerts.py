"""The alert rules at work: from readings to states, without input or output.

For each provider a rule is *inactive*; *pending* from the first evaluation that finds it broken; *firing* once it has
been so for ``hold_s``; *resolved* once it has been clearly back for :data:`~switchgear.alert_rules.CLEAR_HOLD_S`; and
after a while *inactive* again. Clearly back is a margin behind the threshold, so that what hovers there does not flap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from switchgear.alert_rules import CLEAR_HOLD_S, LOW_TRAFFIC_ATTEMPTS, Rule, State
from switchgear.metrics.alert_facts import Facts, Reading
from switchgear.metrics.report import rfc3339

RESOLVED_KEPT_S: Final = 900
"""How long a resolved alert is still shown."""

Key = tuple[str, str]
"""Rule and provider."""


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One rule of one provider that is not inactive.

    Attributes:
        value: as last read; ``None`` when there was nothing to measure.
        threshold: the one that holds for this provider.
        since: when it came into this state, Unix seconds.
    """

    rule: Rule
    provider: str
    state: State
    value: float | None
    threshold: float
    since: float

    def shown(self) -> dict[str, Any]:
        """The row as JSON: in the provider report, in ``/v1/alerts`` and in a webhook."""
        return {
            "rule": self.rule.name,
            "provider": self.provider,
            "state": self.state,
            "severity": self.rule.severity,
            "value": self.value,
            "threshold": self.threshold,
            "window": self.rule.window,
            "since": rfc3339(self.since),
            "runbook": self.rule.runbook,
            "summary": self.rule.summary,
        }


@dataclass(slots=True)
class _Standing:
    """``entered`` and ``back_since`` are seconds of the evaluation's clock; ``None`` while it is broken."""

    row: AlertRow
    entered: float
    back_since: float | None = None


class Alerts:
    """The state of every rule for every provider."""

    def __init__(self) -> None:
        self._standing: dict[Key, _Standing] = {}

    def rows(self) -> list[AlertRow]:
        """All that is not inactive: what fires first, then what is pending, then what was resolved lately."""
        order = {"firing": 0, "pending": 1, "resolved": 2}
        rows = (standing.row for standing in self._standing.values())
        return sorted(rows, key=lambda row: (order[row.state], row.rule.severity, row.since, row.rule.name))

    def evaluate(self, facts: Mapping[str, Facts], rules: Sequence[Rule], now: float, wall: float) -> list[AlertRow]:
        """Take one evaluation's readings in.

        Args:
            facts: each provider's readings; a provider that is not here is gone.
            rules: those that are on.
            now: monotonic seconds.
            wall: Unix seconds, for ``since``.

        Returns:
            The rows that changed their state, as they are now; one that ended is ``inactive``.
        """
        changed: list[AlertRow] = []
        seen: set[Key] = set()
        for provider, readings in facts.items():
            for rule in rules:
                seen.add((rule.name, provider))
                changed += self._step(rule, provider, readings[rule.name], now, wall)
        for key in self._standing.keys() - seen:  # switched off, or the provider is gone; a pager waits for the end
            row = self._standing.pop(key).row
            state: State = "resolved" if row.state == "firing" else "inactive"
            changed.append(replace(row, state=state, value=None, since=wall))
        return changed

    def _step(self, rule: Rule, provider: str, reading: Reading, now: float, wall: float) -> Iterator[AlertRow]:
        key = (rule.name, provider)
        standing = self._standing.get(key)
        threshold = rule.threshold_for(provider)
        firing = standing is not None and standing.row.state == "firing"
        broken = is_broken(rule, threshold, reading, firing=firing)
        if standing is None or standing.row.state == "resolved":
            if broken:
                row = AlertRow(rule, provider, "pending", reading.value, threshold, wall)
                standing = self._standing[key] = _Standing(row, now)
                if rule.hold_s:
                    yield row
            elif standing is not None and now - standing.entered >= RESOLVED_KEPT_S:
                del self._standing[key]
                yield replace(standing.row, state="inactive", value=reading.value, since=wall)
                return
            else:
                return
        standing.row = replace(standing.row, rule=rule, value=reading.value, threshold=threshold)
        if standing.row.state == "pending":
            if not broken:
                del self._standing[key]
                yield replace(standing.row, state="inactive", since=wall)
            elif now - standing.entered >= rule.hold_s:
                yield self._enter(standing, "firing", now, wall)
        elif broken:
            standing.back_since = None
        else:
            standing.back_since = now if standing.back_since is None else standing.back_since
            if now - standing.back_since >= CLEAR_HOLD_S:
                yield self._enter(standing, "resolved", now, wall)

    @staticmethod
    def _enter(standing: _Standing, state: State, now: float, wall: float) -> AlertRow:
        standing.row = replace(standing.row, state=state, since=wall)
        standing.entered, standing.back_since = now, None
        return standing.row


def is_broken(rule: Rule, threshold: float, reading: Reading, *, firing: bool) -> bool:
    """Whether the rule is broken; for one that fires, whether it is not clearly back yet."""
    if reading.attempts >= rule.min_attempts:
        if rule.broken(reading.value, threshold):
            return True
    elif rule.low_traffic is not None and reading.in_a_row >= LOW_TRAFFIC_ATTEMPTS:
        return True
    return firing and rule.broken(reading.value, rule.clear_of(threshold))

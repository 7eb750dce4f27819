"""The evaluation loop: every ten seconds the rules are held against the facts, and who must know is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from switchgear.alert_rules import EVALUATION_S
from switchgear.assembly import Service
from switchgear.audit import AuditLog, Deed
from switchgear.auto_shift import shift_on
from switchgear.metrics.alert_facts import read_facts
from switchgear.metrics.alerts import AlertRow
from switchgear.snapshots import snapshots
from switchgear.types import Alert
from switchgear.webhook import Webhook

log = structlog.get_logger("switchgear.alerts")


class Alerting:
    """Keeps ``service.alerts`` up to date, and tells the log, the plugins and the webhook what changed."""

    def __init__(self, service: Service, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._service = service
        self._sleep = sleep
        self.webhook = Webhook(lambda: service.current.config.alerts.webhook)
        self._audit = AuditLog(lambda: service.current.config.state_dir)
        self._deeds: list[Deed] = []

    async def run(self) -> None:
        """Evaluate until cancelled, as each ten seconds of the metrics' clock begin."""
        while True:
            await self._sleep(EVALUATION_S - self._service.metrics.now % EVALUATION_S)
            self.evaluate()
            while self._deeds:
                await self._audit.record(self._deeds.pop(0))

    def evaluate(self) -> list[AlertRow]:
        """Hold the rules against the facts of this moment; gives what changed."""
        service, metrics = self._service, self._service.metrics
        rules = service.current.config.alerts.built
        facts = read_facts(metrics, snapshots(service), rules, metrics.wall())
        # The bucket's beginning: a loop that wakes up a little later each time must not cost a bucket.
        now = metrics.now // EVALUATION_S * EVALUATION_S
        changed = service.alerts.evaluate(facts, rules, now, metrics.wall())
        for row in changed:
            self._tell(row)
            deed = shift_on(row, service)
            if deed is not None:
                self._deeds.append(deed)
        return changed

    def _tell(self, row: AlertRow) -> None:
        rule = row.rule
        self._service.current.plugins.alert_changed(
            Alert(rule.name, row.provider, row.state, row.value, row.threshold, rule.runbook)
        )
        tell = log.info
        if row.state == "firing":
            tell = log.error if rule.severity == "critical" else log.warning
        tell(
            "alert",
            rule=rule.name,
            provider=row.provider,
            state=row.state,
            severity=rule.severity,
            value=row.value,
            threshold=row.threshold,
            window=rule.window,
            means=rule.summary,
            playbook=rule.playbook,
        )
        if row.state in {"firing", "resolved"}:
            self.webhook.offer("alert", row.shown())

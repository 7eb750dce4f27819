"""``/v0/status``: everything an operator looks at, in one answer."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

from switchgear.assembly import Service
from switchgear.http.management.call import Answer, Call
from switchgear.metrics import provider_report
from switchgear.metrics.report import rfc3339
from switchgear.secret import redact
from switchgear.snapshots import plugin_errors, problems, snapshots


class StatusHandlers:
    """Looks, and changes nothing; no upstream is asked."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def show(self, call: Call) -> Answer:
        """``GET /v0/status``: in the words of the metrics, whose rows it has."""
        call.query()
        service = self._service
        runtime = service.current
        return Answer(
            {
                "version": version("switchgear"),
                "generated_at": rfc3339(service.metrics.wall()),
                "started_at": rfc3339(service.started_at),
                "uptime_seconds": int(time.time()) - service.started_at,
                "draining": service.draining,
                "config": {
                    "file": str(service.path.absolute()),
                    "loaded_at": rfc3339(runtime.loaded_at),
                    "rejected": service.reload_problem or None,
                },
                **self._providers(),
                "shifts": [shift.shown() for shift in service.shifts.all()],
                "plugins_broken": {name: redact(problem) for name, problem in runtime.broken.items()},
                "plugin_errors": plugin_errors(runtime),
            }
        )

    def _providers(self) -> dict[str, Any]:
        service = self._service
        seen = snapshots(service)
        alerts = [row.shown() for row in service.alerts.rows()]
        report = provider_report(service.metrics, seen, with_accounts=True, alerts=alerts)
        why = problems(service.current)
        for snapshot in seen:
            row = report["providers"][snapshot.name]
            row["problem"] = why.get(snapshot.name)
            row["account_states"] = [{"account": label, "state": state} for label, state in snapshot.account_states]
        return {name: report[name] for name in ("client_requests", "providers", "alerts")}

"""Shifts that an alert makes and ends, where the operator has said so in ``routing.shift-on-alert``."""

from __future__ import annotations

import structlog

from switchgear.assembly import Service
from switchgear.audit import Deed
from switchgear.metrics.alerts import AlertRow

log = structlog.get_logger("switchgear.shifts")


def shift_on(row: AlertRow, service: Service) -> Deed | None:
    """Move traffic as an alert fires, and back when it is over. What the operator has shifted is left alone.

    Returns:
        What was done, for the audit log; ``None`` for nothing.
    """
    runtime = service.current
    entry = next((entry for entry in runtime.entries if entry.name == row.provider), None)
    prefix = "" if entry is None else entry.provider.prefix
    rule = runtime.config.routing.shift_on_alert.get(prefix)
    if rule is None or rule.alert != row.rule.name:
        return None
    shifts, by = service.shifts, f"alert {rule.alert}"
    standing = shifts.of(prefix)
    if row.state == "firing" and standing is None:
        try:
            shifts.set(prefix, rule.to, share=rule.share, by=by)
        except ValueError as error:
            log.error("not_shifted", source=prefix, target=rule.to, problem=str(error))
            return Deed("gateway", "shift", "failed", row.provider)
        log.warning("traffic_shifted", source=prefix, target=rule.to, share=rule.share, by=by)
        return Deed("gateway", "shift", "ok", row.provider)
    if row.state == "resolved" and standing is not None and standing.by == by:
        shifts.end(prefix)
        log.warning("traffic_shifted_back", source=prefix, target=standing.target, by=by)
        return Deed("gateway", "shift-back", "ok", row.provider)
    return None

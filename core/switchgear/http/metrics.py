"""``GET /v1/metrics/providers``: the runbook's numbers."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from switchgear.assembly import Service
from switchgear.errors import Refusal
from switchgear.http.answers import send_json
from switchgear.http.keys import Keys, is_loopback
from switchgear.metrics.report import legacy_report, parse_window, provider_report
from switchgear.snapshots import snapshots


def metrics_reader(service: Service, keys: Keys, scope: Scope) -> bool:
    """Let in who may read metrics; gives whether by a key, and so with account labels.

    Raises:
        Refusal: 401 or 403.
    """
    ring = keys.ring
    by_key = ring.may_read_metrics(scope)
    if not by_key and not (service.current.config.metrics.loopback_open and is_loopback(scope)):
        ring.find(scope)  # a missing or unknown key is a 401; a known one without the scope a 403
        raise Refusal(
            403, "missing_scope", "this key may not read metrics; give it scopes: [metrics:read] in config.yaml"
        )
    return by_key


class MetricsRoute:
    """Open to this machine while ``metrics.loopback-open`` is true, then without account labels; else by key."""

    def __init__(self, service: Service, keys: Keys) -> None:
        self._service = service
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer ``?provider=``, ``?by=account|model``, ``?window=5m`` and ``?legacy=1``."""
        by_key = metrics_reader(self._service, self._keys, scope)
        query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        known = snapshots(self._service)
        wanted = query.get("provider")
        if wanted is not None and wanted not in {snapshot.name for snapshot in known}:
            raise Refusal(404, "unknown_provider", f"no provider is named {wanted[:64]!r}")
        by = query.get("by")
        if by not in {None, "account", "model"}:
            raise Refusal(400, "invalid_query", "by must be 'account' or 'model'")
        if by == "account" and not by_key:
            raise Refusal(403, "missing_scope", "account labels are shown to a key with scopes: [metrics:read] only")
        if query.get("legacy") == "1":
            await send_json(send, legacy_report(self._service.metrics, known, provider=wanted))
            return
        try:
            window = parse_window(query["window"]) if "window" in query else None
        except ValueError as error:
            raise Refusal(400, "invalid_query", str(error)) from None
        report = provider_report(
            self._service.metrics,
            known,
            by=by,
            window=window,
            provider=wanted,
            with_accounts=by_key,
            alerts=[row.shown() for row in self._service.alerts.rows()],
        )
        await send_json(send, report)

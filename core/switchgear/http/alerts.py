"""``GET /v1/alerts``: which built-in rules fire, are about to, or were resolved lately."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from switchgear.assembly import Service
from switchgear.errors import Refusal
from switchgear.http.answers import send_json
from switchgear.http.keys import Keys
from switchgear.http.metrics import metrics_reader
from switchgear.metrics.report import rfc3339

STATES = ("firing", "pending", "resolved")


class AlertsRoute:
    """Open to whom the metrics are open."""

    def __init__(self, service: Service, keys: Keys) -> None:
        self._service = service
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with ``?state=firing``, ``pending`` or ``resolved`` for those alone."""
        metrics_reader(self._service, self._keys, scope)
        query = parse_qs(scope["query_string"].decode("latin-1"))
        wanted = query["state"][-1] if "state" in query else None
        if wanted is not None and wanted not in STATES:
            raise Refusal(400, "invalid_query", f"state must be {', '.join(STATES[:-1])} or {STATES[-1]}")
        rows = [row for row in self._service.alerts.rows() if wanted is None or row.state == wanted]
        await send_json(
            send,
            {
                "object": "list",
                "schema_version": 1,
                "generated_at": rfc3339(self._service.metrics.wall()),
                "data": [row.shown() for row in rows],
            },
        )

"""``GET /metrics``: the same figures for Prometheus."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from switchgear.assembly import Service
from switchgear.http.answers import send_whole
from switchgear.http.keys import Keys
from switchgear.http.metrics import metrics_reader
from switchgear.metrics.exposition import OPENMETRICS, TEXT, openmetrics_wanted, render
from switchgear.metrics.prometheus import Scrape
from switchgear.snapshots import snapshots
from switchgear.webhook import Webhook


class PrometheusRoute:
    """Open to whom the metrics are open; accounts are named to a key only."""

    def __init__(self, service: Service, keys: Keys, webhook: Webhook) -> None:
        self._service = service
        self._keys = keys
        self._webhook = webhook

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in the form that ``Accept`` asks for."""
        service = self._service
        by_key = metrics_reader(service, self._keys, scope)
        accept = ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")
        openmetrics = openmetrics_wanted(accept)
        families = Scrape(
            service.metrics,
            snapshots(service),
            service.alerts.rows(),
            service.current.plugins.errors,
            self._webhook.counts,
            with_accounts=by_key,
            shifts={(shift.source, shift.target): shift.share for shift in service.shifts.all()},
        ).families()
        body = await asyncio.to_thread(render, families, openmetrics=openmetrics)  # requests go on meanwhile
        content_type = OPENMETRICS if openmetrics else TEXT
        await send_whole(send, 200, content_type.encode(), body, [(b"cache-control", b"no-store")])

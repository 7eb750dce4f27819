"""``/health``, ``/health/live`` and ``/health/ready``. None of them asks an upstream."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

from starlette.types import Receive, Scope, Send

from switchgear.assembly import Service
from switchgear.http.active import Active
from switchgear.http.answers import send_json
from switchgear.http.keys import Keys, is_loopback
from switchgear.metrics.status import provider_status
from switchgear.snapshots import plugin_errors, problems, snapshots


class HealthRoute:
    """The three health endpoints.

    ``/health/live``: the process answers. ``/health/ready``: it can serve, else 503 with reasons. ``/health``: always
    200, with the state of everything; provider names only for this machine, or with a key that may read metrics.
    """

    def __init__(self, service: Service, active: Active, keys: Keys) -> None:
        self._service = service
        self._active = active
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what is known."""
        path = scope["path"]
        if path == "/health/live":
            await send_json(send, {"status": "live"})
            return
        detailed = is_loopback(scope) or self._keys.ring.may_read_metrics(scope)
        providers = self._providers()
        reasons = self._not_ready(providers, detailed=detailed)
        if path == "/health/ready":
            ready = not reasons
            body = {"status": "ready" if ready else "not_ready", "reasons": reasons}
            await send_json(send, body, 200 if ready else 503)
            return
        await send_json(send, self._report(providers, reasons) if detailed else {"status": self._status(providers)})

    def _providers(self) -> dict[str, dict[str, Any]]:
        providers = {}
        why = problems(self._service.current)
        for snapshot in snapshots(self._service):
            status, reasons = provider_status(snapshot, self._service.metrics.provider(snapshot.name))
            problem = why.get(snapshot.name)
            providers[snapshot.name] = {
                "status": status,
                "reasons": reasons,
                **({"problem": problem} if problem else {}),
                "models": snapshot.models.listed,
                "accounts": {"total": snapshot.accounts.total, "ready": snapshot.accounts.ready},
            }
        return providers

    def _status(self, providers: dict[str, dict[str, Any]]) -> str:
        states = {provider["status"] for provider in providers.values()} - {"disabled"}
        if self._service.draining:
            return "draining"
        if states <= {"ok"}:
            return "ok" if states else "down"
        return "degraded" if states & {"ok", "degraded"} else "down"

    def _not_ready(self, providers: dict[str, dict[str, Any]], *, detailed: bool) -> list[str]:
        if self._service.draining:
            return ["draining: the gateway is shutting down"]
        if any(provider["status"] in {"ok", "degraded"} and provider["models"] for provider in providers.values()):
            return []
        if not detailed:
            return ["no provider can serve a model"]
        return [
            f"{name}: {provider.get('problem') or ', '.join(provider['reasons']) or 'it lists no model yet'}"
            for name, provider in providers.items()
        ] or ["no provider is configured"]

    def _report(self, providers: dict[str, dict[str, Any]], reasons: list[str]) -> dict[str, Any]:
        service = self._service
        return {
            "status": self._status(providers),
            "ready": not reasons,
            "version": version("switchgear"),
            "uptime_seconds": int(time.time()) - service.started_at,
            "requests_in_flight": len(self._active),
            "config": {
                "file": service.path.name,
                "loaded_seconds_ago": round(time.time() - service.current.loaded_at),
                "rejected": service.reload_problem or None,
            },
            "state": _state(service),
            "providers": providers,
            "shifts": [shift.shown() for shift in service.shifts.all()],
            "plugin_errors": plugin_errors(service.current),
        }


def _state(service: Service) -> str:
    """Whether what outlives a restart is being saved."""
    if service.state is None:
        return "in memory only"
    return service.state.problem or "ok"

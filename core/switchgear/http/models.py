"""``GET /v1/models`` and ``GET /v1/models/{id}``, in OpenAI's shape, or in Anthropic's for a client of theirs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.types import Receive, Scope, Send

from switchgear.assembly import Service
from switchgear.catalog import Target
from switchgear.http.answers import send_json
from switchgear.http.keys import Keys


class ModelsRoute:
    """The list of what the client's key may use, and one entry of it."""

    def __init__(self, service: Service, keys: Keys) -> None:
        self._service = service
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from the catalog; no upstream is asked."""
        runtime = self._service.current
        key = self._keys.ring.find(scope)
        wanted: str | None = scope["path_params"].get("model")
        if wanted is None:
            data = [self._model(name, target) for name, target in runtime.catalog.names() if key.allows(target.id)]
            await send_json(send, _anthropic_list(data) if wants_anthropic(scope) else {"object": "list", "data": data})
            return
        target = runtime.catalog.find(wanted)
        if target is None or not key.allows(target.id):
            raise runtime.catalog.unknown(wanted, key.allows)
        model = self._model(wanted, target)
        await send_json(send, _anthropic_model(model) if wants_anthropic(scope) else model)

    def _model(self, name: str, target: Target) -> dict[str, Any]:
        info = target.info
        model: dict[str, Any] = {
            "id": name,
            "object": "model",
            "created": info.created or self._service.started_at,
            "owned_by": info.owned_by or target.entry.name,
            "provider": target.entry.name,
        }
        optional = {
            "display_name": info.display_name,
            "context_length": info.context_length,
            "max_output_tokens": info.max_output_tokens,
        }
        return {**model, **{field: value for field, value in optional.items() if value is not None}}


def wants_anthropic(scope: Scope) -> bool:
    """Whether the client speaks Anthropic's API: it says the version with each request."""
    return any(name == b"anthropic-version" for name, _ in scope["headers"])


def _anthropic_model(model: dict[str, Any]) -> dict[str, Any]:
    """Source: Anthropic's Models API, read 2026-11."""
    created = datetime.fromtimestamp(model["created"], UTC).isoformat().replace("+00:00", "Z")
    name = model.get("display_name") or model["id"]
    return {"type": "model", "id": model["id"], "display_name": name, "created_at": created}


def _anthropic_list(models: list[dict[str, Any]]) -> dict[str, Any]:
    """All of them on one page."""
    data = [_anthropic_model(model) for model in models]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return {"data": data, "has_more": False, **ends}

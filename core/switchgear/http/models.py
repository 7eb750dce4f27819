"""``GET /v1/models`` and ``GET /v1/models/{id}``, in OpenAI's shape."""

from __future__ import annotations

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
            await send_json(send, {"object": "list", "data": data})
            return
        target = runtime.catalog.find(wanted)
        if target is None or not key.allows(target.id):
            raise runtime.catalog.unknown(wanted, key.allows)
        await send_json(send, self._model(wanted, target))

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

"""OpenAI's Responses API as far as it has a memory: ``previous_response_id``, ``store``, and the kept responses.

The gateway keeps the conversation itself, for whatever provider answers: an upstream's own memory belongs to one
account, and the next request may go to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from switchgear.ask import Keep
from switchgear.dialects.request_body import RequestBody
from switchgear.errors import Refusal
from switchgear.http.answers import send_json
from switchgear.http.keys import Keys
from switchgear.http.stored import ResponseStore

_NO_LIST = msgspec.Raw(b"[]")
_FALSE = msgspec.Raw(b"false")

log = structlog.get_logger("switchgear.responses")


class Memory:
    """Puts the earlier conversation in front of a request that goes on from it, and keeps the answers."""

    def __init__(self, store: ResponseStore) -> None:
        self._store = store

    def prepare(self, body: RequestBody, owner: str) -> tuple[RequestBody, Keep | None]:
        """The request with its whole conversation as ``input``, and who keeps the answer: nobody if ``store`` is false.

        Upstreams are asked not to store: nobody would come back to what they kept.

        Raises:
            Refusal: 400; the previous response is not kept (any more), or the input is none.
        """
        items = input_items(body)
        previous = body.value("previous_response_id")
        if previous is not None:
            items = [*self._earlier(owner, previous), *items]
            body = body.replacing({"previous_response_id": None, "input": msgspec.Raw(msgspec.json.encode(items))})
        kept = body.value("store") is not False
        if not kept or body.value("background") is True or body.value("conversation") is not None:
            return body, None
        return body.replacing({"store": _FALSE}), partial(self._keep, owner, items)

    def _earlier(self, owner: str, previous: object) -> Sequence[msgspec.Raw]:
        stored = self._store.get(owner, previous) if isinstance(previous, str) else None
        if stored is None:
            shown = previous[:80] if isinstance(previous, str) else str(previous)[:80]
            raise Refusal(
                400,
                "previous_response_not_found",
                f"Previous response with id {shown!r} not found: this gateway keeps responses in memory for a while, "
                "each for the key that made it; send the whole conversation as input",
                param="previous_response_id",
            )
        return stored.items

    def _keep(self, owner: str, items: Sequence[msgspec.Raw], answer: bytes, native: bool) -> None:
        try:
            fields = msgspec.json.decode(answer, type=dict[str, msgspec.Raw])
            response_id: str = msgspec.json.decode(fields["id"], type=str)
            output = msgspec.json.decode(fields.get("output", _NO_LIST), type=list[dict[str, Any]])
        except (msgspec.MsgspecError, KeyError) as error:
            log.warning("response_not_kept", problem=f"the answer is no response object: {error}")
            return
        again = [msgspec.Raw(msgspec.json.encode(item)) for item in map(_as_input, output) if _may_return(item, native)]
        self._store.put(owner, response_id, answer, [*items, *again])


def _as_input(item: dict[str, Any]) -> dict[str, Any]:
    """An output item as it may be sent again: without the id under which an upstream would look it up."""
    return {key: value for key, value in item.items() if key not in {"id", "status"}}


def _may_return(item: dict[str, Any], native: bool) -> bool:
    """Reasoning of an upstream can only be sent back sealed; what we rendered ourselves is read by us again."""
    return item.get("type") != "reasoning" or not native or bool(item.get("encrypted_content"))


def input_items(body: RequestBody) -> list[msgspec.Raw]:
    """The request's ``input`` as items; a text is the user's message."""
    raw = body.raw("input")
    if raw is None:
        return []
    try:
        given = msgspec.json.decode(raw, type=str | list[msgspec.Raw] | None)
    except msgspec.ValidationError:
        raise Refusal(400, "invalid_request", "'input' must be a text or a list of items", param="input") from None
    if isinstance(given, str):
        return [msgspec.Raw(msgspec.json.encode({"role": "user", "content": given}))]
    return given or []


class ResponseRoute:
    """``GET`` and ``DELETE /v1/responses/{id}``."""

    def __init__(self, store: ResponseStore, keys: Keys) -> None:
        self._store = store
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory."""
        key = self._keys.ring.find(scope)
        response_id: str = scope["path_params"]["response"]
        if scope["method"] == "DELETE":
            if not self._store.remove(key.name, response_id):
                raise _gone(response_id)
            await send_json(send, {"id": response_id, "object": "response", "deleted": True})
            return
        stored = self._store.get(key.name, response_id)
        if stored is None:
            raise _gone(response_id)
        await send_json(send, msgspec.Raw(stored.answer))


def _gone(response_id: str) -> Refusal:
    return Refusal(
        404,
        "response_not_found",
        f"Response with id {response_id[:80]!r} not found: this gateway keeps responses in memory for a while, each "
        "for the key that made it, and none that was asked for with store: false",
    )

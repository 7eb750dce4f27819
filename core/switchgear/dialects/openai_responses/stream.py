"""The events of a Responses stream, as its watch and its parser read them.

Source: OpenAI's API reference and the types of its Python SDK 3.54, read 2026-11.
"""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear.dialects.codec import NO_USAGE
from switchgear.dialects.openai_usage import UsageFields, read_usage
from switchgear.events import Usage
from switchgear.sse import event_data

NO_RAW = msgspec.Raw(b"null")
ENDED = frozenset({"response.completed", "response.incomplete"})
FAILED = frozenset({"response.failed", "response.cancelled", "error"})


class StreamEvent(msgspec.Struct):
    """One event; only the fields that matter here."""

    type: str = ""
    output_index: int | None = None
    item_id: str | None = None
    summary_index: int | None = None
    content_index: int | None = None
    delta: Any = None
    item: msgspec.Raw = NO_RAW
    response: msgspec.Raw = NO_RAW
    error: msgspec.Raw = NO_RAW


_decode = msgspec.json.Decoder(StreamEvent).decode


def read_event(data: bytes) -> StreamEvent:
    """One event's data.

    Raises:
        ValueError: it is no JSON object of the kind.
    """
    try:
        return _decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"an event is no JSON: {error}") from None


class _Numbered(msgspec.Struct):
    sequence_number: int = 0


def sequence_number_of(data: bytes) -> int:
    """An event's number; 0 for one without."""
    try:
        return msgspec.json.decode(data, type=_Numbered).sequence_number
    except msgspec.MsgspecError:
        return 0


def is_error(event: StreamEvent) -> bool:
    """Whether the event says that the answer failed."""
    return event.type in FAILED or (bytes(event.error) != b"null" and not event.type.startswith("response."))


def data_of(event: bytes) -> bytes | None:
    """An event's data; ``None`` for comments, and for the ``[DONE]`` that some add."""
    data = event_data(event)
    return None if not data or data.strip() == b"[DONE]" else data


class Item(msgspec.Struct):
    """An output item."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    content: list[dict[str, Any]] | None = None
    summary: list[dict[str, Any]] | None = None
    encrypted_content: str | None = None


class Response(msgspec.Struct):
    """A response object; only what matters here."""

    status: str | None = None
    output: list[msgspec.Raw] | None = None
    usage: UsageFields | None = None
    incomplete_details: dict[str, Any] | None = None
    error: msgspec.Raw = NO_RAW
    object: str | None = None


_CONVERTED = frozenset({"message", "reasoning", "function_call", "custom_tool_call"})


def read_item(raw: msgspec.Raw) -> Item:
    """One output item; of a kind that is not converted, no more than its type.

    Raises:
        ValueError: it is of a kind that matters, and not as it should be.
    """
    try:
        return msgspec.json.decode(raw, type=Item)
    except msgspec.MsgspecError as error:
        fields = msgspec.json.decode(raw)
        kind = fields.get("type") if isinstance(fields, dict) else None
        if kind in _CONVERTED:
            raise ValueError(f"an output item of type {kind} cannot be read: {error}") from None
        return Item(kind if isinstance(kind, str) else "")


def read_response(raw: bytes | msgspec.Raw) -> Response:
    """A response object; fields of odd types are left out.

    Raises:
        ValueError: it is no JSON object.
    """
    try:
        try:
            return msgspec.json.decode(raw, type=Response)
        except msgspec.ValidationError:
            fields = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"a response is no JSON object: {error}") from None
    usage, details, output, status = (fields.get(name) for name in ("usage", "incomplete_details", "output", "status"))
    return Response(
        status if isinstance(status, str) else None,
        [msgspec.Raw(msgspec.json.encode(item)) for item in output] if isinstance(output, list) else None,
        read_usage(usage) if isinstance(usage, dict) else None,
        details if isinstance(details, dict) else None,
        msgspec.Raw(msgspec.json.encode(fields.get("error"))),
    )


def usage_of(response: Response) -> Usage:
    """Its tokens, canonical."""
    return NO_USAGE if response.usage is None else response.usage.usage()

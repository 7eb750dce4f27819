"""The events of a Messages stream, as its watch and its parser read them, and its token counts.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming and the types of the Python SDK 2.14, read
2026-11.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from switchgear.events import FinishReason, Usage
from switchgear.sse import event_data

S = TypeVar("S", bound=msgspec.Struct)

NO_RAW = msgspec.Raw(b"null")

FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
"""What a ``stop_reason`` means; an unknown one means ``stop``."""
FAILED = frozenset({"error", "abort"})
"""Stop reasons of compatible servers that mean the upstream broke off, as in Chat (vLLM, SGLang; read 2026-11)."""


class OutputDetails(msgspec.Struct):
    """Of the output tokens, those of the reasoning."""

    thinking_tokens: int | None = None


class UsageFields(msgspec.Struct):
    """The token counts. ``input_tokens`` leaves out what came from the cache or went into it."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None


class Block(msgspec.Struct):
    """A content block: as it starts in a stream, or whole."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = NO_RAW


class Delta(msgspec.Struct):
    """What a ``content_block_delta`` or a ``message_delta`` adds."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    signature: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class Opening(msgspec.Struct):
    """The message that ``message_start`` carries."""

    usage: UsageFields | None = None


class StreamEvent(msgspec.Struct):
    """Any event; which fields it has says ``type``."""

    type: str = ""
    index: int = 0
    delta: Delta | None = None
    content_block: Block | None = None
    message: Opening | None = None
    usage: UsageFields | None = None
    error: msgspec.Raw = NO_RAW


_INNER: dict[str, type[msgspec.Struct]] = {
    "delta": Delta,
    "content_block": Block,
    "message": Opening,
    "usage": UsageFields,
    "output_tokens_details": OutputDetails,
}
_decode = msgspec.json.Decoder(StreamEvent).decode
_NAME = re.compile(rb"(?:^|[\r\n])event: ?([a-z_]+)")


def data_of(event: bytes) -> bytes | None:
    """The event's data; ``None`` for none. The usual two lines, ``event`` and ``data``, take the short way."""
    head, found, data = event.partition(b"\ndata: ")
    if found and head.startswith(b"event: ") and b"\n" not in data and b"\n" not in head and b"\r" not in event:
        return data
    return event_data(event)


def read_event(event: bytes, data: bytes) -> StreamEvent | None:
    """The event whose data this is; ``None`` for an error. Its type stands in the data, else in its ``event`` line.

    Raises:
        ValueError: it is no event of a Messages stream.
    """
    try:
        try:
            read = _decode(data)
        except msgspec.ValidationError:
            read = salvage(msgspec.json.decode(data), StreamEvent)
    except (msgspec.DecodeError, RecursionError) as error:
        if data.strip() == b"[DONE]":  # some upstreams close every stream so
            return StreamEvent("ping")
        if _name_of(event) == "error":
            return None
        raise ValueError(f"an event is no JSON: {error}") from None
    if not read.type:
        read.type = _name_of(event)
    broke_off = read.delta is not None and read.delta.stop_reason in FAILED
    return None if read.type == "error" or bytes(read.error) != b"null" or broke_off else read


def _name_of(event: bytes) -> str:
    name = _NAME.search(event)
    return "" if name is None else name[1].decode()


def salvage(raw: object, kind: type[S]) -> S:
    """What can be read of an object whose fields are not all of the usual types.

    Raises:
        ValueError: it is no object at all.
    """
    if not isinstance(raw, dict):
        raise ValueError("it is no JSON object")
    readable: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if (value := raw.get(field.name)) is None:
            continue
        try:
            readable[field.name] = msgspec.json.decode(msgspec.json.encode(value), type=field.type)
        except msgspec.ValidationError:
            inner = _INNER.get(field.name)
            if inner is not None and isinstance(value, dict):
                readable[field.name] = salvage(value, inner)
    return kind(**readable)


class Tokens:
    """The counts of one answer. Each piece of them is a total: the last counts, but no zero hides an earlier one."""

    def __init__(self) -> None:
        self._seen = UsageFields()

    def add(self, said: UsageFields) -> Usage:
        """Take the counts of one event in; give all that is known so far."""
        for name in UsageFields.__struct_fields__:
            new, old = getattr(said, name), getattr(self._seen, name)
            if new or old is None:
                setattr(self._seen, name, new)
        return canonical(self._seen)


def canonical(said: UsageFields) -> Usage:
    """The counts, with the cache's part of the input counted in."""
    given, read, written = said.input_tokens, said.cache_read_input_tokens, said.cache_creation_input_tokens
    if given is not None or read or written:
        given = (given or 0) + (read or 0) + (written or 0)
    details = said.output_tokens_details
    return Usage(given, said.output_tokens, read, written, None if details is None else details.thinking_tokens)


def usage_fields(usage: Usage) -> dict[str, Any]:
    """Canonical counts in Anthropic's words; what is not known is left out, or 0 where the dialect wants a number."""
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    fields: dict[str, Any] = {
        "input_tokens": max(0, (usage.input_tokens or 0) - (read or 0) - (written or 0)),
        "output_tokens": usage.output_tokens or 0,
    }
    if written is not None:
        fields["cache_creation_input_tokens"] = written
    if read is not None:
        fields["cache_read_input_tokens"] = read
    if usage.reasoning_tokens is not None:
        fields["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return fields


def encode_typed(name: str, data: dict[str, Any]) -> bytes:
    """One event with its ``event`` line, which the SDKs go by."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


STOP_EVENT = encode_typed("message_stop", {"type": "message_stop"})

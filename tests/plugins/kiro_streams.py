"""Bytes of Kiro's event streams, and what is made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from switchgear import Event, UpstreamError
from switchgear_kiro.answer import AnswerReader
from switchgear_kiro.eventstream import encode

Json = dict[str, Any]


def event(kind: str, payload: Json | bytes) -> bytes:
    """One event's frame."""
    return _frame({":message-type": "event", ":event-type": kind}, payload)


def exception(kind: str, payload: Json | bytes) -> bytes:
    """One exception's frame."""
    return _frame({":message-type": "exception", ":exception-type": kind}, payload)


def _frame(headers: dict[str, str], payload: Json | bytes) -> bytes:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return encode({**headers, ":content-type": "application/json"}, body)


def text(content: str) -> bytes:
    return event("assistantResponseEvent", {"content": content})


def tool(input_: object = None, *, id_: str = "tooluse_A", name: str = "read_file", stop: bool = False) -> bytes:
    """A fragment of a tool call."""
    more: Json = ({} if input_ is None else {"input": input_}) | ({"stop": True} if stop else {})
    return event("toolUseEvent", {"toolUseId": id_, "name": name, **more})


def stopped(reason: str, **more: object) -> bytes:
    return event("metadataEvent", {"stopReason": reason, **more})


def context(percent: float) -> bytes:
    return event("contextUsageEvent", {"contextUsagePercentage": percent})


def metering(price: float) -> bytes:
    return event("meteringEvent", {"usage": price, "unit": "credit", "unitPlural": "credits"})


def cut(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    """``data`` in pieces of these sizes, and the rest."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [*pieces, data[at:]]


def answered(reader: AnswerReader, pieces: Sequence[bytes]) -> tuple[list[Event], UpstreamError | None]:
    """The events of a whole answer, and the error that ended it; ``None`` for none."""
    events: list[Event] = []
    try:
        for piece in pieces:
            events += reader.feed(piece)
            if reader.done:
                break
        events += reader.end()
    except UpstreamError as error:
        return events, error
    return events, None

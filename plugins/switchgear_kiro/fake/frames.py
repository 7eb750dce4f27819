"""An answer as frames of an event stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from switchgear_kiro.eventstream import encode
from switchgear_kiro.fake.asked import Said
from switchgear_kiro.variants import Generation

Json = dict[str, Any]

FRAGMENT = 7
"""How long the pieces of a tool's input are: short enough to cut escapes in two."""


def event(kind: str, payload: Json) -> bytes:
    """An event."""
    headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/json"}
    return encode(headers, json.dumps(payload, ensure_ascii=False).encode())


def exception(kind: str, payload: Json) -> bytes:
    """A modelled exception; ``kind`` is the union member's name."""
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    return encode(headers, json.dumps(payload).encode())


def error(code: str, message: str) -> bytes:
    """An error that is in no model; it has no payload."""
    return encode({":message-type": "error", ":error-code": code, ":error-message": message}, b"")


def text(piece: str) -> bytes:
    """A piece of text."""
    return event("assistantResponseEvent", {"content": piece})


def call(id_: str, name: str, given: Json | Sequence[str]) -> Iterator[bytes]:
    """A tool call, piece by piece: a head without input, the input, a tail."""
    whole = json.dumps(given) if isinstance(given, dict) else ""
    pieces = [whole[at : at + FRAGMENT] for at in range(0, len(whole), FRAGMENT)] if whole else list(given)
    head = {"toolUseId": id_, "name": name}
    yield event("toolUseEvent", head)
    for piece in pieces:
        yield event("toolUseEvent", {**head, "input": piece})
    yield event("toolUseEvent", {**head, "stop": True})


def opening(generation: Generation) -> list[bytes]:
    """What comes before any output."""
    if generation == 3:
        return []
    return [event("messageMetadataEvent", {"conversationId": "c1", "utteranceId": "u1"})]


def output(said: Said, number: int) -> list[bytes]:
    """The output alone."""
    found: list[bytes] = []
    if said.redacted:
        found.append(event("reasoningContentEvent", {"redactedContent": said.redacted}))
    if said.reasoning:
        found.append(event("reasoningContentEvent", {"text": said.reasoning}))
        if said.signature:
            found.append(event("reasoningContentEvent", {"signature": said.signature}))
    found += [text(piece) for piece in said.text]
    for place, (name, given) in enumerate(said.calls):
        found += call(f"tooluse_{number}_{place}", name, given)
    return found


def tail(said: Said, generation: Generation) -> list[bytes]:
    """What comes after all output: on generation 3 the stop reason, on both what it cost."""
    metadata: Json = {}
    if generation == 3 and said.reason:
        metadata["stopReason"] = said.reason
    if said.tokens is not None:
        metadata["tokenUsage"] = said.tokens
    costs = [
        event("contextUsageEvent", {"contextUsagePercentage": said.context_percentage}),
        event("meteringEvent", {"usage": 0.031, "unit": "credit", "unitPlural": "credits"}),
    ]
    return [event("metadataEvent", metadata), *costs] if metadata else costs


def whole(said: Said, generation: Generation, number: int) -> list[bytes]:
    """A healthy stream."""
    return [*opening(generation), *output(said, number), *tail(said, generation)]

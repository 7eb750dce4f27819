"""The events of a Responses stream as an upstream writes them, and what reads them."""

from __future__ import annotations

import json
from typing import Any

from switchgear.dialects.codec import StreamParser, StreamWatch
from switchgear.dialects.openai_responses import OpenAIResponsesCodec
from switchgear.events import Event

CODEC = OpenAIResponsesCodec()
Json = dict[str, Any]


def event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def added(index: int, kind: str, **fields: object) -> bytes:
    return event("response.output_item.added", output_index=index, item={"type": kind, **fields})


def done(index: int, kind: str, **fields: object) -> bytes:
    return whole(index, {"type": kind, **fields})


def whole(index: int, item: Json) -> bytes:
    return event("response.output_item.done", output_index=index, item=item)


def delta(index: int, kind: str, piece: object, **fields: object) -> bytes:
    return event(f"response.{kind}.delta", output_index=index, delta=piece, **fields)


def ended(status: str = "completed", output: list[Json] | None = None, **fields: object) -> bytes:
    response = {"id": "resp_1", "object": "response", "status": status, "output": output or [], **fields}
    return event(f"response.{status}", response=response)


def message(*content: Json) -> Json:
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": list(content)}


def said(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": []}


USAGE = {
    "input_tokens": 7,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 12,
}
CREATED = event("response.created", sequence_number=0, response={"id": "resp_1", "status": "in_progress", "output": []})
ITEM = added(0, "message", id="msg_1", role="assistant", content=[])
TEXT = delta(0, "output_text", "Hi", content_index=0, item_id="msg_1", sequence_number=3)
END = ended(output=[message(said("Hi"))], usage=USAGE)
CALL = {"id": "fc_1", "call_id": "a", "name": "f"}
ERROR = event("error", code="server_error", message="boom", param=None, sequence_number=4)
FAILED = event("response.failed", response={"id": "resp_1", "status": "failed", "error": {"code": "x", "message": "y"}})


def watch(*parts: bytes) -> StreamWatch:
    watched = CODEC.watch()
    for part in parts:
        watched.feed(part)
    return watched


def parse(*parts: bytes) -> tuple[list[Event], str, StreamParser]:
    parser = CODEC.parser()
    events = [event for part in parts for event in parser.feed(part)]
    last, problem = parser.end()
    return events + last, problem, parser

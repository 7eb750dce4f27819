"""What the fake upstream answers, in each dialect, made once and written many times.

The model name says what, wherever these stand in it::

    fake              one JSON answer at once
    fake-d50          ... after 50 ms
    fake-n100-i20     as a stream: 100 text chunks, one each 20 ms; the finish reason and the usage come with the last
    fake-n64          as a stream: 64 text chunks at once
    fake-e500         an error, with this status

Each text chunk is ``@``, the monotonic clock's nanoseconds as it is written, and some words: whoever reads it on the same
machine knows how long it was on its way.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Dialect = Literal["chat", "messages", "responses"]
DIALECTS: tuple[Dialect, ...] = ("chat", "messages", "responses")
PATHS: dict[Dialect, str] = {
    "chat": "/v1/chat/completions",
    "messages": "/v1/messages",
    "responses": "/v1/responses",
}
STAMP = "0" * 19
WHOLE_TEXT = "lorem ipsum dolor sit amet " * 10
HEAD_OF_STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"x-request-id: req_fake\r\ntransfer-encoding: chunked\r\n\r\n"
)

_KNOB = re.compile(r"-([dnie])(\d+)")
Json = dict[str, Any]


def said(now_ns: int) -> str:
    """What a text chunk says."""
    return f"@{now_ns:019d} lorem ipsum"


TEXT = said(0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model name asks for, ready to be written.

    Attributes:
        delay_s: before the first byte.
        pace_s: between two text chunks; 0 for all at once.
        whole: the JSON answer with its head.
        first: of a stream the head, and all that comes before the first text chunk.
        text: one text chunk, of the moment in which it is written.
        chunks: how many of these.
        last: the end of the stream.
    """

    delay_s: float
    pace_s: float
    whole: bytes
    first: bytes
    text: Callable[[int], bytes]
    chunks: int
    last: bytes


def knobs(model: str) -> dict[str, int]:
    """What a model name says: ``d`` ms delay, ``n`` text chunks, ``i`` ms between them, ``e`` a status."""
    return {"d": 0, "n": 64, "i": 0, "e": 200} | {key: int(value) for key, value in _KNOB.findall(model)}


@functools.cache
def answer_of(model: str, dialect: Dialect = "chat") -> Answer:
    """The answer of a model name, in the dialect of the path that was asked."""
    asked = knobs(model)
    whole, first, text, last = _MAKERS[dialect](asked["n"])
    if asked["e"] != 200:
        whole = {"error": {"type": "server_error", "message": "the fake upstream fails, as it was told to"}}
    before, _, after = framed(text).partition(STAMP.encode())
    return Answer(
        delay_s=asked["d"] / 1000,
        pace_s=asked["i"] / 1000,
        whole=json_answer(_json(whole), asked["e"]),
        first=HEAD_OF_STREAM + b"".join(map(framed, first)),
        text=lambda now_ns: b"%b%019d%b" % (before, now_ns, after),
        chunks=asked["n"],
        last=b"".join(map(framed, last)) + b"0\r\n\r\n",
    )


def framed(data: bytes) -> bytes:
    """One chunk of the chunked coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def json_answer(body: bytes, status: int = 200) -> bytes:
    """A whole answer with its head."""
    head = b"HTTP/1.1 %d Fake\r\ncontent-type: application/json\r\nx-request-id: req_fake\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def _json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _event(value: Json) -> bytes:
    """As Messages and Responses write it: named after its type."""
    return b"event: %b\ndata: %b\n\n" % (value["type"].encode(), _json(value))


_Made = tuple[Json, list[bytes], bytes, list[bytes]]
"""The whole answer; a stream's events before the text, one text event, those after it."""


def _chat(count: int) -> _Made:
    head = {"id": "chatcmpl-fake0001", "created": 1_700_000_000, "model": "fake"}
    usage = {"prompt_tokens": 96, "completion_tokens": count, "total_tokens": 96 + count}
    choice = {"index": 0, "message": {"role": "assistant", "content": WHOLE_TEXT}, "finish_reason": "stop"}

    def event(choices: list[Json], **more: object) -> bytes:
        return b"data: %b\n\n" % _json({**head, "object": "chat.completion.chunk", "choices": choices, **more})

    text = event([{"index": 0, "delta": {"content": TEXT}, "finish_reason": None}])
    finish = event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
    return whole, [], text, [finish, event([], usage=usage), b"data: [DONE]\n\n"]


def _messages(count: int) -> _Made:
    usage = {"input_tokens": 96, "output_tokens": count}
    head = {"id": "msg_fake0001", "type": "message", "role": "assistant", "model": "fake"}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    whole = {**head, "content": [{"type": "text", "text": WHOLE_TEXT}], **ended, "usage": usage}
    begun: Json = {
        **head,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "output_tokens": 1},
    }
    first = [
        _event({"type": "message_start", "message": begun}),
        _event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ]
    delta = {"type": "text_delta", "text": TEXT}
    last = [
        _event({"type": "content_block_stop", "index": 0}),
        _event({"type": "message_delta", "delta": ended, "usage": usage}),
        _event({"type": "message_stop"}),
    ]
    return whole, first, _event({"type": "content_block_delta", "index": 0, "delta": delta}), last


def _responses(count: int) -> _Made:
    usage = {"input_tokens": 96, "output_tokens": count, "total_tokens": 96 + count}
    head = {"id": "resp_fake0001", "object": "response", "created_at": 1_700_000_000, "model": "fake"}
    at = {"item_id": "msg_fake0001", "output_index": 0, "content_index": 0}

    def part(text: str) -> Json:
        return {"type": "output_text", "text": text, "annotations": []}

    def message(status: str, content: list[Json]) -> Json:
        return {"id": "msg_fake0001", "type": "message", "role": "assistant", "status": status, "content": content}

    def response(status: str, text: str | None) -> Json:
        output = [] if text is None else [message("completed", [part(text)])]
        return {**head, "status": status, "output": output, "usage": None if text is None else usage}

    said = "lorem ipsum" * count
    first = [
        _event({"type": "response.created", "response": response("in_progress", None)}),
        _event({"type": "response.in_progress", "response": response("in_progress", None)}),
        _event({"type": "response.output_item.added", "output_index": 0, "item": message("in_progress", [])}),
        _event({"type": "response.content_part.added", **at, "part": part("")}),
    ]
    last = [
        _event({"type": "response.output_text.done", **at, "text": said}),
        _event({"type": "response.content_part.done", **at, "part": part(said)}),
        _event({"type": "response.output_item.done", "output_index": 0, "item": message("completed", [part(said)])}),
        _event({"type": "response.completed", "response": response("completed", said)}),
    ]
    text = _event({"type": "response.output_text.delta", **at, "delta": TEXT})
    return response("completed", WHOLE_TEXT), first, text, last


_MAKERS: dict[Dialect, Callable[[int], _Made]] = {"chat": _chat, "messages": _messages, "responses": _responses}

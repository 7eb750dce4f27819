"""The three conversation dialects as bytes, written by hand: what a client sends, an upstream streams, and how to read it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from switchgear import Dialect

Json = dict[str, Any]


def event(data: Json, name: str | None = None) -> bytes:
    """One server-sent event."""
    line = b"" if name is None else f"event: {name}\n".encode()
    return line + b"data: " + json.dumps(data).encode() + b"\n\n"


@dataclass(frozen=True)
class Wire:
    """One dialect.

    Attributes:
        path: of the endpoint.
        request: a body without model and stream.
        opening: the events before the first output; it reports no usage of its own.
        hello: the text "Hello".
        tool: pieces of a call of ``weather`` with ``{"city": "Oslo"}``, id ``call_1``, in two fragments.
        finish: what says that the text ended by itself, with 3 tokens read and 5 made; ``tool_finish`` that a tool is called.
        done: what comes last.
        error: an error event with the words "too busy".
        whole: a whole answer: "Hello", 3 tokens read and 5 made.
    """

    name: Dialect
    path: str
    request: Json
    opening: bytes
    hello: bytes
    tool: tuple[bytes, ...]
    finish: bytes
    tool_finish: bytes
    done: bytes
    error: bytes
    whole: Json

    def body(self, model: str = "m", *, stream: bool = True, **fields: Any) -> Json:
        return {"model": model, "stream": stream, **self.request, **fields}


def _chunk(finish: str | None = None, usage: Json | None = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    more = {} if usage is None else {"usage": usage}
    return event(
        {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    )


_CHAT_USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
CHAT = Wire(
    name="openai-chat",
    path="/v1/chat/completions",
    request={"messages": [{"role": "user", "content": "Hi"}]},
    opening=_chunk(role="assistant", content=""),
    hello=_chunk(content="Hello"),
    tool=(
        _chunk(
            tool_calls=[
                {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"ci'}}
            ]
        ),
        _chunk(tool_calls=[{"index": 0, "function": {"arguments": 'ty": "Oslo"}'}}]),
    ),
    finish=_chunk("stop", _CHAT_USAGE),
    tool_finish=_chunk("tool_calls", _CHAT_USAGE),
    done=b"data: [DONE]\n\n",
    error=event({"error": {"message": "too busy", "code": "busy"}}),
    whole={
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
        "usage": _CHAT_USAGE,
    },
)


def _message(**data: Any) -> bytes:
    return event(data, data["type"])


def _delta(index: int, **delta: Any) -> bytes:
    return _message(type="content_block_delta", index=index, delta=delta)


_START: Json = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
_ZERO = {"input_tokens": 0, "output_tokens": 0}
_MESSAGES_USAGE = {"input_tokens": 3, "output_tokens": 5}
MESSAGES = Wire(
    name="anthropic-messages",
    path="/v1/messages",
    request={"max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]},
    opening=_message(type="message_start", message={**_START, "stop_sequence": None, "usage": _ZERO})
    + _message(type="content_block_start", index=0, content_block={"type": "text", "text": ""})
    + _message(type="ping"),
    hello=_delta(0, type="text_delta", text="Hello"),
    tool=(
        _message(type="content_block_stop", index=0)
        + _message(
            type="content_block_start",
            index=1,
            content_block={"type": "tool_use", "id": "call_1", "name": "weather", "input": {}},
        )
        + _delta(1, type="input_json_delta", partial_json='{"ci'),
        _delta(1, type="input_json_delta", partial_json='ty": "Oslo"}') + _message(type="content_block_stop", index=1),
    ),
    finish=_message(type="content_block_stop", index=0)
    + _message(type="message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage=_MESSAGES_USAGE),
    tool_finish=_message(
        type="message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage=_MESSAGES_USAGE
    ),
    done=_message(type="message_stop"),
    error=_message(type="error", error={"type": "overloaded_error", "message": "too busy"}),
    whole={
        **_START,
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "usage": _MESSAGES_USAGE,
    },
)

_RESPONSE = {
    "id": "resp_up",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "in_progress",
    "output": [],
}
_RESPONSES_USAGE = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 8,
}
_TEXT_PART = {"type": "output_text", "text": "Hello", "annotations": []}
_TEXT_ITEM = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [_TEXT_PART]}
_CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "status": "completed"}
_COMPLETED = {**_RESPONSE, "status": "completed", "usage": _RESPONSES_USAGE}
RESPONSES = Wire(
    name="openai-responses",
    path="/v1/responses",
    request={"input": "Hi"},
    opening=_message(type="response.created", sequence_number=0, response=_RESPONSE)
    + _message(type="response.in_progress", sequence_number=1, response=_RESPONSE)
    + _message(
        type="response.output_item.added",
        sequence_number=2,
        output_index=0,
        item={**_TEXT_ITEM, "status": "in_progress", "content": []},
    ),
    hello=_message(
        type="response.output_text.delta",
        sequence_number=3,
        output_index=0,
        content_index=0,
        item_id="msg_1",
        delta="Hello",
    ),
    tool=(
        _message(
            type="response.output_item.added",
            sequence_number=4,
            output_index=1,
            item={**_CALL, "status": "in_progress", "arguments": ""},
        )
        + _message(
            type="response.function_call_arguments.delta",
            sequence_number=5,
            output_index=1,
            item_id="fc_1",
            delta='{"ci',
        ),
        _message(
            type="response.function_call_arguments.delta",
            sequence_number=6,
            output_index=1,
            item_id="fc_1",
            delta='ty": "Oslo"}',
        )
        + _message(
            type="response.output_item.done",
            sequence_number=7,
            output_index=1,
            item={**_CALL, "arguments": '{"city": "Oslo"}'},
        ),
    ),
    finish=_message(type="response.output_item.done", sequence_number=8, output_index=0, item=_TEXT_ITEM),
    tool_finish=b"",
    done=_message(type="response.completed", sequence_number=9, response={**_COMPLETED, "output": [_TEXT_ITEM]}),
    error=_message(type="error", sequence_number=4, code="server_error", message="too busy", param=None),
    whole={**_COMPLETED, "output": [_TEXT_ITEM]},
)

WIRES: tuple[Wire, ...] = (CHAT, MESSAGES, RESPONSES)


def events(response: httpx2.Response) -> list[tuple[str, Any]]:
    """Every event's name (empty without one) and its JSON; ``[DONE]`` as a text."""
    found = []
    for block in response.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "data" in lines:
            data = lines["data"]
            found.append((lines.get("event", ""), data if data == "[DONE]" else json.loads(data)))
    return found


def text_in(wire: Wire, stream: Sequence[tuple[str, Any]]) -> str:
    """The text a client of the dialect reads off a stream."""
    pieces: list[str] = []
    for _, data in stream:
        if data == "[DONE]":
            continue
        match wire.name:
            case "openai-chat":
                pieces += [choice["delta"].get("content") or "" for choice in data.get("choices", ())]
            case "anthropic-messages":
                pieces.append(data.get("delta", {}).get("text", "") if data["type"] == "content_block_delta" else "")
            case _:
                pieces.append(data["delta"] if data["type"] == "response.output_text.delta" else "")
    return "".join(pieces)


def is_finished(wire: Wire, stream: Sequence[tuple[str, Any]]) -> bool:
    """Whether the stream says of itself that the answer is complete."""
    match wire.name:
        case "openai-chat":
            return any(
                data == "[DONE]" or any(c["finish_reason"] for c in data.get("choices", ())) for _, data in stream
            )
        case "anthropic-messages":
            return any(data["type"] in {"message_stop", "message_delta"} for _, data in stream)
        case _:
            return any(data["type"] in {"response.completed", "response.incomplete"} for _, data in stream)


def error_in(wire: Wire, stream: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    """The dialect's own terminal error, which is the stream's last event."""
    name, data = stream[-1]
    match wire.name:
        case "openai-chat":
            found = data["error"]
        case "anthropic-messages":
            assert (name, data["type"]) == ("error", "error")
            found = data["error"]
        case _:
            assert name == data["type"]
            assert data["sequence_number"] > 0
            found = data["response"]["error"] if data["type"] == "response.failed" else data.get("error", data)
    assert isinstance(found, dict)
    return found

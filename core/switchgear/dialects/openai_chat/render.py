"""Canonical events rendered as OpenAI chat chunks, or as one chat completion."""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear.dialects.codec import ErrorDetail
from switchgear.dialects.fold import Fold
from switchgear.dialects.openai_errors import error_event
from switchgear.dialects.openai_stream import DONE_EVENT
from switchgear.events import Event, Finish, Ignored, Reasoning, Text, ToolCall, ToolCallDelta, Usage
from switchgear.sse import encode_event

Json = dict[str, Any]

_encode_json = msgspec.json.encode


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Asked(msgspec.Struct):
    stream_options: _StreamOptions | None = None


class ChatRenderer:
    """See :class:`~switchgear.dialects.codec.Renderer`. ``created`` is Unix seconds."""

    def __init__(self, request_id: str, model: str, created: int, body: bytes) -> None:
        self._head = {"id": f"chatcmpl-{request_id}", "created": created, "model": model}
        head = _encode_json({**self._head, "object": "chat.completion.chunk"})[:-1]
        self._open = b"data: " + head + b',"choices":[{"index":0,"delta":'
        try:
            asked = msgspec.json.decode(body, type=_Asked).stream_options
        except msgspec.ValidationError:
            asked = None
        self._include_usage = asked is not None and bool(asked.include_usage)
        self._fold = Fold()
        self._positions: dict[int, int] = {}
        self._calls = 0

    @property
    def usage(self) -> Usage:
        """See the protocol."""
        return self._fold.usage

    def start(self) -> bytes:
        """The role, which opens every chat stream."""
        return self._chunk(b'{"role":"assistant","content":""}')

    def event(self, event: Event) -> bytes:
        """See the protocol."""
        self._fold.add(event)
        match event:
            case Text(text, refusal):
                return self._chunk((b'{"refusal":' if refusal else b'{"content":') + _encode_json(text) + b"}")
            case Reasoning():
                return self._chunk(_encode_json(_reasoning([event])))
            case ToolCallDelta(index, arguments, id_, name):
                return self._call(index, arguments, id_, name)
            case ToolCall(id_, name, arguments):
                return self._call(-1 - self._calls, arguments, id_, name)
            case Usage() | Finish() | Ignored():
                return b""

    def _call(self, key: int, arguments: str, id_: str, name: str) -> bytes:
        position = self._positions.get(key)
        function: Json = {"arguments": arguments}
        call: Json = {"function": function}
        if position is None:
            position = self._positions[key] = self._calls
            self._calls += 1
            call = {"id": id_, "type": "function", "function": {"name": name, **function}}
        return self._chunk(_encode_json({"tool_calls": [{"index": position, **call}]}))

    def end(self) -> bytes:
        """The finish reason, the usage if the client asked for it, and ``[DONE]``."""
        parts = [self._chunk(b"{}", _encode_json(self._fold.finish.reason))]
        if self._include_usage:
            fields = {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": _usage(self.usage)}
            parts.append(encode_event(_encode_json(fields)))
        return b"".join((*parts, DONE_EVENT))

    def whole(self) -> bytes:
        """See the protocol."""
        parts = self._fold.parts
        texts = [part.text for part in parts if isinstance(part, Text) and not part.refusal]
        refusals = [part.text for part in parts if isinstance(part, Text) and part.refusal]
        thoughts = [part for part in parts if isinstance(part, Reasoning)]
        calls = [part for part in parts if isinstance(part, ToolCall)]
        message: Json = {"role": "assistant", "content": "".join(texts) or (None if calls or refusals else "")}
        message["refusal"] = "".join(refusals) or None
        message |= _reasoning(thoughts)
        if calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in calls
            ]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._fold.finish.reason}
        fields = {**self._head, "object": "chat.completion", "choices": [choice], "usage": _usage(self.usage)}
        return _encode_json(fields)

    def error_event(self, error: ErrorDetail) -> bytes:
        """See the protocol."""
        return error_event(error)

    def _chunk(self, delta: bytes, finish: bytes = b"null") -> bytes:
        return b"".join((self._open, delta, b',"finish_reason":', finish, b"}]}\n\n"))


def _reasoning(thoughts: list[Reasoning]) -> Json:
    """Its text under the name that most clients read; with a signature also as the details that can be sent back."""
    fields: Json = {}
    text = "".join(thought.text for thought in thoughts)
    if text:
        fields["reasoning_content"] = text
    if any(thought.signature for thought in thoughts):
        fields["reasoning_details"] = [_detail(thought) for thought in thoughts]
    return fields


def _detail(thought: Reasoning) -> Json:
    if thought.redacted:
        return {"type": "reasoning.encrypted", "data": thought.signature}
    return {"type": "reasoning.text", "text": thought.text, "signature": thought.signature or None}


def _usage(usage: Usage) -> Json:
    given, made = usage.input_tokens or 0, usage.output_tokens or 0
    fields: Json = {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}
    read = {"cached_tokens": usage.cache_read_tokens, "cache_write_tokens": usage.cache_write_tokens}
    read = {name: count for name, count in read.items() if count is not None}
    if read:
        fields["prompt_tokens_details"] = read
    if usage.reasoning_tokens is not None:
        fields["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return fields

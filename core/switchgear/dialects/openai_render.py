"""Canonical events rendered as OpenAI chat chunks, or as one chat completion."""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear.dialects.codec import NO_USAGE
from switchgear.dialects.openai_stream import DONE_EVENT
from switchgear.sse import encode_event
from switchgear.types import Event, Finish, Reasoning, Text, ToolCall, Usage


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Asked(msgspec.Struct):
    stream_options: _StreamOptions | None = None


class ChatRenderer:
    """See :class:`~switchgear.dialects.codec.Renderer`. ``created`` is Unix seconds."""

    def __init__(self, request_id: str, model: str, created: int, body: bytes) -> None:
        self._head = {"id": f"chatcmpl-{request_id}", "created": created, "model": model}
        asked = msgspec.json.decode(body, type=_Asked).stream_options
        self._include_usage = asked is not None and bool(asked.include_usage)
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._tools: list[ToolCall] = []
        self._finish: str | None = None
        self.usage = NO_USAGE

    def start(self) -> bytes:
        """The role, which opens every chat stream."""
        return self._chunk({"role": "assistant", "content": ""})

    def event(self, event: Event) -> bytes:
        """See the protocol."""
        match event:
            case Text(text):
                self._text.append(text)
                return self._chunk({"content": text})
            case Reasoning(text):
                self._reasoning.append(text)
                return self._chunk({"reasoning_content": text})
            case ToolCall():
                self._tools.append(event)
                return self._chunk({"tool_calls": [{"index": len(self._tools) - 1, **_tool(event)}]})
            case Usage():
                self.usage = event
            case Finish(reason):
                self._finish = reason
        return b""

    def end(self) -> bytes:
        """The finish reason, the usage if the client asked for it, and ``[DONE]``."""
        parts = [self._chunk({}, self._reason())]
        if self._include_usage:
            parts.append(self._encode({"choices": [], "usage": self._usage()}))
        return b"".join((*parts, DONE_EVENT))

    def whole(self) -> bytes:
        """See the protocol."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._text) or None}
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        if self._tools:
            message["tool_calls"] = [_tool(call) for call in self._tools]
        choice = {"index": 0, "message": message, "finish_reason": self._reason()}
        return msgspec.json.encode(
            {**self._head, "object": "chat.completion", "choices": [choice], "usage": self._usage()}
        )

    def _reason(self) -> str:
        return self._finish or ("tool_calls" if self._tools else "stop")

    def _usage(self) -> dict[str, int]:
        given, made = self.usage.input_tokens or 0, self.usage.output_tokens or 0
        return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        return self._encode({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    def _encode(self, fields: dict[str, Any]) -> bytes:
        return encode_event(msgspec.json.encode({**self._head, "object": "chat.completion.chunk", **fields}))


def _tool(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}

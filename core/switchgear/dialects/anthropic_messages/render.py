"""Canonical events as a Messages stream, or as one message.

A stream has one open content block at a time. What belongs to another one waits while a tool call is being written.
"""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear.dialects.anthropic_messages.errors import error_event
from switchgear.dialects.anthropic_messages.stream import STOP_EVENT, encode_typed, usage_fields
from switchgear.dialects.anthropic_messages.tool_input import is_whole, tool_input
from switchgear.dialects.codec import NO_USAGE, ErrorDetail
from switchgear.dialects.fold import Fold
from switchgear.events import Event, Finish, FinishReason, Reasoning, Text, ToolCall, ToolCallDelta, Usage

_STOP_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_DELTA = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool": ("input_json_delta", "partial_json"),
}
_END_OF_DELTA = b"}}\n\n"
_encode = msgspec.json.Encoder().encode


class MessagesRenderer:
    """See :class:`~switchgear.dialects.codec.Renderer`."""

    def __init__(self, request_id: str, model: str) -> None:
        self._id = f"msg_{request_id}"
        self._request_id = request_id
        self._model = model
        self.usage = NO_USAGE
        self._fold = Fold()
        self._blocks = 0  # started so far; the open one is the last
        self._open = ""  # "text", "thinking", "tool", or nothing
        self._prefix = b""  # of a delta of the open block
        self._call = -1  # whose block is open
        self._arguments: list[str] = []  # of that call, so far
        self._waiting: list[Event] = []

    def start(self) -> bytes:
        """``message_start``. The tokens are not known yet, so they are 0; ``message_delta`` tells them."""
        return encode_typed("message_start", {"type": "message_start", "message": self._message([], None, None)})

    def event(self, event: Event) -> bytes:
        """See the protocol."""
        if type(event) is Text:
            if not event.text:
                return b""
            self._fold.add(Text(event.text) if event.refusal else event)
            if self._open == "text":
                return self._prefix + _encode(event.text) + _END_OF_DELTA
            return self._write(event)
        if isinstance(event, Reasoning) and not event.text and not event.signature:
            return b""
        self._fold.add(event)
        if isinstance(event, Usage):
            self.usage = event
            return b""
        if isinstance(event, Finish):
            return b""
        return self._write(event)

    def end(self) -> bytes:
        """What waited, then ``message_delta`` with the stop reason and the usage, and ``message_stop``."""
        out = self._close()
        while self._waiting:
            out += self._release() + self._close()
        reason, sequence = self._stop()
        delta = {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": sequence},
            "usage": usage_fields(self.usage),
        }
        return out + encode_typed("message_delta", delta) + STOP_EVENT

    def whole(self) -> bytes:
        """See the protocol."""
        return _encode(self._message([_whole_block(part) for part in self._fold.parts], *self._stop()))

    def error_event(self, error: ErrorDetail) -> bytes:
        """See the protocol."""
        return error_event(error, self._request_id)

    # -- blocks, one after another -------------------------------------------------------------------------

    def _write(self, event: Event) -> bytes:
        """The bytes of a text, a thought or a call; none while it has to wait."""
        if self._open == "tool":
            if isinstance(event, ToolCallDelta) and event.index == self._call:
                out = self._piece(event.arguments)
                if self._waiting and event.arguments.rstrip().endswith("}") and is_whole("".join(self._arguments)):
                    out += self._close() + self._release()
                return out
            if self._waiting or not is_whole("".join(self._arguments)):
                self._waiting.append(event)
                return b""
        match event:
            case Text(text):
                out = b"" if self._open == "text" else self._begin("text", {"type": "text", "text": ""})
                return out + self._piece(text)
            case Reasoning():
                return self._think(event)
            case ToolCall(id_, name, arguments):
                return self._begin("tool", _call(id_, name)) + self._piece(arguments) + self._close()
            case ToolCallDelta() if event.id:
                out = self._begin("tool", _call(event.id, event.name))
                self._call = event.index
                return out + self._piece(event.arguments)
        return b""  # white space behind a call that is closed

    def _think(self, event: Reasoning) -> bytes:
        if event.redacted:
            out = self._begin("redacted", {"type": "redacted_thinking", "data": event.signature})
            return out + self._close()
        out = b""
        if self._open != "thinking":
            out = self._begin("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        out += self._piece(event.text)
        return out + self._close(event.signature) if event.signature else out

    def _release(self) -> bytes:
        """Write what waited, as far as it may be written now."""
        waiting, self._waiting = self._waiting, []
        return b"".join([self._write(event) for event in waiting])

    def _begin(self, kind: str, block: dict[str, Any]) -> bytes:
        out = self._close()
        index = self._blocks
        self._blocks += 1
        self._open = kind
        self._arguments = []
        if kind in _DELTA:
            delta, field = _DELTA[kind]
            self._prefix = (
                "event: content_block_delta\n"
                f'data: {{"type":"content_block_delta","index":{index},"delta":{{"type":"{delta}","{field}":'
            ).encode()
        start = {"type": "content_block_start", "index": index, "content_block": block}
        return out + encode_typed("content_block_start", start)

    def _piece(self, text: str) -> bytes:
        if not text:
            return b""
        if self._open == "tool":
            self._arguments.append(text)
        return self._prefix + _encode(text) + _END_OF_DELTA

    def _close(self, signature: str = "") -> bytes:
        if not self._open:
            return b""
        index = self._blocks - 1
        out = b""
        if self._open == "thinking":
            # Sent even when empty: the SDKs promise the field.
            delta = {"type": "signature_delta", "signature": signature}
            out = encode_typed("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})
        self._open = ""
        self._call = -1
        return out + encode_typed("content_block_stop", {"type": "content_block_stop", "index": index})

    # -- the message ---------------------------------------------------------------------------------------

    def _message(self, content: list[dict[str, Any]], reason: str | None, sequence: str | None) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": sequence,
            "usage": usage_fields(self.usage),
        }

    def _stop(self) -> tuple[str, str | None]:
        finish = self._fold.finish
        if finish.reason == "stop" and finish.stop_sequence is not None:
            return "stop_sequence", finish.stop_sequence
        return _STOP_REASONS[finish.reason], None


def _call(id_: str, name: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": name, "input": {}}


def _whole_block(part: Text | Reasoning | ToolCall) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Reasoning(_, signature, True):
            return {"type": "redacted_thinking", "data": signature}
        case Reasoning(text, signature):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case ToolCall(id_, name, arguments):
            return {"type": "tool_use", "id": id_, "name": name, "input": tool_input(arguments)}

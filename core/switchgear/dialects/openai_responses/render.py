"""Canonical events rendered as a Responses stream, or as one response object."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from switchgear.dialects.codec import NO_USAGE, ErrorDetail
from switchgear.dialects.openai_responses.errors import encode_named, error_events
from switchgear.dialects.openai_responses.output import CallItem, Json, MessageItem, OutputItem, ReasoningItem
from switchgear.dialects.openai_responses.tools import tool_names
from switchgear.events import Event, Finish, Reasoning, Text, ToolCall, ToolCallDelta, Usage

_ECHOED: Json = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": "default",
    "store": True,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats of its request, with what stands where the request did not say."""
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}

_encode_json = msgspec.json.encode
_read = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class ResponsesRenderer:
    """See :class:`~switchgear.dialects.codec.Renderer`. ``created`` is Unix seconds."""

    def __init__(self, request_id: str, model: str, created: int, body: bytes) -> None:
        self._stem = request_id.removeprefix("req_")
        asked = _read(body)
        echoed = {name: _on_one_line(asked[name]) for name in _ECHOED if bytes(asked.get(name, b"null")) != b"null"}
        self._head: Json = {
            "id": f"resp_{self._stem}",
            "object": "response",
            "created_at": created,
            "model": model,
            **_ECHOED,
            **echoed,
        }
        self._names = tool_names(msgspec.json.decode(asked.get("tools", b"null")))
        self._items: list[OutputItem] = []
        self._open: dict[int, OutputItem] = {}
        self._talk: MessageItem | ReasoningItem | None = None
        self._talk_index = 0
        self._calls: dict[int, int] = {}
        self._sequence = 0
        self._text_open = b""
        self._finish = Finish()
        self.usage = NO_USAGE

    # -- the stream ------------------------------------------------------------------------------------------

    def start(self) -> bytes:
        """See the protocol."""
        response = self._response("in_progress")
        return self._send({"type": "response.created", "response": response}) + self._send(
            {"type": "response.in_progress", "response": response}
        )

    def event(self, event: Event) -> bytes:
        """See the protocol."""
        match event:
            case Text(text, refusal):
                return self._text(text, refusal)
            case Reasoning():
                return self._reason(event)
            case ToolCallDelta(index, arguments, id_, name):
                return self._call(index, arguments, id_, name)
            case ToolCall(id_, name, arguments):
                return self._call(-1 - len(self._items), arguments, id_, name)
            case Usage():
                self.usage = event
            case Finish():
                self._finish = event
        return b""

    def end(self) -> bytes:
        """See the protocol."""
        closed = self._close_all()
        ended = "incomplete" if self._finish.reason in _INCOMPLETE else "completed"
        return closed + self._send({"type": f"response.{ended}", "response": self._response(ended)})

    def error_event(self, error: ErrorDetail) -> bytes:
        """See the protocol."""
        return error_events(error, self._sequence, self._response("failed"))

    def whole(self) -> bytes:
        """See the protocol."""
        self._close_all()
        return _encode_json(self._response("incomplete" if self._finish.reason in _INCOMPLETE else "completed"))

    # -- items -----------------------------------------------------------------------------------------------

    def _text(self, text: str, refusal: bool) -> bytes:
        talk, opening = self._talk, b""
        if not isinstance(talk, MessageItem):
            opening = self._close_talk()
            talk = MessageItem(f"msg_{self._stem}_{len(self._items)}")
            opening += self._add_talk(talk)
        fresh = self._send_all(talk.open_part(refusal), self._talk_index)
        talk.add(text)
        if fresh:
            kind = "response.refusal.delta" if refusal else "response.output_text.delta"
            place = {"type": kind, **talk.place, "output_index": self._talk_index}
            more: Json = {} if refusal else {"logprobs": []}
            head = _encode_json({**place, **more})[:-1]
            self._text_open = b"".join((b"event: ", kind.encode(), b"\ndata: ", head, b',"sequence_number":'))
        delta = b"".join((self._text_open, b"%d" % self._sequence, b',"delta":', _encode_json(text), b"}\n\n"))
        self._sequence += 1
        return opening + fresh + delta if opening or fresh else delta

    def _reason(self, event: Reasoning) -> bytes:
        talk, sent = self._talk, b""
        if not isinstance(talk, ReasoningItem) or talk.signature or event.redacted:
            sent = self._close_talk()
            talk = ReasoningItem(f"rs_{self._stem}_{len(self._items)}")
            sent += self._add_talk(talk)
        if event.text:
            sent += self._send_all(talk.add(event.text), self._talk_index)
        talk.signature = event.signature
        return sent

    def _call(self, key: int, arguments: str, id_: str, name: str) -> bytes:
        position = self._calls.get(key)
        if position is None:
            sent = self._close_talk()
            position = self._calls[key] = len(self._items)
            item = CallItem(f"fc_{self._stem}_{position}", id_, self._names.own(name))
            self._items.append(item)
            self._open[position] = item
            sent += self._send_all(item.begin(), position)
        else:
            sent = b""
        item_ = self._items[position]
        assert isinstance(item_, CallItem)
        return sent + self._send_all(item_.add(arguments), position)

    def _add_talk(self, item: MessageItem | ReasoningItem) -> bytes:
        self._talk, self._talk_index = item, len(self._items)
        self._open[self._talk_index] = item
        self._items.append(item)
        return self._send_all(item.begin(), self._talk_index)

    def _close_talk(self) -> bytes:
        if self._talk is None:
            return b""
        self._talk = None
        return self._send_all(self._open.pop(self._talk_index).end(), self._talk_index)

    def _close_all(self) -> bytes:
        closed = self._close_talk()
        for position in list(self._open):
            closed += self._send_all(self._open.pop(position).end(), position)
        return closed

    # -- bytes -----------------------------------------------------------------------------------------------

    def _send_all(self, events: Iterable[Json], position: int) -> bytes:
        return b"".join([self._send({**event, "output_index": position}) for event in events])

    def _send(self, event: Json) -> bytes:
        sent = encode_named({**event, "sequence_number": self._sequence})
        self._sequence += 1
        return sent

    def _response(self, status: str) -> Json:
        usage = None if status == "in_progress" else _usage(self.usage)
        details = {"reason": _INCOMPLETE[self._finish.reason]} if status == "incomplete" else None
        output = [] if status == "in_progress" else [item.item() for item in self._items]
        return {
            **self._head,
            "status": status,
            "error": None,
            "incomplete_details": details,
            "output": output,
            "usage": usage,
        }


def _on_one_line(value: msgspec.Raw) -> msgspec.Raw:
    """A value of the request as it came, fit for an event's data."""
    given = bytes(value)
    return msgspec.Raw(msgspec.json.format(given, indent=-1)) if b"\n" in given or b"\r" in given else value


def _usage(usage: Usage) -> Json:
    given, made = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "input_tokens": given,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens or 0,
            "cache_write_tokens": usage.cache_write_tokens or 0,
        },
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": given + made,
    }

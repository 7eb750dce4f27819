"""Chat answers as events: a stream chunk by chunk, or a whole completion."""

from __future__ import annotations

from switchgear.dialects.codec import NO_USAGE
from switchgear.dialects.openai_chat.chunk import Chunk, Delta, read_chunk
from switchgear.dialects.openai_chat.content import detail_reasoning, thinking_text
from switchgear.dialects.openai_chat.tool_calls import CallPiece, ToolCalls
from switchgear.dialects.openai_stream import FAILED_FINISH
from switchgear.dialects.openai_usage import merge_usage
from switchgear.events import Event, Finish, FinishReason, Reasoning, Text
from switchgear.sse import EventSplitter, event_data

_FINISH: dict[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "refusal": "content_filter",
}
"""What is not here (``stop``, ``eos``, ``end_turn``, ...) ended by itself. Read 2026-11."""


class _Reader:
    """What one answer has said so far."""

    def __init__(self) -> None:
        self.calls = ToolCalls()
        self.finished = False
        self.spoke = False
        self._usage = NO_USAGE

    def take(self, chunk: Chunk) -> list[Event] | None:
        """The events of one chunk; ``None`` when it says that the answer failed."""
        events: list[Event] = []
        for choice in chunk.choices or ():
            if choice.index:
                continue  # another answer to the same question
            delta = choice.delta or choice.message
            if delta is not None and not self.finished:
                self._delta(delta, events)
            reason = choice.finish_reason
            if reason in FAILED_FINISH:
                return None
            if reason and not self.finished:
                events.append(self.finish(reason))
        usage = chunk.any_usage
        if usage is not None:
            merged = merge_usage(self._usage, usage.usage())
            if merged != self._usage:
                self._usage = merged
                events.append(merged)
        return events

    def finish(self, reason: str) -> Finish:
        """The end. An answer with tool calls that just stopped wants them run."""
        self.finished = True
        found = _FINISH.get(reason, "stop")
        return Finish("tool_calls" if found == "stop" and len(self.calls) else found)

    def _delta(self, delta: Delta, events: list[Event]) -> None:
        before = len(events)
        self._reason(delta, events)
        content = delta.content
        if isinstance(content, str):
            if content:
                events.append(Text(content))
        elif isinstance(content, list):
            self._pieces(content, events)
        if delta.refusal:
            events.append(Text(delta.refusal, refusal=True))
        pieces = delta.tool_calls or ()
        if delta.function_call is not None:
            pieces = (*pieces, CallPiece(0, None, delta.function_call))
        for piece in pieces:
            call = self.calls.take(piece)
            if call is not None:
                events.append(call)
        self.spoke = self.spoke or len(events) > before or bool(pieces)

    def _reason(self, delta: Delta, events: list[Event]) -> None:
        """One source of reasoning a chunk: some upstreams send the same under several names."""
        before = len(events)
        for detail in delta.reasoning_details or ():
            events.extend(detail_reasoning(detail))
        text = delta.reasoning_content or delta.reasoning
        if text and len(events) == before:
            events.append(Reasoning(text))

    def _pieces(self, content: list[object], events: list[Event]) -> None:
        """Mistral's content: a list of texts and thoughts."""
        for piece in content:
            match piece:
                case str(text) | {"type": "text", "text": str(text)} if text:
                    events.append(Text(text))
                case {"type": "thinking", "thinking": given} if thought := thinking_text(given):
                    events.append(Reasoning(thought))


class ChatStreamParser:
    """See :class:`~switchgear.dialects.codec.StreamParser`."""

    def __init__(self) -> None:
        self.done = False
        self.error: bytes | None = None
        self._reader = _Reader()
        self._splitter = EventSplitter()

    def feed(self, chunk: bytes) -> list[Event]:
        """See the protocol."""
        events: list[Event] = []
        for event in self._splitter.feed(chunk)[1]:
            data = event_data(event)
            if data and self.error is None and not self.done:
                self._take(data, events)
        return events

    def _take(self, data: bytes, events: list[Event]) -> None:
        reader = self._reader
        if data.strip() == b"[DONE]":
            self.done = True
            if reader.spoke and not reader.finished:
                events.append(reader.finish("stop"))
            return
        chunk = read_chunk(data)
        found = None
        if bytes(chunk.error) == b"null" and chunk.error_message is None:
            found = reader.take(chunk)
        if found is None:
            self.error = data
        else:
            events += found

    def end(self) -> tuple[list[Event], str]:
        """See the protocol."""
        rest = self._splitter.rest()
        events: list[Event] = []
        data = event_data(rest) if rest.strip() else None
        if data and self.error is None and not self.done:
            try:
                self._take(data, events)
            except ValueError:
                return [], "the stream broke off inside an event"
        reader = self._reader
        if self.error is not None:
            return events, "the stream ended with an error"
        if not reader.finished:
            return events, "the stream ended without a finish reason" if reader.spoke else "the stream held no output"
        if reader.calls.unnamed:
            return events, "a tool call came without a name"
        return events, ""


def parse_answer(body: bytes) -> list[Event]:
    """See :class:`~switchgear.dialects.codec.Codec`."""
    reader = _Reader()
    events = reader.take(read_chunk(body.strip()))
    if events is None:
        raise ValueError("the answer broke off")
    if reader.calls.unnamed:
        raise ValueError("a tool call came without a name")
    if not reader.finished:
        events.append(reader.finish("stop"))
    return events

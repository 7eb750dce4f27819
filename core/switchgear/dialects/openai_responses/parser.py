"""Responses answers as events: a stream event by event, or a whole response object."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from switchgear.dialects.codec import NO_USAGE
from switchgear.dialects.openai_responses.items import reasoning_text
from switchgear.dialects.openai_responses.stream import (
    ENDED,
    Item,
    Response,
    StreamEvent,
    data_of,
    is_error,
    read_event,
    read_item,
    read_response,
    usage_of,
)
from switchgear.dialects.openai_responses.tools import custom_arguments
from switchgear.events import Event, Finish, FinishReason, Reasoning, Text, ToolCallDelta
from switchgear.sse import EventSplitter

Key = int | str


@dataclass(slots=True)
class _Seen:
    """What came of an output item so far. ``call`` is its number among the calls; ``source`` the kind of reasoning."""

    call: int = -1
    spoke: bool = False
    done: bool = False
    source: str = ""
    part: int | None = None


class _Reader:
    """What one answer has said so far."""

    def __init__(self) -> None:
        self.spoke = False
        self._calls = 0
        self._seen: dict[Key, _Seen] = {}
        self._placeless = _Seen()

    def take(self, event: StreamEvent, events: list[Event]) -> None:
        """The events of one, which is not the last."""
        before = len(events)
        seen = self._find(event.output_index, event.item_id)
        match event.type:
            case "response.output_text.delta":
                self._text(event.delta, False, seen, events)
            case "response.refusal.delta":
                self._text(event.delta, True, seen, events)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._reason(event, seen, events)
            case "response.output_item.added":
                item = read_item(event.item)
                if seen.done:  # some servers give every item the same place
                    seen = _Seen()
                self._keep(seen, event.output_index, item.id)
                if item.type == "function_call":
                    self._call(item, seen, events)
            case "response.function_call_arguments.delta":
                if isinstance(event.delta, str) and event.delta and seen.call >= 0:
                    seen.spoke = True
                    events.append(ToolCallDelta(seen.call, event.delta))
            case "response.output_item.done":
                item = read_item(event.item)
                self.item(item, self._find(event.output_index, item.id), events)
        self.spoke = self.spoke or len(events) > before

    def _find(self, *keys: Key | None) -> _Seen:
        """What came of the item with the first of these keys that is known: its place, or its id.

        Both are taken, as some servers leave out the one, and some change the other on the way.
        """
        given = [key for key in keys if key is not None and key != ""]
        if not given:
            return self._placeless
        seen = next((self._seen[key] for key in given if key in self._seen), None) or _Seen()
        self._keep(seen, *given)
        return seen

    def _keep(self, seen: _Seen, *keys: Key | None) -> None:
        self._seen.update((key, seen) for key in keys if key is not None and key != "")

    def _text(self, delta: object, refusal: bool, seen: _Seen, events: list[Event]) -> None:
        if isinstance(delta, str) and delta:
            seen.spoke = True
            events.append(Text(delta, refusal))

    def _reason(self, event: StreamEvent, seen: _Seen, events: list[Event]) -> None:
        """One source of an item's reasoning: its summary or its text, whichever comes first."""
        seen.source = seen.source or event.type
        if seen.source != event.type or not isinstance(event.delta, str) or not event.delta:
            return
        part = event.content_index if event.summary_index is None else event.summary_index
        gap = "\n\n" if seen.spoke and part != seen.part else ""
        seen.spoke, seen.part = True, part
        events.append(Reasoning(gap + event.delta))

    def _call(self, item: Item, seen: _Seen, events: list[Event]) -> None:
        seen.call = self._calls
        self._calls += 1
        seen.spoke = bool(item.arguments)
        if not item.name or not (item.call_id or item.id):
            raise ValueError("a tool call came without a name or an id")
        events.append(ToolCallDelta(seen.call, item.arguments or "", item.call_id or item.id or "", item.name))

    def item(self, item: Item, seen: _Seen, events: list[Event]) -> None:
        """A whole item: what of it did not come in pieces before."""
        if seen.done:
            return
        seen.done = True
        spoke = seen.spoke or self._placeless.spoke
        match item.type:
            case "message" if not spoke:
                for piece in item.content or ():
                    self._text(piece.get("text") or piece.get("refusal"), piece.get("type") == "refusal", seen, events)
            case "reasoning":
                text = "" if spoke else reasoning_text(item.summary) or reasoning_text(item.content)
                signature = item.encrypted_content or ""
                if text or signature:
                    events.append(Reasoning(text, signature, redacted=not text and not spoke))
            case "function_call":
                if seen.call < 0:
                    self._call(item, seen, events)
                elif not seen.spoke and item.arguments:
                    events.append(ToolCallDelta(seen.call, item.arguments))
            case "custom_tool_call":
                item.arguments = custom_arguments(item.input or "")
                self._call(item, seen, events)

    def end(self, response: Response, events: list[Event]) -> None:
        """The end: what of the output did not come before, the usage, and why it ended."""
        before = len(events)
        for position, raw in enumerate(response.output or ()):
            item = read_item(raw)
            self.item(item, self._find(item.id, position), events)
        self.spoke = self.spoke or len(events) > before
        usage = usage_of(response)
        if usage != NO_USAGE:
            events.append(usage)
        events.append(Finish(self._reason_of(response)))

    def _reason_of(self, response: Response) -> FinishReason:
        if response.status == "incomplete":
            why = (response.incomplete_details or {}).get("reason")
            return "content_filter" if why == "content_filter" else "length"
        return "tool_calls" if self._calls else "stop"


class ResponsesStreamParser:
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
            data = data_of(event)
            if data is not None and self.error is None and not self.done:
                self._take(data, events)
        return events

    def _take(self, data: bytes, events: list[Event]) -> None:
        event = read_event(data)
        if is_error(event):
            self.error = data
        elif event.type in ENDED:
            self.done = True
            self._reader.end(read_response(event.response), events)
        else:
            self._reader.take(event, events)

    def end(self) -> tuple[list[Event], str]:
        """See the protocol."""
        rest = self._splitter.rest()
        events: list[Event] = []
        data = data_of(rest) if rest.strip() else None
        if data is not None and self.error is None and not self.done:
            try:
                self._take(data, events)
            except ValueError:
                return [], "the stream broke off inside an event"
        if self.error is not None:
            return events, "the stream ended with an error"
        if self.done:
            return events, ""
        spoke = self._reader.spoke
        return events, "the stream ended without response.completed" if spoke else "the stream held no output"


def parse_answer(body: bytes) -> list[Event]:
    """See :class:`~switchgear.dialects.codec.Codec`."""
    events: list[Event] = []
    _Reader().end(read_response(msgspec.Raw(body)), events)
    return events

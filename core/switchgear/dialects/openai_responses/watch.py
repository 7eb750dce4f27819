"""Watching a Responses stream: when it starts, what it used, whether it truly ended."""

from __future__ import annotations

import msgspec

from switchgear.dialects.codec import NO_USAGE, ErrorDetail
from switchgear.dialects.openai_responses.errors import error_events
from switchgear.dialects.openai_responses.stream import (
    ENDED,
    NO_RAW,
    Item,
    StreamEvent,
    data_of,
    is_error,
    read_event,
    read_item,
    read_response,
    sequence_number_of,
    usage_of,
)
from switchgear.sse import EventSplitter

_STARTED_BY = frozenset({"function_call", "custom_tool_call", "web_search_call", "mcp_call", "image_generation_call"})
"""Items that are output from their start on."""
_TEXT_DELTA = b"event: response.output_text.delta\n"


class ResponsesStreamWatch:
    """See :class:`~switchgear.dialects.codec.StreamWatch`."""

    def __init__(self) -> None:
        self.started = False
        self.done = False
        self.usage = NO_USAGE
        self.error: bytes | None = None
        self.final: bytes | None = None
        self._last = b""
        self._response = NO_RAW
        self._splitter = EventSplitter()

    def feed(self, chunk: bytes) -> bytes:
        """See the protocol."""
        if self.error is not None:
            return b""  # the end may be said in two events
        whole, events = self._splitter.feed(chunk)
        return self._look(whole, events)

    def _look(self, whole: bytes, events: list[bytes]) -> bytes:
        for event in events:
            if self.started and event.startswith(_TEXT_DELTA):
                self._last = event
                continue  # more of the output: nothing in it matters here
            data = data_of(event)
            if data is None:
                continue
            read = read_event(data)
            if is_error(read):
                self.error = data
                return whole[: whole.index(event)]
            self._last = event
            self._take(read)
        return whole

    def _take(self, event: StreamEvent) -> None:
        if event.type in ENDED:
            self.done = self.started = True
            self.final = bytes(event.response)
            self.usage = usage_of(read_response(event.response))
        elif not self.started and event.type.endswith(".delta"):
            self.started = bool(event.delta)
        elif event.type == "response.created":
            self._response = event.response
        elif not self.started and event.type in {"response.output_item.added", "response.output_item.done"}:
            self.started = _says(read_item(event.item))

    def end(self) -> tuple[bytes, str]:
        """See the protocol."""
        rest = self._splitter.rest()
        sent = b""
        if rest.strip():
            try:
                sent = self._look(rest + b"\n\n", [rest])
            except ValueError:
                return b"", "the stream broke off inside an event"
        if self.error is not None:
            return sent, "the stream ended with an error"
        if self.done:
            return sent, ""
        return sent, "the stream ended without response.completed" if self.started else "the stream held no output"

    def error_event(self, error: ErrorDetail) -> bytes:
        """See the protocol. The numbers go on from the last event's."""
        data = data_of(self._last)
        number = 0 if data is None else sequence_number_of(data) + 1
        return error_events(error, number, msgspec.json.decode(self._response))


def _says(item: Item) -> bool:
    return item.type in _STARTED_BY or bool(item.content or item.summary or item.encrypted_content)

"""Watching a Responses stream: when it starts, what it used, whether it truly ended."""

from __future__ import annotations

import msgspec

from switchgear.dialects.codec import ErrorDetail
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
from switchgear.dialects.watching import Watch

_STARTED_BY = frozenset({"function_call", "custom_tool_call", "web_search_call", "mcp_call", "image_generation_call"})
"""Items that are output from their start on."""
_TEXT_DELTA = b"event: response.output_text.delta\n"


class ResponsesStreamWatch(Watch):
    """See :class:`~switchgear.dialects.codec.StreamWatch`."""

    proof = "response.completed"

    def __init__(self) -> None:
        super().__init__()
        self._last = b""
        self._response = NO_RAW

    def take(self, event: bytes) -> bytes | None:
        """See the base class."""
        if self.started and event.startswith(_TEXT_DELTA):
            self._last = event
            return None  # more of the output: nothing in it matters here
        data = data_of(event)
        if data is None:
            return None
        read = read_event(data)
        if is_error(read):
            return data
        self._last = event
        self._take(read)
        return None

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

    def error_event(self, error: ErrorDetail) -> bytes:
        """See the protocol. The numbers go on from the last event's."""
        data = data_of(self._last)
        number = 0 if data is None else sequence_number_of(data) + 1
        return error_events(error, number, msgspec.json.decode(self._response))


def _says(item: Item) -> bool:
    return item.type in _STARTED_BY or bool(item.content or item.summary or item.encrypted_content)

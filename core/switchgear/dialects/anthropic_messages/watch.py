"""Watching a Messages stream: when it starts, what it used, whether it truly ended."""

from __future__ import annotations

from switchgear.dialects.anthropic_messages.errors import error_event
from switchgear.dialects.anthropic_messages.stream import STOP_EVENT, StreamEvent, Tokens, data_of, read_event
from switchgear.dialects.codec import NO_USAGE, ErrorDetail
from switchgear.sse import EventSplitter

_STARTED_BY = frozenset({"tool_use", "server_tool_use", "mcp_tool_use", "redacted_thinking"})
"""Blocks that are output from their start on."""
_DELTA_LINE = b"event: content_block_delta\n"


class MessagesStreamWatch:
    """See :class:`~switchgear.dialects.codec.StreamWatch`."""

    def __init__(self) -> None:
        self.started = False
        self.done = False
        self.usage = NO_USAGE
        self.error: bytes | None = None
        self.final: bytes | None = None
        self._finished = False
        self._tokens = Tokens()
        self._splitter = EventSplitter()

    def feed(self, chunk: bytes) -> bytes:
        """See the protocol."""
        whole, events = self._splitter.feed(chunk)
        return self._look(whole, events)

    def _look(self, whole: bytes, events: list[bytes]) -> bytes:
        for event in events:
            if self.started and event.startswith(_DELTA_LINE):
                continue  # more of the output: nothing in it matters here
            data = data_of(event)
            if not data:
                continue
            read = read_event(event, data)
            if read is None:
                self.error = data
                return whole[: whole.index(event)]
            self._take(read)
        return whole

    def _take(self, event: StreamEvent) -> None:
        delta, block = event.delta, event.content_block
        match event.type:
            case "content_block_delta" if delta is not None:
                self.started = self.started or bool(delta.text or delta.thinking or delta.partial_json)
            case "content_block_start" if block is not None:
                self.started = self.started or block.type in _STARTED_BY or bool(block.text or block.thinking)
            case "message_start" if event.message is not None and event.message.usage is not None:
                self.usage = self._tokens.add(event.message.usage)
            case "message_delta":
                if event.usage is not None:
                    self.usage = self._tokens.add(event.usage)
                if delta is not None and delta.stop_reason:
                    self._finished = self.started = True
            case "message_stop":
                self.done = True

    def end(self) -> tuple[bytes, str]:
        """See the protocol. A missing ``message_stop`` is supplied when a stop reason was seen."""
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
            return sent, "" if self.started else "the stream held no output"
        if self._finished:
            return sent + STOP_EVENT, ""
        return sent, "the stream ended without a stop reason" if self.started else "the stream held no output"

    def error_event(self, error: ErrorDetail) -> bytes:
        """See the protocol."""
        return error_event(error)

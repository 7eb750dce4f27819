"""Watching a Messages stream: when it starts, what it used, whether it truly ended."""

from __future__ import annotations

from switchgear.dialects.anthropic_messages.errors import error_event
from switchgear.dialects.anthropic_messages.stream import STOP_EVENT, StreamEvent, Tokens, data_of, read_event
from switchgear.dialects.codec import ErrorDetail
from switchgear.dialects.watching import Watch

_STARTED_BY = frozenset({"tool_use", "server_tool_use", "mcp_tool_use", "redacted_thinking"})
"""Blocks that are output from their start on."""
_DELTA_LINE = b"event: content_block_delta\n"


class MessagesStreamWatch(Watch):
    """See :class:`~switchgear.dialects.codec.StreamWatch`."""

    proof = "a stop reason"
    last_event = STOP_EVENT

    def __init__(self) -> None:
        super().__init__()
        self._tokens = Tokens()

    def take(self, event: bytes) -> bytes | None:
        """See the base class."""
        if self.started and event.startswith(_DELTA_LINE):
            return None  # more of the output: nothing in it matters here
        data = data_of(event)
        if not data:
            return None
        read = read_event(event, data)
        if read is None:
            return data
        self._take(read)
        return None

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
                    self.finished = self.started = True
            case "message_stop":
                self.done = True

    def error_event(self, error: ErrorDetail) -> bytes:
        """See the protocol."""
        return error_event(error)

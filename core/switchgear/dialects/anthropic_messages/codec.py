"""The codec of Anthropic's Messages API."""

from __future__ import annotations

from switchgear.conversation import Conversation
from switchgear.dialects.anthropic_messages.errors import error_body, error_event
from switchgear.dialects.anthropic_messages.naming import named
from switchgear.dialects.anthropic_messages.parser import MessagesStreamParser, parse_answer, read_answer
from switchgear.dialects.anthropic_messages.render import MessagesRenderer
from switchgear.dialects.anthropic_messages.request import parse_request
from switchgear.dialects.anthropic_messages.request_render import render_request
from switchgear.dialects.anthropic_messages.stream import FAILED, canonical
from switchgear.dialects.anthropic_messages.watch import MessagesStreamWatch
from switchgear.dialects.codec import (
    NO_USAGE,
    ErrorDetail,
    Parsed,
    Rendered,
    Renderer,
    StreamParser,
    StreamWatch,
    Whole,
)
from switchgear.events import Event
from switchgear.types import Dialect


class AnthropicMessagesCodec:
    """See :class:`~switchgear.dialects.codec.Codec`."""

    name: Dialect = "anthropic-messages"
    streams = True
    converts = True

    def watch(self) -> StreamWatch:
        """See the protocol."""
        return MessagesStreamWatch()

    def read_whole(self, body: bytes) -> Whole:
        """See the protocol."""
        if not body.strip():
            return Whole(problem="the answer is empty")
        try:
            answer = read_answer(body)
        except ValueError:
            return Whole(problem="the answer is no JSON")
        if answer.type == "error" or bytes(answer.error) != b"null" or answer.content is None:
            return Whole(error=body)
        if answer.stop_reason in FAILED:
            return Whole(error=body)
        return Whole(NO_USAGE if answer.usage is None else canonical(answer.usage))

    def named(self, beginning: bytes, model: str) -> bytes:
        """See the protocol."""
        return named(beginning, model)

    def error_body(self, error: ErrorDetail, request_id: str = "") -> bytes:
        """See the protocol."""
        return error_body(error, request_id)

    def error_event(self, error: ErrorDetail) -> bytes:
        """See the protocol."""
        return error_event(error)

    def parse_request(self, body: bytes) -> Parsed:
        """See the protocol."""
        return parse_request(body)

    def render_request(self, conversation: Conversation, model: str, *, stream: bool) -> Rendered:
        """See the protocol."""
        return render_request(conversation, model, stream=stream)

    def parse_answer(self, body: bytes) -> list[Event]:
        """See the protocol."""
        return parse_answer(body)

    def parser(self) -> StreamParser:
        """See the protocol."""
        return MessagesStreamParser()

    def renderer(self, request_id: str, model: str, created: int, body: bytes) -> Renderer:
        """See the protocol. A message says neither when it was made nor anything that depends on the request."""
        return MessagesRenderer(request_id, model)

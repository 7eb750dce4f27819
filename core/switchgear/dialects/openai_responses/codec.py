"""The codec of OpenAI's Responses API."""

from __future__ import annotations

from switchgear.conversation import Conversation
from switchgear.dialects.codec import ErrorDetail, Parsed, Rendered, Renderer, StreamParser, StreamWatch, Whole
from switchgear.dialects.openai_errors import error_body
from switchgear.dialects.openai_responses.errors import error_events
from switchgear.dialects.openai_responses.parser import ResponsesStreamParser, parse_answer
from switchgear.dialects.openai_responses.render import ResponsesRenderer
from switchgear.dialects.openai_responses.request import parse_request
from switchgear.dialects.openai_responses.request_render import render_request
from switchgear.dialects.openai_responses.stream import read_response, usage_of
from switchgear.dialects.openai_responses.watch import ResponsesStreamWatch
from switchgear.events import Event
from switchgear.types import Dialect


class OpenAIResponsesCodec:
    """See :class:`~switchgear.dialects.codec.Codec`."""

    name: Dialect = "openai-responses"
    streams = True
    converts = True

    def watch(self) -> StreamWatch:
        """See the protocol."""
        return ResponsesStreamWatch()

    def read_whole(self, body: bytes) -> Whole:
        """See the protocol."""
        if not body.strip():
            return Whole(problem="the answer is empty")
        try:
            response = read_response(body)
        except ValueError:
            return Whole(problem="the answer is no JSON")
        if bytes(response.error) != b"null" or response.output is None or response.status in {"failed", "cancelled"}:
            return Whole(error=body)
        return Whole(usage_of(response))

    def named(self, beginning: bytes, model: str) -> bytes:
        """See the protocol."""
        return beginning

    def error_body(self, error: ErrorDetail, request_id: str = "") -> bytes:
        """See the protocol."""
        return error_body(error)

    def error_event(self, error: ErrorDetail) -> bytes:
        """See the protocol."""
        return error_events(error, 0)

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
        return ResponsesStreamParser()

    def renderer(self, request_id: str, model: str, created: int, body: bytes) -> Renderer:
        """See the protocol."""
        return ResponsesRenderer(request_id, model, created, body)

"""The codec of OpenAI's Chat Completions."""

from __future__ import annotations

from switchgear.conversation import Conversation
from switchgear.dialects.codec import Parsed, Rendered, Renderer, StreamParser
from switchgear.dialects.openai import OpenAICodec
from switchgear.dialects.openai_chat.parser import ChatStreamParser, parse_answer
from switchgear.dialects.openai_chat.render import ChatRenderer
from switchgear.dialects.openai_chat.request import parse_request
from switchgear.dialects.openai_chat.request_render import render_request
from switchgear.events import Event


class OpenAIChatCodec(OpenAICodec):
    """See :class:`~switchgear.dialects.codec.Codec`."""

    converts = True

    def __init__(self) -> None:
        super().__init__("openai-chat", output="choices", streams=True)

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
        return ChatStreamParser()

    def renderer(self, request_id: str, model: str, created: int, body: bytes) -> Renderer:
        """See the protocol."""
        return ChatRenderer(request_id, model, created, body)

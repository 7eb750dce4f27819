"""Sans-IO codecs, one for each wire format a client may speak."""

from __future__ import annotations

from switchgear.dialects.anthropic_messages import AnthropicMessagesCodec
from switchgear.dialects.codec import (
    Codec,
    ErrorDetail,
    Parsed,
    Rendered,
    Renderer,
    StreamParser,
    StreamWatch,
    Whole,
)
from switchgear.dialects.openai import OpenAICodec
from switchgear.dialects.openai_chat import OpenAIChatCodec
from switchgear.dialects.openai_responses import OpenAIResponsesCodec
from switchgear.types import Dialect

OPENAI_CHAT = OpenAIChatCodec()
ANTHROPIC_MESSAGES = AnthropicMessagesCodec()
OPENAI_COMPLETIONS = OpenAICodec("openai-completions", output="choices", streams=True)
OPENAI_EMBEDDINGS = OpenAICodec("openai-embeddings", output="data", streams=False)
OPENAI_RESPONSES = OpenAIResponsesCodec()

_ALL = (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC_MESSAGES, OPENAI_COMPLETIONS, OPENAI_EMBEDDINGS)
CODECS: dict[Dialect, Codec] = {codec.name: codec for codec in _ALL}

__all__ = [
    "ANTHROPIC_MESSAGES",
    "CODECS",
    "OPENAI_CHAT",
    "OPENAI_COMPLETIONS",
    "OPENAI_EMBEDDINGS",
    "OPENAI_RESPONSES",
    "Codec",
    "ErrorDetail",
    "Parsed",
    "Rendered",
    "Renderer",
    "StreamParser",
    "StreamWatch",
    "Whole",
]

"""Sans-IO codecs, one for each wire format a client may speak."""

from __future__ import annotations

from switchgear.dialects.codec import Codec, ErrorDetail, Renderer, StreamWatch, Whole
from switchgear.dialects.openai import OpenAICodec
from switchgear.types import Dialect

OPENAI_CHAT = OpenAICodec("openai-chat", output="choices", streams=True, renders=True)
OPENAI_COMPLETIONS = OpenAICodec("openai-completions", output="choices", streams=True)
OPENAI_EMBEDDINGS = OpenAICodec("openai-embeddings", output="data", streams=False)

CODECS: dict[Dialect, Codec] = {codec.name: codec for codec in (OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_EMBEDDINGS)}

__all__ = [
    "CODECS",
    "OPENAI_CHAT",
    "OPENAI_COMPLETIONS",
    "OPENAI_EMBEDDINGS",
    "Codec",
    "ErrorDetail",
    "Renderer",
    "StreamWatch",
    "Whole",
]

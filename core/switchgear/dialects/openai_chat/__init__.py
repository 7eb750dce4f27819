"""OpenAI's Chat Completions, as OpenAI and everybody compatible with it write it."""

from __future__ import annotations

from switchgear.dialects.openai_chat.codec import OpenAIChatCodec

__all__ = ["OpenAIChatCodec"]

"""OpenAI's Responses, as OpenAI writes it."""

from __future__ import annotations

from switchgear.dialects.openai_responses.codec import OpenAIResponsesCodec

__all__ = ["OpenAIResponsesCodec"]

"""Anthropic's Messages API: what Claude Code and the Anthropic SDKs speak."""

from __future__ import annotations

from switchgear.dialects.anthropic_messages.codec import AnthropicMessagesCodec

__all__ = ["AnthropicMessagesCodec"]

"""About how many tokens a conversation has. Pure."""

from __future__ import annotations

import math

from switchgear import Conversation, File, Part, Reasoning, Text, ToolCall, ToolResult
from switchgear_kiro.usage import tokens_in


def prompt_tokens(conversation: Conversation) -> int:
    """An estimate of its texts alone: images and schemas are left out, so the prompt has at least about so many."""
    parts = (part for message in conversation.messages for part in message.parts)
    tools = (tokens_in(tool.description) for tool in conversation.tools)
    return math.ceil(sum(map(_tokens, parts)) + sum(tools))


def _tokens(part: Part) -> float:
    match part:
        case Text(text=text) | File(text=text) | Reasoning(text=text):
            return tokens_in(text)
        case ToolCall(arguments=arguments):
            return tokens_in(arguments)
        case ToolResult(parts=parts):
            return sum(map(_tokens, parts))
        case _:
            return 0.0

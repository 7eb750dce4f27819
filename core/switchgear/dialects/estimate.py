"""A rough count of a conversation's input tokens, for want of the upstream's own.

Tokenizers differ and their vocabularies are not shipped, so this goes by bytes: the tokenizers in use make one token of
some four bytes of English text or JSON and of about three bytes of other scripts (compared with published examples of
OpenAI's and Anthropic's, read 2026-11). It rather says too much than too little: clients use it to stay below a limit.
"""

from __future__ import annotations

import math

import msgspec

from switchgear.conversation import CachePoint, Conversation, File, Image, Part, ToolResult
from switchgear.events import Reasoning, Text, ToolCall

ASCII_BYTES_PER_TOKEN = 3.6
OTHER_BYTES_PER_TOKEN = 2.4
MESSAGE_TOKENS = 4
TOOL_TOKENS = 12
TOOLS_PREAMBLE_TOKENS = 250
"""What an upstream adds once when tools are given."""
IMAGE_TOKENS = 1600
"""The most an image of usual size takes."""
PDF_BYTES_PER_TOKEN = 30.0


def estimate_tokens(conversation: Conversation) -> int:
    """About how many input tokens the conversation is, its tools included; at least 1."""
    total = 0.0
    for message in conversation.messages:
        total += MESSAGE_TOKENS + sum(_part(part) for part in message.parts)
    for tool in conversation.tools:
        schema = msgspec.json.encode(dict(tool.parameters)).decode()
        total += TOOL_TOKENS + _text(tool.name) + _text(tool.description) + _text(schema)
    if conversation.tools:
        total += TOOLS_PREAMBLE_TOKENS
    if conversation.response_format is not None:
        total += _text(msgspec.json.encode(dict(conversation.response_format.schema)).decode())
    return max(1, math.ceil(total))


def _part(part: Part) -> float:
    match part:
        case Text(text):
            return _text(text)
        case Reasoning(text, signature):
            return _text(text) or len(signature) / ASCII_BYTES_PER_TOKEN
        case ToolCall(_, name, arguments):
            return TOOL_TOKENS + _text(name) + _text(arguments)
        case ToolResult(_, parts):
            return TOOL_TOKENS + sum(_part(inner) for inner in parts)
        case Image():
            return IMAGE_TOKENS
        case File(_, _, data, _, text):
            return _text(text) + len(data) * 3 / 4 / PDF_BYTES_PER_TOKEN
        case CachePoint():
            return 0.0


def _text(text: str) -> float:
    if text.isascii():
        return len(text) / ASCII_BYTES_PER_TOKEN
    plain = sum(map(str.isascii, text))
    return plain / ASCII_BYTES_PER_TOKEN + (len(text.encode(errors="replace")) - plain) / OTHER_BYTES_PER_TOKEN

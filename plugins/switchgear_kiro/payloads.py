"""The payloads of the events of an answer, typed. Members that nobody needs are skipped while reading.

Source: the service's generated models and captured streams of 2026, read 2026-11; which model has which event stands
in :mod:`switchgear_kiro.answer`. Old captures wrap a payload in an object of its event's name: ``inner``.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec


class AssistantResponse(msgspec.Struct):
    """A piece of text."""

    content: str | None = None
    inner: AssistantResponse | None = msgspec.field(default=None, name="assistantResponseEvent")


class ReasoningContent(msgspec.Struct, rename="camel"):
    """A piece of reasoning, its signature, or both; or reasoning that is withheld, as base64."""

    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None
    inner: ReasoningContent | None = msgspec.field(default=None, name="reasoningContentEvent")


class ToolUse(msgspec.Struct, rename="camel"):
    """A fragment of a tool call. ``input`` is a piece of its JSON text; some hosts send the whole as an object."""

    tool_use_id: str | None = None
    name: str | None = None
    input: str | dict[str, Any] | None = None
    stop: bool | None = None
    inner: ToolUse | None = msgspec.field(default=None, name="toolUseEvent")


class Refusal(msgspec.Struct):
    """Why the model does not answer."""

    category: str | None = None
    explanation: str | None = None


class StopDetails(msgspec.Struct):
    """More on why the answer stopped."""

    refusal: Refusal | None = None


class Metadata(msgspec.Struct, rename="camel"):
    """Why the answer stopped; only generation 3 has it. ``token_usage`` is a :class:`TokenUsage`, read on its own."""

    stop_reason: str | None = None
    stop_details: StopDetails | None = None
    token_usage: msgspec.Raw = msgspec.Raw()
    inner: Metadata | None = msgspec.field(default=None, name="metadataEvent")


class TokenUsage(msgspec.Struct, rename="camel"):
    """Tokens of the whole call."""

    uncached_input_tokens: float | None = None
    output_tokens: float | None = None
    total_tokens: float | None = None
    cache_read_input_tokens: float | None = None
    cache_write_input_tokens: float | None = None
    context_usage_percentage: float | None = None


class ContextUsage(msgspec.Struct, rename="camel"):
    """How full the model's context is, in percent, the answer included."""

    context_usage_percentage: float | None = None
    inner: ContextUsage | None = msgspec.field(default=None, name="contextUsageEvent")


class Metering(msgspec.Struct):
    """What the call, or a part of it, costs in credits. ``amount`` is an older name."""

    usage: float | None = None
    amount: float | None = None
    inner: Metering | None = msgspec.field(default=None, name="meteringEvent")


Figures = TypeVar("Figures", TokenUsage, ContextUsage, Metering)

read_assistant_response = msgspec.json.Decoder(AssistantResponse).decode
read_reasoning_content = msgspec.json.Decoder(ReasoningContent).decode
read_tool_use = msgspec.json.Decoder(ToolUse).decode
read_metadata = msgspec.json.Decoder(Metadata).decode


def read_figures(payload: bytes | msgspec.Raw, kind: type[Figures]) -> Figures:
    """Figures, or empty ones: no answer fails for what was said beside it."""
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return kind()

"""One chunk of a chat stream, or one whole chat completion, as it came."""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear.dialects.openai_chat.tool_calls import CallPiece, FunctionPiece
from switchgear.dialects.openai_usage import UsageFields, read_usage


class Delta(msgspec.Struct):
    """A piece of the message, or all of it."""

    content: Any = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Any] | None = None
    tool_calls: list[CallPiece] | None = None
    function_call: FunctionPiece | None = None


class Choice(msgspec.Struct):
    """One of the answers; only the first is looked at."""

    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    index: int | None = None


class _Groq(msgspec.Struct):
    usage: UsageFields | None = None


class Chunk(msgspec.Struct):
    """The whole object. ``error`` is ``null`` where there is none."""

    choices: list[Choice] | None = None
    usage: UsageFields | None = None
    x_groq: _Groq | None = None
    error: msgspec.Raw = msgspec.Raw(b"null")
    error_message: str | None = None

    @property
    def any_usage(self) -> UsageFields | None:
        """The usage, wherever it stands."""
        return self.usage if self.usage is not None or self.x_groq is None else self.x_groq.usage


_decode = msgspec.json.Decoder(Chunk).decode


def read_chunk(data: bytes) -> Chunk:
    """One object; fields of odd types are left out.

    Raises:
        ValueError: it is no JSON object.
    """
    try:
        try:
            return _decode(data)
        except msgspec.ValidationError:
            raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"an event is no JSON: {error}") from None
    if not isinstance(raw, dict):
        raise ValueError("an event is no JSON object")
    choices = raw.get("choices")
    usage, failed, message = raw.get("usage"), raw.get("error"), raw.get("error_message")
    return Chunk(
        choices=[_choice(choice) for choice in choices if isinstance(choice, dict)]
        if isinstance(choices, list)
        else None,
        usage=read_usage(usage) if isinstance(usage, dict) else None,
        error=msgspec.Raw(msgspec.json.encode(failed)),
        error_message=message if isinstance(message, str) else None,
    )


def _choice(raw: dict[str, Any]) -> Choice:
    reason, index = raw.get("finish_reason"), raw.get("index")
    return Choice(
        delta=_delta(raw.get("delta")),
        message=_delta(raw.get("message")),
        finish_reason=None if reason is None else str(reason),
        index=index if isinstance(index, int) else None,
    )


def _delta(raw: object) -> Delta | None:
    if not isinstance(raw, dict):
        return None
    calls, function = raw.get("tool_calls"), raw.get("function_call")
    details = raw.get("reasoning_details")
    return Delta(
        content=raw.get("content"),
        refusal=_text(raw.get("refusal")),
        reasoning_content=_text(raw.get("reasoning_content")),
        reasoning=_text(raw.get("reasoning")),
        reasoning_details=details if isinstance(details, list) else None,
        tool_calls=[_call(call) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else None,
        function_call=_function(function),
    )


def _call(raw: dict[str, Any]) -> CallPiece:
    index = raw.get("index")
    index = int(index) if isinstance(index, str) and index.isdigit() else index
    return CallPiece(index if isinstance(index, int) else None, _text(raw.get("id")), _function(raw.get("function")))


def _function(raw: object) -> FunctionPiece | None:
    return FunctionPiece(_text(raw.get("name")), raw.get("arguments")) if isinstance(raw, dict) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

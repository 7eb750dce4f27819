"""Watching an OpenAI chat or completions stream: when it starts, what it used, whether it truly ended."""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear.dialects.codec import ErrorDetail
from switchgear.dialects.openai_errors import error_event
from switchgear.dialects.openai_usage import UsageFields, merge_usage, read_usage
from switchgear.dialects.watching import Watch
from switchgear.sse import event_data

DONE_EVENT = b"data: [DONE]\n\n"
FAILED_FINISH = frozenset({"error", "abort", "insufficient_system_resource"})
"""Finish reasons that mean the upstream broke off: OpenRouter and Mistral, vLLM and SGLang, DeepSeek (read 2026-11)."""

NULL = msgspec.Raw(b"null")
_EMPTY = frozenset({b"null", b'""', b"[]", b"{}"})


class _Choice(msgspec.Struct):
    finish_reason: str | None = None
    delta: dict[str, msgspec.Raw] | None = None
    message: dict[str, msgspec.Raw] | None = None
    text: str | None = None


class _Groq(msgspec.Struct):
    usage: UsageFields | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: UsageFields | None = None
    x_groq: _Groq | None = None
    error: msgspec.Raw = NULL
    error_message: str | None = None


_decode = msgspec.json.Decoder(_Chunk).decode


class OpenAIStreamWatch(Watch):
    """See :class:`~switchgear.dialects.codec.StreamWatch`."""

    proof = "a finish reason"
    last_event = DONE_EVENT

    def take(self, event: bytes) -> bytes | None:
        """See the base class."""
        if self.started and _is_more(event):
            return None
        data = event_data(event)
        if not data:
            return None
        if data.strip() == b"[DONE]":
            self.done = True
            self.started = self.started or self.finished
            return None
        return None if self._chunk(data) else data

    def _chunk(self, data: bytes) -> bool:
        """Take one chunk in; false when it is an error."""
        try:
            try:
                chunk = _decode(data)
            except msgspec.ValidationError:
                chunk = _tolerant(data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(f"an event is no JSON: {error}") from None
        if chunk.error != NULL or chunk.error_message is not None:
            return False
        if chunk.usage is not None:
            self.usage = merge_usage(self.usage, chunk.usage.usage())
        elif chunk.x_groq is not None and chunk.x_groq.usage is not None:
            self.usage = merge_usage(self.usage, chunk.x_groq.usage.usage())
        for choice in chunk.choices or ():
            if choice.finish_reason is not None:
                if choice.finish_reason in FAILED_FINISH:
                    return False
                self.finished = self.started = True
            elif not self.started:
                self.started = bool(choice.text) or _says(choice.delta) or _says(choice.message)
        return True

    def error_event(self, error: ErrorDetail) -> bytes:
        """See the protocol."""
        return error_event(error)


def _is_more(event: bytes) -> bool:
    """Whether an event of a stream that has started is only more of it: found without parsing, for nearly every one.

    A key inside a text does not look like one: its quotes are escaped there.
    """
    finishes = event.count(b'"finish_reason"')
    return (
        event.startswith(b"data: {")
        and event.endswith(b"}")
        and (finishes == event.count(b'"finish_reason":null') or finishes == event.count(b'"finish_reason": null'))
        and b'"usage"' not in event
        and b'"error' not in event
        and b'"x_groq"' not in event
    )


def _says(delta: dict[str, msgspec.Raw] | None) -> bool:
    return bool(delta) and any(
        key != "role" and bytes(value).strip() not in _EMPTY for key, value in (delta or {}).items()
    )


def _tolerant(data: bytes) -> _Chunk:
    """A chunk whose fields are not of the usual types: take what can be read."""
    raw: Any = msgspec.json.decode(data)
    if not isinstance(raw, dict):
        raise ValueError("an event is no JSON object")
    choices = []
    listed = raw.get("choices")
    for choice in listed if isinstance(listed, list) else ():
        if isinstance(choice, dict):
            reason = choice.get("finish_reason")
            said = bool(choice.get("delta") or choice.get("message") or choice.get("text"))
            choices.append(_Choice(str(reason) if reason is not None else None, text="x" if said else None))
    usage = raw.get("usage")
    error = raw.get("error")
    return _Chunk(
        choices=choices,
        usage=read_usage(usage) if isinstance(usage, dict) else None,
        error=msgspec.Raw(msgspec.json.encode(error)),
    )

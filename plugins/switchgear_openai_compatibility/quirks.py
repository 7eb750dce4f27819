"""What a chat body needs before a certain upstream takes it: fields renamed, moved or left out. Pure.

Sources: the documentation of OpenAI, OpenRouter, DeepSeek and Groq, the code of vllm-project/vllm, sgl-project/sglang
and ollama/ollama; bug reports for what Mistral refuses. Read by autumn 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from switchgear_openai_compatibility.turns import ReplayReasoning, SystemRole, Turns

MaxTokensField = Literal["auto", "max_tokens", "max_completion_tokens"]
StreamUsage = Literal["auto", "on", "off"]
ReasoningRequest = Literal["auto", "reasoning_effort", "reasoning", "thinking", "chat_template_kwargs", "none"]
Lesson = Literal["max_completion_tokens", "no_stream_options", "no_reasoning_effort"]
"""What a refusal teaches of an upstream's model: the name of the limit it wants, or a field that it does not want."""

NO_LESSONS: frozenset[Lesson] = frozenset()

CLOSED_FIELDS = frozenset(
    {"model", "messages", "tools", "tool_choice", "parallel_tool_calls", "temperature", "top_p", "max_tokens"}
    | {"max_completion_tokens", "stop", "stream", "response_format", "seed", "n", "presence_penalty"}
    | {"frequency_penalty"}
)
"""What even a server that refuses every field it does not know takes."""

DEEPSEEK_EFFORTS = {"minimal": "low", "low": "low", "medium": "high", "high": "high", "xhigh": "high", "max": "max"}
"""OpenAI's efforts as DeepSeek says them; source: api-docs.deepseek.com, read 2026-11."""

Fields = dict[str, msgspec.Raw]

_LIMITS = ("max_tokens", "max_completion_tokens")
_NULL = msgspec.Raw(b"null")
_decode_fields = msgspec.json.Decoder(Fields).decode
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Quirks:
    """How one upstream wants its chat bodies. What each value means is said in ``settings``."""

    max_tokens_field: MaxTokensField = "auto"
    system_role: SystemRole = "auto"
    stream_usage: StreamUsage = "auto"
    replay_reasoning: ReplayReasoning = "auto"
    reasoning_request: ReasoningRequest = "auto"
    strict_schema: bool = False
    _kept_needles: dict[tuple[bool, bool, frozenset[Lesson]], tuple[bytes, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def applied(self, body: bytes, *, stream: bool, converted: bool, lessons: frozenset[Lesson] = NO_LESSONS) -> bytes:
        """The body as the upstream wants it; the very same bytes where nothing needs to change.

        Args:
            body: a JSON object in ``openai-chat``.
            stream: whether it asks for a stream.
            converted: core wrote it, the client speaks another dialect.
            lessons: what this model's refusals have taught.
        """
        case = stream, converted, lessons
        needles = self._kept_needles.get(case)
        if needles is None:
            needles = self._kept_needles[case] = tuple(self._needles(*case))
        for needle in needles:
            if needle in body:
                return self._changed(body, *case)
        return body

    def _changed(self, body: bytes, stream: bool, converted: bool, lessons: frozenset[Lesson]) -> bytes:
        limit = self._limit(converted, lessons)
        given = _decode_fields(body)
        fields = dict(given)
        self._say_reasoning(fields, converted, lessons)
        if limit is not None:
            _rename_limit(fields, limit)
        self._say_usage(fields, stream, lessons)
        if "messages" in fields:
            fields["messages"] = self._turns().applied(fields["messages"])
        if self.strict_schema:
            known = self._known_fields()
            fields = {name: raw for name, raw in fields.items() if name in known}
        return body if fields == given else _encode(fields)

    def _needles(self, stream: bool, converted: bool, lessons: frozenset[Lesson]) -> Iterator[bytes]:
        """A body without any of these needs no change. Cheaper than parsing, and most bodies hold none."""
        limit = self._limit(converted, lessons)
        if self.strict_schema or (stream and self.stream_usage == "on"):
            yield b""
        if limit is not None:
            yield b'"max_completion_tokens"' if limit == "max_tokens" else b'"max_tokens"'
        if self.stream_usage == "off" or "no_stream_options" in lessons:
            yield b'"stream_options"'
        if converted or self.reasoning_request not in {"auto", "reasoning_effort"}:
            yield b'"reasoning_effort"'
        yield from self._turns().needles

    def _turns(self) -> Turns:
        return Turns(self.system_role, self.replay_reasoning, self.strict_schema)

    def _limit(self, converted: bool, lessons: frozenset[Lesson]) -> str | None:
        """The name under which the limit is sent; ``None`` for the one it came under."""
        if self.max_tokens_field != "auto":
            return self.max_tokens_field
        if not converted:
            return None
        return "max_completion_tokens" if "max_completion_tokens" in lessons else "max_tokens"

    def _say_usage(self, fields: Fields, stream: bool, lessons: frozenset[Lesson]) -> None:
        if self.stream_usage == "on" and stream:
            options = _value(fields.get("stream_options"))
            options = options if isinstance(options, dict) else {}
            if options.get("include_usage") is not True:
                fields["stream_options"] = _raw({**options, "include_usage": True})
        elif self.stream_usage == "off" or (self.stream_usage == "auto" and "no_stream_options" in lessons):
            fields.pop("stream_options", None)

    def _say_reasoning(self, fields: Fields, converted: bool, lessons: frozenset[Lesson]) -> None:
        """Say ``reasoning_effort`` in the upstream's words; what the client says in those words itself stays."""
        how, effort = self.reasoning_request, _value(fields.get("reasoning_effort"))
        unwanted = converted and (effort == "none" or "no_reasoning_effort" in lessons)
        if how == "reasoning_effort" or (how == "auto" and not unwanted):
            return
        fields.pop("reasoning_effort", None)
        match how if effort is not None else "none":
            case "reasoning":
                said = {"enabled": False} if effort == "none" else {"effort": effort}
                fields.setdefault("reasoning", _raw(said))
            case "thinking":
                kind = "disabled" if effort == "none" else "enabled"
                fields.setdefault("thinking", _raw({"type": kind}))
                if effort != "none":
                    fields["reasoning_effort"] = _raw(DEEPSEEK_EFFORTS.get(str(effort), effort))
            case "chat_template_kwargs":
                given = _value(fields.get("chat_template_kwargs"))
                given = given if isinstance(given, dict) else {}
                fields["chat_template_kwargs"] = _raw({"enable_thinking": effort != "none", **given})

    def _known_fields(self) -> frozenset[str]:
        """A closed schema's fields, and those that the operator has chosen for this upstream beside them."""
        chosen = set()
        if self.stream_usage == "on":
            chosen.add("stream_options")
        if self.reasoning_request not in {"auto", "none"}:
            chosen.add(self.reasoning_request)
        if self.reasoning_request == "thinking":
            chosen.add("reasoning_effort")
        return CLOSED_FIELDS | chosen


def _rename_limit(fields: Fields, name: str) -> None:
    """Never both: the limit that is not null, under one name."""
    values = [raw for other in (name, *_LIMITS) if (raw := fields.get(other, _NULL)) != _NULL]
    for other in _LIMITS:
        fields.pop(other, None)
    if values:
        fields[name] = values[0]


def _value(raw: msgspec.Raw | None) -> Any:
    return None if raw is None else msgspec.json.decode(raw)


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))

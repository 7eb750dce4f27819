"""The canonical request: a conversation, with the tools and settings the client asked for. Sans-IO, frozen.

Every dialect's codec parses its requests into a :class:`Conversation` and renders one back. What a dialect has no place
for is named by the codec, see :mod:`switchgear.dialects.codec`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from switchgear.events import Reasoning, Text, ToolCall

NOTHING: Mapping[str, Any] = MappingProxyType({})

CacheTtl = Literal["5m", "1h"]


@dataclass(frozen=True, slots=True)
class Image:
    """An image: its ``url``, or its ``data`` (base64, with its ``media_type``); the other is empty.

    ``detail`` is how closely to look (``low``, ``high``, ``auto``, ``original``); ``None`` leaves it to the upstream.
    """

    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A document. Exactly one of ``data`` (base64), ``url`` and ``text`` is not empty.

    ``media_type`` is empty for a URL whose type is not known; ``name`` is empty when it has none.
    """

    name: str = ""
    media_type: str = ""
    data: str = ""
    url: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class CachePoint:
    """A hint: the prompt up to here is worth caching. It stands behind the part it was written on."""

    ttl: CacheTtl = "5m"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back for the call ``call_id``.

    ``parts`` holds :class:`Text`, :class:`Image`, :class:`File` and :class:`CachePoint`; it is empty for a tool that
    gave nothing. ``is_error`` marks a tool that failed.
    """

    call_id: str
    parts: tuple[Text | Image | File | CachePoint, ...] = ()
    is_error: bool = False


Part = Text | Image | File | Reasoning | ToolCall | ToolResult | CachePoint
Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn.

    ========== =========================================================================
    role       parts
    ========== =========================================================================
    system     ``Text``, ``CachePoint``; may stand anywhere in the conversation
    developer  the same, where the client made the difference
    user       ``Text``, ``Image``, ``File``, ``CachePoint``
    assistant  ``Reasoning``, ``Text``, ``ToolCall``, ``CachePoint``, in the order they were made
    tool       ``ToolResult``, ``CachePoint``; the results of the turn before, nothing else
    ========== =========================================================================
    """

    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call. ``parameters`` is its JSON schema; empty for a function without any.

    ``strict`` asks for arguments that match the schema exactly; ``None`` leaves it to the upstream. ``cache`` is a
    :class:`CachePoint` behind it.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    strict: bool | None = None
    cache: CacheTtl | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether a tool is called: ``auto``, ``none``, ``required`` (any one), or ``tool``: the one called ``name``."""

    mode: Literal["auto", "none", "required", "tool"] = "auto"
    name: str = ""


@dataclass(frozen=True, slots=True)
class ReasoningOptions:
    """How much the model shall think. All ``None``: the client does not say.

    Attributes:
        enabled: ``False`` switches it off; ``True`` leaves the amount to ``effort``, ``budget_tokens`` or the model.
        effort: ``none``, ``minimal``, ``low``, ``medium``, ``high``, ``xhigh`` or ``max``, as the client wrote it.
        budget_tokens: how many tokens it may take.
        summary: what to show of it (``auto``, ``concise``, ``detailed``, ``none``).
    """

    enabled: bool | None = None
    effort: str | None = None
    budget_tokens: int | None = None
    summary: str | None = None


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """The form of the answer's text: any JSON object, or one that fits ``schema`` (a JSON schema)."""

    kind: Literal["json_object", "json_schema"]
    schema: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    name: str = ""
    description: str = ""
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn. ``None`` leaves it to the upstream."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a client asks for, whatever it speaks.

    Attributes:
        messages: oldest first, system messages among them.
        tools: in the client's order.
        tool_choice: ``None`` when the client does not say.
        parallel_tool_calls: ``False`` allows one call a turn; ``None`` when the client does not say.
        max_output_tokens: of the answer, reasoning included; ``None`` for the upstream's own limit.
        stop: texts that end the answer; they are not part of it.
        sampling: see there.
        reasoning: see there.
        response_format: ``None`` for plain text.
        verbosity: ``low``, ``medium`` or ``high``; ``None`` when the client does not say.
        user: the client's name for the person it acts for; ``None`` for none.
        metadata: the client's own labels for the request.
        cache_key: requests with the same key share their prompt's beginning; ``None`` for none.
        service_tier: as the client wrote it; ``None`` when it did not.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Sampling = Sampling()
    reasoning: ReasoningOptions = ReasoningOptions()
    response_format: ResponseFormat | None = None
    verbosity: str | None = None
    user: str | None = None
    metadata: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    cache_key: str | None = None
    service_tier: str | None = None

    @property
    def last_text(self) -> str:
        """The text of the last message, a tool result's included; empty when it holds none."""
        parts = self.messages[-1].parts if self.messages else ()
        texts = [inner for part in parts for inner in (part.parts if isinstance(part, ToolResult) else (part,))]
        return "".join(part.text for part in texts if isinstance(part, Text))

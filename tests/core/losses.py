"""For each canonical name in ``Rendered.dropped``: the conversation after that loss."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from switchgear.conversation import (
    NOTHING,
    CachePoint,
    Conversation,
    File,
    Image,
    Message,
    Part,
    ToolResult,
)
from switchgear.events import Reasoning, Text
from switchgear.types import Dialect
from tests.core.meaning import MARK, each_part, turns

Loss = Callable[[Conversation], Conversation]


def stripped(conversation: Conversation, dropped: Collection[str], dialect: Dialect | None = None) -> Conversation:
    """The conversation without what the names say was left out, in the order of :data:`LOSSES`."""
    forced = conversation.tools and conversation.tool_choice and conversation.tool_choice.mode in {"required", "tool"}
    losses = dict(LOSSES)
    if dialect == "anthropic-messages":
        losses |= IN_MESSAGES_FORCED if forced else IN_MESSAGES
    for name, loss in losses.items():
        if name in dropped:
            conversation = loss(conversation)
    return _moved(conversation, tuple(kind for name, kind in _MOVED.items() if name in dropped))


def _setting(**values: Any) -> Loss:
    return lambda conversation: replace(conversation, **values)


def _sampling(**values: Any) -> Loss:
    return lambda conversation: replace(conversation, sampling=replace(conversation.sampling, **values))


def _options(**values: Any) -> Loss:
    return lambda conversation: replace(conversation, reasoning=replace(conversation.reasoning, **values))


def _parts(kind: type[Part], change: Callable[[Any], Part | None]) -> Loss:
    """Each part of the kind changed; ``None`` takes it out."""

    def changed(part: Part) -> list[Part]:
        new = change(part) if isinstance(part, kind) else part
        return [] if new is None else [new]

    return lambda conversation: each_part(conversation, changed)


def _cache_hints(conversation: Conversation) -> Conversation:
    tools = tuple(replace(tool, cache=None) for tool in conversation.tools)
    return replace(_parts(CachePoint, lambda _: None)(conversation), tools=tools)


def _temperature(conversation: Conversation) -> Conversation:
    given = conversation.sampling.temperature
    assert given is not None
    return _sampling(temperature=min(given, 1.0))(conversation)


def _one(conversation: Conversation) -> Conversation:
    return _sampling(temperature=1.0)(conversation)


def _budget_within(conversation: Conversation) -> Conversation:
    """At least 1024, and below the limit; where that cannot be, there is none."""
    limit = conversation.max_output_tokens or 8192
    budget = min(max(conversation.reasoning.budget_tokens or 0, 1024), limit - 1)
    if budget < 1024:
        return _options(enabled=None, budget_tokens=None)(conversation)
    return _options(budget_tokens=budget)(conversation)


def _visible_stops(conversation: Conversation) -> Conversation:
    return replace(conversation, stop=tuple(text for text in conversation.stop if text.strip()))


def _effort(conversation: Conversation) -> Conversation:
    return _options(effort="low")(conversation) if conversation.reasoning.effort == "minimal" else conversation


def _budget(conversation: Conversation) -> Conversation:
    options = conversation.reasoning
    budget = options.budget_tokens
    assert budget is not None
    by_size = "low" if budget < 4096 else "medium" if budget < 16384 else "high"
    return _options(effort=options.effort or by_size, budget_tokens=None)(conversation)


def _format_name(conversation: Conversation) -> Conversation:
    shape = conversation.response_format
    assert shape is not None
    return replace(conversation, response_format=replace(shape, name="", description="", strict=None))


def _developer(conversation: Conversation) -> Conversation:
    return replace(
        conversation,
        messages=tuple(
            Message("system", message.parts) if message.role == "developer" else message
            for message in conversation.messages
        ),
    )


def _file_text(file: File) -> Part:
    if file.text:
        return Text(f"{file.name}\n{file.text}" if file.name else file.text)
    return file


def _moved(conversation: Conversation, kinds: tuple[type[Part], ...]) -> Conversation:
    """What is of the kinds, out of the tool results into a user message behind them."""
    if not kinds:
        return conversation
    messages: list[Message] = []
    for turn in turns(conversation.messages):
        if turn.role != "tool":
            messages.append(turn)
            continue
        kept: list[Part] = []
        moved: list[Part] = []
        for result in turn.parts:
            if isinstance(result, ToolResult) and any(isinstance(part, kinds) for part in result.parts):
                moved += [Text(MARK), *(part for part in result.parts if isinstance(part, kinds))]
                result = replace(result, parts=tuple(part for part in result.parts if not isinstance(part, kinds)))
            kept.append(result)
        messages += [Message("tool", tuple(kept)), Message("user", tuple(moved))]
    return replace(conversation, messages=tuple(messages))


_MOVED: dict[str, type[Part]] = {"tool_result.images": Image, "tool_result.files": File}

LOSSES: dict[str, Loss] = {
    "developer_role": _developer,
    "cache_hints": _cache_hints,
    "sampling.temperature": _temperature,
    "sampling.top_k": _sampling(top_k=None),
    "sampling.seed": _sampling(seed=None),
    "sampling.presence_penalty": _sampling(presence_penalty=None),
    "sampling.frequency_penalty": _sampling(frequency_penalty=None),
    "stop": _setting(stop=()),
    "user": _setting(user=None),
    "metadata": _setting(metadata=NOTHING),
    "cache_key": _setting(cache_key=None),
    "service_tier": _setting(service_tier=None),
    "verbosity": _setting(verbosity=None),
    "reasoning.effort": _effort,
    "reasoning.budget_tokens": _budget,
    "reasoning.summary": _options(summary=None),
    "reasoning.enabled": _options(enabled=None),
    "reasoning_history": _parts(Reasoning, lambda part: part if part.signature else None),
    "response_format": _setting(response_format=None),
    "response_format.name": _format_name,
    "image.detail": _parts(Image, lambda image: replace(image, detail=None)),
    "file.text": _parts(File, _file_text),
    "refusal": _parts(Text, lambda text: Text(text.text)),
    "tool_result.is_error": _parts(ToolResult, lambda result: replace(result, is_error=False)),
    "tool_result.images": lambda conversation: conversation,  # both by _moved, together
    "tool_result.files": lambda conversation: conversation,
}

IN_MESSAGES: dict[str, Loss] = {
    "sampling.temperature": _one,
    "reasoning.budget_tokens": _budget_within,
    "stop": _visible_stops,
}
IN_MESSAGES_FORCED: dict[str, Loss] = {
    **IN_MESSAGES,
    "reasoning.enabled": _options(enabled=None, effort=None, budget_tokens=None),
    "reasoning.effort": _options(enabled=None, effort=None, budget_tokens=None),
    "reasoning.budget_tokens": _options(enabled=None, effort=None, budget_tokens=None),
}
"""A forced tool call and thinking exclude each other there."""

"""Reasoning and the answer's length, in the members a model takes (``additionalModelRequestFields``). Pure.

The list of models has a JSON schema of them for each; another member, or a value that is not in an enum, is refused.
Source: captures and service models, read 2026-11; the words of an effort are the dialects'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from switchgear import Conversation, ReasoningOptions
from switchgear_kiro import prompts

Json = dict[str, Any]
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
LOW_BELOW_TOKENS = 4096
MEDIUM_BELOW_TOKENS = 16_384


def _adaptive(types: tuple[str, ...], efforts: tuple[str, ...]) -> Json:
    thinking = {"type": {"enum": list(types)}, "display": {"enum": ["summarized", "omitted"]}}
    effort = {"effort": {"enum": list(efforts)}}
    return {"properties": {"thinking": {"properties": thinking}, "output_config": {"properties": effort}}}


_FROM_LOW = ("low", "medium", "high", "xhigh", "max")
_WITHOUT_XHIGH = ("low", "medium", "high", "max")
FALLBACK: tuple[tuple[str, Json], ...] = (
    (r"claude-(opus|sonnet)-4\.6", _adaptive(("adaptive", "disabled"), _WITHOUT_XHIGH)),
    (r"claude-(opus-4\.[78]|(opus|sonnet)-5)", _adaptive(("adaptive", "disabled"), _FROM_LOW)),
    (r"claude-((opus|sonnet)-5\.5|fable-5)", _adaptive(("adaptive",), _FROM_LOW)),
    (r"gpt-5\.6-.+", {"properties": {"reasoning": {"properties": {"effort": {"enum": ["low", "medium", "high"]}}}}}),
)
"""What models are known to take, while no list tells; any other takes nothing. Only values nobody saw refused."""


@dataclass(slots=True)
class ModelFields:
    """What is said to the model.

    Attributes:
        fields: ``additionalModelRequestFields``.
        tags: for the system prompt; not empty when the model thinks between tags in its text.
        notes: canonical names of wishes that are not, or not exactly, said.
    """

    fields: Json = field(default_factory=dict)
    tags: str = ""
    notes: set[str] = field(default_factory=set)


def model_fields(
    conversation: Conversation, model: str, schema: Mapping[str, Any] | None, *, tags: bool
) -> ModelFields:
    """The client's wishes in the model's own members.

    Args:
        schema: what the list says of the model; empty for one that takes nothing, ``None`` when it is not known.
        tags: whether a model without a member for it shall be asked to think by tags in the prompt.
    """
    taken = _Node([schema if schema is not None else _known(model)])
    said = ModelFields()
    options = conversation.reasoning
    limit = taken.at("max_tokens")
    if conversation.max_output_tokens is not None:
        sent = limit.within(conversation.max_output_tokens) if limit else None
        if sent is not None:
            said.fields["max_tokens"] = sent
        if sent != conversation.max_output_tokens:
            said.notes.add("max_output_tokens")
    if options.enabled is False or options.effort == "none":
        _switch_off(said, taken)
    elif options.enabled or options.effort is not None or options.budget_tokens is not None:
        _switch_on(said, taken, options, tags=tags)
    elif options.summary is not None:
        said.notes.add("reasoning.summary")
    return said


def _known(model: str) -> Json:
    return next((schema for pattern, schema in FALLBACK if re.fullmatch(pattern, model)), {})


def _switch_off(said: ModelFields, taken: _Node) -> None:
    """Without reasoning; with as little as can be where the model cannot do without."""
    effort, own = taken.at("output_config", "effort"), taken.at("reasoning", "effort")
    if "disabled" in taken.at("thinking", "type").values():
        said.fields["thinking"] = {"type": "disabled"}
        return
    known = [value for value in EFFORTS if value in (own or effort).values()]
    if known:
        said.fields["reasoning" if own else "output_config"] = {"effort": known[0]}
    if (own or effort or taken.at("thinking")) and known[:1] != ["none"]:
        said.notes.add("reasoning.enabled")


def _switch_on(said: ModelFields, taken: _Node, options: ReasoningOptions, *, tags: bool) -> None:
    thinking, effort, own = taken.at("thinking"), taken.at("output_config", "effort"), taken.at("reasoning", "effort")
    adapts = bool(thinking) and thinking.at("type").takes("adaptive")
    if adapts:
        said.fields["thinking"] = {"type": "adaptive", **_display(thinking.at("display"), options)}
    if options.summary is not None and "display" not in said.fields.get("thinking", {}):
        said.notes.add("reasoning.summary")
    amount = own or effort
    wished = options.effort or _effort_of(options.budget_tokens)
    sent = amount.default() if wished is None else _nearest(wished, amount)
    if sent is not None:
        said.fields["reasoning" if own else "output_config"] = {"effort": sent}
    if adapts or own or effort or not tags:
        if options.enabled and not (adapts or own):
            said.notes.add("reasoning.enabled")
        if options.effort is not None and sent != options.effort:
            said.notes.add("reasoning.effort")
        if options.budget_tokens is not None:
            said.notes.add("reasoning.budget_tokens")
    else:
        tokens = options.budget_tokens or prompts.THINKING_TOKENS.get(wished or "", prompts.DEFAULT_THINKING_TOKENS)
        said.tags = prompts.thinking_tags(tokens)


def _display(display: _Node, options: ReasoningOptions) -> Json:
    wished = "omitted" if options.summary == "none" else "summarized"
    return {"display": wished} if display and display.takes(wished) else {}


def _effort_of(budget_tokens: int | None) -> str | None:
    if budget_tokens is None:
        return None
    if budget_tokens < LOW_BELOW_TOKENS:
        return "low"
    return "medium" if budget_tokens < MEDIUM_BELOW_TOKENS else "high"


def _nearest(wished: str, effort: _Node) -> str | None:
    """The most that is taken and not more than the wish, else the least; ``None`` where the wish is no known word."""
    if not effort:
        return None
    if effort.takes(wished):
        return wished
    if wished not in EFFORTS:
        return effort.default()
    taken = sorted(EFFORTS.index(value) for value in effort.values() if value in EFFORTS and value != "none")
    below = [at for at in taken if at <= EFFORTS.index(wished)]
    return EFFORTS[below[-1] if below else taken[0]] if taken else None


class _Node:
    """One place of a JSON schema: all the alternatives for it. False where there are none."""

    def __init__(self, alternatives: list[Mapping[str, Any]]) -> None:
        self._alternatives = alternatives

    def __bool__(self) -> bool:
        return bool(self._alternatives)

    def at(self, *path: str) -> _Node:
        """The place of a member."""
        found = self._alternatives
        for name in path:
            found = [inner for one in found for inner in _member(one, name)]
        return _Node(found)

    def values(self) -> list[Any]:
        """All that enums and constants allow; empty where nothing is listed."""
        return [
            value
            for one in self._alternatives
            for value in [*_list(one.get("enum")), *([one["const"]] if "const" in one else [])]
        ]

    def takes(self, value: str) -> bool:
        """Whether a value is allowed, as far as the schema tells."""
        values = self.values()
        return value in values if values else True

    def default(self) -> str | None:
        """The default, if it is a text."""
        return next((found for one in self._alternatives if isinstance(found := one.get("default"), str)), None)

    def within(self, number: int) -> int:
        """The number, moved into the limits."""
        for one in self._alternatives:
            least, most = one.get("minimum"), one.get("maximum")
            number = max(number, least) if isinstance(least, int) else number
            number = min(number, most) if isinstance(most, int) else number
        return number


def _member(schema: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    for one in _alternatives(schema):
        properties = one.get("properties")
        member = properties.get(name) if isinstance(properties, dict) else None
        if isinstance(member, dict):
            yield from _alternatives(member)


def _alternatives(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for keyword in ("anyOf", "oneOf", "allOf"):
        for inner in _list(schema.get(keyword)):
            if isinstance(inner, dict):
                yield from _alternatives(inner)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []

"""The tools of a Responses request as functions, and the way back from a function's name to the client's own tool.

Two kinds are no plain functions: ``custom`` tools take free text (here: a function with one string), and a
``namespace`` holds functions whose names are its own (here: one flat name). Source: OpenAI's API reference, the types
of its Python SDK 3.54 and what Codex 0.169 sends, read 2026-11.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from switchgear.conversation import Tool, ToolChoice
from switchgear.dialects.fields import Dropped, Fields, refuse
from switchgear.errors import Refusal

LONGEST_NAME_CHARS = 64
INPUT = "input"
"""The one parameter of a function that stands for a custom tool."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Own:
    """The client's own tool behind a function."""

    name: str
    namespace: str = ""
    kind: Literal["function", "custom"] = "function"


@dataclass(slots=True)
class ToolNames:
    """Which of the client's tools a function's name stands for."""

    by_flat: dict[str, Own] = field(default_factory=dict)

    def own(self, flat: str) -> Own:
        """The client's tool; a name nobody declared is its own."""
        return self.by_flat.get(flat) or Own(flat)

    def add(self, own: Own) -> str:
        """The flat name of a tool, unique among these."""
        flat = flat_name(own.namespace, own.name)
        if self.by_flat.get(flat, own) != own:
            flat = _shortened(flat, own)
        self.by_flat[flat] = own
        return flat

    def flat(self, own: Own) -> str:
        """The flat name of a tool that a history calls; it may not be declared any more."""
        for name, known in self.by_flat.items():
            if (known.namespace, known.name) == (own.namespace, own.name):
                return name
        return flat_name(own.namespace, own.name)


def flat_name(namespace: str, name: str) -> str:
    """One name for a tool of a namespace, of at most 64 characters.

    >>> flat_name("files", "read")
    'files__read'
    """
    flat = f"{namespace}__{name}" if namespace else name
    return flat if len(flat) <= LONGEST_NAME_CHARS or not namespace else _shortened(flat, Own(name, namespace))


def _shortened(flat: str, own: Own) -> str:
    digest = hashlib.sha256(f"{own.namespace}\n{own.name}\n{own.kind}".encode()).hexdigest()[:8]
    return f"{flat[: LONGEST_NAME_CHARS - 9]}_{digest}"


def parse_tools(request: Fields) -> tuple[tuple[Tool, ...], ToolNames]:
    """The ``tools`` of a request; those that run at OpenAI's servers are named as dropped."""
    names = ToolNames()
    tools: list[Tool] = []
    for position, raw in enumerate(request.listing("tools") or ()):
        tools += _tools(Fields(raw, f"tools.{position}", request.dropped), "", names)
    return tuple(tools), names


def _tools(tool: Fields, namespace: str, names: ToolNames) -> Iterator[Tool]:
    match tool.text("type") or "function":
        case "function":
            function = tool.inner("function") or tool  # some clients nest it as Chat does
            name = names.add(Own(function.needed("name"), namespace))
            description, schema = function.text("description") or "", function.mapping("parameters") or {}
            yield Tool(name, description, schema, function.flag("strict"))
            function.close()
        case "custom":
            name = names.add(Own(tool.needed("name"), namespace, "custom"))
            yield Tool(name, _custom_description(tool), _CUSTOM_SCHEMA)
            tool.close()
        case "namespace":
            inner, name = tool.listing("tools") or [], tool.needed("name")
            tool.take("description")
            for position, raw in enumerate(inner):
                yield from _tools(Fields(raw, f"{tool.at('tools')}.{position}", tool.dropped), name, names)
            tool.close()
        case kind:
            tool.dropped.add(f"tools.{kind}")


_CUSTOM_SCHEMA: Json = {
    "type": "object",
    "properties": {INPUT: {"type": "string"}},
    "required": [INPUT],
    "additionalProperties": False,
}


def _custom_description(tool: Fields) -> str:
    """What the tool is for, and the form its free text has to have."""
    description = tool.text("description") or ""
    form = tool.inner("format")
    if form is None or form.text("type") != "grammar":
        return description
    syntax, definition = form.text("syntax") or "", form.text("definition") or ""
    return f"{description}\n\nThe input is text that follows this {syntax} grammar:\n{definition}".strip()


def custom_arguments(text: str) -> str:
    """A custom tool's free text as a function's arguments."""
    return msgspec.json.encode({INPUT: text}).decode()


def custom_input(arguments: str) -> str:
    """The way back; arguments that are no such object are taken as the text itself."""
    try:
        given = msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return arguments
    text = given.get(INPUT) if isinstance(given, dict) else None
    return text if isinstance(text, str) else arguments


def parse_tool_choice(
    request: Fields, tools: tuple[Tool, ...], names: ToolNames
) -> tuple[ToolChoice | None, tuple[Tool, ...]]:
    """The ``tool_choice``, and the tools it leaves."""
    given = request.take("tool_choice")
    match given:
        case None:
            return None, tools
        case "auto" | "none":
            return ToolChoice(given), tools
        case "required":
            choice = ToolChoice("required")
        case {"type": "function" | "custom", "name": str(name)}:
            choice = ToolChoice("tool", names.flat(Own(name, str(given.get("namespace") or ""))))
        case {"type": "allowed_tools", "tools": list(allowed)}:
            tools = _allowed(allowed, tools, names, request.dropped)
            choice = ToolChoice("required" if given.get("mode") == "required" else "auto")
        case {"type": str(kind)}:
            request.dropped.add(f"tool_choice.{kind}")
            return None, tools
        case _:
            raise refuse("tool_choice", "must be auto, none, required, or an object that names a tool")
    if (choice.mode == "tool" and choice.name not in {tool.name for tool in tools}) or not tools:
        request.dropped.add("tool_choice")
        return None, tools
    return choice, tools


def _allowed(allowed: list[Any], tools: tuple[Tool, ...], names: ToolNames, dropped: Dropped) -> tuple[Tool, ...]:
    named = [tool for tool in allowed if isinstance(tool, dict) and "name" in tool]
    wanted = {names.flat(Own(str(tool["name"]), str(tool.get("namespace") or ""))) for tool in named}
    if len(named) < len(allowed):
        dropped.add("tool_choice.allowed_tools")
    return tuple(tool for tool in tools if tool.name in wanted)


def tool_names(tools: Any) -> ToolNames:
    """The names in the ``tools`` of a request that was parsed before."""
    try:
        return parse_tools(Fields({"tools": tools}, "", Dropped()))[1]
    except Refusal:  # a plugin answered without reading it
        return ToolNames()

"""The client's tools as the service takes them, and the names of the calls that come back. Pure.

Sources: published measurements of the wire (opencodex, senpi, jc01rho, magpie), read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from switchgear import Tool
from switchgear_cursor.proto.agent_pb2 import McpArgs, McpToolDefinition
from switchgear_cursor.values import to_value

PROVIDER = "switchgear"
"""What the service is told to be the server of the tools."""
LONGEST_NAME = 64
DESCRIPTION_LENGTHS = (4000, 1000, 250)
"""The longest description of a tool, in letters; shorter where all tools together are too large."""
MOST_BYTES = 120_000
"""Of all tools together."""
BUILT_IN = frozenset({"read", "write", "ls", "delete", "grep", "glob", "shell", "websearch", "webfetch"})
"""Names of the service's own tools, in small letters, without underscores: one of them fails the whole request."""
UNIONS = ("oneOf", "anyOf", "allOf")
"""Schema keywords of which a single one fails the whole request."""
NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose members are schemas by name."""
DATA = frozenset({"const", "default", "enum", "example", "examples"})
"""Keywords that hold data, which may look like a schema."""


class ToolBox:
    """The tools of one request, under names that the service takes.

    ``left_out`` has the canonical names of what the service is not told of them.
    """

    def __init__(self, tools: Sequence[Tool]) -> None:
        self.left_out: set[str] = set()
        self._client_names: dict[str, str] = {}
        self._wire_names: dict[str, str] = {}
        self.definitions: list[McpToolDefinition] = [self._defined(tool) for tool in tools]
        for longest in DESCRIPTION_LENGTHS:
            if any(len(tool.description) > longest for tool in tools):
                self.left_out.add("tools.description")
            for tool, definition in zip(tools, self.definitions, strict=True):
                definition.description = tool.description[:longest]
            if sum(definition.ByteSize() for definition in self.definitions) <= MOST_BYTES:
                break

    def __bool__(self) -> bool:
        return bool(self.definitions)

    @property
    def names(self) -> list[str]:
        """The names the service knows, in the client's order."""
        return list(self._client_names)

    def wire_name(self, client_name: str) -> str:
        """The service's name of a tool, also of one that the client no longer offers."""
        return self._wire_names.get(client_name) or _fitting(client_name)

    def client_name(self, call: McpArgs) -> str | None:
        """The client's name of the tool that is called; ``None`` when it has none of this name."""
        provider = call.provider_identifier or PROVIDER
        for name in (call.tool_name, call.name):
            for prefix in ("", f"{provider}-", f"mcp_{provider}_", f"mcp__{provider}__"):
                if name.startswith(prefix) and name.removeprefix(prefix) in self._client_names:
                    return self._client_names[name.removeprefix(prefix)]
        return None

    def _defined(self, tool: Tool) -> McpToolDefinition:
        name = _fitting(tool.name)
        for number in range(2, len(self._client_names) + 3):
            if name not in self._client_names:
                break
            name = f"{_fitting(tool.name)[: LONGEST_NAME - 4]}_{number}"
        self._client_names[name] = tool.name
        self._wire_names.setdefault(tool.name, name)
        schema = without_unions(tool.parameters)
        if schema != tool.parameters:
            self.left_out.add("tools.unions")
        return McpToolDefinition(
            name=name,
            input_schema=to_value(schema or {"type": "object", "properties": {}}),
            provider_identifier=PROVIDER,
            tool_name=name,
        )


def _fitting(name: str) -> str:
    """``name`` in the letters the service takes, and none of its own names.

    >>> _fitting("Read"), _fitting("files.read"), _fitting("web_search")
    ('Read_tool', 'files_read', 'web_search_tool')
    """
    fitting = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:LONGEST_NAME] or "tool"
    return f"{fitting}_tool" if fitting.lower().replace("_", "") in BUILT_IN else fitting


def without_unions(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without unions at any depth; the client's own is left as it is.

    What a union allows is no longer said. Where it has one member but for ``null``, that takes its place.

    >>> without_unions({"anyOf": [{"type": "string"}, {"type": "null"}], "title": "T"})
    {'title': 'T', 'type': 'string'}
    >>> without_unions({"properties": {"anyOf": {"oneOf": [{"type": "string"}, {"type": "integer"}]}}})
    {'properties': {'anyOf': {}}}
    """
    rest = {name: _cleaned(name, value) for name, value in schema.items() if name not in UNIONS}
    for name in UNIONS:
        only = _only_member(schema.get(name))
        if only is not None:
            rest = {**without_unions(only), **rest}
    return {name: rest[name] for name in (*(n for n in schema if n in rest), *(n for n in rest if n not in schema))}


def _cleaned(name: str, value: Any) -> Any:
    if name in DATA:
        return value
    if isinstance(value, Mapping):
        if name in NAMED_SCHEMAS:
            return {key: without_unions(v) if isinstance(v, Mapping) else v for key, v in value.items()}
        return without_unions(value)
    if isinstance(value, list):
        return [without_unions(item) if isinstance(item, Mapping) else item for item in value]
    return value


def _only_member(union: object) -> Mapping[str, Any] | None:
    members: Iterable[object] = union if isinstance(union, list) else ()
    some = [member for member in members if isinstance(member, Mapping) and member.get("type") != "null"]
    return some[0] if len(some) == 1 else None

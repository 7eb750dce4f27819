"""Which tools, calls and results the service refuses, and which members beside the conversation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from switchgear_kiro.fake.checking import as_object, need
from switchgear_kiro.fake.refusals import BAD_SCHEMA, BAD_TOOL_USE, BODY_INVALID, TOOL_TWICE, TOOLS_MISSING

Json = dict[str, Any]

TOOL_NAME = TOOL_USE_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
LONGEST_DESCRIPTION = 10_240


def check_pairs(users: list[Json], assistants: list[Json]) -> None:
    """Each call has its result in the very next turn, and each result has its call there."""
    need(not _result_ids(users[0]), BAD_TOOL_USE)
    for place, message in enumerate(assistants):
        called = [use["toolUseId"] for use in message.get("toolUses", ())]
        need(len(set(called)) == len(called), BAD_TOOL_USE)
        need(sorted(called) == sorted(_result_ids(users[place + 1])), BAD_TOOL_USE)


def _result_ids(message: Json) -> list[str]:
    return [result["toolUseId"] for result in message.get("userInputMessageContext", {}).get("toolResults", ())]


def check_tools(tools: list[Any], users: list[Json], assistants: list[Json]) -> None:
    """Tools are in order, and those that were called or gave results are among them."""
    names = [_tool(tool) for tool in tools]
    need(len(set(names)) == len(names), TOOL_TWICE)
    used = {use["name"] for message in assistants for use in message.get("toolUses", ())}
    need(used <= set(names), TOOLS_MISSING)
    need(names or not any(map(_result_ids, users)), TOOLS_MISSING)


def _tool(tool: Any) -> str:
    specification = as_object(as_object(tool, {"toolSpecification"}).get("toolSpecification"), _SPECIFICATION)
    name, description = specification.get("name"), specification.get("description", "x")
    need(isinstance(name, str) and TOOL_NAME.fullmatch(name))
    need(isinstance(description, str) and 1 <= len(description) <= LONGEST_DESCRIPTION)
    schema = as_object(specification.get("inputSchema"), {"json"}, BAD_SCHEMA).get("json")
    need(isinstance(schema, dict) and schema.get("type") == "object", BAD_SCHEMA)
    need(isinstance(schema, dict) and isinstance(schema.get("properties"), dict), BAD_SCHEMA)
    need(not any(_bad_schemas(schema)), BAD_SCHEMA)
    return str(name)


_SPECIFICATION = frozenset({"name", "description", "inputSchema"})


def _bad_schemas(schema: Any) -> Iterator[bool]:
    """Whether each schema in this one is bad. What stands under names, or is data, may be called anything."""
    if isinstance(schema, list):
        for inner in schema:
            yield from _bad_schemas(inner)
    if not isinstance(schema, dict):
        return
    yield "$schema" in schema or schema.get("required", "absent") == [] or None in schema.values()
    for name, inner in schema.items():
        if name in _SCHEMAS_BY_NAME and isinstance(inner, dict):
            yield None in inner.values()
            yield from _bad_schemas(list(inner.values()))
        elif name not in _DATA:
            yield from _bad_schemas(inner)


_SCHEMAS_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_DATA = frozenset({"enum", "const", "default", "examples"})


# -- what a model takes beside the conversation -------------------------------------------------------------------


def check_fields(body: Json, model: Json) -> None:
    """What a body asks for beside the conversation has to fit the model's schema of it."""
    if "additionalModelRequestFields" in body:
        schema = model.get("additionalModelRequestFieldsSchema")
        need(isinstance(schema, dict), BODY_INVALID)
        _fits(body["additionalModelRequestFields"], schema or {})


def _fits(value: Any, schema: Json) -> None:
    if "enum" in schema:
        need(value in schema["enum"], BODY_INVALID)
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            value = as_object(value, properties, BODY_INVALID)
            need(set(schema.get("required", ())) <= set(value), BODY_INVALID)
            for name, inner in value.items():
                _fits(inner, properties[name])
        case "integer":
            need(isinstance(value, int) and not isinstance(value, bool), BODY_INVALID)
            need(schema.get("minimum", value) <= value <= schema.get("maximum", value), BODY_INVALID)
        case "string":
            need(isinstance(value, str), BODY_INVALID)

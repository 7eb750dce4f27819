"""Tools' JSON schemas without what the service refuses. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords that hold schemas by names; a name may be spelled like a keyword."""
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
_SCHEMAS = frozenset(
    {
        "items",
        "additionalItems",
        "additionalProperties",
        "contains",
        "else",
        "if",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)


def tool_schema(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The schema to send: an object's, with ``properties``, at its top.

    Left out at every level are ``$schema``, an empty ``required`` or ``title``, and keywords whose value is null
    (``const`` is said by ``enum``).
    ``additionalProperties`` stays: newer gateways send it, older ones did not (read 2026-11).
    """
    cleaned = _cleaned(parameters)
    properties = cleaned.get("properties")
    return {**cleaned, "type": "object", "properties": properties if isinstance(properties, dict) else {}}


def _cleaned(schema: Mapping[str, Any]) -> dict[str, Any]:
    kept = {keyword: _value(keyword, value) for keyword, value in schema.items() if not _is_refused(keyword, value)}
    return {**kept, "enum": [None]} if "const" in schema and schema["const"] is None else kept


def _is_refused(keyword: str, value: Any) -> bool:
    return value is None or keyword == "$schema" or (keyword in {"required", "title"} and not value)


def _value(keyword: str, value: Any) -> Any:
    if isinstance(value, dict):
        if keyword in _MAPS:
            return {name: _any(inner) for name, inner in value.items() if inner is not None}
        return _cleaned(value) if keyword in _SCHEMAS else value
    if isinstance(value, list) and keyword in _LISTS:
        return [_any(inner) for inner in value if inner is not None]
    return value


def _any(schema: Any) -> Any:
    return _cleaned(schema) if isinstance(schema, dict) else schema

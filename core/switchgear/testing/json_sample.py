"""A value that a JSON schema accepts."""

from __future__ import annotations

from typing import Any

from switchgear.testing.answer import Json


def sample(schema: Json, root: Json) -> Any:
    """A small value that a simple JSON schema accepts: no ``not``, no patterns, no conditions."""
    if "$ref" in schema:
        target: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target[part]
        return sample(target, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return sample(schema[union][0], root)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    match kind:
        case "object":
            properties: Json = schema.get("properties") or {}
            return {name: sample(properties[name], root) for name in schema.get("required", properties)}
        case "array":
            return [sample(schema.get("items") or {}, root) for _ in range(schema.get("minItems", 1))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
    return "text".ljust(schema.get("minLength", 0), "x")

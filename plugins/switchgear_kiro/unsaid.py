"""What the service has no place for: the canonical names of it, as the documentation of the dialects has them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from switchgear import CachePoint, Conversation, File, Image, Part, Text, ToolResult

_SETTINGS = ("metadata", "response_format", "service_tier", "user", "verbosity")


def unsaid(conversation: Conversation) -> set[str]:
    """The names of what is left out; a form of the answer is among them, as it is only wished for in words.

    What depends on the tools, the model and its reasoning is noted where it is decided.
    """
    names = {name for name in _SETTINGS if getattr(conversation, name)}
    if any(tool.strict for tool in conversation.tools):
        names.add("tools.strict")
    if any(tool.cache for tool in conversation.tools):
        names.add("cache_hints")
    sampling = conversation.sampling
    names.update(f"sampling.{field.name}" for field in fields(sampling) if getattr(sampling, field.name) is not None)
    for message in conversation.messages:
        if message.role == "developer":
            names.add("developer_role")
        _add_parts(names, message.parts)
    return names


def _add_parts(names: set[str], parts: Iterable[Part]) -> None:
    for part in parts:
        match part:
            case Text(refusal=True):
                names.add("refusal")
            case CachePoint():
                names.add("cache_hints")
            case File():
                names.add("file.text")
            case Image(detail=detail) if detail not in {None, "auto"}:
                names.add("image.detail")
            case ToolResult(_, inner):
                if any(isinstance(one, Image) for one in inner):
                    names.add("tool_result.images")
                _add_parts(names, inner)

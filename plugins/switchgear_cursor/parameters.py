"""What a client may ask for and the wire has no field for. Named, so that the client can be told."""

from __future__ import annotations

from collections.abc import Iterator

from switchgear import CachePoint, Conversation, File, Image, Part, Reasoning, ToolResult


def left_out(conversation: Conversation) -> tuple[str, ...]:
    """The canonical names of what is not carried, sorted. What is done another way is not among them.

    Stop sequences and "one tool call a turn" are kept by the gateway; a JSON form is asked for in words, which binds
    nobody, so it is named.
    """
    return tuple(sorted(set(_names(conversation))))


def _names(given: Conversation) -> Iterator[str]:
    sampling = given.sampling
    for name in ("temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty"):
        if getattr(sampling, name) is not None:
            yield f"sampling.{name}"
    if given.max_output_tokens is not None:
        yield "max_output_tokens"
    if given.response_format is not None:
        yield "response_format"
    if given.tool_choice is not None and given.tool_choice.mode in {"required", "tool"}:
        yield "tool_choice"
    if any(tool.strict for tool in given.tools):
        yield "tools.strict"
    for name, value in (("budget_tokens", given.reasoning.budget_tokens), ("summary", given.reasoning.summary)):
        if value is not None:
            yield f"reasoning.{name}"
    for name in ("verbosity", "user"):
        if getattr(given, name) is not None:
            yield name
    if given.metadata:
        yield "metadata"
    if any(tool.cache for tool in given.tools):
        yield "cache_hints"
    for message in given.messages:
        if message.role == "developer":
            yield "developer_role"
        yield from _of_parts(message.parts)


def _of_parts(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        match part:
            case CachePoint():
                yield "cache_hints"
            case Reasoning():
                yield "reasoning_history"
            case Image(detail=str()):
                yield "image.detail"
            case File():
                yield "file.text"
            case ToolResult():
                if any(isinstance(inner, Image) for inner in part.parts):
                    yield "tool_result.images"
                yield from _of_parts(part.parts)
            case _:
                pass

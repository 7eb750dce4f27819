"""What a conversation means, whatever it is written in: two that mean the same have equal forms.

:func:`meaning` is the form. :func:`settled` takes away what a dialect settles in silence, as ``docs/dialects.md`` says it does; it may be done twice.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from typing import Any, TypeGuard

from switchgear.conversation import (
    Conversation,
    File,
    Image,
    Message,
    Part,
    ReasoningOptions,
    ResponseFormat,
    ToolChoice,
    ToolResult,
)
from switchgear.events import Reasoning, Text, ToolCall, Usage
from switchgear.types import Dialect

Form = Any
"""Nested dicts, lists and plain values, so that a difference reads well."""

UNNAMED_FORMAT = "response"
UNNAMED_FILE = "document"
MOVED = re.compile(r"Content of the tool result .*:", re.DOTALL)
"""What stands before content that was moved out of a tool result; :data:`MARK` in a form."""
MARK = "(moved out of a tool result)"

_NO_PARAMETERS: tuple[dict[str, Any], ...] = ({}, {"type": "object"}, {"type": "object", "properties": {}})


def meaning(conversation: Conversation) -> Form:
    """Everything the conversation says, in one spelling."""
    ids: dict[str, str] = {}
    offered = [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": {} if tool.parameters in _NO_PARAMETERS else dict(tool.parameters),
            "strict": bool(tool.strict),
            "cache": tool.cache,
        }
        for tool in conversation.tools
    ]
    choice = conversation.tool_choice if offered else None
    shape = conversation.response_format
    return {
        "messages": [
            {"role": message.role, "parts": [_part(part, ids) for part in _said(message)]}
            for message in turns(conversation.messages)
        ],
        "tools": offered,
        "tool_choice": None if choice is None or choice.mode == "auto" else [choice.mode, choice.name],
        "one call a turn": bool(offered) and conversation.parallel_tool_calls is False and not _no_call(choice),
        "max_output_tokens": conversation.max_output_tokens,
        "stop": list(conversation.stop),
        "sampling": _fields(conversation.sampling),
        "reasoning": _reasoning(conversation.reasoning),
        "response_format": None if shape is None else {**_fields(shape), "schema": dict(shape.schema), **_name(shape)},
        "verbosity": conversation.verbosity,
        "user": conversation.user,
        "metadata": dict(conversation.metadata),
        "cache_key": conversation.cache_key,
        "service_tier": conversation.service_tier,
    }


def _no_call(choice: ToolChoice | None) -> bool:
    return choice is not None and choice.mode == "none"


def _name(shape: ResponseFormat) -> dict[str, str]:
    return {"name": "" if shape.name == UNNAMED_FORMAT else shape.name}


def turns(messages: Iterable[Message]) -> list[Message]:
    """Neighbours of one role merged; what is empty left out."""
    merged: list[Message] = []
    for message in messages:
        parts = tuple(part for part in message.parts if not _empty(part))
        if not parts:
            continue
        if merged and merged[-1].role == message.role:
            merged[-1] = Message(message.role, merged[-1].parts + parts)
        else:
            merged.append(Message(message.role, parts))
    return merged


def counted(usage: Usage) -> dict[str, int]:
    """The usage; what was not said counts as none."""
    return {name: value or 0 for name, value in _fields(usage).items()}


def _empty(part: Part) -> bool:
    return (isinstance(part, Text) and not part.text) or part == Reasoning("")


def _joined(parts: Iterable[Part], between: str | None) -> list[Part]:
    """Neighbouring texts, and neighbouring pieces of unsigned reasoning, as one."""
    out: list[Part] = []
    for part in parts:
        last = out[-1] if out else None
        if isinstance(part, Text) and isinstance(last, Text) and part.refusal is last.refusal and between is not None:
            out[-1] = Text(last.text + between + part.text, part.refusal)
        elif _unsigned(part) and _unsigned(last):
            out[-1] = Reasoning(last.text + part.text)
        else:
            out.append(part)
    return out


def _said(message: Message) -> list[Part]:
    """A model's texts go on where the last one ended; other texts stand by themselves."""
    return _joined(message.parts, "" if message.role == "assistant" else None)


def _unsigned(part: Part | None) -> TypeGuard[Reasoning]:
    return isinstance(part, Reasoning) and not part.signature and not part.redacted


def _part(part: Part, ids: dict[str, str]) -> Form:
    """One part. Ids are only there to match results to calls, so they are numbered."""
    match part:
        case ToolCall(id_, name, arguments):
            return ["call", ids.setdefault(id_, f"#{len(ids)}"), name, json.loads(arguments or "{}")]
        case ToolResult(call_id, parts, is_error):
            inner = [_part(each, ids) for each in parts if not _empty(each)]
            return ["result", ids.setdefault(call_id, f"#{len(ids)}"), is_error, inner]
        case Reasoning(text, signature, redacted):
            return ["reasoning", text, signature, redacted or not text]
        case Image(detail="auto"):
            part = replace(part, detail=None)  # what holds where nothing is said
    return {"kind": type(part).__name__, **_fields(part)}


def _reasoning(options: ReasoningOptions) -> Form:
    if options.enabled is False or options.effort == "none":
        return "off"
    asked = options.effort is not None or options.budget_tokens is not None
    return {**_fields(options), "enabled": asked or options.enabled}


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


# What a dialect settles in silence.


def settled(conversation: Conversation, dialect: Dialect) -> Conversation:
    """The conversation as it is after it went through the dialect, but for what is named."""
    if dialect == "openai-chat":
        conversation = replace(conversation, messages=tuple(map(_in_chat, turns(conversation.messages))))
    if dialect == "anthropic-messages":
        return _in_messages(conversation)
    options, shape = conversation.reasoning, conversation.response_format
    if options.enabled and not options.effort and not options.budget_tokens:
        options = replace(options, enabled=None)
    if shape is not None and shape.kind == "json_schema" and not shape.name:
        shape = replace(shape, name=UNNAMED_FORMAT)
    return replace(each_part(conversation, _named), reasoning=options, response_format=shape)


def _in_messages(conversation: Conversation) -> Conversation:
    limit = conversation.max_output_tokens
    conversation = each_part(conversation, _text_file)
    return replace(conversation, max_output_tokens=8192 if limit is None else limit)


def _text_file(part: Part) -> Sequence[Part]:
    """A text inside base64 is a text document there."""
    if isinstance(part, File) and part.data and part.media_type.startswith("text/"):
        return [replace(part, media_type="text/plain", data="", text=base64.b64decode(part.data).decode())]
    return [part]


def _in_chat(message: Message) -> Message:
    if message.role != "assistant":
        return Message(message.role, tuple(_joined(map(_result_in_chat, message.parts), "\n\n")))
    order: list[Callable[[Part], bool]] = [
        _unsigned,
        lambda part: isinstance(part, Reasoning) and not _unsigned(part),
        lambda part: isinstance(part, Text) and not part.refusal,
        lambda part: isinstance(part, Text) and part.refusal,
        lambda part: isinstance(part, ToolCall),
    ]
    return Message(
        "assistant", tuple(_joined((part for of_kind in order for part in message.parts if of_kind(part)), ""))
    )


def _result_in_chat(part: Part) -> Part:
    if isinstance(part, Text) and MOVED.fullmatch(part.text):
        return Text(MARK)
    if not isinstance(part, ToolResult):
        return part
    inner: Any = tuple(_joined((each for each in part.parts if not _empty(each)), "\n\n"))
    return replace(part, parts=inner)


def _named(part: Part) -> Sequence[Part]:
    if isinstance(part, File) and part.data and not part.name:
        return [replace(part, name=UNNAMED_FILE)]
    return [part]


def each_part(conversation: Conversation, change: Callable[[Part], Sequence[Part]]) -> Conversation:
    """The conversation with each part changed, those of tool results too; an empty sequence takes it out."""

    def changed(part: Part) -> Sequence[Part]:
        if isinstance(part, ToolResult):
            inner: Any = tuple(new for each in part.parts for new in change(each))
            part = replace(part, parts=inner)
        return change(part)

    messages = tuple(
        Message(message.role, tuple(new for part in message.parts for new in changed(part)))
        for message in conversation.messages
    )
    return replace(conversation, messages=messages)

"""A client's Chat Completions request as a conversation.

Source: OpenAI's API reference and the type definitions of its Python SDK 3.54, read 2026-11; ``reasoning_content``,
``reasoning``, ``reasoning_details`` and ``thinking`` by the vendors who read them in a history.
"""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear.conversation import (
    Conversation,
    Message,
    Part,
    ReasoningOptions,
    ResponseFormat,
    Role,
    Sampling,
    Tool,
    ToolChoice,
    ToolResult,
)
from switchgear.dialects.codec import Parsed
from switchgear.dialects.fields import Fields, refuse, request_fields
from switchgear.dialects.openai_chat.content import parse_content, parse_reasoning
from switchgear.events import Text, ToolCall

_KNOWN = ("model", "stream", "stream_options", "store")
"""Said elsewhere, or of no meaning to another upstream."""


def parse_request(body: bytes) -> Parsed:
    """See :class:`~switchgear.dialects.codec.Codec`."""
    request = request_fields(body)
    for name in _KNOWN:
        request.take(name)
    if request.take("n") not in (None, 1):
        raise refuse("n", "asks for several answers; ask several times", "unsupported_parameter")
    _only_text(request)
    tools, choice = _tools(request)
    limit, older_limit = request.count("max_completion_tokens"), request.count("max_tokens")
    user, safety = request.text("user"), request.text("safety_identifier")
    conversation = Conversation(
        messages=_messages(request),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=request.flag("parallel_tool_calls"),
        max_output_tokens=older_limit if limit is None else limit,
        stop=_stop(request),
        sampling=Sampling(
            temperature=request.number("temperature"),
            top_p=request.number("top_p"),
            top_k=request.count("top_k"),
            seed=request.count("seed"),
            presence_penalty=request.number("presence_penalty"),
            frequency_penalty=request.number("frequency_penalty"),
        ),
        reasoning=_reasoning(request),
        response_format=_response_format(request),
        verbosity=request.text("verbosity"),
        user=user or safety or None,
        metadata=_metadata(request),
        cache_key=request.text("prompt_cache_key"),
        service_tier=request.text("service_tier"),
    )
    request.close()
    return Parsed(conversation, request.dropped.names())


def _only_text(request: Fields) -> None:
    modalities = request.listing("modalities")
    if modalities is not None and modalities != ["text"]:
        raise refuse("modalities", "may only hold 'text' here", "unsupported_parameter")


# -- messages ----------------------------------------------------------------------------------------------------


def _messages(request: Fields) -> tuple[Message, ...]:
    listed = request.listing("messages")
    if listed is None:
        raise refuse("messages", "must be a list of messages")
    messages: list[Message] = []
    for position, raw in enumerate(listed):
        message = Fields(raw, f"messages.{position}", request.dropped)
        role, parts = _message(message)
        if message.take("name") is not None:
            request.dropped.add(message.at("name"))
        message.close()
        if not parts:
            continue
        if role == "tool" and messages and messages[-1].role == "tool":
            messages[-1] = Message("tool", (*messages[-1].parts, *parts))
        else:
            messages.append(Message(role, parts))
    return tuple(messages)


def _message(message: Fields) -> tuple[Role, tuple[Part, ...]]:
    match message.needed("role"):
        case "system":
            return "system", tuple(parse_content(message, "system"))
        case "developer":
            return "developer", tuple(parse_content(message, "developer"))
        case "user":
            return "user", tuple(parse_content(message, "user"))
        case "assistant":
            return "assistant", _assistant(message)
        case "tool":
            parts = tuple(part for part in parse_content(message, "tool") if isinstance(part, Text))
            return "tool", (ToolResult(message.needed("tool_call_id"), parts),)
        case "function":  # the form before tools: the name is all that ties it to its call
            parts = tuple(part for part in parse_content(message, "tool") if isinstance(part, Text))
            return "tool", (ToolResult(f"call_{message.needed('name')}", parts),)
        case role:
            raise refuse(message.at("role"), f"must be system, developer, user, assistant or tool, not {role[:64]!r}")


def _assistant(message: Fields) -> tuple[Part, ...]:
    parts: list[Part] = [*parse_reasoning(message), *parse_content(message, "assistant")]
    refusal = message.text("refusal")
    if refusal:
        parts.append(Text(refusal, refusal=True))
    for position, raw in enumerate(message.listing("tool_calls") or ()):
        call = Fields(raw, f"{message.at('tool_calls')}.{position}", message.dropped)
        if call.take("type") not in (None, "function"):
            raise refuse(call.at("type"), "must be 'function'", "unsupported_content")
        call.take("index")
        parts.append(_call(call, call.needed("id")))
        call.close()
    legacy = message.inner("function_call")
    if legacy is not None:
        name = legacy.needed("name")
        parts.append(ToolCall(f"call_{name}", name, _arguments(legacy)))
    for name in ("audio", "annotations"):
        if message.take(name):
            message.dropped.add(message.at(name))
    return tuple(parts)


def _call(call: Fields, id_: str) -> ToolCall:
    function = call.inner("function")
    if function is None:
        raise refuse(call.at("function"), "must be an object with the function's name and arguments")
    made = ToolCall(id_, function.needed("name"), _arguments(function))
    function.close()
    return made


def _arguments(function: Fields) -> str:
    given = function.take("arguments")
    if given is None or given == "":
        return "{}"
    return given if isinstance(given, str) else msgspec.json.encode(given).decode()


# -- tools -------------------------------------------------------------------------------------------------------


def _tools(request: Fields) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    tools: list[Tool] = []
    for position, raw in enumerate(request.listing("tools") or ()):
        entry = Fields(raw, f"tools.{position}", request.dropped)
        kind = entry.text("type") or "function"
        function = entry.inner("function")
        if kind != "function" or function is None:
            request.dropped.add(f"tools.{kind}")
            continue
        tools.append(_tool(function))
        entry.close()
    for position, raw in enumerate(request.listing("functions") or ()):
        tools.append(_tool(Fields(raw, f"functions.{position}", request.dropped)))
    return tuple(tools), _tool_choice(request, {tool.name for tool in tools})


def _tool(function: Fields) -> Tool:
    name, description = function.needed("name"), function.text("description") or ""
    tool = Tool(name, description, function.mapping("parameters") or {}, function.flag("strict"))
    function.close()
    return tool


def _tool_choice(request: Fields, names: set[str]) -> ToolChoice | None:
    given = request.take("tool_choice")
    legacy = request.take("function_call")
    if given is None and legacy is not None:
        given = {"type": "function", "function": legacy} if isinstance(legacy, dict) else legacy
    match given:
        case None:
            return None
        case "auto" | "none":
            return ToolChoice(given)
        case "required" | "any":
            choice = ToolChoice("required")
        case {"type": "function", "function": {"name": str(name)}}:
            choice = ToolChoice("tool", name)
        case {"type": kind}:
            request.dropped.add(f"tool_choice.{kind}")
            return None
        case _:
            raise refuse(
                "tool_choice", "must be auto, none, required, or {'type': 'function', 'function': {'name': ...}}"
            )
    if (choice.mode == "tool" and choice.name not in names) or not names:
        request.dropped.add("tool_choice")
        return None
    return choice


# -- settings ----------------------------------------------------------------------------------------------------


def _stop(request: Fields) -> tuple[str, ...]:
    given: Any = request.take("stop")
    stop = [given] if isinstance(given, str) else given or []
    if not isinstance(stop, list) or not all(isinstance(text, str) for text in stop):
        raise refuse("stop", "must be a string or a list of strings")
    return tuple(text for text in stop if text)


def _reasoning(request: Fields) -> ReasoningOptions:
    effort = request.text("reasoning_effort")
    enabled: bool | None = None
    budget: int | None = None
    nested = request.inner("reasoning")
    if nested is not None:
        effort = nested.text("effort") or effort
        budget, enabled = nested.count("max_tokens"), nested.flag("enabled")
        nested.close()
    thinking = request.inner("thinking")
    if thinking is not None:
        enabled = thinking.text("type") != "disabled"
        budget = thinking.count("budget_tokens") or budget
        thinking.close()
    if effort == "none":
        return ReasoningOptions(enabled=False)
    return ReasoningOptions(enabled, effort, budget)


def _response_format(request: Fields) -> ResponseFormat | None:
    given = request.inner("response_format")
    if given is None:
        return None
    match given.needed("type"):
        case "text":
            return None
        case "json_object":
            return ResponseFormat("json_object")
        case "json_schema":
            inner = given.inner("json_schema")
            if inner is None:
                raise refuse("response_format.json_schema", "must be an object with the schema")
            found = ResponseFormat(
                "json_schema",
                inner.mapping("schema") or {},
                inner.text("name") or "",
                inner.text("description") or "",
                inner.flag("strict"),
            )
            inner.close()
            return found
        case kind:
            raise refuse("response_format.type", f"must be text, json_object or json_schema, not {kind[:64]!r}")


def _metadata(request: Fields) -> dict[str, str]:
    given = request.mapping("metadata") or {}
    return {str(name): value if isinstance(value, str) else str(value) for name, value in given.items()}

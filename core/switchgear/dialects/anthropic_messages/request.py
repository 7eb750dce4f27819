"""A client's Messages request as a conversation.

Source: https://platform.claude.com/docs/en/api/messages and the type definitions of the Python SDK 2.14, read 2026-11.
"""

from __future__ import annotations

from switchgear.conversation import (
    CachePoint,
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
from switchgear.dialects.anthropic_messages.blocks import (
    ASSISTANT_BLOCKS,
    SYSTEM_BLOCKS,
    USER_BLOCKS,
    parse_blocks,
    take_cache,
)
from switchgear.dialects.codec import Parsed
from switchgear.dialects.fields import Fields, refuse, request_fields

_DISPLAY = {"summarized": "auto", "omitted": "none"}


def parse_request(body: bytes) -> Parsed:
    """See :class:`~switchgear.dialects.codec.Codec`. ``max_tokens`` may be missing: a token count has none."""
    request = request_fields(body)
    if request.take("thread") is not None:
        raise refuse("thread", "asks for a thread, which is kept nowhere; send all messages", "unsupported_parameter")
    for name in ("model", "stream"):
        request.take(name)
    messages = _messages(request)
    tools = _tools(request)
    choice, parallel = _tool_choice(request, tools)
    reasoning, response_format = _output(request)
    conversation = Conversation(
        messages=messages,
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        max_output_tokens=request.count("max_tokens"),
        stop=_stop(request),
        sampling=Sampling(
            temperature=request.number("temperature"), top_p=request.number("top_p"), top_k=request.count("top_k")
        ),
        reasoning=reasoning,
        response_format=response_format,
        user=_user(request),
        service_tier=request.text("service_tier"),
    )
    request.close()
    return Parsed(conversation, request.dropped.names())


def _messages(request: Fields) -> tuple[Message, ...]:
    messages: list[Message] = []
    system = request.take("system")
    if system is not None:
        _append(messages, "system", parse_blocks(system, "system", request.dropped, SYSTEM_BLOCKS))
    listed = request.listing("messages")
    if not listed:
        raise refuse("messages", "must be a list of at least one message")
    for position, raw in enumerate(listed):
        message = Fields(raw, f"messages.{position}", request.dropped)
        content, path = message.take("content"), message.at("content")
        match message.needed("role"):
            case "user":
                parts = parse_blocks(content, path, request.dropped, USER_BLOCKS)
                results, others = _split(parts)
                _append(messages, "tool", results)
                _append(messages, "user", others)
            case "assistant":
                _append(messages, "assistant", parse_blocks(content, path, request.dropped, ASSISTANT_BLOCKS))
            case "system":
                _append(messages, "system", parse_blocks(content, path, request.dropped, SYSTEM_BLOCKS))
            case role:
                raise refuse(message.at("role"), f"must be 'user', 'assistant' or 'system', not {role[:64]!r}")
        message.close()
    cache = take_cache(request)
    if cache is not None and messages:
        # Written on the whole request it means the last block.
        last = messages[-1]
        messages[-1] = Message(last.role, (*last.parts, CachePoint(cache)))
    return tuple(messages)


def _append(messages: list[Message], role: Role, parts: list[Part]) -> None:
    if parts:
        messages.append(Message(role, tuple(parts)))


def _split(parts: list[Part]) -> tuple[list[Part], list[Part]]:
    """Tool results with the cache points behind them, and all else."""
    results: list[Part] = []
    others: list[Part] = []
    into = others
    for part in parts:
        if not isinstance(part, CachePoint):
            into = results if isinstance(part, ToolResult) else others
        into.append(part)
    return results, others


def _tools(request: Fields) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for position, raw in enumerate(request.listing("tools") or ()):
        tool = Fields(raw, f"tools.{position}", request.dropped)
        kind = tool.text("type")
        if kind not in (None, "custom"):
            request.dropped.add(f"tools.{kind}")
            continue
        if tool.take("allowed_callers") not in (None, [], ["direct"]):
            request.dropped.add("tools.allowed_callers")
        name, description = tool.needed("name"), tool.text("description") or ""
        schema = tool.mapping("input_schema") or {}
        tools.append(Tool(name, description, schema, tool.flag("strict"), take_cache(tool)))
        tool.close()
    return tuple(tools)


def _tool_choice(request: Fields, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, bool | None]:
    given = request.inner("tool_choice")
    if given is None:
        return None, None
    single = given.flag("disable_parallel_tool_use")
    parallel = None if single is None else not single
    match given.needed("type"):
        case "auto":
            choice = ToolChoice("auto")
        case "none":
            choice = ToolChoice("none")
        case "any":
            choice = ToolChoice("required")
        case "tool":
            choice = ToolChoice("tool", given.needed("name"))
        case kind:
            raise refuse(given.at("type"), f"must be 'auto', 'any', 'tool' or 'none', not {kind[:64]!r}")
    given.close()
    names = {tool.name for tool in tools}
    if (choice.mode == "required" and not names) or (choice.mode == "tool" and choice.name not in names):
        # What it asks for was a tool of Anthropic's servers, and went with it.
        request.dropped.add("tool_choice")
        return None, parallel
    return choice, parallel


def _output(request: Fields) -> tuple[ReasoningOptions, ResponseFormat | None]:
    enabled, budget, summary = _thinking(request)
    effort = None
    form = request.inner("output_format")  # its name while it was a beta
    output = request.inner("output_config")
    if output is not None:
        effort = output.text("effort")
        form = output.inner("format") or form
        output.close()
    return ReasoningOptions(enabled, effort, budget, summary), None if form is None else _format(form)


def _thinking(request: Fields) -> tuple[bool | None, int | None, str | None]:
    thinking = request.inner("thinking")
    if thinking is None:
        return None, None, None
    budget = thinking.count("budget_tokens")
    display = thinking.text("display")
    summary = None if display is None else _DISPLAY.get(display)
    if display and summary is None:
        request.dropped.add("thinking.display")
    match thinking.needed("type"):
        case "disabled":
            enabled, budget = False, None
        case "enabled" | "adaptive":
            enabled = True
        case "between_tools":
            enabled = True
            request.dropped.add("thinking.between_tools")
        case kind:
            raise refuse(thinking.at("type"), f"must be 'adaptive', 'enabled' or 'disabled', not {kind[:64]!r}")
    thinking.close()
    return enabled, budget, summary


def _format(form: Fields) -> ResponseFormat | None:
    kind = form.needed("type")
    if kind == "text":
        return None
    schema = form.mapping("schema")
    if kind != "json_schema" or schema is None:
        raise refuse(form.path, "must be {'type': 'json_schema', 'schema': {...}}")
    form.close()
    return ResponseFormat("json_schema", schema)


def _stop(request: Fields) -> tuple[str, ...]:
    stop = request.listing("stop_sequences") or []
    if not all(isinstance(text, str) for text in stop):
        raise refuse("stop_sequences", "must be a list of strings")
    return tuple(text for text in stop if text)


def _user(request: Fields) -> str | None:
    metadata = request.inner("metadata")
    if metadata is None:
        return None
    user = metadata.text("user_id")
    metadata.close()
    return user or None

"""A conversation as a Responses request that asks the upstream to keep nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from switchgear.conversation import (
    CachePoint,
    Conversation,
    File,
    Image,
    Message,
    Part,
    ResponseFormat,
    Tool,
    ToolResult,
)
from switchgear.dialects.codec import Rendered
from switchgear.dialects.data_url import data_url, image_url
from switchgear.dialects.effort import effort_of
from switchgear.events import Reasoning, Text, ToolCall

UNNAMED_FORMAT = "response"
"""The form of an answer needs a name here."""

Json = dict[str, Any]


def render_request(conversation: Conversation, model: str, *, stream: bool) -> Rendered:
    """See :class:`~switchgear.dialects.codec.Codec`."""
    dropped: set[str] = set()
    items = [item for message in conversation.messages for item in _items(message, dropped)]
    body: Json = {"model": model, "input": items, "store": False, "include": ["reasoning.encrypted_content"]}
    if stream:
        body["stream"] = True
    body |= _tools(conversation)
    sampling, reasoning = conversation.sampling, conversation.reasoning
    thinking = {"effort": effort_of(reasoning, dropped), "summary": reasoning.summary}
    thinking = {name: value for name, value in thinking.items() if value is not None}
    text: Json = {} if conversation.response_format is None else {"format": _format(conversation.response_format)}
    if conversation.verbosity is not None:
        text["verbosity"] = conversation.verbosity
    settings = {
        "max_output_tokens": conversation.max_output_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "reasoning": thinking or None,
        "text": text or None,
        "user": conversation.user,
        "metadata": dict(conversation.metadata) or None,
        "prompt_cache_key": conversation.cache_key,
        "service_tier": conversation.service_tier,
    }
    body |= {name: value for name, value in settings.items() if value is not None}
    lost = {
        "stop": bool(conversation.stop),
        "sampling.top_k": sampling.top_k is not None,
        "sampling.seed": sampling.seed is not None,
        "sampling.presence_penalty": sampling.presence_penalty is not None,
        "sampling.frequency_penalty": sampling.frequency_penalty is not None,
        "cache_hints": any(tool.cache for tool in conversation.tools),
    }
    dropped |= {name for name, there in lost.items() if there}
    return Rendered(msgspec.json.encode(body), tuple(sorted(dropped)))


# -- items -------------------------------------------------------------------------------------------------------


def _items(message: Message, dropped: set[str]) -> Iterator[Json]:
    match message.role:
        case "assistant":
            yield from _assistant(message, dropped)
        case "tool":
            for part in message.parts:
                if isinstance(part, CachePoint):
                    dropped.add("cache_hints")
                elif isinstance(part, ToolResult):
                    yield _result(part, dropped)
        case role:
            yield {"type": "message", "role": role, "content": list(_content(message.parts, dropped))}


def _assistant(message: Message, dropped: set[str]) -> Iterator[Json]:
    """The items in the order in which they were made; texts side by side are one message."""
    texts: list[Json] = []
    for part in message.parts:
        match part:
            case Text(text, refusal):
                texts.append({"type": "refusal", "refusal": text} if refusal else {"type": "output_text", "text": text})
                continue
            case CachePoint():
                dropped.add("cache_hints")
                continue
        if texts:
            yield {"type": "message", "role": "assistant", "content": texts}
            texts = []
        match part:
            case ToolCall(id_, name, arguments):
                yield {"type": "function_call", "call_id": id_, "name": name, "arguments": arguments or "{}"}
            case Reasoning(text, signature):
                sealed = {"encrypted_content": signature} if signature else {}
                yield {
                    "type": "reasoning",
                    "summary": [{"type": "summary_text", "text": text}] if text else [],
                    **sealed,
                }
    if texts:
        yield {"type": "message", "role": "assistant", "content": texts}


def _result(result: ToolResult, dropped: set[str]) -> Json:
    if result.is_error:
        dropped.add("tool_result.is_error")
    content = list(_content(result.parts, dropped))
    output: str | list[Json] = content
    if len(content) <= 1 and all(piece["type"] == "input_text" for piece in content):
        output = content[0]["text"] if content else ""
    return {"type": "function_call_output", "call_id": result.call_id, "output": output}


def _content(parts: Iterable[Part], dropped: set[str]) -> Iterator[Json]:
    for part in parts:
        match part:
            case Text(text):
                yield {"type": "input_text", "text": text}
            case Image(detail=detail):
                more = {} if detail is None else {"detail": detail}
                yield {"type": "input_image", "image_url": image_url(part), **more}
            case File():
                yield _file(part, dropped)
            case CachePoint():
                dropped.add("cache_hints")


def _file(file: File, dropped: set[str]) -> Json:
    if file.text:
        dropped.add("file.text")
        return {"type": "input_text", "text": f"{file.name}\n{file.text}" if file.name else file.text}
    name = {"filename": file.name} if file.name else {}
    if file.url:
        return {"type": "input_file", **name, "file_url": file.url}
    return {"type": "input_file", "filename": "document", **name, "file_data": data_url(file.media_type, file.data)}


# -- tools and form ----------------------------------------------------------------------------------------------


def _tools(conversation: Conversation) -> Json:
    if not conversation.tools:
        return {}
    rendered: Json = {"tools": [_tool(tool) for tool in conversation.tools]}
    choice = conversation.tool_choice
    if choice is not None:
        rendered["tool_choice"] = {"type": "function", "name": choice.name} if choice.mode == "tool" else choice.mode
    if conversation.parallel_tool_calls is not None:
        rendered["parallel_tool_calls"] = conversation.parallel_tool_calls
    return rendered


def _tool(tool: Tool) -> Json:
    """A function. Left unsaid, ``strict`` would be true here, and most schemas are not made for it."""
    described = {"description": tool.description} if tool.description else {}
    schema = dict(tool.parameters) or {"type": "object", "properties": {}}
    return {"type": "function", "name": tool.name, **described, "parameters": schema, "strict": bool(tool.strict)}


def _format(form: ResponseFormat) -> Json:
    if form.kind == "json_object":
        return {"type": "json_object"}
    rendered: Json = {"type": "json_schema", "name": form.name or UNNAMED_FORMAT, "schema": dict(form.schema)}
    if form.description:
        rendered["description"] = form.description
    if form.strict is not None:
        rendered["strict"] = form.strict
    return rendered

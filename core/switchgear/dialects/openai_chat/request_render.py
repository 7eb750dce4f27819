"""A conversation as a Chat Completions request, in the form that the most upstreams understand."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
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
from switchgear.dialects.fields import refuse
from switchgear.events import Reasoning, Text, ToolCall

LONGEST_USER_CHARS = 64
"""What OpenAI takes as a user's or safety identifier, read 2026-11."""
UNNAMED_FORMAT = "response"
"""The form of an answer needs a name here."""
BLOCK_GAP = "\n\n"
"""Between blocks of text that become one string: many servers know no lists of text."""

Json = dict[str, Any]


def render_request(conversation: Conversation, model: str, *, stream: bool) -> Rendered:
    """See :class:`~switchgear.dialects.codec.Codec`.

    Raises:
        Refusal: 400; a file is given by its URL, which chat cannot carry.
    """
    dropped: set[str] = set()
    body: Json = {"model": model, "messages": list(_messages(conversation, dropped))}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    body |= _tools(conversation, dropped)
    sampling = conversation.sampling
    effort = effort_of(conversation.reasoning, dropped)
    user = conversation.user
    if user is not None and len(user) > LONGEST_USER_CHARS:
        dropped.add("user")
        user = None
    settings = {
        "max_tokens": conversation.max_output_tokens,
        "stop": list(conversation.stop) or None,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "reasoning_effort": effort,
        "response_format": _response_format(conversation.response_format),
        "verbosity": conversation.verbosity,
        "user": user,
        "prompt_cache_key": conversation.cache_key,
        "service_tier": conversation.service_tier,
    }
    body |= {name: value for name, value in settings.items() if value is not None}
    lost = {
        "sampling.top_k": sampling.top_k is not None,
        "metadata": bool(conversation.metadata),
        "reasoning.summary": conversation.reasoning.summary is not None,
        "cache_hints": any(tool.cache for tool in conversation.tools),
    }
    dropped |= {name for name, there in lost.items() if there}
    return Rendered(msgspec.json.encode(body), tuple(sorted(dropped)))


# -- messages ----------------------------------------------------------------------------------------------------


def _messages(conversation: Conversation, dropped: set[str]) -> Iterable[Json]:
    for role, messages in itertools.groupby(conversation.messages, key=lambda message: message.role):
        if role == "tool":  # all of them, side by side: nothing may stand between a call and its result
            yield from _results([part for message in messages for part in message.parts], dropped)
            continue
        for message in messages:
            if role == "assistant":
                yield _assistant(message, dropped)
            else:
                yield {"role": role, "content": _content(message.parts, dropped)}


def _content(parts: Iterable[Part], dropped: set[str]) -> str | list[Json]:
    """A string where it is text alone, else content parts."""
    pieces = [piece for part in parts if (piece := _piece(part, dropped)) is not None]
    if all(piece["type"] == "text" for piece in pieces):
        return BLOCK_GAP.join(piece["text"] for piece in pieces)
    return pieces


def _piece(part: Part, dropped: set[str]) -> Json | None:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image(detail=detail):
            more = {} if detail is None else {"detail": detail}
            return {"type": "image_url", "image_url": {"url": image_url(part), **more}}
        case File(name, media_type, data, url, text):
            if url:
                complaint = "gives a file by its URL, which the upstream's dialect cannot carry; send its content"
                raise refuse("messages", complaint, "unsupported_content")
            if text:
                dropped.add("file.text")
                return {"type": "text", "text": f"{name}\n{text}" if name else text}
            return {"type": "file", "file": {"filename": name or "document", "file_data": data_url(media_type, data)}}
        case CachePoint():
            dropped.add("cache_hints")
    return None


def _assistant(message: Message, dropped: set[str]) -> Json:
    texts: list[str] = []
    refusals: list[str] = []
    calls: list[Json] = []
    thoughts: list[Reasoning] = []
    for part in message.parts:
        match part:
            case Text(text, refusal):
                (refusals if refusal else texts).append(text)
            case ToolCall(id_, name, arguments):
                function = {"name": name, "arguments": arguments or "{}"}
                calls.append({"id": id_, "type": "function", "function": function})
            case Reasoning():
                thoughts.append(part)
            case CachePoint():
                dropped.add("cache_hints")
    rendered: Json = {"role": "assistant", "content": "".join(texts) or (None if calls or refusals else "")}
    if refusals:
        rendered["refusal"] = "".join(refusals)
    if calls:
        rendered["tool_calls"] = calls
    if any(thought.signature for thought in thoughts):
        rendered["reasoning_details"] = [_detail(thought) for thought in thoughts]
    elif thoughts:
        rendered["reasoning_content"] = "".join(thought.text for thought in thoughts)
    return rendered


def _detail(thought: Reasoning) -> Json:
    if thought.redacted:
        return {"type": "reasoning.encrypted", "data": thought.signature}
    signature = {"signature": thought.signature} if thought.signature else {}
    return {"type": "reasoning.text", "text": thought.text, **signature}


def _results(parts: Iterable[Part], dropped: set[str]) -> Iterable[Json]:
    """A tool message each, and behind them one of the user's with what only a user may show."""
    shown: list[Json] = []
    for part in parts:
        if isinstance(part, CachePoint):
            dropped.add("cache_hints")
        if not isinstance(part, ToolResult):
            continue
        if part.is_error:
            dropped.add("tool_result.is_error")
        pieces = [piece for inner in part.parts if (piece := _piece(inner, dropped)) is not None]
        texts = [piece["text"] for piece in pieces if piece["type"] == "text"]
        others = [piece for piece in pieces if piece["type"] != "text"]
        yield {"role": "tool", "tool_call_id": part.call_id, "content": BLOCK_GAP.join(texts)}
        if others:
            shown += [{"type": "text", "text": f"Content of the tool result {part.call_id}:"}, *others]
            kinds = {"image_url": "tool_result.images", "file": "tool_result.files"}
            dropped.update(kinds[piece["type"]] for piece in others)
    if shown:
        yield {"role": "user", "content": shown}


# -- tools and form ----------------------------------------------------------------------------------------------


def _tools(conversation: Conversation, dropped: set[str]) -> Json:
    if not conversation.tools:  # several servers refuse an empty list, and a choice without tools
        return {}
    rendered: Json = {"tools": [_tool(tool) for tool in conversation.tools]}
    choice = conversation.tool_choice
    if choice is not None:
        named = {"type": "function", "function": {"name": choice.name}}
        rendered["tool_choice"] = named if choice.mode == "tool" else choice.mode
    if conversation.parallel_tool_calls is not None:
        rendered["parallel_tool_calls"] = conversation.parallel_tool_calls
    return rendered


def _tool(tool: Tool) -> Json:
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters:
        function["parameters"] = dict(tool.parameters)
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _response_format(form: ResponseFormat | None) -> Json | None:
    if form is None:
        return None
    if form.kind == "json_object":
        return {"type": "json_object"}
    inner: Json = {"name": form.name or UNNAMED_FORMAT, "schema": dict(form.schema)}
    if form.description:
        inner["description"] = form.description
    if form.strict is not None:
        inner["strict"] = form.strict
    return {"type": "json_schema", "json_schema": inner}

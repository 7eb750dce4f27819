"""What the fake proxy answers, and what it refuses. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]

PLAIN, THINKER, ALWAYS = "deepseek/deepseek-chat-v3.1", "anthropic/claude-haiku-4.5", "xai/grok-code-fast-1"
"""A model that cannot be told to think, one that can, and one that always does."""

FAREWELL = (
    "As part of our decision to sunset the Roo Code extension, we also ended the Roo Code Router. "
    "Please select a different provider."
)
THOUGHTS = ("I was asked ", "something.")
SIGNATURE = "sig-5f0c2d91"
DETAIL: Json = {
    "type": "reasoning.text",
    "text": "".join(THOUGHTS),
    "id": "rs_1",
    "format": "anthropic-claude-v1",
    "index": 0,
    "signature": SIGNATURE,
}
"""The thoughts of :data:`THINKER` as they have to be sent back."""
USAGE: Json = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150, "cost": 0.00042}
CACHED: Json = {**USAGE, "prompt_tokens_details": {"cached_tokens": 80}, "cache_creation_input_tokens": 10}
"""Of :data:`THINKER`: ``prompt_tokens`` includes what came from the cache and what went into it."""


def _row(id_: str, tags: list[str], **fields: Any) -> Json:
    owner = id_.partition("/")[0]
    price = {"input": "0.0000002", "output": "0.0000015", "input_cache_read": "0.00000002", "input_cache_write": "0"}
    known = {"id": id_, "object": "model", "created": 0, "owned_by": owner, "name": id_.title(), "description": ""}
    sizes = {"context_window": 262_144, "max_tokens": 16_384, "type": "language", "tags": tags, "pricing": price}
    return {**known, **sizes, "default_temperature": 0.7, "deprecated": False, "settings": {}, **fields}


MODELS: list[Any] = [
    _row(PLAIN, ["vision", "free", "a-tag-of-tomorrow"]),
    _row(THINKER, ["vision", "reasoning"]),
    _row(ALWAYS, ["reasoning", "reasoning-required"], versionedSettings={}),
    _row("roo/code-supernova-1-million", ["stealth"], deprecated=True),
    _row("black-forest/flux", [], type="image"),
    {"id": 7, "type": "language"},
    "no row at all",
]
LIST: Json = {"object": "list", "data": MODELS}
TAGS: dict[str, set[str]] = {
    row["id"]: set(row["tags"])
    for row in MODELS
    if isinstance(row, dict) and row["type"] == "language" and "tags" in row
}


def refusal(body: Any) -> str:
    """Why the proxy does not answer a request; empty when it does."""
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list) or not body["messages"]:
        return "messages: required"
    unknown = sorted({"reasoning_effort", "max_completion_tokens"} & body.keys())
    if unknown:
        return f"unrecognized fields: {', '.join(unknown)}"
    roles = {message.get("role") for message in body["messages"] if isinstance(message, dict)}
    if roles - {"system", "user", "assistant", "tool"}:
        return "messages: invalid role"
    return _bad_reasoning(body) or _lost_thoughts(body)


def _bad_reasoning(body: Json) -> str:
    tags, told = TAGS.get(body.get("model", ""), set()), body.get("reasoning")
    if "reasoning" not in tags:
        return "" if "reasoning" not in body else "reasoning: not supported by this model"
    if told is None and "reasoning-required" not in tags:
        return ""
    if not isinstance(told, dict) or told.keys() - {"enabled", "effort"} or not isinstance(told.get("enabled"), bool):
        return "reasoning: invalid"
    if "reasoning-required" in tags and not told["enabled"]:
        return "reasoning: this model cannot answer without"
    return "" if told.get("effort") in {None, "low", "medium", "high"} else "reasoning: invalid effort"


def _lost_thoughts(body: Json) -> str:
    """A tool loop of a model that thinks breaks when its thoughts do not come back whole."""
    told = body.get("reasoning")
    if body.get("model") != THINKER or not isinstance(told, dict) or not told.get("enabled"):
        return ""
    for message in body["messages"]:
        if message.get("role") == "assistant" and message.get("tool_calls"):
            details = message.get("reasoning_details")
            kept = [d for d in details if d.get("type") == DETAIL["type"]] if isinstance(details, list) else []
            if [(d.get("text"), d.get("signature")) for d in kept] != [(DETAIL["text"], SIGNATURE)]:
                return "messages: the thinking before a tool call is missing or was changed"
    return ""


# -- answers -----------------------------------------------------------------------------------------------------


def whole(body: Json) -> Json:
    """The whole answer."""
    message: Json = {"role": "assistant", "content": _text(body)}
    if _thinks(body):
        message |= {"reasoning": DETAIL["text"], "reasoning_details": [DETAIL]}
    if _calls(body):
        message |= {"content": None, "tool_calls": [_call(body)]}
    reason = "tool_calls" if _calls(body) else "stop"
    return completion(body, message, reason)


def completion(body: Json, message: Json, reason: str = "stop") -> Json:
    """A completion with this message."""
    choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
    return {
        "id": "gen-1",
        "object": "chat.completion",
        "model": body["model"],
        "choices": [choice],
        "usage": _usage(body),
    }


def chunks(body: Json) -> Iterator[Json]:
    """The same as a stream: thoughts in pieces, said twice over; a call in pieces; usage in a chunk of its own."""
    yield chunk(body, {"role": "assistant", "content": ""})
    if _thinks(body):
        common = {name: DETAIL[name] for name in ("type", "id", "format", "index")}
        for thought in THOUGHTS:
            yield chunk(body, {"reasoning": thought, "reasoning_details": [{**common, "text": thought}]})
        yield chunk(body, {"reasoning_details": [{**common, "signature": SIGNATURE}]})
        yield chunk(body, {"reasoning_content": DETAIL["text"]})
    if _calls(body):
        call = _call(body)
        function = call["function"]
        yield chunk(body, {"tool_calls": [{**call, "index": 0, "function": {**function, "arguments": ""}}]})
        for piece in ('{"city": ', '"Paris"}'):
            yield chunk(body, {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    else:
        for piece in _text(body).split(" "):
            yield chunk(body, {"content": f"{piece} "})
    yield chunk(body, {}, "tool_calls" if _calls(body) else "stop")
    yield {**chunk(body, None), "usage": _usage(body)}


def chunk(body: Json, delta: Json | None, finish: str | None = None) -> Json:
    """One chunk; without a delta it has no choice."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "gen-1", "object": "chat.completion.chunk", "model": body["model"], "choices": choices}


def farewell_chunks(body: Json) -> Iterator[Json]:
    """The farewell as if a model had said it."""
    yield chunk(body, {"role": "assistant", "content": ""})
    for word in FAREWELL.split(" "):
        yield chunk(body, {"content": f"{word} "})
    yield chunk(body, {}, "stop")


def event(value: Json) -> bytes:
    """One event."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def error(status: int, message: str, metadata: Mapping[str, Any] | None = None) -> Json:
    """An error, its code the status, as OpenRouter writes it."""
    return {"error": {"message": message, "code": status, **({} if metadata is None else {"metadata": metadata})}}


def _usage(body: Json) -> Json:
    return CACHED if body["model"] == THINKER else USAGE


def _text(body: Json) -> str:
    asked = next((m["content"] for m in reversed(body["messages"]) if m.get("role") in {"user", "tool"}), "")
    return f"You said: {asked}" if isinstance(asked, str) else "You said something."


def _thinks(body: Json) -> bool:
    told = body.get("reasoning")
    return isinstance(told, dict) and told.get("enabled") is True


def _calls(body: Json) -> bool:
    return bool(body.get("tools")) and all(message.get("role") != "tool" for message in body["messages"])


def _call(body: Json) -> Json:
    function = {"name": body["tools"][0]["function"]["name"], "arguments": '{"city": "Paris"}'}
    return {"id": "call_1", "type": "function", "function": function}

"""The shapes of OpenAI Responses: pure functions from an answer, and the request it answers, to JSON.

Source: platform.openai.com/docs, "Responses" and "Streaming events", and the types of the openai SDK 3.57, read
2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass

from switchgear.testing.answer import CREATED, Answer, Json, fragments, words
from switchgear.testing.asked import object_at, objects
from switchgear.testing.seals import sealed

_REASONS = {"length": "max_output_tokens"}
_ECHOED: Json = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""The request's settings that a response repeats, and what they are when it has none."""


@dataclass(frozen=True, slots=True)
class Item:
    """One output item: as it ends, as it is added, and the events between, without the item's id and place."""

    whole: Json
    added: Json
    begins: list[Json]
    deltas: list[Json]
    ends: list[Json]


def response(answer: Answer, body: Json, status: str | None = None, *, usage: bool = True) -> Json:
    """A response object; ``None`` as status is the one the answer ends with. Only then it has output and usage."""
    ended = _status(answer) if status is None else status
    shown = status is None
    reason = {"reason": _REASONS.get(answer.ended_by, answer.ended_by)} if ended == "incomplete" else None
    return {
        "id": f"resp_fake_{answer.number}",
        "object": "response",
        "created_at": CREATED,
        "completed_at": CREATED if ended == "completed" else None,
        "status": ended,
        "error": None,
        "incomplete_details": reason,
        "model": answer.model,
        "output": [item.whole for item in items(answer, body)] if shown else [],
        **{name: default if body.get(name) is None else body[name] for name, default in _ECHOED.items()},
        "reasoning": {"effort": None, "summary": None, **object_at(body, "reasoning")},
        "service_tier": "default",
        "text": {"format": {"type": "text"}, "verbosity": "medium", **object_at(body, "text")},
        "tools": [_tool(tool) for tool in objects(body.get("tools"))],
        "usage": usage_of(answer) if shown and usage else None,
    }


def _status(answer: Answer) -> str:
    return "incomplete" if answer.ended_by else "completed"


def _tool(tool: Json) -> Json:
    return {"description": None, "strict": True, **tool} if tool.get("type") == "function" else tool


def usage_of(answer: Answer) -> Json:
    """The usage object: ``input_tokens`` is with the cached ones."""
    made = answer.completion_tokens
    return {
        "input_tokens": answer.prompt_tokens,
        "input_tokens_details": {"cached_tokens": answer.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": answer.prompt_tokens + made,
    }


# -- output items ------------------------------------------------------------------------------------------


def items(answer: Answer, body: Json) -> list[Item]:
    """The output: a reasoning item, a message, function calls; nothing is no item, not an empty one."""
    found: list[Item] = []
    if answer.reasoning:
        found.append(_reasoning(answer, body))
    if answer.text:
        found.append(_message(answer))
    return [*found, *(_call(f"fc_fake_{answer.number}_{place}", c) for place, c in enumerate(answer.tool_calls))]


def _reasoning(answer: Answer, body: Json) -> Item:
    """Sealed where ``include`` asks for it; redacted, the seal is all there is."""
    head: Json = {"id": f"rs_fake_{answer.number}", "type": "reasoning", "summary": []}
    include = body.get("include")
    if answer.redacted or (isinstance(include, list) and "reasoning.encrypted_content" in include):
        head["encrypted_content"] = sealed(answer.reasoning) if answer.signature is None else answer.signature
    if answer.redacted:
        return Item(head, head, [], [], [])
    text, kind = answer.reasoning, "response.reasoning_summary"
    part = {"type": "summary_text", "text": text}
    return Item(
        {**head, "summary": [part]},
        head,
        [{"type": f"{kind}_part.added", "summary_index": 0, "part": {**part, "text": ""}}],
        [{"type": f"{kind}_text.delta", "summary_index": 0, "delta": word} for word in words(text)],
        [
            {"type": f"{kind}_text.done", "summary_index": 0, "text": text},
            {"type": f"{kind}_part.done", "summary_index": 0, "part": part},
        ],
    )


def _message(answer: Answer) -> Item:
    head = {"id": f"msg_fake_{answer.number}", "type": "message", "role": "assistant"}
    part: Json = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
    at: Json = {"content_index": 0}
    return Item(
        {**head, "status": _status(answer), "content": [part]},
        {**head, "status": "in_progress", "content": []},
        [{"type": "response.content_part.added", **at, "part": {**part, "text": ""}}],
        [{"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []} for piece in answer.pieces],
        [
            {"type": "response.output_text.done", **at, "text": answer.text, "logprobs": []},
            {"type": "response.content_part.done", **at, "part": part},
        ],
    )


def _call(item_id: str, call: Json) -> Item:
    name, arguments = call["function"]["name"], call["function"]["arguments"]
    head = {"id": item_id, "type": "function_call", "call_id": call["id"], "name": name}
    kind = "response.function_call_arguments"
    return Item(
        {**head, "arguments": arguments, "status": "completed"},
        {**head, "arguments": "", "status": "in_progress"},
        [],
        [{"type": f"{kind}.delta", "delta": part} for part in fragments(arguments)],
        [{"type": f"{kind}.done", "name": name, "arguments": arguments}],
    )

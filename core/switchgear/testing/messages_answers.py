"""The shapes of Anthropic Messages: pure functions from an answer to JSON.

Source: platform.claude.com/docs, "Messages" and "Streaming", read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from switchgear.testing.answer import Answer, Json, fragments, words
from switchgear.testing.form import Part
from switchgear.testing.seals import sealed, signature_of


@dataclass(frozen=True, slots=True)
class Block:
    """One content block: whole; and streamed, as it is when it starts, and what is then added to it."""

    whole: Json
    empty: Json
    deltas: list[Json]


_BILLED = {
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "service_tier": "standard",
}
_STOP_REASONS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal"}


def message(answer: Answer, *, usage: bool = True) -> Json:
    """A whole message."""
    reason = _STOP_REASONS.get(answer.finish_reason, answer.finish_reason)
    counts = {"usage": {**_read(answer), **_made(answer), **_BILLED}} if usage else {}
    return {
        **_head(answer),
        "content": [block.whole for block in blocks(answer)],
        "stop_reason": reason,
        "stop_sequence": None,
        **counts,
    }


def blocks(answer: Answer) -> list[Block]:
    """The content: reasoning, text, tool calls; nothing is no block, not an empty one."""
    found: list[Block] = []
    if answer.redacted:
        redacted = {"type": "redacted_thinking", "data": _own(answer, sealed)}
        found.append(Block(redacted, redacted, []))
    elif answer.reasoning:
        found.append(_thinking(answer.reasoning, _own(answer, signature_of)))
    if answer.text:
        deltas = [{"type": "text_delta", "text": piece} for piece in answer.pieces]
        found.append(Block({"type": "text", "text": answer.text}, {"type": "text", "text": ""}, deltas))
    return [*found, *(_tool_use(call["id"], **call["function"]) for call in answer.tool_calls)]


def _own(answer: Answer, make: Callable[[str], str]) -> str:
    return make(answer.reasoning) if answer.signature is None else answer.signature


def _thinking(text: str, signature: str) -> Block:
    deltas = [{"type": "thinking_delta", "thinking": word} for word in words(text)]
    return Block(
        {"type": "thinking", "thinking": text, "signature": signature},
        {"type": "thinking", "thinking": "", "signature": ""},
        [*deltas, {"type": "signature_delta", "signature": signature}],
    )


def _tool_use(call_id: str, name: str, arguments: str) -> Block:
    """Broken arguments can be streamed only; whole they are an empty object."""
    try:
        given: Any = json.loads(arguments or "{}")
    except ValueError:
        given = {}
    head = {"type": "tool_use", "id": call_id, "name": name}
    deltas = [{"type": "input_json_delta", "partial_json": part} for part in ("", *fragments(arguments))]
    return Block({**head, "input": given}, {**head, "input": {}}, deltas)


def message_start(answer: Answer, *, usage: bool = True) -> Json:
    """The event that opens a stream: the message without content. Its usage says what was read."""
    counts = {"usage": {**_read(answer), "output_tokens": min(1, answer.completion_tokens), **_BILLED}} if usage else {}
    head = {**_head(answer), "content": [], "stop_reason": None, "stop_sequence": None}
    return {"type": "message_start", "message": {**head, **counts}}


def message_delta(answer: Answer, *, usage: bool = True) -> Json:
    """The event that says why a message ended. Its usage is the whole message's."""
    reason = _STOP_REASONS.get(answer.finish_reason, answer.finish_reason)
    delta = {"stop_reason": reason, "stop_sequence": None}
    counts = {"usage": {**_read(answer), **_made(answer)}} if usage else {}
    return {"type": "message_delta", "delta": delta, **counts}


def streamed(index: int, block: Block) -> Part:
    """The events of the block at ``index``."""
    return (
        [{"type": "content_block_start", "index": index, "content_block": block.empty}],
        [{"type": "content_block_delta", "index": index, "delta": delta} for delta in block.deltas],
        [{"type": "content_block_stop", "index": index}],
    )


def _head(answer: Answer) -> Json:
    return {"id": f"msg_fake_{answer.number}", "type": "message", "role": "assistant", "model": answer.model}


def _read(answer: Answer) -> Json:
    """What was read: ``input_tokens`` is without the cached ones."""
    return {
        "input_tokens": answer.prompt_tokens - answer.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": answer.cached_tokens,
    }


def _made(answer: Answer) -> Json:
    details = {"output_tokens_details": {"thinking_tokens": answer.reasoning_tokens}} if answer.reasoning else {}
    return {"output_tokens": answer.completion_tokens, **details}

"""The fake's OpenAI chat answers, with every habit that was seen of the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from switchgear.testing import THOUGHT, Turn

Json = dict[str, Any]
PIECE_CHARS = 5
"""Shorter than a tag, so that every tag is split."""

HABITS = frozenset(
    {
        "tags although split",  # reasoning stays in the text
        "no thought",  # of a model that always thinks
        "no opening tag",
        "unclosed tag",
        "details only",  # no reasoning_content beside reasoning_details
        "snapshots",  # reasoning_details hold all of the text so far
        "zero usage",  # ordinary chunks have an empty usage
        "no usage",
        "anthropic cache names",
        "empty role",  # on every chunk but the first
        "length",  # thinking used the tokens up
        "leak",  # of Messages: a control word ends the text
    }
)


def whole(turn: Turn, thinks: bool, habits: set[str]) -> Json:
    """A whole completion."""
    message: Json = {"role": "assistant", "name": "MiniMax AI", "audio_content": ""}
    outside = thinks and _is_split(turn, habits)
    text = _text(turn, habits)
    if outside:
        message["reasoning_details"] = [_detail(THOUGHT)]
        if "details only" not in habits:
            message["reasoning_content"] = THOUGHT
    message["content"] = text if outside or not thinks else _tagged(text, habits)
    if turn.answer.tool_calls:
        message["tool_calls"] = [{"index": i, **call} for i, call in enumerate(turn.answer.tool_calls)]
    choice = {"index": 0, "finish_reason": _reason(turn, habits), "message": message}
    return {
        **_head(turn, "chat.completion"),
        "choices": [choice],
        "usage": None if "no usage" in habits else _usage(turn, habits),
        "input_sensitive": False,
        "output_sensitive": False,
        "base_resp": {"status_code": 0, "status_msg": ""},
    }


def chunks(turn: Turn, thinks: bool, habits: set[str]) -> Iterator[Json]:
    """The chunks of a stream, in order."""
    role = "assistant"
    for delta in _deltas(turn, thinks, habits):
        yield _chunk(turn, {"role": role, **delta}, None, habits)
        role = "" if "empty role" in habits else "assistant"
    yield _chunk(turn, {}, _reason(turn, habits), habits)
    asked = turn.wants_usage and "no usage" not in habits
    if asked:
        yield {**_head(turn, "chat.completion.chunk"), "choices": [], "usage": _usage(turn, habits)}


def _deltas(turn: Turn, thinks: bool, habits: set[str]) -> Iterator[Json]:
    text = _text(turn, habits)
    if thinks and _is_split(turn, habits):
        so_far = ""
        for piece in _pieces(THOUGHT):
            so_far += piece
            delta: Json = {"reasoning_details": [_detail(so_far if "snapshots" in habits else piece)]}
            yield delta if "details only" in habits else {"reasoning_content": piece, **delta}
    elif thinks:
        text = _tagged(text, habits)
    for piece in _pieces(text):
        yield {"content": piece}
    for index, call in enumerate(turn.answer.tool_calls):
        yield {"content": "", "tool_calls": [{"index": index, **call}]}


def _is_split(turn: Turn, habits: set[str]) -> bool:
    inside = habits & {"tags although split", "no opening tag", "unclosed tag"}
    return turn.call.body.get("reasoning_split") is True and not inside


def _tagged(text: str, habits: set[str]) -> str:
    if "unclosed tag" in habits:
        return f"<think>\n{THOUGHT}\n"
    opening = "" if "no opening tag" in habits else "<think>\n"
    return f"{opening}{THOUGHT}\n</think>\n\n{text}"


def _text(turn: Turn, habits: set[str]) -> str:
    return "" if "length" in habits else turn.answer.text


def _reason(turn: Turn, habits: set[str]) -> str:
    return "length" if "length" in habits else turn.answer.finish_reason


def _detail(text: str) -> Json:
    head = {"type": "reasoning.text", "id": "reasoning-text-1", "format": "MiniMax-response-v1", "index": 0}
    return {**head, "text": text}


def _usage(turn: Turn, habits: set[str]) -> Json:
    details: Json = {"cached_tokens": 1}
    if "anthropic cache names" in habits:
        details = {"cache_read_input_tokens": 1, "cache_creation_input_tokens": 0}
    return {**turn.answer.usage, "total_characters": 0, "prompt_tokens_details": details}


def _chunk(turn: Turn, delta: Json, reason: str | None, habits: set[str]) -> Json:
    zero = {"total_tokens": 0, "total_characters": 0}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    usage = zero if "zero usage" in habits else None
    return {**_head(turn, "chat.completion.chunk"), "choices": [choice], "usage": usage}


def _head(turn: Turn, object_: str) -> Json:
    return {"id": f"{turn.answer.number:032x}", "object": object_, "created": 1_773_799_200, "model": turn.call.model}


def _pieces(text: str) -> list[str]:
    return [text[start : start + PIECE_CHARS] for start in range(0, len(text), PIECE_CHARS)]

"""Earlier turns as iFlow wants them: each tool call with its result, and reasoning only where it is read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Message = Any
"""A message as the client wrote it; what is no JSON object passes through."""

NO_RESULT = "(no result)"
_REASONING = ("reasoning_content", "reasoning", "reasoning_details", "signature")


def with_results(messages: Sequence[Message]) -> list[Message]:
    """Without results that nobody asked for, and with an empty one for each call that has none.

    Either is refused by the service (the vendor's client mends both; read 2026-11). Results belong to the assistant's
    turn right before them.
    """
    mended: list[Message] = []
    waiting: dict[str, None] = {}
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        if role == "tool":
            call_id = message.get("tool_call_id")
            if call_id in waiting:
                del waiting[call_id]
                mended.append(message)
            continue
        mended.extend(_missing(waiting))
        waiting = dict.fromkeys(_calls(message)) if role == "assistant" else {}
        mended.append(replayed(message) if role == "assistant" else message)
    mended.extend(_missing(waiting))
    return mended


def without_reasoning(messages: Iterable[Message]) -> list[Message]:
    """Without what the assistant thought, which these models do not read back."""
    return [
        {name: value for name, value in message.items() if name not in _REASONING}
        if isinstance(message, dict) and message.get("role") == "assistant"
        else message
        for message in messages
    ]


def replayed(message: dict[str, Any]) -> dict[str, Any]:
    """An assistant's turn with its reasoning under iFlow's names: ``reasoning_content`` and ``signature``."""
    details = message.get("reasoning_details")
    plain = message.get("reasoning")
    if not isinstance(details, list) and plain is None:
        return message
    kept = {name: value for name, value in message.items() if name not in {"reasoning", "reasoning_details"}}
    pieces = [piece for piece in details if isinstance(piece, dict)] if isinstance(details, list) else []
    texts = [piece["text"] for piece in pieces if isinstance(piece.get("text"), str)]
    signatures = [piece["signature"] for piece in pieces if isinstance(piece.get("signature"), str)]
    thought = "".join(texts) or (plain if isinstance(plain, str) else "")
    if thought:
        kept.setdefault("reasoning_content", thought)
    if signatures:
        kept.setdefault("signature", signatures[-1])
    return kept


def _calls(message: dict[str, Any]) -> list[str]:
    calls = message.get("tool_calls")
    found = calls if isinstance(calls, list) else []
    return [call["id"] for call in found if isinstance(call, dict) and isinstance(call.get("id"), str)]


def _missing(waiting: Iterable[str]) -> list[Message]:
    return [{"role": "tool", "tool_call_id": call_id, "content": NO_RESULT} for call_id in waiting]

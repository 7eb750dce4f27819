"""An answer of iFlow as chat clients expect it.

Sources: the vendor's client 0.5, cacaview/iflow2api, KooshaPari/cliproxyapi-plusplus; read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from switchgear import AnswerEditor
from switchgear_iflow.errors import business_error

Json = dict[str, Any]

_CACHED = ("cache_creation_input_tokens", "cache_read_input_tokens")


class IFlowEditor(AnswerEditor):
    """Takes off the envelope, raises errors, and puts signatures, tool calls and counts where clients look for them."""

    def __init__(self) -> None:
        self._calls: dict[str, int] = {}
        self._last = 0

    def whole(self, answer: Json) -> Json:
        """See the base class."""
        mended = self._mended(answer, "message")
        return answer if mended is None else mended

    def event(self, event: Json) -> Iterable[Json] | None:
        """See the base class."""
        mended = self._mended(event, "delta")
        return None if mended is None else (mended,)

    def _mended(self, answer: Json, part: str) -> Json | None:
        """The answer as it should be; ``None`` when it is that already."""
        opened = unwrapped(answer)
        if business_error(opened) is not None:
            self.refuse(opened)
        changed = opened is not answer
        choices = opened.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            said = choice.get(part) if isinstance(choice, dict) else None
            if isinstance(said, dict):
                changed |= _sign(said)
                changed |= part == "delta" and self._number_calls(said)
        changed |= _count(opened.get("usage"))
        return opened if changed else None

    def _number_calls(self, delta: Json) -> bool:
        """Give each piece of a tool call the index of its id; one without an id goes on with the last."""
        pieces = delta.get("tool_calls")
        changed = False
        for piece in pieces if isinstance(pieces, list) else ():
            if not isinstance(piece, dict):
                continue
            id_ = piece.get("id")
            if isinstance(id_, str) and id_:
                self._last = self._calls.setdefault(id_, len(self._calls))
            if piece.get("index") != self._last:
                piece["index"] = self._last
                changed = True
        return changed


def unwrapped(answer: Json) -> Json:
    """The completion out of its envelope ``{"success": true, "data": {...}}``; the answer itself without one."""
    data = answer.get("data")
    if not isinstance(data, dict) or "choices" in answer:
        return answer
    return data if "choices" in data or str(data.get("object", "")).startswith("chat.completion") else answer


def _sign(said: Json) -> bool:
    """A signature beside the reasoning as a detail of it: what clients send back with the next turn."""
    signature = said.get("signature")
    if not isinstance(signature, str) or not signature or "reasoning_details" in said:
        return False
    text = said.get("reasoning_content")
    detail = {"type": "reasoning.text", "text": text if isinstance(text, str) else "", "signature": signature}
    said["reasoning_details"] = [{**detail, "index": 0}]
    return True


def _count(usage: object) -> bool:
    """Cached tokens come on top of ``prompt_tokens`` here; elsewhere they are a part of them."""
    if not isinstance(usage, dict):
        return False
    cached = {name: usage[name] for name in _CACHED if type(usage.get(name)) is int and usage[name] > 0}
    more = sum(cached.values())
    if not more or type(usage.get("prompt_tokens")) is not int:
        return False
    usage["prompt_tokens"] += more
    if type(usage.get("total_tokens")) is int:
        usage["total_tokens"] += more
    details = usage.get("prompt_tokens_details")
    known = details if isinstance(details, dict) else {}
    usage["prompt_tokens_details"] = {"cached_tokens": cached.get("cache_read_input_tokens", 0), **known}
    return True

"""How much to think, as the proxy is told; and the details of thoughts, as they are sent back to it. Pure.

Source: src/api/transform/reasoning.ts and src/api/providers/roo.ts of RooCodeInc/Roo-Code, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
"""Words for effort, and the nearest that every model takes."""
OFF = frozenset({"off", "none"})
SERVERS_CHOICE = frozenset({"minimal", "disable"})
JOINED = ("text", "summary", "data")
REPLACED = ("format", "signature")


@dataclass(frozen=True, slots=True)
class Thinking:
    """What a model can be told. ``required``: it always thinks; it is never told not to."""

    can_be_told: bool = False
    required: bool = False


UNKNOWN = Thinking()
"""Of a model that is not listed: the field is left out."""


def choice_of(reasoning: object, effort: object) -> str | None:
    """What the client asked for: an effort, ``on``, ``off``; ``None`` for nothing.

    Args:
        reasoning: the request's ``reasoning``, as OpenRouter's clients write it.
        effort: its ``reasoning_effort``, as OpenAI's do; the other one comes first.
    """
    if isinstance(reasoning, Mapping):
        if reasoning.get("enabled") is False:
            return "off"
        word = reasoning.get("effort")
        if isinstance(word, str) and word:
            return word.lower()
        if reasoning.get("enabled") is True or reasoning.get("max_tokens"):
            return "on"
    return effort.lower() if isinstance(effort, str) and effort else None


def field_for(thinking: Thinking, choice: str | None) -> Json | None:
    """The request's ``reasoning``; ``None`` leaves it out.

    Where nothing was chosen thinking is switched off in so many words, else the proxy may switch it on by itself.
    """
    if not thinking.can_be_told:
        return None
    effort = EFFORTS.get(choice or "")
    if effort is not None:
        return {"enabled": True, "effort": effort}
    if thinking.required:
        return {"enabled": True}
    if choice is None or choice in OFF:
        return {"enabled": False}
    return None if choice in SERVERS_CHOICE else {"enabled": True}


def merged(details: Sequence[object]) -> list[object]:
    """``reasoning_details`` as they are sent back: the pieces of a stream joined, in order; whole ones unchanged.

    Pieces belong together by their ``id``, else by type and index. A detail that has neither is whole. The first type
    stays where an encrypted piece has the id of a summary.
    """
    found: list[object] = []
    places: dict[tuple[object, ...], Json] = {}
    for detail in details:
        key = _key(detail)
        if not isinstance(detail, dict) or key is None:
            found.append(detail)
        elif key in places:
            _join(places[key], detail)
        else:
            places[key] = dict(detail)
            found.append(places[key])
    return found


def _key(detail: object) -> tuple[object, ...] | None:
    if not isinstance(detail, dict):
        return None
    id_, index = detail.get("id"), detail.get("index")
    if isinstance(id_, str) and id_:
        return ("id", id_)
    if isinstance(index, int) and isinstance(detail.get("type"), str):
        return (detail["type"], index)
    return None


def _join(whole: Json, piece: Mapping[str, Any]) -> None:
    for name in JOINED:
        if isinstance(piece.get(name), str):
            before = whole.get(name)
            whole[name] = (before if isinstance(before, str) else "") + piece[name]
    whole.update({name: piece[name] for name in REPLACED if piece.get(name) is not None})

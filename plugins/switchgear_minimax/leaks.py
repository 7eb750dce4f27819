"""Messages answers: control words of the model that leak into the end of its text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from switchgear import AnswerEditor
from switchgear_minimax.errors import is_native_refusal

Json = dict[str, Any]
LEAKS = ("[e~[", "</think>", "]<]minimax[>[")
"""Seen at the end of the last text (reports of 2026). Elsewhere they may be what the text is about."""
LONGEST_TAIL_CHARS = 64


def without_leak(text: str) -> str:
    """``text`` without the control words at its end, and the blanks before them."""
    bare = text.rstrip()
    leak = next((leak for leak in LEAKS if bare.endswith(leak)), None)
    return text if leak is None else without_leak(bare.removesuffix(leak)).rstrip()


def may_leak(tail: str) -> bool:
    """Whether ``tail`` can be the beginning of such an end: blanks, whole control words, a part of one."""
    rest = tail.lstrip()
    leak = next((leak for leak in LEAKS if rest.startswith(leak)), None)
    return any(word.startswith(rest) for word in LEAKS) if leak is None else may_leak(rest.removeprefix(leak))


def held_from(text: str) -> int:
    """Where the longest tail of ``text`` begins that may be such an end."""
    first = max(0, len(text) - LONGEST_TAIL_CHARS)
    return next((start for start in range(first, len(text)) if may_leak(text[start:])), len(text))


class MessagesEditor(AnswerEditor):
    """A Messages answer. In a stream the last characters of a text wait until it is known what follows them."""

    def __init__(self) -> None:
        self._text = ""  # of the open block, not sent yet
        self._index: Any = None  # the open text block's
        self._waiting: list[Json] = []  # its end, until it is known whether another text follows

    def whole(self, answer: Json) -> Json:
        """See the base class."""
        if is_native_refusal(answer):
            self.refuse(answer)
        content = answer.get("content")
        texts = [b for b in content if _is_text(b)] if isinstance(content, list) else []
        if texts and isinstance(texts[-1].get("text"), str):
            texts[-1]["text"] = without_leak(texts[-1]["text"])
        return answer

    def event(self, event: Json) -> Iterable[Json] | None:
        """See the base class."""
        if is_native_refusal(event):
            self.refuse(event)
        before = self._before(event)
        match event:
            case {"type": "content_block_start", "content_block": block} if _is_text(block):
                self._index = event.get("index")
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}}:
                return self._delta(event, text)
            case {"type": "content_block_stop"} if event.get("index") == self._index:
                self._waiting, self._index = [event], None
                return ()
        return (*before, event) if before else None

    def _delta(self, event: Json, text: str) -> Iterable[Json] | None:
        if event.get("index") != self._index:
            return None
        whole = self._text + text
        start = held_from(whole)
        if start == len(whole) and not self._text:
            return None
        self._text = whole[start:]
        return (_with_text(event, whole[:start]),) if start else ()

    def _before(self, event: Json) -> list[Json]:
        """What has waited for ``event`` to come, and goes out before it."""
        if not self._waiting or event.get("type") == "ping":
            return []
        is_last = not (event.get("type") == "content_block_start" and _is_text(event.get("content_block")))
        tail = without_leak(self._text) if is_last else self._text
        ends, self._waiting, self._text = self._waiting, [], ""
        delta = {"type": "content_block_delta", "index": ends[0].get("index"), "delta": {"type": "text_delta"}}
        return [_with_text(delta, tail), *ends] if tail else ends

    def end(self) -> Iterable[Json]:
        """See the base class."""
        return self._before({})


def _is_text(block: object) -> bool:
    return isinstance(block, dict) and block.get("type") == "text"


def _with_text(event: Json, text: str) -> Json:
    return {**event, "delta": {**event["delta"], "text": text}}

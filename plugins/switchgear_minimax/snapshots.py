"""Streamed ``reasoning_details``, whichever way their text is meant. Pure."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class ReasoningDetails:
    """Makes deltas of them.

    Implementations disagree whether a detail's ``text`` is the next piece or all of it so far (read 2026-11). So the
    text of each detail is kept: one that begins with what was kept is all of it, any other is the next piece; and so is
    one that says the same as the ``reasoning_content`` beside it.
    """

    def __init__(self) -> None:
        self._so_far: dict[tuple[str, int], str] = {}

    def mend(self, delta: Json) -> None:
        """Leave in a delta's details what is new, and say it in ``reasoning_content`` where that is absent."""
        details = delta.get("reasoning_details")
        if not isinstance(details, list):
            return
        said = delta.get("reasoning_content")
        new = "".join(self._new(detail, said) for detail in details if isinstance(detail, dict))
        if new and not said:
            delta["reasoning_content"] = new

    def _new(self, detail: Json, said: object) -> str:
        text = detail.get("text")
        if not isinstance(text, str):
            return ""
        key = (str(detail.get("id")), detail["index"] if isinstance(detail.get("index"), int) else 0)
        known = self._so_far.get(key, "")
        is_snapshot = text != said and text.startswith(known)
        new = text.removeprefix(known) if is_snapshot else text
        self._so_far[key] = known + new
        detail["text"] = new
        return new

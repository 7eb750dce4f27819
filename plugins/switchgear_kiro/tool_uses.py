"""Tool calls, put together from their fragments. Sans-IO.

One call comes as ``{toolUseId, name}``, pieces of its ``input`` cut anywhere, and ``stop``; or all in one frame. Calls
come one after another, but nothing here depends on that. A call without ``stop`` was cut off and is nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from switchgear import ToolCall
from switchgear_kiro.payloads import ToolUse

MAX_INPUT_CHARS = 16 * 1024 * 1024


@dataclass(slots=True)
class _Open:
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    chars: int = 0
    whole: dict[str, Any] | None = None

    def arguments(self) -> str:
        """The input as JSON text: as the model wrote it, even where it is not valid; ``{}`` for none."""
        text = "".join(self.pieces)
        if text.strip():
            return text
        return msgspec.json.encode(self.whole).decode() if self.whole else "{}"


class ToolUses:
    """The calls of one answer.

    Args:
        names: the client's name of a tool by the one that was sent; those that are the same may be left out.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._open: dict[str, _Open] = {}
        self._given: dict[str, int] = {}
        self._last = ""

    @property
    def cut_off(self) -> bool:
        """Whether there is a call that has not stopped."""
        return bool(self._open)

    @property
    def called(self) -> bool:
        """Whether a whole call was given."""
        return bool(self._given)

    def take(self, use: ToolUse) -> ToolCall | None:
        """Take a fragment in; gives the call when it was the last one.

        A fragment without id belongs to the call of the one before. An id that comes again, after its call has stopped,
        is another call, and gets an id of its own: clients tell calls apart by it.

        Raises:
            ValueError: the call cannot be made: it has no id or no name, or is far too long.
        """
        id_ = use.tool_use_id or self._last
        if not id_:
            raise ValueError("a tool call has no id")
        self._last = id_
        call = self._open.get(id_)
        if call is None:
            if use.stop and id_ in self._given and not use.input:
                return None  # it stopped twice
            call = self._open[id_] = _Open()
        call.name = use.name or call.name
        if isinstance(use.input, str):
            call.pieces.append(use.input)
            call.chars += len(use.input)
            if call.chars > MAX_INPUT_CHARS:
                raise ValueError(f"the input of tool {call.name[:64]!r} exceeds {MAX_INPUT_CHARS} characters")
        elif use.input:
            call.whole = use.input
        if not use.stop:
            return None
        del self._open[id_]
        if not call.name:
            raise ValueError(f"tool call {id_[:64]!r} has no name")
        times = self._given[id_] = self._given.get(id_, 0) + 1
        return ToolCall(
            id_ if times == 1 else f"{id_}_{times}", self._names.get(call.name, call.name), call.arguments()
        )

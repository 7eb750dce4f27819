"""Tool calls out of deltas, whatever an upstream makes of indexes, ids and names.

Seen in the field (read 2026-11): no index (Gemini, older Ollama, Mistral, proxies), index 0 for every parallel call, an
id on the first piece only, on every piece or never, a name after the arguments or on every piece, whole calls at once,
arguments as an object.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import msgspec

from switchgear.events import ToolCallDelta


class FunctionPiece(msgspec.Struct):
    """The function of a piece of a call."""

    name: str | None = None
    arguments: Any = None


class CallPiece(msgspec.Struct):
    """A piece of a call as it came."""

    index: int | None = None
    id: str | None = None
    function: FunctionPiece | None = None


@dataclass(slots=True)
class _Slot:
    number: int
    id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    sent: int = 0

    def is_complete(self) -> bool:
        try:
            msgspec.json.decode("".join(self.arguments))
        except msgspec.DecodeError:
            return False
        return True


class ToolCalls:
    """The calls of one answer, piece by piece."""

    def __init__(self) -> None:
        self._slots: list[_Slot] = []
        self._by_index: dict[int, _Slot] = {}

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def unnamed(self) -> bool:
        """Whether a call came without a name so far."""
        return any(not slot.name for slot in self._slots)

    def take(self, piece: CallPiece) -> ToolCallDelta | None:
        """One piece; ``None`` while its call has no name."""
        slot = self._slot(piece)
        function = piece.function
        if function is not None:
            slot.name = slot.name or function.name or ""
            text = _text(function.arguments)
            if text:
                slot.arguments.append(text)
        if not slot.name:
            return None
        if not slot.sent:
            slot.sent = len(slot.arguments) + 1
            slot.id = slot.id or f"call_{secrets.token_hex(12)}"
            return ToolCallDelta(slot.number, "".join(slot.arguments), slot.id, slot.name)
        fresh = slot.arguments[slot.sent - 1 :]
        slot.sent = len(slot.arguments) + 1
        return ToolCallDelta(slot.number, "".join(fresh)) if fresh else None

    def _slot(self, piece: CallPiece) -> _Slot:
        id_, index = piece.id or "", piece.index
        if id_:
            known = next((slot for slot in self._slots if slot.id == id_), None)
            if known is not None:
                return known
        found = self._by_index.get(index) if index is not None else self._last()
        if found is None or (id_ and self._is_another(found, index)):
            return self._new(id_, index)
        if id_ and not found.sent:
            found.id = found.id or id_
        return found

    def _is_another(self, found: _Slot, index: int | None) -> bool:
        """Whether a new id means a new call, although the index (or none) says it goes on."""
        if not found.id and not found.sent:
            return False  # the id came late
        return index is None or found.is_complete()

    def _last(self) -> _Slot | None:
        return self._slots[-1] if self._slots else None

    def _new(self, id_: str, index: int | None) -> _Slot:
        slot = _Slot(len(self._slots), id_)
        self._slots.append(slot)
        if index is not None:
            self._by_index[index] = slot
        return slot


def _text(arguments: object) -> str:
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return msgspec.json.encode(arguments).decode()

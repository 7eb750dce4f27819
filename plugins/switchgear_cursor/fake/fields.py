"""Protobuf's wire format without a schema: the fake reads and writes every message by its numbers alone.

So a number that the plugin has wrong is wrong here too, and nothing of the plugin's own messages is believed.
Source: protobuf.dev, "Encoding", read 2026-11.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES = 10

Value = int | float | str | bytes | list[bytes] | list[str]
"""What a field may be given as: a list is a field that is repeated."""


class WireError(ValueError):
    """The bytes are no message."""


class Fields:
    """A message that was read: ``numbers`` are those of the fields that it has.

    An asked-for field of another wire type than expected is a :class:`WireError`.
    """

    def __init__(self, data: bytes) -> None:
        self._values: dict[int, list[int | bytes]] = {}
        for number, value in _parsed(data):
            self._values.setdefault(number, []).append(value)

    @property
    def numbers(self) -> set[int]:
        """Which fields there are."""
        return set(self._values)

    def has(self, number: int) -> bool:
        """Whether the field is there, be it empty."""
        return number in self._values

    def number(self, number: int) -> int:
        """A number; 0 where it is missing."""
        value = self._last(number, 0)
        if not isinstance(value, int):
            raise WireError(f"field {number} is no number")
        return value

    def data(self, number: int) -> bytes:
        """Bytes; empty where they are missing."""
        value = self._last(number, b"")
        if not isinstance(value, bytes):
            raise WireError(f"field {number} is not of bytes")
        return value

    def text(self, number: int) -> str:
        """A text; empty where it is missing."""
        try:
            return self.data(number).decode()
        except UnicodeDecodeError:
            raise WireError(f"field {number} is no UTF-8") from None

    def message(self, number: int) -> Fields:
        """A message; one without fields where it is missing."""
        return Fields(self.data(number))

    def all_data(self, number: int) -> list[bytes]:
        """A repeated field."""
        values = self._values.get(number, [])
        found = [value for value in values if isinstance(value, bytes)]
        if len(found) != len(values):
            raise WireError(f"field {number} is not of bytes")
        return found

    def messages(self, number: int) -> list[Fields]:
        """A repeated message."""
        return [Fields(data) for data in self.all_data(number)]

    def _last(self, number: int, missing: int | bytes) -> int | bytes:
        values = self._values.get(number)
        return values[-1] if values else missing


def message(fields: Mapping[int, Value]) -> bytes:
    """A message with these fields; a number that is a ``float`` becomes a double.

    >>> message({1: message({4: message({1: "hm"})})}).hex()
    '0a0622040a02686d'
    """
    return b"".join(_field(number, value) for number, value in fields.items())


def _field(number: int, value: Value) -> bytes:
    if isinstance(value, list):
        return b"".join(_field(number, item) for item in value)
    if isinstance(value, str | bytes):
        data = value.encode() if isinstance(value, str) else value
        return _varint(number << 3 | LENGTH) + _varint(len(data)) + data
    if isinstance(value, float):
        return _varint(number << 3 | FIXED64) + struct.pack("<d", value)
    return _varint(number << 3 | VARINT) + _varint(int(value))


def _varint(value: int) -> bytes:
    value &= 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _parsed(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise WireError("illegal tag: field no 0")
        if kind == VARINT:
            value, at = _read_varint(data, at)
            yield number, value
            continue
        if kind == LENGTH:
            size, at = _read_varint(data, at)
        elif kind in {FIXED64, FIXED32}:
            size = 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"illegal tag: wire type {kind}")
        if at + size > len(data):
            raise WireError("premature EOF")
        yield number, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(MAX_VARINT_BYTES):
        if at + place >= len(data):
            raise WireError("premature EOF")
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise WireError("invalid varint")


# -- google.protobuf.Value -------------------------------------------------------------------------------------


def to_value(given: Any) -> bytes:
    """JSON as a ``google.protobuf.Value``."""
    match given:
        case None:
            return message({1: 0})
        case bool():
            return message({4: given})
        case int() | float():
            return message({2: float(given)})
        case str():
            return message({3: given})
        case list():
            return message({6: message({1: [to_value(item) for item in given]})})
        case _:
            return message({5: message({1: to_entries(given)})})


def to_entries(given: Mapping[str, Any]) -> list[bytes]:
    """A JSON object as the entries of a map of values."""
    return [message({1: key, 2: to_value(value)}) for key, value in given.items()]


def from_value(value: Fields) -> Any:
    """The JSON of a ``google.protobuf.Value``."""
    kinds = value.numbers
    if len(kinds) != 1 or not kinds <= {1, 2, 3, 4, 5, 6}:
        raise WireError("no google.protobuf.Value")
    match kinds.pop():
        case 1:
            return None
        case 2:
            (number,) = struct.unpack("<d", value.data(2))
            return int(number) if float(number).is_integer() else number
        case 3:
            return value.text(3)
        case 4:
            return bool(value.number(4))
        case 5:
            entries = value.message(5).messages(1)
            return {entry.text(1): from_value(entry.message(2)) for entry in entries}
        case _:
            return [from_value(item) for item in value.message(6).messages(1)]

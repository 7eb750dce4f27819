"""JSON values and :class:`Value` messages, one as the other."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from switchgear_cursor.proto.agent_pb2 import Entry, ListValue, Struct, Value

EXACT = 2**53
"""Up to here a double tells every integer from the next."""


def to_value(given: Any) -> Value:
    """A JSON value as a message; the order of its keys is kept.

    Raises:
        TypeError: it is none.
    """
    match given:
        case None:
            return Value(null_value=0)
        case bool():
            return Value(bool_value=given)
        case int() | float():
            return Value(number_value=given) if abs(given) <= sys.float_info.max else Value(string_value=str(given))
        case str():
            return Value(string_value=given)
        case Mapping():
            return Value(struct_value=Struct(fields=[Entry(key=str(k), value=to_value(v)) for k, v in given.items()]))
        case list() | tuple():
            return Value(list_value=ListValue(values=[to_value(item) for item in given]))
        case _:
            raise TypeError(f"no JSON value: {type(given).__name__}")


def from_value(message: Value) -> Any:
    """A message as a JSON value. All its numbers are doubles: whole ones become integers again.

    >>> from_value(to_value({"n": 3, "x": 0.5, "l": [None, True, "t"]}))
    {'n': 3, 'x': 0.5, 'l': [None, True, 't']}
    """
    match message.WhichOneof("kind"):
        case "number_value":
            number = message.number_value
            return int(number) if number.is_integer() and abs(number) <= EXACT else number
        case "string_value":
            return message.string_value
        case "bool_value":
            return message.bool_value
        case "struct_value":
            return from_entries(message.struct_value.fields)
        case "list_value":
            return [from_value(item) for item in message.list_value.values]
        case _:
            return None


def from_entries(entries: Iterable[Entry]) -> dict[str, Any]:
    """The entries as a JSON object."""
    return {entry.key: from_value(entry.value) for entry in entries}

"""A client's JSON objects, read field by field: what is malformed is refused by its path, what nobody read is named."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from switchgear.errors import Refusal

_POSITION = re.compile(r"\.\d+(?=\.|$)")


def refuse(path: str, complaint: str, code: str = "invalid_request") -> Refusal:
    """The refusal that blames the field at ``path``."""
    return Refusal(400, code, f"the field {path!r} {complaint}", param=path)


class Dropped:
    """The names of what has no place in a conversation."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def add(self, path: str) -> None:
        """Name a path; its positions are left out."""
        self._names.add(_POSITION.sub("", path))

    def names(self) -> tuple[str, ...]:
        """All of them, sorted, each once."""
        return tuple(sorted(self._names))


class Fields:
    """One JSON object at ``path``. Each reader takes its field out; ``null`` counts as not given."""

    __slots__ = ("_left", "dropped", "path")

    def __init__(self, value: object, path: str, dropped: Dropped) -> None:
        if not isinstance(value, dict):
            raise refuse(path, "must be an object")
        self._left: dict[str, Any] = dict(value)
        self.path = path
        self.dropped = dropped

    def at(self, name: str) -> str:
        """The path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def take(self, name: str) -> Any:
        """The value as it is; ``None`` when it is not given."""
        return self._left.pop(name, None)

    def text(self, name: str) -> str | None:
        """A string."""
        value = self.take(name)
        if value is not None and not isinstance(value, str):
            raise refuse(self.at(name), "must be a string")
        return value

    def needed(self, name: str) -> str:
        """A string that must be there and not be empty."""
        value = self.text(name)
        if not value:
            raise refuse(self.at(name), "must be a string that is not empty")
        return value

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self.take(name)
        if value is not None and not isinstance(value, bool):
            raise refuse(self.at(name), "must be true or false")
        return value

    def number(self, name: str) -> float | None:
        """A number."""
        value = self.take(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise refuse(self.at(name), "must be a number")
        return value

    def count(self, name: str) -> int | None:
        """A whole number."""
        value = self.take(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise refuse(self.at(name), "must be a whole number")
        return value

    def mapping(self, name: str) -> dict[str, Any] | None:
        """A JSON object, as it is."""
        value = self.take(name)
        if value is not None and not isinstance(value, dict):
            raise refuse(self.at(name), "must be an object")
        return value

    def listing(self, name: str) -> list[Any] | None:
        """A list."""
        value = self.take(name)
        if value is not None and not isinstance(value, list):
            raise refuse(self.at(name), "must be a list")
        return value

    def inner(self, name: str) -> Fields | None:
        """A JSON object, to be read field by field too."""
        value = self.take(name)
        return None if value is None else Fields(value, self.at(name), self.dropped)

    def forget(self) -> None:
        """Nothing of the rest matters."""
        self._left.clear()

    def close(self) -> None:
        """Name what nobody read, unless it says nothing."""
        for name, value in self._left.items():
            if not _says_nothing(value):
                self.dropped.add(self.at(name))


def _says_nothing(value: object) -> bool:
    """Whether it is a default in disguise: ``null``, ``false``, empty, or an object of nothing else."""
    if isinstance(value, dict):
        return all(map(_says_nothing, value.values()))
    return value is None or value is False or value == "" or value == []


def request_fields(body: bytes) -> Fields:
    """The request in ``body``.

    Raises:
        Refusal: 400; it is no JSON object.
    """
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refusal(400, "invalid_request", f"the request body is not valid JSON: {error}") from None
    if not isinstance(decoded, dict):
        raise Refusal(400, "invalid_request", "the request body must be a JSON object")
    return Fields(decoded, "", Dropped())

"""A YAML text as plain data, with the place of every key and value.

YAML 1.2's core schema and nothing beyond it: ``no`` and ``1:30`` are texts, ``012`` is the number 12, a key is a text,
and there are no tags. It is built from the parser's events, so that a text made to blow up is given up where it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import StringMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from switchgear.config.places import KeyPath, Place, show_path
from switchgear.config.syntax import explain
from switchgear.errors import ConfigError, Problem

MAX_BYTES = 1024 * 1024
MAX_NODES = 10_000
"""Keys, values and what aliases repeat; a large configuration has a few hundred."""
MAX_DEPTH = 64
LONGEST_NUMBER = 64
"""A plain scalar of more digits stays a text: it is no number anyone calculates with."""

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"([-+]?)\.(inf|Inf|INF|nan|NaN|NAN)")
_DIRECTIVE = re.compile("(?:^|[\r\x85\u2028\u2029])\ufeff*%", re.MULTILINE)
"""A '%' where the parser sees the beginning of a line; an unknown YAML version there would trip it."""
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_BASES = {"0o": 8, "0x": 16}


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML text, read.

    Attributes:
        data: ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool`` or ``None``; an empty text is ``None``.
        places: where each value begins. What an alias repeats stands where it was first written.
        key_places: where the key of each value of a mapping begins.
    """

    data: Any
    places: Mapping[KeyPath, Place]
    key_places: Mapping[KeyPath, Place]

    def nearest(self, loc: KeyPath) -> KeyPath:
        """The longest path in the document that ``loc`` leads along.

        ``loc`` may be pydantic's: steps that are no keys (the name of a union's member) are passed over.
        """
        path: KeyPath = ()
        for step in loc:
            if (*path, step) in self.places:
                path = (*path, step)
        return path

    def place(self, loc: KeyPath, *, of_key: bool = False) -> Place:
        """Where the value at ``loc`` (or the nearest that exists on the way to it) begins; or its key, ``of_key``."""
        path = self.nearest(loc)
        return self.key_places.get(path, self.places[path]) if of_key else self.places[path]


def read_document(file: str, data: bytes) -> Document:
    """Read the YAML text ``data``; ``file`` is its name in messages.

    Raises:
        ConfigError: it is too large, no UTF-8, no YAML, or says something that a configuration may not.
    """
    if len(data) > MAX_BYTES:
        raise _error(file, None, f"is larger than {MAX_BYTES // 1024} KiB; this cannot be a configuration")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace")
        raise _error(file, _place_at(before, len(before)), "is not UTF-8 text; save the file as UTF-8") from None
    if directive := _DIRECTIVE.search(text):
        place = _place_at(text, directive.end() - 1)
        raise _error(file, place, "YAML directives ('%') are not used here; remove this line")
    try:
        return _Builder(file, text).document()
    except YAMLError as error:
        trouble = explain(error)
        raise _error(file, _place_at(text, trouble.index), trouble.message) from None


def _error(file: str, place: Place | None, message: str, key: str = "") -> ConfigError:
    line, column = (None, None) if place is None else (place.line, place.column)
    return ConfigError([Problem(file, line, column, key, message)])


def _place_at(text: str, index: int) -> Place:
    before = re.sub("\r\n?", "\n", text[:index])
    return Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


class _Builder:
    """Turns the parser's events into a :class:`Document`."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._events: Iterator[Event] = iter(YAML(typ="safe", pure=True).parse(text))
        self._places: dict[KeyPath, Place] = {(): Place(1, 1)}
        self._key_places: dict[KeyPath, Place] = {}
        self._anchors: dict[str, tuple[KeyPath, Any] | None] = {}
        self._nodes = 0

    def document(self) -> Document:
        data = None
        for event in self._events:
            if isinstance(event, NodeEvent):
                data = self._value(event, ())
            elif isinstance(event, DocumentStartEvent) and self._nodes:
                self._fail(event, (), "a second document begins here; a configuration is one document")
        return Document(data, self._places, self._key_places)

    def _value(self, event: NodeEvent, path: KeyPath) -> Any:
        self._count(event, path)
        empty = isinstance(event, ScalarEvent) and not event.value and not event.style
        # The parser puts a value that is not there at whatever comes next, lines below; its key is what to look at.
        self._places[path] = self._key_places.get(path, _place(event)) if empty else _place(event)
        if isinstance(event, AliasEvent):
            return self._alias(event, path)
        tag = _tag(event)
        if tag and not (isinstance(event, ScalarEvent) and tag in _TEXT_TAGS):
            self._fail(event, path, "YAML tags are not used here; put a value that begins with '!' in quotes")
        anchor: str | None = event.anchor
        if anchor is not None:
            self._anchors[anchor] = None
        data: Any
        if isinstance(event, ScalarEvent):
            data = event.value if event.style or tag else plain(event.value)
        elif isinstance(event, MappingStartEvent):
            data = self._mapping(path)
        else:
            data = []
            while isinstance(item := next(self._events), NodeEvent):
                data.append(self._value(item, (*path, len(data))))
        if anchor is not None:
            self._anchors[anchor] = (path, data)
        return data

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while isinstance(event := next(self._events), NodeEvent):
            key = self._key(event, path)
            if key in data:
                first = self._key_places[*path, key]
                self._fail(event, (*path, key), f"this key stands here twice; the first is on line {first.line}")
            self._count(event, path)
            self._key_places[*path, key] = _place(event)
            value = next(self._events)
            assert isinstance(value, NodeEvent)
            data[key] = self._value(value, (*path, key))
        return data

    def _key(self, event: NodeEvent, path: KeyPath) -> str:
        if not isinstance(event, ScalarEvent | AliasEvent):
            self._fail(event, path, "a key is a text; put a value that begins with '{' or '[' in quotes")
        if isinstance(event, AliasEvent) or _tag(event):
            self._fail(event, path, "a key is a plain text, without '*' or '!'")
        if event.value == "<<" and not event.style:
            self._fail(event, path, "merge keys ('<<') are not part of YAML 1.2; repeat the keys")
        key = event.value if event.style else plain(event.value)
        if not isinstance(key, str):
            self._fail(event, path, "a key is a text; put this one in quotes")
        return key

    def _alias(self, event: AliasEvent, path: KeyPath) -> Any:
        if event.anchor not in self._anchors:
            self._fail(event, path, "this alias names no anchor above; put a value that begins with '*' in quotes")
        anchored = self._anchors[event.anchor]
        if anchored is None:
            self._fail(event, path, "this alias lies inside its own anchor")
        source, data = anchored
        self._repeat(event, source, path, data)
        return data

    def _repeat(self, alias: Event, source: KeyPath, path: KeyPath, data: Any) -> None:
        steps = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
        for step, value in steps:
            self._count(alias, (*path, step))
            self._places[*path, step] = self._places[*source, step]
            if isinstance(data, dict):
                self._key_places[*path, step] = self._key_places[*source, step]
            self._repeat(alias, (*source, step), (*path, step), value)

    def _count(self, event: Event, path: KeyPath) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._fail(event, path[:1], f"holds more than {MAX_NODES:,} keys and values, counting what aliases repeat")
        if len(path) > MAX_DEPTH:
            self._fail(event, path[:1], f"is nested more than {MAX_DEPTH} levels deep")

    def _fail(self, event: Event, path: KeyPath, message: str) -> NoReturn:
        raise _error(self._file, _place(event), message, show_path(path))


def _tag(event: NodeEvent) -> str:
    tag = getattr(event, "tag", None)
    return "" if tag is None else str(tag)


def _place(event: Event) -> Place:
    mark: StringMark = event.start_mark
    return Place(mark.line + 1, mark.column + 1)


def plain(text: str) -> str | int | float | bool | None:
    """What an unquoted scalar means, by the core schema of YAML 1.2 (section 10.3.2).

    >>> plain("no"), plain("1:30"), plain("0o17"), plain("1e3"), plain("")
    ('no', '1:30', 15, 1000.0, None)
    """
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if len(text) <= LONGEST_NUMBER:
        if _INT.fullmatch(text):
            return int(text, _BASES.get(text[:2], 10))
        if _FLOAT.fullmatch(text):
            return float(text)
        if special := _NOT_FINITE.fullmatch(text):
            return float(special[1] + special[2])
    return text

"""From pydantic's errors to problems an operator can act on: a place, a key, and plain words.

Nothing of the input is ever shown: a value may be a secret, in whatever key it was put.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from switchgear.config.document import Document, plain
from switchgear.config.places import KeyPath, show_key, show_path
from switchgear.config.spelling import known_keys, suggestion
from switchgear.errors import Problem
from switchgear.secret import MASK, SHORTEST_REDACTED, redact
from switchgear.settings import NAME_PATTERN

_TEXT, _LIST, _MAPPING = "a text", "a list ('- ' before each item)", "a mapping of 'key: value' lines"
_WANTED = {
    "string_type": _TEXT,
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _MAPPING,
    "mapping_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dataclass_type": _MAPPING,
}
_UNQUOTED = frozenset({"a whole number", "a number", "true or false"})
_LIMITS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("must be greater than {}", "gt"),
    "greater_than_equal": ("must be at least {}", "ge"),
    "less_than": ("must be less than {}", "lt"),
    "less_than_equal": ("may be {} at most", "le"),
    "string_too_long": ("may have {} characters at most", "max_length"),
    "string_too_short": ("must have at least {} characters", "min_length"),
    "too_long": ("may hold {} items at most", "max_length"),
    "too_short": ("must hold at least {}; leave the key out for the default", "min_length"),
    "string_pattern_mismatch": ("has characters that are not allowed here; allowed are {}", "pattern"),
}

_PATTERNS = {NAME_PATTERN: "letters, digits, '.', '_' and '-'"}


class Reporter:
    """Makes the problems of one document."""

    def __init__(self, file: str, document: Document) -> None:
        self.file = file
        self.document = document

    def problem(self, path: KeyPath, message: str, *, at_key: bool = False, missing: bool = False) -> Problem:
        """A problem with the value (or the key, ``at_key``) at ``path``, or with the nearest that stands there.

        ``missing``: the problem is that nothing stands at ``path``, so it is named in full.
        """
        place = self.document.place(path, of_key=at_key)
        path = path if missing else self.document.nearest(path)
        return Problem(self.file, place.line, place.column, show_path(path), message)

    def rejected(self, model: type[BaseModel], at: KeyPath, error: ValidationError) -> Iterator[Problem]:
        """The problems in what stands ``at``, which ``model`` rejected; each once."""
        seen: set[tuple[KeyPath, str]] = set()
        for details in error.errors(include_url=False):
            loc = (*at, *details["loc"])
            path = self.document.nearest(loc)
            missing = details["type"] == "missing"
            if details["type"] == "extra_forbidden":
                at_key, message = True, "unknown key" + suggestion(str(loc[-1]), known_keys(model, path[len(at) : -1]))
            elif missing:
                at_key, message, path = False, "is missing", (*path, loc[-1])
            else:
                at_key, message = loc[-1] == "[key]", _message(details)
            if (path, message) not in seen:
                seen.add((path, message))
                yield self.problem(path, message, at_key=at_key, missing=missing)


def _message(details: ErrorDetails) -> str:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind in _WANTED:
        return _wrong_type(_WANTED[kind], value)
    if kind == "literal_error":
        return f"must be {context['expected']}"
    if value == "" and kind in {"string_too_short", "too_short"}:
        return "may not be empty"
    if kind in _LIMITS:
        words, name = _LIMITS[kind]
        limit = _PATTERNS.get(context[name], context[name])
        return words.format(f"{limit:g}" if isinstance(limit, float) else limit)
    words = str(context["error"]) if kind in {"value_error", "assertion_error"} else details["msg"]
    return _without(value, words)


def _wrong_type(wanted: str, value: object) -> str:
    if value is None:
        return f"is empty; write {wanted}, or leave the key out"
    if wanted == _TEXT and isinstance(value, int | float):
        return "must be a text; put it in quotes"
    if wanted in _UNQUOTED and isinstance(value, str) and isinstance(plain(value), bool | int | float):
        return f"must be {wanted}, without quotes"
    return f"must be {wanted}"


def _without(value: object, words: str) -> str:
    """The ``words`` of somebody's validator without the input they may quote."""
    for text in sorted(_texts(value), key=len, reverse=True):
        words = words.replace(text, MASK)
    return redact(words)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str | int | float):
        if len(text := str(value)) >= SHORTEST_REDACTED:
            yield text
    elif isinstance(value, Mapping):
        yield from (key for key in value if show_key(str(key)) != key)
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)

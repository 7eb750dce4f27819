"""The nearest right spelling, and which keys are right where."""

from __future__ import annotations

import difflib
import types
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from switchgear.config.places import KeyPath

NEAR = 0.65
"""How alike two spellings must be, of 1.0; below it a suggestion misleads more than it helps."""
SHORT_LIST = 8


def suggestion(word: str, known: Collection[str]) -> str:
    """The end of a message about an unknown ``word``: the nearest known one, or all when they are few, or nothing.

    >>> suggestion("base_url", ["base-url", "prefix"])
    "; did you mean 'base-url'?"
    >>> suggestion("colour", ["name", "alias"])
    "; known are 'alias' and 'name'"
    """
    written = {_folded(name): name for name in known}
    near = difflib.get_close_matches(_folded(word), written, 1, NEAR)
    if near:
        return f"; did you mean {written[near[0]]!r}?"
    if 0 < len(known) <= SHORT_LIST:
        return f"; known {'is' if len(known) == 1 else 'are'} {listed(sorted(known), 'and')}"
    return ""


def listed(words: Sequence[str], conjunction: str) -> str:
    """The words as a sentence lists them.

    >>> listed(["a", "b", "c"], "or")
    "'a', 'b' or 'c'"
    """
    quoted = [repr(word) for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {conjunction} {quoted[-1]}"


def _folded(word: str) -> str:
    return word.lower().replace("_", "-")


def known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that ``model`` takes at ``path``; empty where any key is right, or none."""
    found: list[Any] = [model]
    for step in path:
        found = [inner for outer in found for inner in _inside(outer, step)]
    return [key for each in found for key in _fields(each)]


def _fields(annotation: Any) -> Mapping[str, Any]:
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return {}
    return {info.alias or name: info.annotation for name, info in annotation.model_fields.items()}


def _inside(annotation: Any, step: str | int) -> Iterable[Any]:
    fields = _fields(annotation)
    if step in fields:
        yield from _members(fields[str(step)])
    elif get_args(annotation):
        origin, arguments = get_origin(annotation), get_args(annotation)
        wanted = Mapping if isinstance(step, str) else Sequence
        if isinstance(origin, type) and issubclass(origin, wanted):
            for argument in arguments[1:] if wanted is Mapping else arguments:
                yield from _members(argument)


def _members(annotation: Any) -> Iterator[Any]:
    """The annotation without ``Annotated``; each member of a union on its own."""
    if get_origin(annotation) is Annotated:
        yield from _members(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation

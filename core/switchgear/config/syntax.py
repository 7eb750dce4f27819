"""What is wrong with a text that is no YAML, in plain words.

The parser's own words are never passed on: they can quote the text, and a line of it may hold a secret.
"""

from __future__ import annotations

from dataclasses import dataclass

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

_HERE, _OPENING = False, True
_MISFIT = "this line does not fit the ones above; check the indentation and the ':' after each key"
_TAG = "YAML tags are not used here; put a value that begins with '!' in quotes"
_ANCHOR = "this is no name of an anchor; put a value that begins with '*' or '&' in quotes"

_MESSAGES = (
    (r"character '\t' that cannot start any token", _HERE, "a tab is not allowed here; indent with spaces"),
    ("cannot start any token", _HERE, "a value cannot begin with this character; put it in quotes"),
    (
        "mapping values are not allowed",
        _HERE,
        "this ':' is not allowed here; check the indentation, or put a text with ': ' in quotes",
    ),
    ("escape", _HERE, "this backslash is no known escape; use single quotes, which take it as it is"),
    ("quoted scalar", _OPENING, "the quote that opens here is never closed"),
    ("block scalar", _HERE, "no text may follow '|' or '>' on its line; put a value that begins with one in quotes"),
    ("node content", _HERE, "a value should stand here; put one that begins with ',', ']' or '}' in quotes"),
    ("flow sequence", _OPENING, "the list that opens here is not closed by ']', or lacks a ','"),
    ("flow mapping", _OPENING, "the mapping that opens here is not closed by '}', or lacks a ','"),
    ("block mapping", _HERE, _MISFIT),
    ("block collection", _HERE, _MISFIT),
    ("simple key", _HERE, _MISFIT),
    ("document start", _HERE, _MISFIT),
    ("are not allowed here", _HERE, _MISFIT),
    ("tag", _OPENING, _TAG),
    ("alias", _OPENING, _ANCHOR),
    ("anchor", _OPENING, _ANCHOR),
)
"""Part of what the parser says, which of its two places to show, and what we say; the first that fits counts."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """``index`` counts the characters before the place."""

    index: int
    message: str


def explain(error: YAMLError) -> Trouble:
    """Say what the parser stumbled over, and where."""
    if isinstance(error, ReaderError):
        return Trouble(error.position, "holds a control character, which YAML does not allow")
    if not isinstance(error, MarkedYAMLError):
        return Trouble(0, "is not valid YAML")
    here = error.problem_mark.index if error.problem_mark else 0
    opening = error.context_mark.index if error.context_mark else here
    words = f"{error.context}; {error.problem}"
    for part, at_opening, message in _MESSAGES:
        if part in words:
            return Trouble(opening if at_opening else here, message)
    return Trouble(here, "is not valid YAML from here on")

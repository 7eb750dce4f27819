"""The line of the file that a problem points at, with a caret; what it says is masked, since it may be a secret."""

from __future__ import annotations

import re

from switchgear.config.places import show_key
from switchgear.references import looks_secret
from switchgear.secret import MASK

_PIECES = re.compile(
    r"""
    (?P<key> (?: "[^"\\]*" | '[^']*' | [A-Za-z_][A-Za-z0-9_.-]* ) (?= \s* : (?: \s | $ ) ) )
  | (?P<value> "(?:\\.|[^"\\])*"? | '[^']*'? | [^\s\[\]{},]+ )
  | (?P<rest> \s+ | [\[\]{},] )
    """,
    re.VERBOSE,
)
_HARMLESS = re.compile(r"[-?:|>]|true|false|null|~|[0-9]{1,5}|env:[A-Za-z_]\w*|keyring:[\w.-]+")
_SECRET_KEY = re.compile(r"key|token|secret|password|auth", re.IGNORECASE)


def excerpt(text: str, line: int, column: int) -> str | None:
    """Line ``line`` of ``text`` and a caret under ``column`` (both count from 1).

    Keys, references, switches and small numbers are shown; every other value is masked.

    Returns:
        Two lines; ``None`` when the text has no such line, or nothing stands on it.
    """
    lines = re.split("\r\n|\r|\n", text)
    if line > len(lines) or not lines[line - 1].strip():
        return None
    source = lines[line - 1]
    guarded = bool(_SECRET_KEY.search(source))
    shown, caret = "", None
    for piece in _PIECES.finditer(source):
        if piece.start() <= column - 1 < piece.end():
            caret = len(shown) + (column - 1 - piece.start() if piece["rest"] else 0)
        if piece[0].startswith("#") and source[: piece.start()][-1:].strip() == "":
            break  # a comment
        shown += _masked(piece, guarded)
    if caret is None:
        caret = len(shown)
    return f"{line:>6} | {shown.rstrip()}\n{'':6} | {' ' * caret}^"


def _masked(piece: re.Match[str], guarded: bool) -> str:
    if piece["key"]:
        bare = piece["key"].strip("\"'")
        return piece[0] if show_key(bare) == bare else show_key(bare)
    if piece["rest"]:
        return piece[0]
    harmless = _HARMLESS.fullmatch(piece[0]) and not looks_secret(piece[0].partition(":")[2])
    return piece[0] if harmless and not (guarded and piece[0].isdigit()) else MASK

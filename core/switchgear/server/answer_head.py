"""The head of an answer: what the application says, checked, and what is said in its place."""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate
from enum import IntEnum
from http import HTTPStatus

MOST_NAMES = 1000
"""Header names that are remembered; an application has a few dozen."""


class Kind(IntEnum):
    """What the server does with a header of the application."""

    PASSED_ON = 0
    LENGTH = 1
    CODING = 2
    CONNECTION = 3
    DATE = 4


def lines_of(status: int, headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, int | None, bool]:
    """The status line and the headers of an answer; its length and what becomes of the connection are not among them.

    Returns:
        The lines, but for the line break of the last; the ``content-length``, ``None`` where it has none; whether the
        application wants the connection closed. Its ``transfer-encoding`` is left out: that is the server's own.

    Raises:
        RuntimeError: a name or a value would break the head.
        ValueError: the content-length is no number.
    """
    parts = [_status_lines.get(status) or b"HTTP/1.1 %d " % status]
    length: int | None = None
    close = dated = False
    for name, value in headers:
        start, kind = _names.get(name) or _learn(name)
        if not kind:
            parts += (start, value)
        elif kind is Kind.LENGTH:
            length = int(value)
        elif kind is Kind.CONNECTION:
            close = close or b"close" in value.lower()
        elif kind is Kind.DATE:
            parts += (start, value)
            dated = True
    breaks = len(parts) // 2  # each start of a header has one
    if not dated:
        parts.append(_date())
        breaks += 1
    lines = b"".join(parts)
    if lines.count(b"\n") != breaks or lines.count(b"\r") != breaks or b"\0" in lines:
        raise RuntimeError("a header of the answer holds a line break")
    return lines, length, close


def bare(status: int) -> bytes:
    """A whole answer without a body, after which the connection ends."""
    return lines_of(status, ())[0] + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


_KINDS = {
    b"content-length": Kind.LENGTH,
    b"transfer-encoding": Kind.CODING,
    b"connection": Kind.CONNECTION,
    b"date": Kind.DATE,
}
_NAME_CHARACTERS = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
_names: dict[bytes, tuple[bytes, Kind]] = {}
_status_lines = {status.value: b"HTTP/1.1 %d %b" % (status, status.phrase.encode()) for status in HTTPStatus}
_date_made = (0, b"")


def _learn(name: bytes) -> tuple[bytes, Kind]:
    """The start of the header's line, with the end of the line before."""
    lower = name.lower()
    if not lower or not _NAME_CHARACTERS.issuperset(lower):
        raise RuntimeError(f"{name!r} is no header's name")
    known = (b"\r\n" + lower + b": ", _KINDS.get(lower, Kind.PASSED_ON))
    if len(_names) < MOST_NAMES:
        _names[name] = known
    return known


def _date() -> bytes:
    """The ``date`` header, made once a second."""
    global _date_made
    second = int(time.time())
    if _date_made[0] != second:
        _date_made = (second, b"\r\ndate: " + formatdate(second, usegmt=True).encode())
    return _date_made[1]

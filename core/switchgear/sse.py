"""Server-sent events at the level of bytes: whole events out of arbitrary chunks, and an event's data.

No event is rewritten: the bytes that come out are the bytes that went in. Source: the WHATWG HTML standard, section
9.2 "Server-sent events", read 2026-11.
"""

from __future__ import annotations

import re

MAX_EVENT_BYTES = 32 * 1024 * 1024
"""An event may carry an image; one that is larger is refused."""

BOM = b"\xef\xbb\xbf"
_LINE_END = rb"(?:\r\n|\n|\r(?!\n))"
_BOUNDARY = re.compile(_LINE_END + _LINE_END)


class EventTooLargeError(ValueError):
    """An event is longer than the limit, so there may be no end to it."""


class EventSplitter:
    r"""Cuts a byte stream after each event.

    >>> splitter = EventSplitter()
    >>> splitter.feed(b"data: 1\n\ndata: ")
    (b'data: 1\n\n', [b'data: 1'])
    >>> splitter.feed(b"2\n\n")
    (b'data: 2\n\n', [b'data: 2'])
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> tuple[bytes, list[bytes]]:
        """Take the next bytes.

        Returns:
            The bytes up to the end of the last whole event, and the events in them without their closing blank line.
            What comes after is kept for the next call.

        Raises:
            EventTooLargeError: no event ended within the limit.
        """
        if not self._parts and chunk.endswith(b"\n\n") and b"\r" not in chunk:
            return chunk, chunk[:-2].split(b"\n\n")
        return self._feed_slowly(chunk)

    def _feed_slowly(self, chunk: bytes) -> tuple[bytes, list[bytes]]:
        if not chunk:
            return b"", []
        # The boundary is at most four bytes; three of the old ones may belong to it.
        tail = b"".join(self._parts[-3:])[-3:] if self._parts else b""
        if not _BOUNDARY.search(tail + chunk):
            self._keep(chunk)
            return b"", []
        buffer = b"".join((*self._parts, chunk))
        events: list[bytes] = []
        start = 0
        for boundary in _BOUNDARY.finditer(buffer):
            events.append(buffer[start : boundary.start()])
            start = boundary.end()
        self._parts, self._size = [], 0
        if start < len(buffer):
            self._keep(buffer[start:])
        return buffer[:start], events

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._max:
            raise EventTooLargeError(f"an event is longer than {self._max} bytes")
        if len(self._parts) > 1024:  # a trickle of single bytes: join now and then, not at every byte
            self._parts = [b"".join(self._parts)]

    def rest(self) -> bytes:
        """What was kept: the beginning of an event that has not ended; empty between events. It is given once."""
        rest = b"".join(self._parts)
        self._parts, self._size = [], 0
        return rest


def event_data(event: bytes) -> bytes | None:
    r"""The data of one event, its ``data`` lines joined; ``None`` for comments and events without data.

    A bare JSON object on a line of its own counts as data: some proxies write their errors so.

    >>> event_data(b"event: message\ndata: {}")
    b'{}'
    """
    if event.startswith(b"data: ") and b"\n" not in event and b"\r" not in event:
        return event[6:]
    lines = [_line_data(line) for line in event.removeprefix(BOM).splitlines()]
    data = [line for line in lines if line is not None]
    return b"\n".join(data) if data else None


def _line_data(line: bytes) -> bytes | None:
    if line.startswith(b"data:"):
        return line[6:] if line[5:6] == b" " else line[5:]
    if line.startswith(b"{"):
        return line
    return None


def encode_event(data: bytes) -> bytes:
    """One event that carries ``data``, which holds no line break."""
    return b"data: " + data + b"\n\n"

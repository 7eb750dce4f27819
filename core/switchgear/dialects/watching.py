"""What all watches share: whole events only, nothing after an error, and what an end must have shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from switchgear.dialects.codec import NO_USAGE, ErrorDetail
from switchgear.sse import EventSplitter


class Watch(ABC):
    """See :class:`~switchgear.dialects.codec.StreamWatch`. A dialect says what an event means.

    Attributes:
        proof: what says that an answer is complete, in the dialect's words.
        last_event: supplied where an answer was complete and the upstream left its last event out.
        finished: the proof was seen.
        broken: what is wrong with an event that came after the start; nothing from it on is passed on.
    """

    proof: ClassVar[str]
    last_event: ClassVar[bytes] = b""

    def __init__(self) -> None:
        self.started = False
        self.finished = False
        self.done = False
        self.usage = NO_USAGE
        self.error: bytes | None = None
        self.broken = ""
        self.final: bytes | None = None
        self._splitter = EventSplitter()

    @abstractmethod
    def take(self, event: bytes) -> bytes | None:
        """Take one whole event in; its data where it is an error.

        Raises:
            ValueError: it is no event of the dialect.
        """

    @abstractmethod
    def error_event(self, error: ErrorDetail) -> bytes:
        """See the protocol."""

    def feed(self, chunk: bytes) -> bytes:
        """See the protocol."""
        if self.error is not None or self.broken:
            return b""
        return self._look(*self._splitter.feed(chunk))

    def _look(self, whole: bytes, events: list[bytes]) -> bytes:
        for number, event in enumerate(events):
            try:
                self.error = self.take(event)
            except ValueError as error:
                if not self.started:
                    raise
                self.broken = str(error)
            if self.error is not None or self.broken:
                return whole[: _start_of(events, number, whole)]
        return whole

    def end(self) -> tuple[bytes, str]:
        """See the protocol."""
        rest = self._splitter.rest()
        sent = b""
        if rest.strip() and self.error is None and not self.broken:
            try:
                sent = self._look(rest + b"\n\n", [rest])
            except ValueError as error:
                self.broken = str(error)
            if self.broken:
                return b"", "the stream broke off inside an event"
        if self.error is not None:
            return sent, "the stream ended with an error"
        if self.broken:
            return sent, self.broken
        if self.done:
            return sent, "" if self.started else "the stream held no output"
        if self.finished:
            return sent + self.last_event, ""
        return sent, f"the stream ended without {self.proof}" if self.started else "the stream held no output"


def _start_of(events: list[bytes], number: int, whole: bytes) -> int:
    """Where the event of this number begins in ``whole``."""
    at = 0
    for event in events[:number]:
        at = whole.index(event, at) + len(event)
    return whole.index(events[number], at)

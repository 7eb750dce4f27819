"""What every dialect's codec can do. Sans-IO: no sockets, no clocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from switchgear.types import Dialect, Event, Usage

NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """An error on its way to the client, from an upstream or our own.

    Attributes:
        status: the HTTP status.
        message: for the person who reads it; holds no secret.
        code: the upstream's or our own code; ``None`` for none.
        type: the upstream's error type; ``None`` for the dialect's word for the status.
        param: the request field to blame; ``None`` for none.
    """

    status: int
    message: str
    code: str | None = None
    type: str | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """What core needs to know of a whole answer.

    Attributes:
        usage: the tokens it reports.
        error: the error object it is, although its status is 200; ``None`` for an answer.
        problem: why it is no answer at all; empty when it is one.
    """

    usage: Usage = field(default=NO_USAGE)
    error: bytes | None = None
    problem: str = ""


class StreamWatch(Protocol):
    """Looks at a stream on its way through, and changes no byte of it.

    Attributes:
        started: output was seen (text, reasoning, a tool call or the end): the stream may be committed.
        done: the dialect's last event was seen; nothing after it matters.
        usage: the tokens reported so far.
        error: the data of an error event; the stream is over. ``None`` so far.
    """

    started: bool
    done: bool
    usage: Usage
    error: bytes | None

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; give those of the whole events among them, up to an error event.

        Raises:
            ValueError: this is no stream of the dialect.
        """

    def end(self) -> tuple[bytes, str]:
        """The upstream ended: the bytes still to send, and why it is not a proper end (empty when it is one)."""


class Renderer(Protocol):
    """Renders canonical events in a dialect."""

    def start(self) -> bytes:
        """The bytes before the first event of a stream."""

    def event(self, event: Event) -> bytes:
        """The bytes of one event of a stream; empty when it shows only later."""

    def end(self) -> bytes:
        """The bytes after the last event of a stream."""

    def whole(self) -> bytes:
        """The whole answer, after each event went through :meth:`event`."""

    usage: Usage


class Codec(Protocol):
    """One dialect.

    Attributes:
        streams: whether it has streams at all.
        renders: whether canonical events can be shown in it.
    """

    name: Dialect
    streams: bool
    renders: bool

    def watch(self) -> StreamWatch:
        """A watch for one stream."""

    def read_whole(self, body: bytes) -> Whole:
        """Look at a whole answer."""

    def renderer(self, request_id: str, model: str, created: int, body: bytes) -> Renderer:
        """A renderer for the answer to the client's ``body``; only where :attr:`renders`."""

    def error_body(self, error: ErrorDetail) -> bytes:
        """The error as a whole answer."""

    def error_event(self, error: ErrorDetail) -> bytes:
        """The error as the last event of a stream."""

"""What every dialect's codec can do. Sans-IO: no sockets, no clocks.

Same dialect on both sides: the bytes pass, and a :class:`StreamWatch` looks at them. Different dialects: the request
goes ``parse_request`` -> :class:`~switchgear.conversation.Conversation` -> ``render_request``, the answer goes
``parse_answer`` or :class:`StreamParser` -> events -> :class:`Renderer`. What has no place on the way is named in
``dropped``, never lost in silence; what cannot be left out without changing the question is a
:class:`~switchgear.errors.Refusal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from switchgear.conversation import Conversation
from switchgear.events import Event, Usage
from switchgear.types import Dialect

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
        details: what a dialect says beside these, where it has a place for it.
    """

    status: int
    message: str
    code: str | None = None
    type: str | None = None
    param: str | None = None
    details: Mapping[str, Any] | None = None


class Whole(msgspec.Struct, frozen=True):
    """What core needs to know of a whole answer.

    Attributes:
        usage: the tokens it reports.
        error: the error object it is, although its status is 200; ``None`` for an answer.
        problem: why it is no answer at all; empty when it is one.
    """

    usage: Usage = NO_USAGE
    error: bytes | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A client's request as a conversation; ``dropped`` names the fields that have no place in one.

    Names are paths without positions, such as ``context_management`` or ``tools.web_search``, sorted, each once.
    """

    conversation: Conversation
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as a request's JSON; ``dropped`` names what the dialect cannot carry.

    The names are canonical ones, so that they mean the same for every dialect; see ``docs/dialects.md``.
    """

    body: bytes
    dropped: tuple[str, ...] = ()


class StreamWatch(Protocol):
    """Looks at a stream on its way through, and changes no byte of it.

    Attributes:
        started: output was seen (text, reasoning, a tool call or the end): the stream may be committed.
        done: the dialect's last event was seen; nothing after it matters.
        usage: the tokens reported so far.
        error: the data of an error event; the stream is over. ``None`` so far.
        broken: why an event after the start is none of the dialect's; the stream is over. Empty so far.
        final: the whole answer as JSON, where the stream itself carried it; ``None`` so far or always.
    """

    started: bool
    done: bool
    usage: Usage
    error: bytes | None
    broken: str
    final: bytes | None

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; give those of the whole events among them, up to an error or a broken event.

        Raises:
            ValueError: this is no stream of the dialect; before the start only.
        """

    def end(self) -> tuple[bytes, str]:
        """The upstream ended: the bytes still to send, and why it is not a proper end (empty when it is one)."""

    def error_event(self, error: ErrorDetail) -> bytes:
        """The error as the last event of this stream, after what was fed so far."""


class StreamParser(Protocol):
    """Turns an upstream's stream into events. In a proper stream exactly one ``Finish`` comes, and no output after it.

    Each ``Usage`` is complete: it says all that is known so far. The first ``ToolCallDelta`` of an index has its id and
    name.

    Attributes:
        done: the dialect's last event was seen; nothing after it matters.
        error: the data of an error event; the stream is over. ``None`` so far.
    """

    done: bool
    error: bytes | None

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes, cut anywhere; give the events that are complete, up to an error.

        Raises:
            ValueError: this is no stream of the dialect.
        """

    def end(self) -> tuple[list[Event], str]:
        """The upstream ended: the events still to come, and why it is not a proper end (empty when it is one)."""


class Renderer(Protocol):
    """Renders canonical events in a dialect. Tolerates a missing ``Finish`` or ``Usage``."""

    @property
    def usage(self) -> Usage:
        """The tokens, as the last ``Usage`` said."""

    def start(self) -> bytes:
        """The bytes before the first event of a stream."""

    def event(self, event: Event) -> bytes:
        """The bytes of one event of a stream; empty when it shows only later."""

    def end(self) -> bytes:
        """The bytes after the last event of a stream."""

    def whole(self) -> bytes:
        """The whole answer, after each event went through :meth:`event`. May be called after :meth:`end`."""

    def error_event(self, error: ErrorDetail) -> bytes:
        """The error as the last event of this stream, after what was rendered so far."""


class Codec(Protocol):
    """One dialect.

    Attributes:
        streams: whether it has streams at all.
        converts: whether it is one of the conversation's dialects: the methods from ``parse_request`` on may be used.
    """

    name: Dialect
    streams: bool
    converts: bool

    def watch(self) -> StreamWatch:
        """A watch for one stream."""

    def read_whole(self, body: bytes) -> Whole:
        """Look at a whole answer."""

    def named(self, beginning: bytes, model: str) -> bytes:
        """A whole answer that passes through, or the beginning of a stream, with the name the client asked for.

        Only where a client holds the name against it; elsewhere the bytes as they came.
        """

    def error_body(self, error: ErrorDetail, request_id: str = "") -> bytes:
        """The error as a whole answer."""

    def error_event(self, error: ErrorDetail) -> bytes:
        """The error as the only event of a stream of which nothing is known."""

    def parse_request(self, body: bytes) -> Parsed:
        """A client's request, which is a JSON object, as a conversation.

        Raises:
            Refusal: 400; it is malformed (``invalid_request``, naming the field), or asks for what cannot be converted
                (``unsupported_parameter``, ``unsupported_content``).
        """

    def render_request(self, conversation: Conversation, model: str, *, stream: bool) -> Rendered:
        """A conversation as a request to the upstream's ``model``; a stream is asked to report its usage."""

    def parse_answer(self, body: bytes) -> list[Event]:
        """A whole answer, in which :meth:`read_whole` found neither error nor problem, as events.

        Raises:
            ValueError: it cannot be understood after all.
        """

    def parser(self) -> StreamParser:
        """A parser for one stream."""

    def renderer(self, request_id: str, model: str, created: int, body: bytes) -> Renderer:
        """A renderer for the answer to the client's ``body``, which is in this dialect.

        ``model`` is the name the client used, ``created`` is Unix seconds.
        """

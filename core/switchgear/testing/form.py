"""What an endpoint's form is: how a request is read there, and how an answer to it is written."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import ClassVar

from switchgear.testing.answer import Answer, Json
from switchgear.testing.asked import Asked
from switchgear.testing.openai_personalities import ErrorSpec, Personality, Shape

Part = tuple[list[Json], list[Json], list[Json]]
"""The events of one part of the output: what begins it, its deltas, what ends it."""
SERVER_ERROR = ErrorSpec(
    500, "The server had an error while processing your request. Sorry about that!", "server_error"
)


class Form(ABC):
    """One request's form. A stream is its opening, its output, its closing, and its terminator.

    Attributes:
        number: the request's own; ids end in it.
        says_usage: ``False`` leaves the usage out, ``True`` gives it unasked; ``None`` is as the endpoint does.
        streams: whether the endpoint can stream.
        terminator: what ends a stream, on the wire.
        keepalive: what keeps a stream open while nothing is said, on the wire.
        call_prefix: what the ids of tool calls begin with.
    """

    streams: ClassVar[bool] = True
    terminator: ClassVar[bytes] = b""
    keepalive: ClassVar[bytes] = b": keep-alive\n\n"
    call_prefix: ClassVar[str] = "call_fake_"

    def __init__(self, body: Json, personality: Personality, number: int) -> None:
        self.body = body
        self.personality = personality
        self.number = number
        self.says_usage: bool | None = None

    # -- the request ---------------------------------------------------------------------------------------

    @abstractmethod
    def asked(self) -> Asked:
        """What the body asks for."""

    @abstractmethod
    def refusal(self, headers: Mapping[str, str]) -> ErrorSpec | None:
        """What a strict upstream finds wrong with the request; ``None`` for nothing."""

    # -- the answer ----------------------------------------------------------------------------------------

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of every answer, good or bad."""
        return {}

    @property
    def prelude(self) -> bytes:
        """What a stream begins with, before the opening, on the wire."""
        return b""

    @abstractmethod
    def whole(self, answer: Answer) -> Json:
        """The answer in one piece."""

    @abstractmethod
    def opening(self, answer: Answer) -> Iterable[Json]:
        """The events before any output."""

    @abstractmethod
    def output(self, answer: Answer, *, interleaved: bool = False) -> Iterable[Json]:
        """The events of the output. ``interleaved`` mixes the fragments of several tool calls."""

    @abstractmethod
    def closing(self, answer: Answer) -> Iterable[Json]:
        """The events that say why the answer ended, and its usage."""

    def is_spoken(self, event: Json) -> bool:
        """Whether an event of the output carries a piece of it, and does not merely begin or end a part."""
        return True

    def frame(self, event: object) -> bytes:
        """An event on the wire: JSON, or a text as it is."""
        return sse(event)

    # -- errors --------------------------------------------------------------------------------------------

    def error(self, spec: ErrorSpec) -> tuple[int, Shape]:
        """An error's status and JSON."""
        return spec.status, self.personality.envelope(spec)

    def key_refused(self, key: str | None, *, in_full: bool) -> ErrorSpec:
        """No key at all, or a wrong one, quoted as OpenAI does or as careless servers do."""
        if key is None:
            return ErrorSpec(401, "You didn't provide an API key.", "invalid_request_error")
        shown = key if in_full else f"{key[:4]}{'*' * max(4, len(key) - 8)}{key[-4:]}"
        message = f"Incorrect API key provided: {shown}. You can find your API key in your account's settings."
        return ErrorSpec(401, message, "invalid_request_error", "invalid_api_key")

    def failed(self, answer: Answer) -> Shape:
        """What a failure looks like that comes with status 200, in one piece."""
        return self.error(SERVER_ERROR)[1]

    def failure(self, answer: Answer) -> bytes:
        """What a failure looks like in a stream, on the wire."""
        return self.frame(self.failed(answer))

    def error_event(self) -> bytes:
        """The same as an event called ``error``."""
        return b"event: error\n" + self.frame(self.error(SERVER_ERROR)[1])


def ordered(parts: Sequence[Part], *, interleaved: bool) -> list[Json]:
    """The events of all parts, one part after the other; or ``interleaved`` by their deltas."""
    if not interleaved or not parts:
        return [event for part in parts for events in part for event in events]
    begins, deltas, ends = zip(*parts, strict=True)
    mixed = [event for row in zip_longest(*deltas) for event in row if event is not None]
    return [*chain(*begins), *mixed, *chain(*ends)]


def sse(event: object) -> bytes:
    """One server-sent event that carries ``event`` as JSON, or a text as it is."""
    data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return b"data: " + data.encode() + b"\n\n"


def named_sse(event: object) -> bytes:
    """The same, with the event's type as its name."""
    name = event.get("type") if isinstance(event, dict) else None
    return (f"event: {name}\n".encode() if isinstance(name, str) else b"") + sse(event)

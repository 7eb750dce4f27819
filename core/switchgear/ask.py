"""One client request on its way through: what is asked, in which words of an upstream, and where the answer goes.

What every request makes anew, and nobody changes, is a struct: a frozen dataclass costs ten times as much to make.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from switchgear.conversation import Conversation
from switchgear.dialects import CODECS, Codec, ErrorDetail, Parsed
from switchgear.dialects.request_body import RequestBody
from switchgear.errors import Refusal
from switchgear.routing import Candidate, upstream_dialect
from switchgear.types import AttemptRecord, Dialect, ForwardRequest

Keep = Callable[[bytes, bool], None]
"""Takes a whole answer that is about to be delivered, and whether it is the upstream's own rather than converted."""


class Prepared(msgspec.Struct, frozen=True):
    """An attempt's request. ``dropped`` names what of the client's was left out on the way to another dialect."""

    request: ForwardRequest
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt as it ended: its record, the upstream's name of the model, and what was wrong, if anything was.

    ``status`` is the one of the error, where it came inside a 200; ``None`` where the upstream gave none.
    """

    record: AttemptRecord
    upstream_model: str
    status: int | None
    message: str


@dataclass(slots=True, repr=False)
class Ask:
    """One client request. Times are ``perf_counter`` seconds.

    ``waited_s`` is the time spent waiting for upstreams so far: what is left of the request's time is our overhead.
    ``queued_s`` is the part of it that was spent in line for an account.
    ``sent`` is the body as the client sent it, which its answer may repeat; ``body`` is what is asked for. ``keep``
    takes the whole answer before its last byte goes out; ``None`` when nobody wants it. ``tried`` is told of each
    attempt; likewise.
    """

    id: str
    codec: Codec
    body: RequestBody
    headers: dict[str, str]
    received: float
    created: int
    sent: RequestBody | None = None
    keep: Keep | None = None
    tried: Callable[[Tried], None] | None = None
    waited_s: float = 0.0
    queued_s: float = 0.0
    attempts: int = 0
    _parsed: Parsed | None = None

    def parsed(self) -> Parsed:
        """The client's request as a conversation, parsed when first asked for.

        Raises:
            Refusal: it is malformed, or cannot be said in another dialect.
        """
        if self._parsed is None:
            self._parsed = self.codec.parse_request(self.body.with_model(self.body.model))
        return self._parsed

    def conversation(self) -> Conversation:
        """What the client wants, whatever it speaks."""
        return self.parsed().conversation

    def prepare(self, candidate: Candidate) -> Prepared:
        """The request as this candidate is asked it: the client's own body, or converted to what the upstream speaks.

        Raises:
            Refusal: it cannot be converted.
        """
        entry, model, client = candidate.entry, candidate.model, self.codec.name
        dialect = upstream_dialect(entry, client)
        if dialect is None:
            raise Refusal(400, "unsupported_dialect", f"{entry.name!r} does not speak {client}", param="model")
        if dialect == client:
            return Prepared(self._request(candidate, dialect, self.body.with_model(model)))
        parsed = self.parsed()
        rendered = CODECS[dialect].render_request(parsed.conversation, model, stream=self.body.stream)
        dropped = tuple(sorted({*parsed.dropped, *rendered.dropped}))
        return Prepared(self._request(candidate, dialect, rendered.body), dropped)

    def _request(self, candidate: Candidate, dialect: Dialect, body: bytes) -> ForwardRequest:
        return ForwardRequest(
            self.id,
            dialect,
            self.codec.name,
            candidate.model,
            body,
            self.body.stream,
            self.headers,
            candidate.entry.timeouts,
            self.conversation,
        )

    @property
    def dropped_in_parsing(self) -> tuple[str, ...]:
        """What of the client's has no place in a conversation; empty while none was asked for."""
        return () if self._parsed is None else self._parsed.dropped


class Served(msgspec.Struct, frozen=True):
    """Who served the request, for the response headers.

    ``converted`` is the dialect the upstream was asked in, where it is not the client's; ``dropped`` names what could
    not be carried there, or what a plugin that speaks no dialect could not ask for.
    """

    provider: str
    account: str
    attempts: int
    overhead_ms: float
    converted: Dialect | None = None
    dropped: tuple[str, ...] = ()


class ClientSide(Protocol):
    """What may be done to the client. Each method waits while the client reads slowly.

    ``error_event`` is how an error is said in the stream under way.
    """

    committed: bool
    error_event: Callable[[ErrorDetail], bytes]

    async def whole(
        self, status: int, content_type: bytes, body: bytes, served: Served, retry_after_s: int | None = None
    ) -> None:
        """Send a whole answer: the commit and the end."""

    async def start(self, content_type: bytes, served: Served) -> None:
        """Send status 200 and the headers of a stream: the commit."""

    async def send(self, data: bytes) -> None:
        """Send a part of the body."""

    async def end(self) -> None:
        """The body is complete."""

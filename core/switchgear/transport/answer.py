"""One answer of an upstream, as it arrives: a head, then a body whose parts are taken when the reader is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, Self

import httptools
import httpx2

HIGH_WATER_BYTES = 256 * 1024
"""So much of a body waits for its reader; beyond it the upstream is not read from."""
DRY_LIMIT_BYTES = 64 * 1024
"""So much may come in which there is nothing of a body: a head, interim answers, trailers, chunk extensions."""
NEVER = float("inf")

Fields = list[tuple[bytes, bytes]]
Limits = Mapping[str, float | None]
"""Seconds: ``connect``, ``pool``, ``write`` and ``read``; without limit where one is missing or ``None``."""


class Line(Protocol):
    """What an answer needs of its connection."""

    def pause(self) -> None:
        """Read no more from the upstream for now."""

    def read_on(self) -> None:
        """Read again."""

    def abandon(self) -> None:
        """Nobody wants the rest: close the connection."""

    def watch(self, deadline: float) -> None:
        """Look at the answer's deadline when it is there."""


def unchanged(error: httpx2.TransportError) -> Exception:
    """The HTTP library's own errors, for readers who know them."""
    return error


class Answer(httpx2.AsyncByteStream):
    """Hears the bytes of one answer, and is read by one reader.

    It is an iterator over the body: all that has come at a time. What had come before the answer broke off is still
    given.

    Args:
        line: its connection.
        loop: it runs on this one.
        limits: ``write`` while the upstream does not read, ``read`` otherwise; looked at for each wait.
        head_only: the request was a HEAD: there is no body, whatever the head says.

    Attributes:
        status: 0 until the head is here.
        headers: as sent, names as written.
        begun: something of it has come.
        complete: the whole answer is here.
        reusable: and the connection may carry another.
        error: why the rest will not come.
        sending: the upstream does not read what is sent to it.
        deadline: when the wait that is under way is over, in the loop's time.
        raised_as: what the reader of the body gets to see of an error.
    """

    __slots__ = (
        "_dry_bytes",
        "_head_only",
        "_limits",
        "_line",
        "_loop",
        "_parser",
        "_parts",
        "_paused",
        "_waiting",
        "_waiting_bytes",
        "begun",
        "complete",
        "deadline",
        "error",
        "headers",
        "on_body",
        "raised_as",
        "reusable",
        "sending",
        "status",
    )

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop, limits: Limits, *, head_only: bool = False) -> None:
        self._line = line
        self._loop = loop
        self._limits = limits
        self._head_only = head_only
        self._parts: list[bytes] = []
        self._waiting: asyncio.Future[None] | None = None
        self._waiting_bytes = 0
        self._dry_bytes = 0
        self._paused = False
        self.status = 0
        self.headers: Fields = []
        self.begun = False
        self.complete = False
        self.reusable = False
        self.error: httpx2.TransportError | None = None
        self.sending = False
        self.deadline = NEVER
        self.raised_as: Callable[[httpx2.TransportError], Exception] = unchanged
        self.on_body = self._parts.append  # called for every part of every stream
        # One parser for each answer: nothing of one can become part of the next.
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,  # obsolete line folding, which RFC 9112 (5.2) wants understood
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )

    # -- what the connection tells -------------------------------------------------------------------------

    def feed(self, data: bytes | memoryview[int]) -> None:
        """Bytes came. Afterwards the answer may be ``complete``, or there may be an ``error``."""
        parser, parts = self._parser, self._parts
        if parser is None:
            return
        had = len(parts)
        self.begun = True
        self._dry_bytes += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse("the upstream switched protocols")
        except httptools.HttpParserError as error:
            self.reusable = False  # what comes after a whole answer does not harm it
            self._refuse(f"the upstream's answer is no HTTP/1.1: {error}")
        if self._head_only:
            parts.clear()
        if len(parts) > had:
            self._dry_bytes = 0
            self._waiting_bytes += len(data)
            if self._waiting_bytes > HIGH_WATER_BYTES and not self._paused and not self.complete:
                self._paused = True
                self._line.pause()
        elif self._dry_bytes > DRY_LIMIT_BYTES:
            self._refuse(f"more than {DRY_LIMIT_BYTES} bytes came that are no body")
        if self.complete or self.error is not None:
            self._parser = None  # it refers to this answer
        if self.status:
            self.wake()

    def end(self) -> None:
        """The upstream sends no more, and says so: the end of a body that has no other."""
        if self.status and not self.error and not any(name.lower() in _FRAMING for name, _ in self.headers):
            self.complete = True
            self.wake()
        else:
            self._refuse("the upstream closed the connection before its answer was whole")

    def fail(self, error: httpx2.TransportError) -> None:
        """The rest will not come."""
        if not self.complete and self.error is None:
            self.error = error
            self._parser = None
            self.wake()

    def _refuse(self, message: str) -> None:
        self.fail(httpx2.RemoteProtocolError(message))

    def time_out(self) -> None:
        """The deadline has passed."""
        limit, kind = ("write", httpx2.WriteTimeout) if self.sending else ("read", httpx2.ReadTimeout)
        self.fail(kind(f"nothing happened for {self._limits.get(limit) or 0:g} s"))

    def wake(self) -> None:
        """Something changed for who waits."""
        waiting = self._waiting
        if waiting is not None:
            self._waiting = None
            self.deadline = NEVER
            if not waiting.done():
                waiting.set_result(None)

    # -- the parser ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A head begins: the first, or the one after an interim answer."""
        if self.status:
            raise ValueError("nobody asked for a second answer")  # it ends the parsing
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field, or one after the body, which nobody here needs."""
        if not self.status:
            if b"\0" in value:
                self._refuse("a header of the upstream's answer holds a null byte")
            self.headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head is here, or an interim one."""
        if self.status or self._parser is None:
            return
        status = self._parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:
                self._refuse(f"the upstream answered with status {status}, which was not asked for")
            return
        if self._dry_bytes > DRY_LIMIT_BYTES and _size(self.headers) > DRY_LIMIT_BYTES:
            self._refuse(f"the head of the upstream's answer is longer than {DRY_LIMIT_BYTES} bytes")
            return
        self.status = status
        self.complete = self._head_only

    def on_message_complete(self) -> None:
        """The answer is whole, or an interim one was."""
        if self.status and not self.complete and self._parser is not None:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()

    # -- what the reader does ------------------------------------------------------------------------------

    def change(self) -> asyncio.Future[None]:
        """The next change, to be awaited at once; where none comes in time, that is one too.

        Raises:
            httpx2.TransportError: the answer broke off.
        """
        if self.error is not None:
            raise self.error
        limit = self._limits.get("write" if self.sending else "read")
        if limit is not None:
            self.deadline = deadline = self._loop.time() + limit
            self._line.watch(deadline)
        self._waiting = waiting = self._loop.create_future()
        return waiting

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        parts = self._parts
        while not parts:
            if self.complete:
                raise StopAsyncIteration
            try:
                await self.change()
            except httpx2.TransportError as error:
                raise self.raised_as(error) from error.__cause__
            except asyncio.CancelledError:
                self.deadline = NEVER
                raise
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._waiting_bytes = 0
        if self._paused:
            self._paused = False
            self._line.read_on()
        return data

    async def aclose(self) -> None:
        """Done with it; what has not been read is let go, and what has not arrived is not waited for."""
        self._parts.clear()
        if not self.complete and self.error is None:
            self.fail(httpx2.ReadError("the answer was closed"))
            self._line.abandon()


def _size(fields: Fields) -> int:
    return sum(len(name) + len(value) + len(b": \r\n") for name, value in fields)


_FRAMING = frozenset({b"content-length", b"transfer-encoding"})

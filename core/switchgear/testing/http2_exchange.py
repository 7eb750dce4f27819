"""One stream of an :class:`~switchgear.testing.http2_server.Http2Server`: a request and its answer, both still open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from h2.errors import ErrorCodes

from switchgear.testing.exchange import ClientGoneError


@dataclass(frozen=True, slots=True)
class Http2Request:
    """The head of a request, as it came; its body comes later.

    Attributes:
        method: as sent.
        target: the raw ``:path``, with its query.
        path: ``target`` up to the question mark.
        authority: ``:authority``, as a rule host and port.
        headers: without HTTP/2's own, in lower case; a header given twice is joined with ``", "``.
    """

    method: str
    target: str
    path: str
    authority: str
    headers: Mapping[str, str]


class Http2Wire(Protocol):
    """A connection, as its exchanges see it."""

    def send_headers(self, stream: int, headers: list[tuple[str, str]], *, end: bool) -> None:
        """Send a head, or trailers."""

    def send_data(self, stream: int, data: bytes) -> int:
        """Send what flow control allows; how much that was."""

    def send_end(self, stream: int) -> None:
        """Send the end of the body."""

    def send_reset(self, stream: int, code: int) -> None:
        """Reset the stream."""

    def give_window(self, stream: int, size: int) -> None:
        """Let the peer send ``size`` bytes more on this stream."""

    def go_away(self, code: int) -> None:
        """Announce that no new stream is taken."""

    def cut(self) -> None:
        """Break the connection."""


class Http2Exchange:
    """A request and its answer. What is not read is not acknowledged: a handler that stops reading stops the client.

    Attributes:
        request: its head; its fields are also attributes of the exchange.
        closed: set when the client reset the stream or its connection is gone, also while a handler waits.
        reset_code: HTTP/2's code in the client's reset; ``None`` where it did not reset.
        client_ended: the client has half-closed; everything it sent is here.
        received: the number of body bytes that have come, read or not.
        started: the answer's head is sent.
        ended: the answer is complete, or the handler reset it.
        handled: the handler is done with it.
    """

    def __init__(self, wire: Http2Wire, stream: int, request: Http2Request) -> None:
        self._wire = wire
        self._stream = stream
        self.request = request
        self.method = request.method
        self.target = request.target
        self.path = request.path
        self.headers = request.headers
        self.closed = asyncio.Event()
        self.reset_code: int | None = None
        self.client_ended = False
        self.received = 0
        self.started = False
        self.ended = False
        self.handled = False
        self._unread = bytearray()
        self._owed = 0
        self._changed = asyncio.Event()

    async def read(self) -> bytes:
        """What has come of the body; waits for a byte at least. Empty once the client has half-closed.

        Raises:
            ClientGoneError: the client reset the stream, or went away.
        """
        while not self._unread and not self.client_ended:
            await self._change()
        data = bytes(self._unread)
        self._unread.clear()
        owed, self._owed = self._owed, 0
        if owed:
            self._wire.give_window(self._stream, owed)
        return data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self.read():
            yield data

    async def body(self) -> bytes:
        """All that the client sends, until it half-closes."""
        return b"".join([part async for part in self])

    async def start(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send the answer's head."""
        self._check()
        self.started = True
        self._wire.send_headers(self._stream, [(":status", str(status)), *(headers or {}).items()], end=False)

    async def send(self, data: bytes) -> None:
        """Send a part of the answer's body; waits while the client reads slowly."""
        while data:
            self._check()
            sent = self._wire.send_data(self._stream, data)
            data = data[sent:]
            if not sent:
                await self._change()

    async def end(self, trailers: Mapping[str, str] | None = None) -> None:
        """The answer is complete."""
        self._check()
        self.ended = True
        if trailers:
            self._wire.send_headers(self._stream, list(trailers.items()), end=True)
        else:
            self._wire.send_end(self._stream)

    async def respond(self, status: int, body: bytes | str = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer."""
        await self.start(status, headers)
        await self.send(body.encode() if isinstance(body, str) else body)
        await self.end()

    def reset(self, code: int = ErrorCodes.INTERNAL_ERROR) -> None:
        """Reset the stream."""
        if not self.closed.is_set():
            self.ended = True
            self._wire.send_reset(self._stream, code)

    def go_away(self, code: int = ErrorCodes.NO_ERROR) -> None:
        """Take no new stream on this connection; those that are open go on. Source: RFC 9113 section 6.8."""
        self._wire.go_away(code)

    def cut(self) -> None:
        """Break the connection, with all its streams."""
        self._wire.cut()

    async def pause(self, seconds: float) -> None:
        """Sleep, but not longer than the client stays.

        Raises:
            ClientGoneError: it left.
        """
        try:
            async with asyncio.timeout(seconds):
                await self.closed.wait()
        except TimeoutError:
            return
        self._check()

    # -- for the connection ------------------------------------------------------------------------------------

    def on_data(self, data: bytes, flow_controlled: int) -> None:
        """A part of the request's body."""
        self._unread += data
        self._owed += flow_controlled
        self.received += len(data)
        self._changed.set()

    def on_client_end(self) -> None:
        """The client half-closed."""
        self.client_ended = True
        self._changed.set()

    def on_gone(self, code: int | None) -> None:
        """The client reset the stream, or its connection is gone (``None``)."""
        if not self.closed.is_set():
            self.reset_code = code
            self.closed.set()
            self._changed.set()

    def on_room(self) -> None:
        """It may be possible to send again."""
        self._changed.set()

    async def _change(self) -> None:
        self._check()
        self._changed.clear()
        await self._changed.wait()
        self._check()

    def _check(self) -> None:
        if self.closed.is_set():
            raise ClientGoneError("the client reset the stream or went away")

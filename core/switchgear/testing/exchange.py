"""One request to a :class:`~switchgear.testing.server.LoopbackServer`, and the ways to answer or to fail it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import h11

BODILESS = frozenset({204, 304})


class ClientGoneError(ConnectionError):
    """The peer went away, or the handler cut the connection; nothing more can be sent."""


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it came.

    Attributes:
        method: as sent, upper case by convention.
        target: the raw request target, still percent-encoded, with its query.
        path: ``target`` up to the question mark.
        query: ``target`` after it; empty without one.
        headers: names in lower case; a header given twice is joined with ``", "``.
        raw_headers: every header line in order, names as the peer wrote them.
        body: whole, after chunked decoding.
    """

    method: str
    target: str
    path: str
    query: str
    headers: Mapping[str, str]
    raw_headers: tuple[tuple[str, str], ...]
    body: bytes


class Exchange:
    """A request and its answer. Every method that sends waits while the peer reads slowly.

    Attributes:
        request: what was received; its fields are also attributes of the exchange.
        closed: set when the peer went away (end of file, reset), also while a handler sleeps or streams.
        started: the answer's head is sent.
        ended: the answer is complete; what the peer does after that is its own affair.
        was_cut: the handler itself broke the connection.
    """

    def __init__(self, http: h11.Connection, writer: asyncio.StreamWriter, request: ReceivedRequest) -> None:
        self._http = http
        self._writer = writer
        self.request = request
        self.method = request.method
        self.target = request.target
        self.path = request.path
        self.query = request.query
        self.headers = request.headers
        self.body = request.body
        self.closed = asyncio.Event()
        self.started = False
        self.ended = False
        self.was_cut = False

    async def respond(
        self,
        status: int,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> None:
        """Send a whole answer with its ``content-length``."""
        data = body.encode() if isinstance(body, str) else body
        head = {"content-type": content_type, "content-length": str(len(data)), **(headers or {})}
        if status in BODILESS:
            del head["content-length"]
        parts = [self._http.send(h11.Response(status_code=status, headers=list(head.items())))]
        if data and status not in BODILESS and self.method != "HEAD":
            parts.append(self._http.send(h11.Data(data=data)))
        parts.append(self._http.send(h11.EndOfMessage()))
        self.started = self.ended = True
        await self._write(b"".join(part for part in parts if part))

    async def start(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send the head. The body is chunked, unless ``headers`` give a ``content-length``."""
        self.started = True
        await self._write(self._http.send(h11.Response(status_code=status, headers=list((headers or {}).items()))))

    async def send(self, data: bytes) -> None:
        """Send a part of the body as one chunk of its own.

        Raises:
            ClientGoneError: the peer is gone.
        """
        if data:
            await self._write(self._http.send(h11.Data(data=data)))

    async def end(self) -> None:
        """The body is complete."""
        data = self._http.send(h11.EndOfMessage())
        self.ended = True
        await self._write(data)

    async def send_raw(self, data: bytes) -> None:
        """Write bytes past the HTTP layer, to break it; the connection cannot be used again."""
        self.started = self.was_cut = True
        self._check()
        self._writer.write(data)
        await self._drain()

    def cut(self, *, reset: bool = True) -> None:
        """Break the connection off: with a TCP reset, or else an early but orderly end of file.

        What was sent before is usually still read by the peer.
        """
        self.was_cut = True
        sock = self._writer.get_extra_info("socket")
        if not reset:
            self._writer.close()
        elif sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if reset:
            self._writer.transport.abort()

    async def pause(self, seconds: float) -> None:
        """Sleep, but not longer than the peer stays.

        Raises:
            ClientGoneError: it left.
        """
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(seconds):
                await self.closed.wait()
        except TimeoutError:
            return
        raise ClientGoneError("the client went away during a pause")

    async def finish(self) -> None:
        """Complete what the handler left open: an answer it began, or none at all (then status 500)."""
        if self.was_cut or self.ended or self.closed.is_set():
            return
        if self.started:
            await self.end()
        else:
            await self.respond(500, "the handler gave no answer", content_type="text/plain")

    @property
    def reusable(self) -> bool:
        """Whether the connection can carry another request."""
        return not self.was_cut and self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _write(self, data: bytes | None) -> None:
        if self.was_cut:
            raise ClientGoneError("the connection was cut")
        self._check()
        if data:
            self._writer.write(data)
        await self._drain()

    def _check(self) -> None:
        if self.closed.is_set() or self._writer.transport.is_closing():
            self._gone()

    async def _drain(self) -> None:
        try:
            await self._writer.drain()
        except OSError:
            self._gone()

    def _gone(self) -> NoReturn:
        """A failed write may know of the peer's leaving before a read does."""
        self.closed.set()
        raise ClientGoneError("the client went away")

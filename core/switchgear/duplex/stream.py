"""One stream of a connection: what has come and is not taken yet, and who waits for what."""

from __future__ import annotations

import asyncio
from typing import Protocol

from switchgear.duplex.request_head import Head
from switchgear.errors import UpstreamError
from switchgear.types import Failure

STREAM_WINDOW_BYTES = 128 * 1024
"""How much may have come and not been taken: the peer is told so, and sends no more."""


class Wire(Protocol):
    """The connection, as its streams see it."""

    def send(self, stream: Stream, data: memoryview) -> int:
        """Send the beginning of ``data``, as much as flow control allows now; how much that was."""

    def end(self, stream: Stream) -> None:
        """Nothing more will be sent."""

    def reset(self, stream: Stream) -> None:
        """Cancel the stream, if it is open."""

    def give_window(self, stream: Stream, size: int) -> None:
        """The peer may send ``size`` bytes more."""

    def suspect(self, silent_s: float) -> None:
        """A stream waited ``silent_s`` in vain; a connection as silent as that is used no more."""


class Stream:
    """The state of one stream. The connection calls the methods that begin with ``on_``.

    Attributes:
        id: HTTP/2's number.
        status: of the answer; 0 until its headers are here.
        headers: the answer's, names in lower case; a header given twice is joined with ``", "``.
        trailers: what came after the body.
        answered: set when the headers are here, or never will be.
        readable: set while :meth:`take` has something to give, or nothing more will come.
        ended: the peer has sent everything.
        closing: nothing more can be sent: ended by us, or broken.
    """

    def __init__(self, wire: Wire, stream_id: int) -> None:
        self._wire = wire
        self.id = stream_id
        self.status = 0
        self.headers: dict[str, str] = {}
        self.trailers: dict[str, str] = {}
        self.answered = asyncio.Event()
        self.ended = False
        self.closing = False
        self._failure: Failure | None = None
        self._unread = bytearray()
        self._owed = 0
        self.readable = asyncio.Event()
        self._sendable = asyncio.Event()
        self._sending = asyncio.Lock()

    # -- the caller's side -----------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise what broke the stream, if something did."""
        if self._failure is not None:
            raise UpstreamError(self._failure)

    async def wait(self, event: asyncio.Event, limit_s: float, vain: str, since: float | None = None) -> None:
        """Wait for ``event``, ``limit_s`` from now or ``since``; then give the stream up, for the upstream ``vain``.

        Raises:
            UpstreamError: it was given up.
        """
        began = asyncio.get_running_loop().time() if since is None else since
        try:
            async with asyncio.timeout_at(began + limit_s):
                await event.wait()
        except TimeoutError:
            self._wire.suspect(limit_s)
            self.give_up(Failure("timeout", message=f"the upstream {vain}"))
            self.check()

    async def send(self, data: bytes, idle_s: float) -> None:
        """Send all of ``data``, or fail; nothing of another ``send`` comes between its parts.

        Raises:
            UpstreamError: the stream is broken, or the upstream has read nothing for ``idle_s``.
            RuntimeError: its end was sent before.
        """
        async with self._sending:
            rest = memoryview(data)
            now = asyncio.get_running_loop().time
            moved = now()
            try:
                while rest:
                    self.check()
                    if self.closing:
                        raise RuntimeError("the end of this call's request was sent before")
                    sent = self._wire.send(self, rest)
                    rest = rest[sent:]
                    if not sent:
                        self._sendable.clear()
                        await self.wait(self._sendable, idle_s, "read nothing in time", since=moved)
                    elif rest:
                        moved = now()
                        await asyncio.sleep(0)  # the other streams' turn
            except asyncio.CancelledError:
                if len(rest) != len(data):
                    self.give_up(Failure("connection", message="the request was broken off"))
                raise

    async def end(self) -> None:
        """Send the end of the request's body, after everything that is being sent."""
        async with self._sending:
            if not self.closing:
                self.closing = True
                self._wire.end(self)
            elif not self.ended:
                self.check()

    def take(self) -> bytes:
        """What has come, all in one piece; empty when nothing is here, or everything was taken.

        Raises:
            UpstreamError: the stream is broken, and what came before was taken.
        """
        data = bytes(self._unread)
        if not data and not self.ended:
            self.check()
        self._unread.clear()
        self._owed += len(data)
        if not self.ended and self._failure is None:
            self.readable.clear()
            if self._owed >= STREAM_WINDOW_BYTES // 2:  # in large pieces: each is a frame
                self._wire.give_window(self, self._owed)
                self._owed = 0
        return data

    def give_up(self, failure: Failure) -> None:
        """Reset the stream at once; whoever waits or comes later gets ``failure``."""
        if self._failure is None and not (self.ended and self.closing):
            self._wire.reset(self)
            self.on_failure(failure)

    # -- the connection's side -------------------------------------------------------------------------------

    def on_headers(self, status: int, headers: Head) -> None:
        """The answer begins."""
        self.status = status
        self.headers = joined(headers)
        self.answered.set()

    def on_data(self, data: bytes, flow_controlled: int) -> None:
        """A part of the body; ``flow_controlled`` is its size with its padding."""
        self._unread += data
        self._owed += flow_controlled - len(data)  # given back with what is taken next
        if data:
            self.readable.set()

    def on_trailers(self, headers: Head) -> None:
        """The answer's last headers."""
        self.trailers = joined(headers)

    def on_end(self) -> None:
        """The answer is complete."""
        self.ended = True
        self._wake()

    def on_failure(self, failure: Failure) -> None:
        """The stream is broken. An answer that is complete stays one: then only sending fails."""
        if self._failure is None:
            self._failure = failure
            self.closing = True
            self._wake()

    def on_room(self) -> None:
        """It may be possible to send again."""
        self._sendable.set()

    def _wake(self) -> None:
        self.answered.set()
        self.readable.set()
        self._sendable.set()


def joined(headers: Head) -> dict[str, str]:
    """Headers by name, without HTTP/2's own."""
    found: dict[str, str] = {}
    for raw, value in headers:
        name, text = raw.decode("latin-1"), value.decode("latin-1")
        if not name.startswith(":"):
            found[name] = f"{found[name]}, {text}" if name in found else text
    return found

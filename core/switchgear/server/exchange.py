"""One request and its answer on an HTTP/1.1 connection, as ASGI sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from switchgear.server.answer_head import lines_of

Message = dict[str, Any]
Scope = dict[str, Any]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

log = structlog.get_logger("switchgear.server")


class Wire(Protocol):
    """What an exchange needs of its connection.

    Attributes:
        write: sends bytes, now or when the client reads.
        gone: nobody can be answered any more.
        stopping: the server is about to end: no further request is taken on this connection.
        writing_paused: the client does not read.
    """

    write: Callable[[bytes], None]
    gone: bool
    writing_paused: bool

    @property
    def stopping(self) -> bool: ...  # noqa: D102 - see above

    async def drain(self) -> None:
        """Wait while the client does not read."""

    def read_on(self) -> None:
        """The application has taken what was read."""

    def answered(self, *, reusable: bool) -> None:
        """The answer is complete; ``reusable`` when another may follow on this connection."""

    def break_off(self, status: int | None) -> None:
        """There will be no answer, or no more of it; end the connection, with a bare ``status`` if one can be said."""

    def left(self, exchange: Exchange) -> None:
        """The application is done with it."""


class Exchange:
    """A request being answered. The connection feeds it; the application calls :meth:`receive` and :meth:`send`.

    Args:
        wire: its connection.
        scope: the ASGI scope.
        keep_alive: the client would send another request after this one.
        expects: it waits for "100 Continue" before it sends its body.

    Attributes:
        complete: the whole request is here.
        waiting_bytes: of the body, not taken yet.
        task: runs the application.
    """

    __slots__ = (
        "_answered", "_bodiless", "_chunked", "_event", "_expects", "_keep_alive", "_left", "_lines", "_parts",
        "_read_all", "_started", "_wire", "complete", "scope", "task", "waiting_bytes",
    )  # fmt: skip

    def __init__(self, wire: Wire, scope: Scope, *, keep_alive: bool, expects: bool) -> None:
        self._wire = wire
        self.scope = scope
        self.complete = False
        self.waiting_bytes = 0
        self.task: asyncio.Task[None] | None = None
        self._keep_alive = keep_alive
        self._expects = expects
        self._parts: list[bytes] = []
        self._read_all = False
        self._event: asyncio.Event | None = None
        self._started = False
        self._lines = b""  # of the head, while it waits for the first of the body
        self._bodiless = False
        self._chunked = False
        self._left: int | None = None  # bytes that content-length still promises
        self._answered = False

    async def run(self, app: ASGIApp) -> None:
        """Have the application answer. What it leaves unanswered is a 500, or a connection cut short."""
        try:
            await app(self.scope, self.receive, self.send)
        except Exception as error:
            log.error("application_failed", path=self.scope["path"], exc_info=error)
        finally:
            if not self._answered:
                self.fail(500)
            self._wire.left(self)

    # -- what the connection tells -------------------------------------------------------------------------

    def body(self, data: bytes) -> None:
        """More of the request's body came."""
        self._expects = False
        self._parts.append(data)
        self.waiting_bytes += len(data)
        self.wake()

    def wake(self) -> None:
        """Something changed for who waits in :meth:`receive`."""
        if self._event is not None:
            self._event.set()

    def fail(self, status: int) -> None:
        """Answer with a bare status if nothing was sent yet; the connection ends with it."""
        if not self._wire.gone:
            self._wire.break_off(None if self._started and not self._lines else status)
            self.wake()

    # -- what the application calls ------------------------------------------------------------------------

    async def receive(self) -> Message:
        """The next part of the request; after it, the hang-up."""
        while True:
            if self._answered or self._wire.gone:
                return {"type": "http.disconnect"}
            if self._parts or (self.complete and not self._read_all):
                body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
                self._parts.clear()
                self.waiting_bytes = 0
                self._read_all = self.complete
                self._wire.read_on()
                return {"type": "http.request", "body": body, "more_body": not self.complete}
            if self._expects:
                self._expects = False
                if not self._started:
                    self._wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if self._event is None:
                self._event = asyncio.Event()
            self._event.clear()
            await self._event.wait()

    async def send(self, message: Message) -> None:
        """Take a part of the answer; waits while the client does not read. After a hang-up it does nothing.

        Raises:
            RuntimeError: the part does not fit what came before.
        """
        kind = message["type"]
        if kind == "http.response.body":
            if not self._started or self._answered:
                raise RuntimeError("a body belongs between the start of an answer and its end")
            if self._wire.gone:
                return
            self._send_body(message.get("body", b""), last=not message.get("more_body", False))
            if self._wire.writing_paused:
                await self._wire.drain()
        elif kind == "http.response.start":
            if self._started:
                raise RuntimeError("an answer is started once")
            self._start(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"{kind} is nothing this server knows")

    def _start(self, status: int, headers: Any) -> None:
        if not 200 <= status <= 999:
            raise RuntimeError(f"{status} is no answer's status")
        self._lines, length, close = lines_of(status, headers)
        self._keep_alive = self._keep_alive and not close
        self._bodiless = self.scope["method"] == "HEAD" or status in {204, 304}
        self._left = None if status == 204 else length
        self._started = True

    def _finish_head(self, body: bytes, *, last: bool) -> bytes:
        """The whole head. It waited for the first of the body: how that is framed is known only now."""
        lines, self._lines = self._lines, b""
        modern = self.scope["http_version"] == "1.1"
        keep_alive = self._keep_alive and self.complete and not self._wire.stopping
        framing = b""
        if self._left is None and not self._bodiless:
            if last:
                self._left = len(body)
            elif modern:
                self._chunked = True
                framing = b"transfer-encoding: chunked\r\n"
            else:
                keep_alive = False  # the end of the connection is the end of the body
        if self._left is not None:
            framing = b"content-length: %d\r\n" % self._left
        self._keep_alive = keep_alive
        if not keep_alive:
            framing += b"connection: close\r\n"
        elif not modern:
            framing += b"connection: keep-alive\r\n"
        return b"%b\r\n%b\r\n" % (lines, framing)

    def _send_body(self, body: bytes, *, last: bool) -> None:
        head = self._finish_head(body, last=last) if self._lines else b""
        whole = True
        if self._chunked:
            if body:
                body = b"%x\r\n%b\r\n" % (len(body), body)
            if last:
                body += b"0\r\n\r\n"
        elif self._bodiless:
            body = b""
        elif self._left is not None:
            self._left -= len(body)
            if self._left < 0:
                self._lines = head  # which was not sent
                self.fail(500)
                raise RuntimeError("the answer is longer than its content-length")
            whole = self._left == 0
        if head:
            body = head + body
        if body:
            self._wire.write(body)
        if last:
            self._answered = True
            self._wire.answered(reusable=self._keep_alive and whole)
            self.wake()

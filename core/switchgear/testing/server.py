"""A small scriptable HTTP/1.1 server on loopback: a fake upstream's body and bones."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl as tls
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import h11

from switchgear.testing.exchange import ClientGoneError, Exchange, ReceivedRequest

MAX_REQUESTS_KEPT = 10_000
MAX_HEADER_BYTES = 256 * 1024
READ_BYTES = 64 * 1024

Handler = Callable[[Exchange], Awaitable[None]]


class LoopbackServer:
    """Serves ``handler`` on 127.0.0.1 and a free port, for as long as its ``async with`` block lasts.

    Each request runs ``handler`` in a task of its own. What a handler raises cuts its connection, and is raised again
    at the end of the block, so that a fault of the fake is never taken for one of the code under test. An end of file
    from the peer counts as its leaving, even where only its sending side is closed.

    Args:
        handler: answers one exchange; the answer it leaves open is completed for it.
        ssl: a server-side context, for ``https``.
        send_buffer_bytes: the kernel's send buffer of each connection; small for tests of back-pressure.

    Attributes:
        requests: the last 10,000 requests, oldest first.
        connections_made: how many connections were ever opened.
    """

    def __init__(
        self, handler: Handler, *, ssl: tls.SSLContext | None = None, send_buffer_bytes: int | None = None
    ) -> None:
        self._handler = handler
        self._ssl = ssl
        self._send_buffer_bytes = send_buffer_bytes
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._failures: list[Exception] = []
        self._hits: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self.requests: deque[ReceivedRequest] = deque(maxlen=MAX_REQUESTS_KEPT)
        self.connections_made = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else asyncio leaves Nagle on
        if self._send_buffer_bytes is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer_bytes)
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self._server = await asyncio.start_server(self._connected, sock=listener, ssl=self._ssl, backlog=1024)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
        if self._failures and error is None:
            raise self._failures[0]

    async def aclose(self) -> None:
        """Stop listening, cancel the handlers, close every connection."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``, without a closing slash."""
        return f"{'http' if self._ssl is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._connections)

    def hits(self, path: str) -> int:
        """How many requests had this path (without its query)."""
        return self._hits[path]

    def notify(self) -> None:
        """Wake :meth:`wait_for`: something that a condition may look at has changed."""
        wake, self._wake = self._wake, asyncio.Event()
        wake.set()

    async def wait_for(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Wait until ``condition()`` holds, looking again at each request, connection and :meth:`notify`.

        Raises:
            TimeoutError: it did not within ``timeout_s``.
        """
        async with asyncio.timeout(timeout_s):
            while not condition():
                await self._wake.wait()

    # -- one connection ------------------------------------------------------------------------------------

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_made += 1
        task = asyncio.create_task(_Connection(self, reader, writer).run())
        self._connections.add(task)
        task.add_done_callback(self._disconnected)
        self.notify()

    def _disconnected(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._failures.append(error)
        self.notify()

    async def handle(self, exchange: Exchange) -> None:
        """Record one request, and let the handler answer it."""
        self.requests.append(exchange.request)
        self._hits[exchange.path] += 1
        self.notify()
        try:
            await self._handler(exchange)
            await exchange.finish()
        except ClientGoneError:
            pass
        except Exception as error:
            self._failures.append(error)
            exchange.cut()


class _Connection:
    """One connection: its requests one after the other. A read is always under way, so that a leaving peer is seen."""

    def __init__(self, server: LoopbackServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER_BYTES)
        self._reading = asyncio.create_task(self._read())

    async def run(self) -> None:
        try:
            try:
                await self._serve()
            except h11.RemoteProtocolError as error:
                self._refuse(error)
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        finally:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._writer.transport.abort()

    async def _serve(self) -> None:
        while (request := await self._next_request()) is not None:
            exchange = Exchange(self._http, self._writer, request)
            await self._answer(exchange)
            if not exchange.reusable:
                return
            self._http.start_next_cycle()

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(READ_BYTES)
        except OSError:
            return b""

    def _take(self) -> bool:
        """Hand what the finished read brought to the HTTP layer; false at the end of file."""
        data = self._reading.result()
        if data:
            self._http.receive_data(data)
            self._reading = asyncio.create_task(self._read())
        return bool(data)

    async def _next_request(self) -> ReceivedRequest | None:
        head: h11.Request | None = None
        parts: list[bytes] = []
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return _received(head, b"".join(parts))
            elif event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    self._writer.write(self._http.send(go_on) or b"")
                await asyncio.wait({self._reading})
                if not self._take():
                    return None
            else:
                return None

    async def _answer(self, exchange: Exchange) -> None:
        handling = asyncio.create_task(self._server.handle(exchange))
        try:
            while not handling.done():
                await asyncio.wait({handling, self._reading}, return_when=asyncio.FIRST_COMPLETED)
                if self._reading.done() and not self._take():
                    exchange.closed.set()
                    self._writer.transport.abort()
                    await asyncio.wait({handling})
        finally:
            handling.cancel()
            await asyncio.gather(handling, return_exceptions=True)

    def _refuse(self, error: h11.RemoteProtocolError) -> None:
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            head = h11.Response(status_code=error.error_status_hint, headers=[("connection", "close")])
            self._writer.write((self._http.send(head) or b"") + (self._http.send(h11.EndOfMessage()) or b""))


def _received(head: h11.Request, body: bytes) -> ReceivedRequest:
    raw = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items())
    headers: dict[str, str] = {}
    for name, value in raw:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    target = head.target.decode("latin-1")
    path, _, query = target.partition("?")
    return ReceivedRequest(head.method.decode("latin-1"), target, path, query, headers, raw, body)

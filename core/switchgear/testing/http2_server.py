"""A small scriptable HTTP/2 server on loopback, whose handlers read and write at the same time."""

from __future__ import annotations

import asyncio
import socket
import ssl as tls
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, cast

import h2.events as happened
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from switchgear.testing.exchange import ClientGoneError
from switchgear.testing.http2_exchange import Http2Exchange, Http2Request

MAX_EXCHANGES_KEPT = 10_000
CONNECTION_WINDOW_BYTES = 8 * 1024 * 1024

Http2Handler = Callable[[Http2Exchange], Awaitable[None]]


class Http2Server:
    """Serves ``handler`` on 127.0.0.1 and a free port, for as long as its ``async with`` block lasts.

    Each stream runs ``handler`` in a task of its own, as soon as its headers are here. An answer that it leaves open is
    ended for it. What it raises resets the stream, and is raised again at the end of the block; so is a breach of
    HTTP/2 by the client.

    Args:
        handler: reads and answers one stream.
        ssl: a server-side context, whose ALPN is set to ``h2``; without one it is cleartext HTTP/2 by prior knowledge.
        max_streams: streams that a client may have open on one connection.
        window_bytes: how much of a body a client may send before it is read.

    Attributes:
        exchanges: the last 10,000, oldest first.
        connections_made: how many connections were ever opened.
        pings_answered: acknowledgements of :meth:`ping`.
    """

    def __init__(
        self,
        handler: Http2Handler,
        *,
        ssl: tls.SSLContext | None = None,
        max_streams: int = 100,
        window_bytes: int = 64 * 1024,
    ) -> None:
        self.handler = handler
        self.max_streams = max_streams
        self.window_bytes = window_bytes
        self._ssl = ssl
        if ssl is not None:
            ssl.set_alpn_protocols(["h2"])
        self._server: asyncio.Server | None = None
        self._hits: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self.connections: set[_Connection] = set()
        self.failures: list[Exception] = []
        self.exchanges: deque[Http2Exchange] = deque(maxlen=MAX_EXCHANGES_KEPT)
        self.connections_made = 0
        self.pings_answered = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), sock=listener, ssl=self._ssl, backlog=1024)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
        if self.failures and error is None:
            raise self.failures[0]

    async def aclose(self) -> None:
        """Stop listening, cancel the handlers, close every connection."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in list(self.connections):
            await connection.aclose()
        await server.wait_closed()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port`` or ``https://``, without a closing slash."""
        return f"{'http' if self._ssl is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self.connections)

    @property
    def open_streams(self) -> int:
        """How many streams are open now, over all connections: handlers that have not ended."""
        return sum(len(connection.handling) for connection in self.connections)

    def hits(self, path: str) -> int:
        """How many requests had this path (without its query)."""
        return self._hits[path]

    def go_away(self) -> None:
        """Let every connection take no new stream; the open ones go on."""
        for connection in self.connections:
            connection.go_away(ErrorCodes.NO_ERROR)

    def ping(self) -> None:
        """Ping every client."""
        for connection in self.connections:
            connection.ping()

    def notify(self) -> None:
        """Wake :meth:`wait_for`: something that a condition may look at has changed."""
        wake, self._wake = self._wake, asyncio.Event()
        wake.set()

    async def wait_for(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Wait until ``condition()`` holds, looking again at each frame, connection and :meth:`notify`.

        Raises:
            TimeoutError: it did not within ``timeout_s``.
        """
        async with asyncio.timeout(timeout_s):
            while not condition():
                await self._wake.wait()

    async def handle(self, exchange: Http2Exchange) -> None:
        """Record one request, and let the handler answer it."""
        self.exchanges.append(exchange)
        self._hits[exchange.path] += 1
        self.notify()
        try:
            await self.handler(exchange)
            if not exchange.ended:
                if not exchange.started:
                    await exchange.start(500)
                await exchange.end()
        except ClientGoneError:
            pass
        except Exception as error:
            self.failures.append(error)
            exchange.reset()


class _Connection(asyncio.Protocol):
    """One connection and its streams; ``handling`` are their tasks."""

    def __init__(self, server: Http2Server) -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._http.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: server.max_streams,
                SettingCodes.INITIAL_WINDOW_SIZE: server.window_bytes,
            },
        )
        self._exchanges: dict[int, Http2Exchange] = {}
        self._paused = False
        self._away = False
        self._lost = asyncio.Event()
        self.handling: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Cancel the handlers, and close."""
        for task in list(self.handling):
            task.cancel()
        await asyncio.gather(*self.handling, return_exceptions=True)
        self._transport.abort()
        await self._lost.wait()

    # -- for asyncio -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)
        self._server.connections_made += 1
        self._http.initiate_connection()
        self._http.increment_flow_control_window(CONNECTION_WINDOW_BYTES)
        self._flush()

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._http.receive_data(data):
                self._take(event)
        except ProtocolError as error:
            self._server.failures.append(error)
            self._flush()
            self._transport.abort()
        else:
            self._flush()
        self._server.notify()

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        for exchange in self._exchanges.values():
            exchange.on_gone(None)
        self._lost.set()
        self._server.notify()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._room()

    # -- for the exchanges -----------------------------------------------------------------------------------

    def send_headers(self, stream: int, headers: list[tuple[str, str]], *, end: bool) -> None:
        self._http.send_headers(stream, headers, end_stream=end)
        self._flush()

    def send_data(self, stream: int, data: bytes) -> int:
        size = min(self._http.local_flow_control_window(stream), self._http.max_outbound_frame_size, len(data))
        if self._paused or size <= 0:
            return 0
        self._http.send_data(stream, data[:size])
        self._flush()
        return size

    def send_end(self, stream: int) -> None:
        self._http.end_stream(stream)
        self._flush()

    def send_reset(self, stream: int, code: int) -> None:
        self._http.reset_stream(stream, code)
        self._flush()

    def give_window(self, stream: int, size: int) -> None:
        self._http.acknowledge_received_data(size, stream)
        self._flush()

    def go_away(self, code: int) -> None:
        """Written past h2, which would take no frame of an open stream any more."""
        if not self._away:
            self._away = True
            frame = GoAwayFrame(0, last_stream_id=self._http.highest_inbound_stream_id, error_code=code)
            self._transport.write(frame.serialize())

    def ping(self) -> None:
        self._http.ping(b"are you?")
        self._flush()

    def cut(self) -> None:
        self._transport.abort()

    # -- inside ----------------------------------------------------------------------------------------------

    def _take(self, event: happened.Event) -> None:
        match event:
            case happened.RequestReceived(stream_id=int(stream), headers=headers):
                self._begin(stream, cast(list[tuple[str, str]], headers))
            case happened.DataReceived(stream_id=int(stream), data=data, flow_controlled_length=size):
                if exchange := self._exchanges.get(stream):
                    exchange.on_data(data, size)
            case happened.StreamEnded(stream_id=int(stream)):
                if exchange := self._exchanges.get(stream):
                    exchange.on_client_end()
            case happened.StreamReset(stream_id=int(stream), error_code=code):
                if exchange := self._exchanges.get(stream):
                    exchange.on_gone(int(code))
                    self._tidy(stream, exchange)
            case happened.WindowUpdated() | happened.RemoteSettingsChanged():
                self._room()
            case happened.PingAckReceived():
                self._server.pings_answered += 1

    def _begin(self, stream: int, headers: list[tuple[str, str]]) -> None:
        if self._away:
            self._http.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
            return
        exchange = self._exchanges[stream] = Http2Exchange(self, stream, _request(headers))
        task = asyncio.get_running_loop().create_task(self._server.handle(exchange))
        self.handling.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self.handling.discard(task)
            exchange.handled = True
            self._tidy(stream, exchange)
            self._server.notify()

        task.add_done_callback(done)

    def _tidy(self, stream: int, exchange: Http2Exchange) -> None:
        """Forget what neither side will touch again."""
        if exchange.handled and (exchange.closed.is_set() or exchange.client_ended):
            self._exchanges.pop(stream, None)

    def _room(self) -> None:
        for exchange in self._exchanges.values():
            exchange.on_room()

    def _flush(self) -> None:
        if (data := self._http.data_to_send()) and not self._transport.is_closing():
            self._transport.write(data)


def _request(headers: list[tuple[str, str]]) -> Http2Request:
    own = {name: value for name, value in headers if name.startswith(":")}
    joined: dict[str, str] = {}
    for name, value in headers:
        if name not in own:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
    target = own.get(":path", "")
    return Http2Request(own.get(":method", ""), target, target.partition("?")[0], own.get(":authority", ""), joined)

"""The connections to all upstreams: the one used last is used next, and how many there are does not matter."""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict

import httpx2

from switchgear.tcp import connected_socket
from switchgear.transport.answer import Answer, Limits
from switchgear.transport.connection import READ_BYTES, Connection
from switchgear.transport.sending import Defaults, head_of
from switchgear.transport.tls import RECORD_BYTES, Tls

REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that may be repeated when a kept connection broke before an answer (RFC 9110, 9.2.2)."""
CLOSED = "the gateway closes its connections"

Origin = tuple[str, str, int, str]
"""Scheme, host, port, and the name in the certificate."""
_Turn = asyncio.Future[Connection | None]
"""Who waits gets a connection that has become free, or ``None``: leave to open one."""


class PooledTransport(httpx2.AsyncBaseTransport):
    """HTTP/1.1, direct, in the clear or over TLS.

    A request on a kept connection that breaks before anything of an answer has come is repeated once, on a new
    connection, where its method allows it (GET, HEAD, OPTIONS) and its body is at hand. Any other request is repeated
    never; but a kept connection that was closed already is not used for it.

    Args:
        context: the TLS context of every connection.
        max_connections: open at once; further calls queue up, as long as their ``pool`` limit allows.
        max_idle: kept open for the next request.
        idle_s: how long one is kept.
    """

    def __init__(self, context: ssl.SSLContext, *, max_connections: int, max_idle: int, idle_s: float) -> None:
        context.set_alpn_protocols(["http/1.1"])
        self._context = context
        self._max_connections = max_connections
        self._max_idle = max_idle
        self._idle_s = idle_s
        self._buffers = memoryview(bytearray(READ_BYTES)), memoryview(bytearray(RECORD_BYTES))
        self._slots = 0  # in use: by a connection, or by one that is being opened
        self._connections: dict[Connection, Origin] = {}
        self._idle: dict[Origin, dict[Connection, None]] = {}
        self._idle_count = 0
        self._queue: OrderedDict[_Turn, Origin] = OrderedDict()
        self._closed: asyncio.Future[None] | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See the base class."""
        answer = await self.ask(request, (), request.extensions.get("timeout", {}))
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=answer, extensions={"http_version": b"HTTP/1.1"}
        )

    async def ask(self, request: httpx2.Request, defaults: Defaults, limits: Limits) -> Answer:
        """Send ``request``; gives its answer when the head is here.

        Args:
            request: its extension ``sni_hostname`` is the name in the certificate, where the address has another.
            defaults: header fields, names in lower case, that are sent where the request has none of the name.
            limits: ``read`` is looked at again for each part of the body.

        Raises:
            httpx2.TransportError: there is none.
        """
        origin = origin_of(request.url, request.extensions.get("sni_hostname"))
        head_only = request.method == "HEAD"
        if not isinstance(request.stream, httpx2.ByteStream):
            connection = self._take(origin) or await self._new(origin, limits)
            return await connection.say_in_parts(request, defaults, limits, head_only=head_only)
        body = request.read()
        head = head_of(request, defaults, len(body))
        if request.method in REPEATABLE and (kept := self._take(origin)) is not None:
            try:
                return await kept.say(head, body, limits, head_only=head_only)
            except (httpx2.NetworkError, httpx2.RemoteProtocolError):
                if kept.begun or self._closed is not None:
                    raise
            connection = await self._new(origin, limits)
            return await connection.say(head, body, limits, head_only=head_only)
        return await self.say(origin, head, body, limits, head_only=head_only)

    async def say(self, origin: Origin, head: bytes, body: bytes, limits: Limits, *, head_only: bool = False) -> Answer:
        """Send a request that is bytes already, once; else as :meth:`ask`."""
        connection = self._take(origin) or await self._new(origin, limits)
        return await connection.say(head, body, limits, head_only=head_only)

    async def aclose(self) -> None:
        """Close every connection; an answer still under way breaks off, and no other can be asked for."""
        if self._closed is None:
            self._closed = asyncio.get_running_loop().create_future()
            for turn in self._queue:
                if not turn.done():
                    turn.set_exception(httpx2.ConnectError(CLOSED))
            self._queue.clear()
            for connection in list(self._connections):
                connection.abandon()
            self._check_closed()
        await asyncio.shield(self._closed)

    def _check_open(self) -> None:
        if self._closed is not None:
            raise httpx2.ConnectError(CLOSED)

    def _check_closed(self) -> None:
        if self._closed is not None and not self._closed.done() and not self._connections:
            self._closed.set_result(None)

    # -- kept connections ----------------------------------------------------------------------------------

    def _take(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin)
        while idle:
            connection, _ = idle.popitem()
            self._idle_count -= 1
            if connection.ready():
                return connection
            connection.abandon()
        return None

    def _released(self, connection: Connection) -> None:
        """A connection can be used again: by the first in the queue, or by nobody for now."""
        origin = self._connections[connection]
        while self._queue:
            turn, wanted = next(iter(self._queue.items()))
            if not turn.done() and wanted != origin:
                break  # closed, it makes room for another
            del self._queue[turn]
            if not turn.done():
                turn.set_result(connection)
                return
        if self._queue or self._idle_count >= self._max_idle or self._closed is not None:
            connection.close()
            return
        self._idle.setdefault(origin, {})[connection] = None
        self._idle_count += 1
        connection.rest(self._idle_s)

    def _make_room(self) -> None:
        """Close a connection that is kept for another upstream, the one that has been kept longest there."""
        idle = next(filter(None, self._idle.values()))
        connection = next(iter(idle))
        del idle[connection]
        self._idle_count -= 1
        connection.close()

    def _ended(self, connection: Connection) -> None:
        origin = self._connections.pop(connection, None)
        if origin is None:  # it ended before it was of use
            return
        idle = self._idle.get(origin, {})
        if connection in idle:
            del idle[connection]
            self._idle_count -= 1
        if not idle:
            self._idle.pop(origin, None)
        self._free()

    # -- new ones ------------------------------------------------------------------------------------------

    async def _new(self, origin: Origin, limits: Limits) -> Connection:
        """A new connection; where no more may be opened, the next that is free."""
        self._check_open()
        if self._slots < self._max_connections:
            self._slots += 1
        else:
            connection = await self._turn(origin, limits.get("pool"))
            if connection is not None:
                return connection
        try:
            connection = await self._open(origin, limits)
            if not connection.usable:
                raise httpx2.ReadError("the upstream closed the connection at once")
        except BaseException:
            self._free()
            raise
        self._connections[connection] = origin
        try:
            self._check_open()
        except httpx2.ConnectError:
            connection.abandon()
            raise
        return connection

    def _free(self) -> None:
        """A connection less is open: the first in the queue may open one."""
        self._slots -= 1
        while self._queue and self._slots < self._max_connections:
            turn, _ = self._queue.popitem(last=False)
            if not turn.done():
                self._slots += 1
                turn.set_result(None)
        self._check_closed()

    async def _turn(self, origin: Origin, limit_s: float | None) -> Connection | None:
        """Queue up for a connection of ``origin``, or for the leave to open one. Nobody who came later is before."""
        if self._idle_count:
            self._make_room()
        first = False
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    turn: _Turn = asyncio.get_running_loop().create_future()
                    self._queue[turn] = origin
                    if first:
                        self._queue.move_to_end(turn, last=False)
                    connection = await turn
                    if connection is None or connection.ready():
                        return connection
                    connection.abandon()  # it closed meanwhile, which makes room
                    first = True
        except BaseException as error:
            self._queue.pop(turn, None)
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._pass_on(turn.result())
            if isinstance(error, TimeoutError):
                raise httpx2.PoolTimeout("every connection is in use") from error
            raise

    def _pass_on(self, unused: Connection | None) -> None:
        """The turn came when nobody waited for it any more: it is the next one's."""
        if unused is None:
            self._free()
        elif unused.ready():
            self._released(unused)
        else:
            unused.abandon()

    async def _open(self, origin: Origin, limits: Limits) -> Connection:
        loop = asyncio.get_running_loop()
        scheme, host, port, name = origin
        connection = Connection(loop, self._buffers[0], self._released, self._ended)
        line: asyncio.BaseProtocol = connection
        opened: asyncio.Future[None] = loop.create_future()
        try:
            if scheme == "https":
                line = Tls(connection, self._buffers, self._context, name, opened)
            else:
                opened.set_result(None)
            async with asyncio.timeout(limits.get("connect")):
                transport, _ = await loop.create_connection(lambda: line, sock=await connected_socket(host, port))
                try:
                    await opened
                except BaseException:
                    transport.abort()
                    raise
        except TimeoutError as error:
            raise httpx2.ConnectTimeout("no connection in time") from error
        except (OSError, ValueError) as error:  # ValueError: a name that no host can have
            raise httpx2.ConnectError(str(error)) from error
        finally:
            if not opened.cancel() and not opened.cancelled():
                opened.exception()  # seen, also where nobody waited any more
        return connection


def origin_of(url: httpx2.URL, name: str | None = None) -> Origin:
    """Where the connections of ``url`` lead; ``name`` is that in the certificate, where it is not the host's.

    Raises:
        httpx2.UnsupportedProtocol: there is no way there.
    """
    scheme = url.scheme
    if scheme not in _PORTS:
        raise httpx2.UnsupportedProtocol(f"{scheme or 'no scheme'} is neither http nor https")
    if not url.host:
        raise httpx2.UnsupportedProtocol("the address names no host")
    host = url.raw_host.decode("ascii")
    return scheme, host, url.port or _PORTS[scheme], name or host


_PORTS = {"http": 80, "https": 443}

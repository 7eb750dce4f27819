"""The connections to each host, over one proxy or none: shared while they have room, closed when nobody uses them."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2

from switchgear.duplex.call import Duplex
from switchgear.duplex.connection import NO_HTTP2, Connection
from switchgear.duplex.dialing import Place, ProxyRefused, dial, dial_through
from switchgear.duplex.request_head import request_head
from switchgear.errors import UpstreamError
from switchgear.network_reason import network_reason
from switchgear.types import Failure, Timeouts

IDLE_EXPIRY_S = 30.0

MakeContext = Callable[[], ssl.SSLContext]
Origin = tuple[str, str, int]
"""Scheme, host and port."""
CLOSED = Failure("connection", message="the gateway closed the connection")


@dataclass(slots=True)
class _Lines:
    """The connections to one origin.

    Attributes:
        dialed: set when the connection that is being made is there, or failed; ``None`` while nobody makes one. All who
            wait for it go on in one step of the loop: with a lock they would take a step each, long ones in a busy one.
    """

    connections: list[Connection] = field(default_factory=list)
    dialed: asyncio.Event | None = None

    def with_room(self) -> Connection | None:
        """The oldest that can take a stream: the younger ones become idle, and close."""
        return next((connection for connection in self.connections if connection.room), None)


class DuplexPool:
    """Opens full-duplex calls.

    Args:
        proxy_url: ``None`` for none.
        tls: makes the context for upstreams, with HTTP/2 alone in its ALPN.
        proxy_tls: makes the context for an ``https`` proxy.
        idle_s: how long a connection without streams is kept.
    """

    def __init__(
        self, proxy_url: str | None, tls: MakeContext, proxy_tls: MakeContext, idle_s: float = IDLE_EXPIRY_S
    ) -> None:
        self._proxy = None if proxy_url is None else httpx2.URL(proxy_url)
        self._tls = tls
        self._proxy_tls = proxy_tls
        self._idle_s = idle_s
        self._lines: dict[Origin, _Lines] = {}
        self._expiring: dict[Connection, asyncio.TimerHandle] = {}
        self._closed = False

    async def open(self, request: httpx2.Request, timeouts: Timeouts) -> Duplex:
        """Send the headers of ``request`` on a connection with room, a new one if there is none.

        Raises:
            UpstreamError: no connection, or no HTTP/2.
        """
        began = asyncio.get_running_loop().time()
        head = request_head(request)
        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        lines = self._lines.setdefault((url.scheme, url.host, port), _Lines())
        connection = lines.with_room()
        try:
            async with asyncio.timeout(timeouts.connect_s):
                while connection is None:
                    if lines.dialed is None:
                        connection = await self._dialed(lines, url.host, port, url.scheme == "https")
                    else:
                        await lines.dialed.wait()
                        connection = lines.with_room()
        except TimeoutError:
            raise UpstreamError(Failure("timeout", message="no connection to the upstream in time")) from None
        return Duplex(connection.open(head), timeouts, began)

    async def aclose(self) -> None:
        """Close every connection; a call that is open fails."""
        self._closed = True
        connections = [connection for lines in self._lines.values() for connection in lines.connections]
        for connection in connections:
            connection.close(CLOSED)
        for connection in connections:
            await connection.closed.wait()

    async def _dialed(self, lines: _Lines, host: str, port: int, secure: bool) -> Connection:
        """A new connection, with room; whoever wants one meanwhile waits for it."""
        dialed = lines.dialed = asyncio.Event()
        try:
            return await self._connect(lines, host, port, secure)
        finally:
            lines.dialed = None
            dialed.set()

    async def _connect(self, lines: _Lines, host: str, port: int, secure: bool) -> Connection:
        """A new connection, with room."""
        connection = Connection(secure, functools.partial(self._changed, lines))
        place = Place(host, port, self._tls() if secure else None)
        try:
            try:
                await self._dial(place, connection)
            except (OSError, UnicodeError, ProxyRefused) as error:
                raise UpstreamError(_no_connection(error, f"{host}:{port}")) from error
            await connection.ready.wait()
            failure = CLOSED if self._closed else connection.failure
            if failure is None and not connection.room:
                failure = Failure("connection", message="the upstream takes no stream")
            if failure is not None:
                raise UpstreamError(failure)
        except BaseException:
            connection.close(CLOSED)
            raise
        lines.connections.append(connection)
        return connection

    async def _dial(self, place: Place, connection: Connection) -> None:
        if self._proxy is None:
            await dial(place, connection)
        else:
            proxy_tls = self._proxy_tls() if self._proxy.scheme == "https" else None
            await dial_through(self._proxy, proxy_tls, place, connection)

    def _changed(self, lines: _Lines, connection: Connection) -> None:
        """Keep no connection that cannot be used, and close one that nobody has used for a while."""
        if (expiring := self._expiring.pop(connection, None)) is not None:
            expiring.cancel()
        if connection not in lines.connections:
            return
        if connection.failure is not None:
            lines.connections.remove(connection)
        elif connection.idle:
            loop = asyncio.get_running_loop()
            self._expiring[connection] = loop.call_later(self._idle_s, connection.close, CLOSED)


def _no_connection(error: Exception, host: str) -> Failure:
    if isinstance(error, ProxyRefused):
        return Failure("connection", message="the proxy refused the way to the upstream")
    if isinstance(error, ssl.SSLError) and error.reason == "TLSV1_ALERT_NO_APPLICATION_PROTOCOL":
        return NO_HTTP2
    return Failure("connection", message=f"cannot connect to the upstream: {network_reason(error)}", host=host)

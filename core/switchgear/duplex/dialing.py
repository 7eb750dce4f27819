"""The way to a host: TCP, the proxy if there is one, TLS if it is wanted."""

from __future__ import annotations

import asyncio
import base64
import ssl
from dataclasses import dataclass
from typing import cast

import h11
import httpx2
from socksio import ProtocolError as SocksProtocolError
from socksio import socks5

from switchgear.tcp import connected_socket

MAX_PROXY_ANSWER_BYTES = 64 * 1024


class ProxyRefused(Exception):
    """The proxy did not open the way. It is not said why: its words may repeat its password."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to: ``tls`` is the context for it, ``None`` for plain TCP."""

    host: str
    port: int
    tls: ssl.SSLContext | None


async def dial(place: Place, connection: asyncio.Protocol) -> None:
    """Connect ``connection`` to ``place``.

    Raises:
        OSError: no connection, or no TLS.
    """
    sock = await connected_socket(place.host, place.port)
    server_hostname = place.host if place.tls else None
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: connection, sock=sock, ssl=place.tls, server_hostname=server_hostname)


async def dial_through(
    proxy: httpx2.URL, proxy_tls: ssl.SSLContext | None, place: Place, connection: asyncio.Protocol
) -> None:
    """Connect ``connection`` to ``place`` through ``proxy``: ``http``, ``https``, ``socks5`` or ``socks5h``.

    Raises:
        OSError: no connection to the proxy, or no TLS.
        ProxyRefused: it does not let us through.
    """
    waiting = _Waiting()
    await dial(Place(proxy.host, proxy.port or _DEFAULT_PORTS[proxy.scheme], proxy_tls), waiting)
    try:
        if proxy.scheme.startswith("socks5"):
            await _ask_socks(proxy, place, waiting)
        else:
            await _ask_http(proxy, place, waiting)
        if place.tls is not None:
            inside = _Waiting()
            secured = await asyncio.get_running_loop().start_tls(
                waiting.transport, inside, place.tls, server_hostname=place.host
            )
            inside.connection_made(cast(asyncio.Transport, secured))
            waiting = inside
        waiting.hand_over(connection)
    except (h11.RemoteProtocolError, SocksProtocolError, EOFError) as error:
        waiting.transport.abort()
        raise ProxyRefused from error
    except BaseException:
        waiting.transport.abort()
        raise


_DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class _Waiting(asyncio.Protocol):
    """Keeps what comes until somebody takes it, or takes the connection over."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._came = bytearray()
        self._over = False
        self._more = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._came += data
        self._more.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._over = True
        self._more.set()

    async def some(self) -> bytes:
        """What has come, at least a byte; EOFError when nothing more will."""
        await self._until(1)
        return self._taken(len(self._came))

    async def exactly(self, size: int) -> bytes:
        """The next ``size`` bytes; EOFError when fewer come."""
        await self._until(size)
        return self._taken(size)

    async def _until(self, size: int) -> None:
        while len(self._came) < size:
            if self._over:
                raise EOFError
            self._more.clear()
            await self._more.wait()

    def _taken(self, size: int) -> bytes:
        data = bytes(self._came[:size])
        del self._came[:size]
        return data

    def put_back(self, data: bytes) -> None:
        """Too much was taken."""
        self._came[:0] = data

    def hand_over(self, protocol: asyncio.Protocol) -> None:
        """From here on the connection is ``protocol``'s."""
        if self._over:
            raise ConnectionResetError("the connection was closed at once")
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        if self._came:
            protocol.data_received(bytes(self._came))


async def _ask_http(proxy: httpx2.URL, place: Place, waiting: _Waiting) -> None:
    """CONNECT. Source: RFC 9110 section 9.3.6, read 2026-11."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    headers = [("host", f"{host}:{place.port}")]
    if proxy.username or proxy.password:
        given = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
        headers.append(("proxy-authorization", f"Basic {given}"))
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_PROXY_ANSWER_BYTES)
    request = http.send(h11.Request(method="CONNECT", target=headers[0][1], headers=headers))
    waiting.transport.write(request or b"")
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await waiting.some())
        elif isinstance(event, h11.Response):
            if event.status_code >= 300:
                raise ProxyRefused
            waiting.put_back(http.trailing_data[0])
            return


async def _ask_socks(proxy: httpx2.URL, place: Place, waiting: _Waiting) -> None:
    """SOCKS 5; the proxy looks the name up. Source: RFC 1928 and RFC 1929, read 2026-11."""
    say = waiting.transport.write
    named = bool(proxy.username or proxy.password)
    method = socks5.SOCKS5AuthMethod.USERNAME_PASSWORD if named else socks5.SOCKS5AuthMethod.NO_AUTH_REQUIRED
    say(socks5.SOCKS5AuthMethodsRequest([method]).dumps())
    if socks5.SOCKS5AuthReply.loads(await waiting.exactly(2)).method != method:
        raise ProxyRefused
    if named:
        say(socks5.SOCKS5UsernamePasswordRequest(proxy.username.encode(), proxy.password.encode()).dumps())
        if not socks5.SOCKS5UsernamePasswordReply.loads(await waiting.exactly(2)).success:
            raise ProxyRefused
    wanted = socks5.SOCKS5CommandRequest.from_address(socks5.SOCKS5Command.CONNECT, (place.host, place.port))
    say(wanted.dumps())
    head = await waiting.exactly(5)
    kind, first = head[3], head[4]
    rest = {1: 5, 3: first + 2, 4: 17}.get(kind, 0)  # of an IPv4 address, a name or an IPv6 address, and the port
    reply = socks5.SOCKS5Reply.loads(head + await waiting.exactly(rest))
    if reply.reply_code != socks5.SOCKS5ReplyCode.SUCCEEDED:
        raise ProxyRefused

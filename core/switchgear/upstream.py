"""The one way to an upstream: httpx2's request and response types over a transport that can be replaced.

It owns the connection pool, proxy, TLS context, time limits and cancellation. It keeps no cookies, follows no redirect
(a redirect could carry a key to another host), and asks for no compression. One transport serves one proxy, never
one account.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import weakref
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

import httpx2

from switchgear.errors import UpstreamError
from switchgear.secret import Secret
from switchgear.transport import Origin, PooledTransport, length_of, origin_of, start_of
from switchgear.types import Failure, Reply, Timeouts
from switchgear.upstream_answers import body_of, failure_of, joined, reply_of

if TYPE_CHECKING:
    from switchgear.duplex import Duplex, DuplexPool

MAX_CONNECTIONS = 4096
MAX_IDLE_CONNECTIONS = 512
IDLE_EXPIRY_S = 30.0
MAX_FETCH_BYTES = 8 * 1024 * 1024
USER_AGENT = f"switchgear/{version('switchgear')}"

DEFAULT_HEADERS = ((b"user-agent", USER_AGENT.encode()), (b"accept-encoding", b"identity"))
"""Sent where the request does not say otherwise."""

TransportFactory = Callable[[str | None], httpx2.AsyncBaseTransport]


@functools.cache
def tls_context() -> ssl.SSLContext:
    """The TLS context of every upstream call: it trusts what the operating system trusts, or ``SSL_CERT_FILE``."""
    return httpx2.create_ssl_context()


@functools.cache
def http2_tls_context() -> ssl.SSLContext:
    """The same trust for full-duplex calls. A context of its own: httpx2 sets the ALPN of those it is given."""
    context = httpx2.create_ssl_context()
    context.set_alpn_protocols(["h2"])
    return context


def transport_through(proxy_url: str | None) -> httpx2.AsyncBaseTransport:
    """Our own transport; through a proxy the HTTP library's."""
    return httpx_transport(proxy_url) if proxy_url is not None else direct_transport()


def direct_transport() -> PooledTransport:
    """Our own transport: HTTP/1.1, pooled."""
    return PooledTransport(
        tls_context(), max_connections=MAX_CONNECTIONS, max_idle=MAX_IDLE_CONNECTIONS, idle_s=IDLE_EXPIRY_S
    )


def httpx_transport(proxy_url: str) -> httpx2.AsyncBaseTransport:
    """The HTTP library's own transport, through a proxy (``http``, ``https``, ``socks5``, ``socks5h``)."""
    return httpx2.AsyncHTTPTransport(
        verify=tls_context(),
        trust_env=False,
        proxy=proxy_url,
        limits=httpx2.Limits(
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_EXPIRY_S,
        ),
    )


class Post:
    """A POST that is sent often, without its body; for :meth:`UpstreamClient.post`. What it takes is worked out once.

    It keeps the secrets among its headers: let it go with the account it was made for.

    Args:
        url: where it goes.
        headers: without the length of the body, which the client says.

    Attributes:
        url: as given.
        headers: as given; not to be changed.
    """

    def __init__(self, url: httpx2.URL | str, headers: Mapping[str, str] | Sequence[tuple[bytes, bytes]]) -> None:
        self.url = httpx2.URL(url)
        self.headers = httpx2.Headers(headers)

    def with_headers(self, more: Sequence[tuple[bytes, bytes]]) -> Post:
        """The same with further headers, none of which it has already: for those of one request."""
        return Post(self.url, [*self.headers.raw, *more])

    def request(self, body: bytes) -> httpx2.Request:
        """It as a request of its own, for the client's other methods."""
        return httpx2.Request("POST", self.url, headers=self.headers, content=body)

    @functools.cached_property
    def origin(self) -> Origin:
        """For the client: where its connections lead."""
        return origin_of(self.url)

    @functools.cached_property
    def start(self) -> bytes:
        """For the client: its head as it is sent, up to the length of the body."""
        return start_of("POST", self.url, self.headers.raw, DEFAULT_HEADERS)


class UpstreamClient:
    """Sends requests upstream; ``client`` in the hooks.

    Every method raises :class:`~switchgear.errors.UpstreamError` when there is no answer, with what happened in its
    ``failure``. An answer with an error status is an answer: it is returned.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport, duplexes: DuplexLines | None = None) -> None:
        self._transport = transport
        self._duplexes = duplexes or DuplexLines(None)

    async def send(self, request: httpx2.Request, timeouts: Timeouts | None = None) -> httpx2.Response:
        """Send ``request``; return as soon as the headers are here. The caller closes the response."""
        limits = timeouts or Timeouts()
        timeout = _seconds(limits)
        request.extensions = {**request.extensions, "timeout": timeout}
        _complete(request.headers)
        try:
            response = await self._transport.handle_async_request(request)
        except httpx2.TransportError as error:
            raise UpstreamError(failure_of(error, "before an answer", request.url)) from error
        timeout["read"] = limits.idle_s  # the transport reads it again when the body starts
        response.request = request
        return response

    async def fetch(
        self, request: httpx2.Request, timeouts: Timeouts | None = None, max_bytes: int = MAX_FETCH_BYTES
    ) -> httpx2.Response:
        """Send ``request`` and read the whole answer, which may be ``max_bytes`` long, unpacked."""
        response = await self.send(request, timeouts)
        try:
            parts: list[bytes] = []
            size = 0
            async for part in body_of(response.headers.get("content-encoding", ""), response.stream):
                size += len(part)
                if size > max_bytes:
                    raise UpstreamError(Failure("protocol", message=f"the answer is longer than {max_bytes} bytes"))
                parts.append(part)
        finally:
            await response.aclose()
        headers = [(k, v) for k, v in response.headers.raw if k.lower() not in _LENGTH_HEADERS]
        return httpx2.Response(response.status_code, headers=headers, content=b"".join(parts), request=request)

    async def reply(self, request: httpx2.Request, timeouts: Timeouts | None = None) -> Reply:
        """Send ``request`` and hand its answer on as a :class:`~switchgear.types.Reply`, body unread."""
        transport = self._transport
        if not isinstance(transport, PooledTransport):
            response = await self.send(request, timeouts)
            return reply_of(response.status_code, dict(response.headers.items()), response.stream, response.aclose)
        limits = timeouts or Timeouts()
        seconds = _seconds(limits)
        try:
            answer = await transport.ask(request, DEFAULT_HEADERS, seconds)
        except httpx2.TransportError as error:
            raise UpstreamError(failure_of(error, "before an answer", request.url)) from error
        seconds["read"] = limits.idle_s
        return reply_of(answer.status, joined(answer.headers), answer, answer.aclose)

    async def post(self, post: Post, body: bytes, timeouts: Timeouts | None = None) -> Reply:
        """Send ``post`` with this body, as :meth:`reply` would send a request: the fastest way there is."""
        transport = self._transport
        if not isinstance(transport, PooledTransport):
            return await self.reply(post.request(body), timeouts)
        limits = timeouts or Timeouts()
        seconds = _seconds(limits)
        try:
            answer = await transport.say(post.origin, post.start + length_of(len(body)), body, seconds)
        except httpx2.TransportError as error:
            raise UpstreamError(failure_of(error, "before an answer", post.url)) from error
        seconds["read"] = limits.idle_s
        return reply_of(answer.status, joined(answer.headers), answer, answer.aclose)

    async def duplex(self, request: httpx2.Request, timeouts: Timeouts | None = None) -> Duplex:
        """Begin a call that is open in both directions: send the headers of ``request`` now, its body bit by bit.

        Over HTTP/2, many calls on few connections; for ``http://`` by prior knowledge. ``connect_s`` is for getting a
        connection; ``total_s`` counts from here. An upstream without HTTP/2 is a failure of the cause ``protocol``. The
        caller closes the call, in a ``finally``.

        Raises:
            ValueError: ``request`` has a body of its own.
        """
        _complete(request.headers)
        return await self._duplexes.open(request, timeouts or Timeouts())


class DuplexLines:
    """The full-duplex connections of one client. Nothing of HTTP/2 is imported before the first is wanted."""

    def __init__(self, proxy_url: str | None) -> None:
        self._proxy_url = proxy_url
        self._pool: DuplexPool | None = None

    async def open(self, request: httpx2.Request, timeouts: Timeouts) -> Duplex:
        """Begin a call; see :meth:`UpstreamClient.duplex`."""
        if self._pool is None:
            from switchgear.duplex import DuplexPool

            self._pool = DuplexPool(self._proxy_url, http2_tls_context, tls_context)
        return await self._pool.open(request, timeouts)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.aclose()


def _complete(headers: httpx2.Headers) -> None:
    for name, value in DEFAULT_HEADERS:
        headers.setdefault(name.decode(), value.decode())


def _seconds(limits: Timeouts) -> dict[str, float]:
    """In the HTTP library's words; ``read`` is the one for the head of the answer."""
    connect_s = limits.connect_s
    return {"connect": connect_s, "pool": connect_s, "write": limits.idle_s, "read": limits.first_byte_s}


_LENGTH_HEADERS = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})

_Made = dict[str | None, tuple[UpstreamClient, httpx2.AsyncBaseTransport, DuplexLines]]


class UpstreamClients:
    """One :class:`UpstreamClient` for each proxy in use, made when first asked for.

    Args:
        factory: makes the transport of one.
        duplexes: makes its full-duplex connections.
    """

    def __init__(
        self,
        factory: TransportFactory = transport_through,
        duplexes: Callable[[str | None], DuplexLines] = DuplexLines,
    ) -> None:
        self._factory = factory
        self._duplexes = duplexes
        self._made: _Made = {}

    def through(self, proxy_url: Secret | None) -> UpstreamClient:
        """The client whose calls go through ``proxy_url``; ``None`` for direct ones."""
        key = None if proxy_url is None else proxy_url.reveal()
        made = self._made.get(key)
        if made is None:
            transport = self._factory(key)
            duplexes = self._duplexes(key)
            made = self._made[key] = (UpstreamClient(transport, duplexes), transport, duplexes)
        return made[0]

    async def aclose(self) -> None:
        """Close every connection."""
        await _close(self._made)

    def close_when_unused(self) -> None:
        """Close every connection once nobody holds these clients: no entry, and no call that is under way."""
        weakref.finalize(self, _close_on, asyncio.get_running_loop(), self._made).atexit = False


_closing: set[asyncio.Task[None]] = set()


def _close_on(loop: asyncio.AbstractEventLoop, made: _Made) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(_begin_closing, made)


def _begin_closing(made: _Made) -> None:
    task = asyncio.get_running_loop().create_task(_close(made))
    _closing.add(task)
    task.add_done_callback(_closing.discard)


async def _close(made: _Made) -> None:
    while made:
        _, (_, transport, duplexes) = made.popitem()
        await duplexes.aclose()
        await transport.aclose()

"""What goes upstream: every call of core's client, and every connection that did not go through it."""

from __future__ import annotations

import asyncio
import contextvars
import ipaddress
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2

from switchgear.errors import UpstreamError
from switchgear.types import Failure, Timeouts
from switchgear.upstream import DuplexLines, transport_through

if TYPE_CHECKING:
    from switchgear.duplex import Duplex

T = TypeVar("T")

_of_gateway: contextvars.ContextVar[bool] = contextvars.ContextVar("of_gateway", default=False)
_of_client: contextvars.ContextVar[bool] = contextvars.ContextVar("of_client", default=False)


@dataclass(slots=True)
class UpstreamCall:
    """One call. ``status`` and ``headers`` are the answer's; ``None`` and empty where there was none."""

    method: str
    url: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it went, without the query."""
        return f"{self.method} {self.url.partition('?')[0]}"


class Traffic:
    """Watches the way upstream, for as long as :meth:`watched` lasts. Nothing leaves this machine.

    Attributes:
        calls: those of core's client, in order.
        foreign: the hosts outside this machine that were called; the call was refused.
        strays: connections that were opened past core's client.
        answer: is asked before each call is sent; what it gives is the answer, and ``None`` lets the call go. It may
            raise what a transport raises. A full-duplex call that is not let go fails as one whose connection breaks.
    """

    def __init__(self) -> None:
        self.calls: list[UpstreamCall] = []
        self.foreign: list[str] = []
        self.strays: list[str] = []
        self.answer: Callable[[httpx2.Request], httpx2.Response | None] | None = None
        self._thread = threading.get_ident()

    def transport(self, proxy_url: str | None) -> httpx2.AsyncBaseTransport:
        """Core's own transport, watched."""
        return _Watched(transport_through(proxy_url), self)

    def duplexes(self, proxy_url: str | None) -> DuplexLines:
        """Core's own full-duplex connections, watched."""
        return _WatchedDuplexes(proxy_url, self)

    def sent(self, request: httpx2.Request) -> tuple[UpstreamCall, httpx2.Response | None]:
        """A call is about to be sent; gives its record, and the answer that it gets instead.

        Raises:
            httpx2.TransportError: it is not let out.
        """
        call = UpstreamCall(request.method, str(request.url))
        self.calls.append(call)
        if not is_here(request.url.host):
            self.foreign.append(request.url.host)
            raise httpx2.ConnectError(f"the test does not leave this machine for {request.url.host}", request=request)
        return call, None if self.answer is None else self.answer(request)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look out for connections; one watch at a time counts."""
        global _watching
        _hook()
        outer, _watching = _watching, self
        try:
            yield
        finally:
            _watching = outer

    def connected(self, sock: socket.socket, address: Any) -> None:
        """A connection is about to be opened somewhere in this process."""
        if sock.family not in {socket.AF_INET, socket.AF_INET6} or _of_client.get():
            return
        elsewhere = threading.get_ident() != self._thread
        if not elsewhere and not _of_gateway.get():
            return  # the kit's own, or a browser's
        self.strays.append(f"{address[0]}:{address[1]}" + (" (in a thread)" if elsewhere else ""))
        if not is_here(str(address[0])):
            raise ConnectionRefusedError(f"the test does not leave this machine for {address[0]}")


def gateway_task(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Run ``work`` in a task that counts, with whatever it starts, as the gateway's side."""
    context = contextvars.copy_context()
    context.run(_of_gateway.set, True)
    return asyncio.create_task(work, context=context)


class _Watched(httpx2.AsyncBaseTransport):
    def __init__(self, transport: httpx2.AsyncBaseTransport, traffic: Traffic) -> None:
        self._transport = transport
        self._traffic = traffic

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        call, given = self._traffic.sent(request)
        if given is not None:
            return given
        token = _of_client.set(True)
        try:
            response = await self._transport.handle_async_request(request)
        finally:
            _of_client.reset(token)
        call.status, call.headers = response.status_code, dict(response.headers.items())
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


class _WatchedDuplexes(DuplexLines):
    def __init__(self, proxy_url: str | None, traffic: Traffic) -> None:
        super().__init__(proxy_url)
        self._traffic = traffic

    async def open(self, request: httpx2.Request, timeouts: Timeouts) -> Duplex:
        try:
            _, given = self._traffic.sent(request)
        except httpx2.TransportError as error:
            raise UpstreamError(Failure("connection", message=str(error))) from error
        if given is not None:
            raise UpstreamError(Failure("connection", message="the upstream broke the connection"))
        token = _of_client.set(True)
        try:
            return await super().open(request, timeouts)
        finally:
            _of_client.reset(token)


def is_here(host: str) -> bool:
    """Whether the host is this machine, by its name or address alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


# An audit hook cannot be taken away again: one is enough for the process, and it looks at one variable.
_watching: Traffic | None = None
_hooked = False


def _hook() -> None:
    global _hooked
    if not _hooked:
        _hooked = True
        sys.addaudithook(_audited)


def _audited(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _watching is not None:
        _watching.connected(*arguments)

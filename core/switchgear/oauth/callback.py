"""The loopback redirect of a browser sign-in (RFC 8252): one listener, one answer, and a way without a browser here."""

from __future__ import annotations

import asyncio
import errno
import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

import h11

from switchgear.dialog import Login
from switchgear.errors import LoginCancelled, LoginFailed, NobodyAnswers

LONGEST_HEAD_BYTES = 64 * 1024
READ_LIMIT_S = 10.0
DEFAULT_LIMIT_S = 300.0
LOOPBACK, LOOPBACK_6 = "127.0.0.1", "::1"
FREE_PORT_ATTEMPTS = 5
NO_SUCH_ADDRESS = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL})
"""What the system says where it has no IPv6 on loopback."""
TAKEN_PAGE = "Signed in. You can close this page."
ASK_AGAIN = "that is not the address of this sign-in; copy the whole address the browser ended on"


@dataclass(frozen=True, slots=True)
class _Callback:
    """What came: to which path (empty for a bare code), and with which parameters."""

    path: str
    parameters: Mapping[str, str]


Landing = Callable[[Mapping[str, str]], str]
"""Gives the address the browser is sent on to after its callback was taken, from the callback's parameters."""


class CallbackListener:
    """Listens on this machine for the browser to come back, for as long as its ``async with`` block lasts.

    Only a ``GET`` of the exact path, to this machine, with the right ``state`` counts; whatever else comes is refused,
    and the wait goes on. What was sent is never shown in a page.

    Args:
        state: of this sign-in; see :func:`~switchgear.oauth.new_state`.
        path: where the provider sends the browser; several, where it may be any of them.
        host: how :attr:`redirect_uri` calls this machine, where a provider insists on ``localhost``. A browser may
            take that for 127.0.0.1 or for ::1, so both are listened on, as far as the machine has them.
        port: a fixed one, where a provider insists; several, which are tried in order; 0 takes a free one.
        issuer: what an ``iss`` parameter has to be, where the provider sends one (RFC 9207).
        takes_code: whether the person may also paste the bare code, where a provider shows it on a page.
        landing: where the browser is sent on to; ``None`` for a page of our own.
        page: what that page says; a plain text of the plugin's, nothing of it may come from outside.

    Attributes:
        redirect_uri: what the provider is told: the first path.
        origin: the same without a path, where a provider appends its own.
        came_to: the path the callback came to, once :meth:`wait` is over.
    """

    def __init__(
        self,
        state: str,
        *,
        path: str | Collection[str] = "/callback",
        host: str = LOOPBACK,
        port: int | Sequence[int] = 0,
        issuer: str | None = None,
        takes_code: bool = False,
        landing: Landing | None = None,
        page: str = TAKEN_PAGE,
    ) -> None:
        self._state = state
        self._paths = (path,) if isinstance(path, str) else tuple(path)
        self._host = host
        self._ports = (port,) if isinstance(port, int) else tuple(port)
        self._port = 0
        self._issuer = issuer
        self._takes_code = takes_code
        self._landing = landing
        self._said = page
        self._servers: list[asyncio.Server] = []
        self._came: asyncio.Future[_Callback] = asyncio.get_running_loop().create_future()
        self._connections: set[asyncio.Task[None]] = set()
        self.redirect_uri = ""
        self.origin = ""
        self.came_to = ""

    async def __aenter__(self) -> Self:
        await self._listen()
        self._port = self._servers[0].sockets[0].getsockname()[1]
        self.origin = f"http://{self._host}:{self._port}"
        self.redirect_uri = f"{self.origin}{self._paths[0]}"
        return self

    async def _listen(self) -> None:
        """Take the first port that is free, on every address the browser may come to."""
        problem: str | None = None
        for port in self._ports:
            for _ in range(1 if port else FREE_PORT_ATTEMPTS):
                try:
                    self._servers = await self._listen_on(port)
                except OSError as error:
                    problem = error.strerror
                else:
                    return
        ports = ", ".join(map(str, self._ports))
        what = f"{LOOPBACK}:{ports}" if len(self._ports) == 1 else f"any of the ports {ports} of {LOOPBACK}"
        raise LoginFailed(
            f"cannot listen on {what} for the browser ({problem}); "
            "end the program that uses the port, and sign in again"
        )

    async def _listen_on(self, port: int) -> list[asyncio.Server]:
        server = await asyncio.start_server(self._connected, LOOPBACK, port)
        if self._host != "localhost":
            return [server]
        port = server.sockets[0].getsockname()[1]
        try:
            return [server, await asyncio.start_server(self._connected, LOOPBACK_6, port)]
        except BaseException as error:
            if isinstance(error, OSError) and error.errno in NO_SUCH_ADDRESS:
                return [server]
            server.close()  # if somebody else is there, the browser might go to them
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def wait(self, login: Login, *, limit_s: float = DEFAULT_LIMIT_S) -> Mapping[str, str]:
        """The callback's parameters: from the browser, or from the address the person pastes.

        A ``+`` in a parameter stays one: codes and tickets may hold it, and none holds a space.

        Raises:
            LoginCancelled: the person gave up.
            LoginFailed: nobody came within ``limit_s`` seconds, or the provider said no.
        """
        pasted = asyncio.create_task(self._ask(login), name="paste the address")
        try:
            done, _ = await asyncio.wait({pasted, self._came}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if self._came in done:
                callback = self._came.result()
            elif pasted in done:
                callback = pasted.result()
            else:
                minutes = f"{limit_s / 60:g} minutes"
                raise LoginFailed(
                    f"nobody came back from the browser within {minutes}; start again with: switchgear login"
                )
        finally:
            pasted.cancel()
            with suppress(asyncio.CancelledError, LoginCancelled):
                await pasted
        self.came_to = callback.path
        return self._accepted(callback.parameters)

    def _accepted(self, parameters: Mapping[str, str]) -> Mapping[str, str]:
        if "error" in parameters:
            description = parameters.get("error_description", "").replace("+", " ")
            detail = f": {description}" if description else ""
            raise LoginFailed(f"the provider refused the sign-in ({parameters['error'][:80]}{detail[:300]})")
        issuer = parameters.get("iss")
        if self._issuer is not None and issuer is not None and issuer != self._issuer:
            raise LoginFailed("the answer names another issuer than the provider's; nothing of it was used")
        return parameters

    # -- without a browser on this machine -----------------------------------------------------------------

    async def _ask(self, login: Login) -> _Callback:
        what = (
            "the code, or the address the browser ended on" if self._takes_code else "the address the browser ended on"
        )
        while True:
            try:
                text = (await login.ask(f"If the browser is on another machine, paste {what}", secret=True)).strip()
            except NobodyAnswers:  # the browser can still come
                return await self._came
            address = urlsplit(text)
            parameters = _query(address.query)
            if self._is_ours(parameters):
                return _Callback(address.path, parameters)
            if self._takes_code and text and "://" not in text and "=" not in text:
                return _Callback("", {"code": text, "state": self._state})
            await login.progress(ASK_AGAIN)

    def _is_ours(self, parameters: Mapping[str, str]) -> bool:
        return hmac.compare_digest(parameters.get("state", "").encode(), self._state.encode())

    # -- the browser ---------------------------------------------------------------------------------------

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name="sign-in callback")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_HEAD_BYTES)
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                request = await _request(http, reader)
                if request is not None:
                    writer.write(self._answer(http, request))
                    await writer.drain()
        except (TimeoutError, OSError, h11.RemoteProtocolError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _answer(self, http: h11.Connection, request: h11.Request) -> bytes:
        target = request.target.decode("latin-1")
        path, _, query = target.partition("?")
        hosts = [value for name, value in request.headers if name == b"host"]
        ours = {f"{host}:{self._port}".encode() for host in (LOOPBACK, "localhost")}
        parameters = _query(query)
        if len(hosts) != 1 or hosts[0] not in ours:
            return _page(http, 400, "This page is for this machine only.")
        if path not in self._paths:
            return _page(http, 404, "Nothing is here.")
        if request.method != b"GET":
            return _page(http, 405, "Only GET is answered.")
        if self._came.done():
            return _page(http, 410, "This sign-in is over.")
        if not self._is_ours(parameters):
            return _page(http, 400, "This is not the sign-in that is waited for. Go back to the one that was shown.")
        self._came.set_result(_Callback(path, parameters))
        if self._landing is not None:
            return _page(http, 302, "", self._landing(parameters))
        if "error" in parameters:
            return _page(http, 200, "The provider refused the sign-in. The terminal says more.")
        return _page(http, 200, self._said)


def _query(query: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in query.split("&") if part)
    return {unquote(name): unquote(value) for name, _, value in pairs}


async def _request(http: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    while True:
        event = http.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        http.receive_data(await reader.read(LONGEST_HEAD_BYTES))


def _page(http: h11.Connection, status: int, text: str, location: str | None = None) -> bytes:
    body = f"<!doctype html><meta charset=utf-8><title>Switchgear</title><p>{text}</p>\n".encode()
    headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-length", str(len(body))),
        ("content-security-policy", "default-src 'none'"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("connection", "close"),
        *([("location", location)] if location is not None else []),
    ]
    head = http.send(h11.Response(status_code=status, headers=headers)) or b""
    return head + (http.send(h11.Data(data=body)) or b"") + (http.send(h11.EndOfMessage()) or b"")

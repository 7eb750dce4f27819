"""A connection's bytes become requests, strictly: what two parsers could read differently is refused. No I/O here."""

from __future__ import annotations

from typing import Protocol

import httptools

from switchgear.server import limits
from switchgear.server.exchange import Scope
from switchgear.server.target import origin_form, path_of

PREFACE = b"PRI * HTTP/2.0\r\n"
"""What an HTTP/2 connection begins with (RFC 9113, 3.4)."""
_WATCHED = frozenset({b"host", b"transfer-encoding", b"expect", b"upgrade"})


class Refused(Exception):
    """Nothing more is read from this connection.

    Attributes:
        status: what to answer in place of the request that it was.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Elsewhere(Exception):
    """The connection speaks something else.

    Attributes:
        data: all that came so far.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data


class Taker(Protocol):
    """Who takes the requests."""

    def request(self, scope: Scope, *, keep_alive: bool, expects: bool) -> None:
        """The head of a request; ``keep_alive``: another may follow. ``expects``: the client awaits "100 Continue"."""

    def body(self, data: bytes) -> None:
        """A part of its body."""

    def complete(self) -> None:
        """It is complete."""


class Requests:
    """Reads the requests of one connection.

    Args:
        taker: takes them.
        base: what is the same in the ASGI scope of each.

    Attributes:
        in_head: what comes next belongs to a request's head.
        since_bytes: how much came since the last of a request's parts; 0 between requests.
    """

    __slots__ = (
        "_base", "_coding", "_expects", "_first", "_headers", "_hosts", "_parser", "_taker", "_target", "_upgrade",
        "in_head", "since_bytes",
    )  # fmt: skip

    def __init__(self, taker: Taker, base: Scope) -> None:
        self._taker = taker
        self._base = base
        self._parser = httptools.HttpRequestParser(self)
        self._first: bytearray | None = bytearray()  # all that came until the first request's head was complete
        self.in_head = True
        self.since_bytes = 0
        self._begin()

    def _begin(self) -> None:
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._hosts = 0
        self._coding = b""
        self._expects = self._upgrade = False

    def feed(self, data: bytes) -> None:
        """Take what came.

        Raises:
            Refused: it is no HTTP, or none that is served.
            Elsewhere: it is HTTP/2, or the first request asks for another protocol.
        """
        if self._first is not None:
            data = self._look_at_first(data)
        self.since_bytes += len(data)
        while data:
            try:
                self._parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:  # a later request asks: as we may, we answer it plainly
                data = data[upgrade.args[0] :]
            except httptools.HttpParserCallbackError as error:
                raise error.__context__ or error from None
            except httptools.HttpParserError:
                raise Refused(400) from None
        if self.since_bytes > limits.HEADER_LIMIT_BYTES:
            raise Refused(431)

    def _look_at_first(self, data: bytes) -> bytes:
        """Keep the connection's first bytes while it is not known what it speaks; what is to be parsed of them now."""
        first = self._first
        assert first is not None
        unsure = PREFACE.startswith(first)
        first += data
        if first.startswith(PREFACE):
            raise Elsewhere(bytes(first))
        if PREFACE.startswith(first):
            return b""
        return bytes(first) if unsure else data

    # -- what the parser calls -----------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self._target += url
        self.since_bytes = self.since_bytes or len(url)  # a request that begins behind another

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field, or one of a trailer, which nobody asked for."""
        if not self.in_head:
            return
        name = name.lower()
        value = value.rstrip(b" \t")
        self._headers.append((name, value))
        if name in _WATCHED:
            if name == b"host":
                self._hosts += 1
            elif name == b"transfer-encoding":
                self._coding += value.lower()
            elif name == b"expect":
                self._expects = value.lower() == b"100-continue"
            else:
                self._upgrade = True

    def on_headers_complete(self) -> None:
        """The request's head is here."""
        parser = self._parser
        version = parser.get_http_version()
        method = parser.get_method()
        self._check(version, method)
        if self._first is not None:
            if self._upgrade and version == "1.1":
                raise Elsewhere(bytes(self._first))
            self._first = None
        path, _, query = origin_form(self._target).partition(b"?")
        scope = {
            **self._base,
            "http_version": version,
            "method": method.decode("ascii"),
            "path": path_of(path),
            "raw_path": path,
            "query_string": query,
            "headers": self._headers,
            "state": {},
        }
        self.in_head = False
        self.since_bytes = 0
        self._taker.request(scope, keep_alive=parser.should_keep_alive(), expects=self._expects and version == "1.1")
        self._begin()

    def _check(self, version: str, method: bytes) -> None:
        """Refuse what the head alone is answered for (RFC 9112, 3.2 and 6.1)."""
        if self.since_bytes > limits.HEADER_LIMIT_BYTES:  # or it is a body behind it
            size = len(self._target) + sum(len(name) + len(value) + 4 for name, value in self._headers)
            if size > limits.HEADER_LIMIT_BYTES:
                raise Refused(431)
        if version not in {"1.1", "1.0"}:
            raise Refused(505)
        if self._hosts > 1 or (self._hosts == 0 and version == "1.1") or not self._target.isascii():
            raise Refused(400)
        if self._coding and (version == "1.0" or self._coding != b"chunked"):
            raise Refused(400 if version == "1.0" else 501)
        if method == b"CONNECT":
            raise Refused(501)

    def on_body(self, body: bytes) -> None:
        """A part of the request's body."""
        self.since_bytes = 0
        self._taker.body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self.since_bytes = 0
        self.in_head = True
        self._taker.complete()

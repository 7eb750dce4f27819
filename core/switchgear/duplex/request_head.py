"""A request's method, address and headers as HTTP/2 wants them."""

from __future__ import annotations

import re

import httpx2

from switchgear.errors import UpstreamError
from switchgear.types import Failure

Head = list[tuple[bytes, bytes]]

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
"""A header name; HTTP/2 has small letters only. Source: RFC 9110 5.6.2 and RFC 9113 8.2.1, read 2026-11."""
BAD_VALUE = re.compile(rb"^[ \t]|[ \t]$|[\x00\r\n]")
OF_THE_CONNECTION = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
"""Source: RFC 9113 section 8.2.2, read 2026-11."""


def request_head(request: httpx2.Request) -> Head:
    """The header block of ``request``, whose body comes later.

    All of it is checked here: a header that the HTTP/2 layer refused half way would spoil the connection for everybody.

    Raises:
        UpstreamError: a header cannot be sent over HTTP/2.
        ValueError: the request has a body of its own.
    """
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        raise ValueError("the body of a duplex call is sent with send(), not with the request")
    url = request.url
    if url.scheme not in {"http", "https"} or not url.host:
        raise _unsendable("its URL is not http:// or https://")
    head = [
        (b":method", request.method.encode("ascii")),
        (b":scheme", url.scheme.encode("ascii")),
        (b":authority", request.headers.get("host", "").encode("ascii") or url.netloc),
        (b":path", url.raw_path),
    ]
    for given, value in request.headers.raw:
        name = given.lower()
        if name in {b"host", b"content-length"}:
            continue
        if not TOKEN.fullmatch(name) or name in OF_THE_CONNECTION or (name == b"te" and value.lower() != b"trailers"):
            raise _unsendable(f"HTTP/2 has no header {name[:40].decode('latin-1')!r}")
        if BAD_VALUE.search(value):
            raise _unsendable(f"the value of the header {name.decode()!r}")
        head.append((name, value))
    return head


def _unsendable(why: str) -> UpstreamError:
    return UpstreamError(Failure("protocol", message=f"the request cannot be sent: {why}"))

"""The bytes of a request's head. Where the body ends is said here, whatever the request's own headers say of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

import httpx2

Defaults = tuple[tuple[bytes, bytes], ...]
"""Header fields, names in lower case."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FIT = re.compile(_TOKEN + rb" [!-~]+ HTTP/1\.1\r\n(?:" + _TOKEN + rb": [^\r\n\0]*\r\n)+")
_NO_BODY = frozenset({"GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "CONNECT"})
"""Without a body they are sent without its length too (RFC 9110, 8.6)."""


def head_of(request: httpx2.Request, defaults: Defaults, body_bytes: int | None) -> bytes:
    """The head of ``request``, to its empty line.

    Args:
        request: its ``content-length`` and ``transfer-encoding`` are replaced by what is so.
        defaults: sent where the request has none of the name.
        body_bytes: the body's length; ``None`` when it is sent in chunks.

    Raises:
        httpx2.LocalProtocolError: something in it cannot be sent.
    """
    start = start_of(request.method, request.url, request.headers.raw, defaults)
    if body_bytes is None:
        return start + b"Transfer-Encoding: chunked\r\n\r\n"
    if body_bytes or request.method not in _NO_BODY:
        return start + length_of(body_bytes)
    return start + b"\r\n"


def start_of(method: str, url: httpx2.URL, headers: Iterable[tuple[bytes, bytes]], defaults: Defaults) -> bytes:
    """A head without its end, which says where the body ends; see :func:`head_of`."""
    lines = [b"%b %b HTTP/1.1" % (method.encode("latin-1", "replace"), url.raw_path)]
    names = set()
    for name, value in headers:
        lower = name.lower()
        if lower not in _FRAMING:
            names.add(lower)
            lines.append(name + b": " + value)
    if b"host" not in names:
        lines.insert(1, b"Host: " + url.netloc)
    for name, value in defaults:
        if name not in names:
            lines.append(name + b": " + value)
    start = b"\r\n".join([*lines, b""])
    if _FIT.fullmatch(start) is None or start.count(b"\n") != len(lines):  # no value may hold a line of its own
        raise httpx2.LocalProtocolError("its method, its address or one of its headers holds what HTTP does not allow")
    return start


def length_of(body_bytes: int) -> bytes:
    """The end of a head whose body is so long."""
    return b"Content-Length: %d\r\n\r\n" % body_bytes


_FRAMING = frozenset({b"content-length", b"transfer-encoding"})

"""The bytes of a request's head. Where the body ends is said here, whatever the request's own headers say of it."""

from __future__ import annotations

import re

import httpx2

Defaults = tuple[tuple[bytes, bytes], ...]
"""Header fields, names in lower case."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FIT = re.compile(_TOKEN + rb" [!-~]+ HTTP/1\.1\r\n(?:" + _TOKEN + rb": [^\r\n\0]*\r\n)+\r\n")
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
    url = request.url
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("latin-1", "replace"), url.raw_path)]
    names = set()
    for name, value in request.headers.raw:
        lower = name.lower()
        if lower not in _FRAMING:
            names.add(lower)
            lines.append(name + b": " + value)
    if b"host" not in names:
        lines.insert(1, b"Host: " + url.netloc)
    for name, value in defaults:
        if name not in names:
            lines.append(name + b": " + value)
    if body_bytes is None:
        lines.append(b"Transfer-Encoding: chunked")
    elif body_bytes or request.method not in _NO_BODY:
        lines.append(b"Content-Length: %d" % body_bytes)
    lines.append(b"\r\n")
    head = b"\r\n".join(lines)
    if _FIT.fullmatch(head) is None or head.count(b"\n") != len(lines):  # no value may hold a line of its own
        raise httpx2.LocalProtocolError("its method, its address or one of its headers holds what HTTP does not allow")
    return head


_FRAMING = frozenset({b"content-length", b"transfer-encoding"})

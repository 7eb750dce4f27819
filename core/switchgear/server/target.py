"""What a request asks for, in the one form that the application knows."""

from __future__ import annotations

from urllib.parse import unquote


def origin_form(target: bytes) -> bytes:
    """The target from its path on: a server takes the form that proxies are sent, too (RFC 9112, 3.2.2)."""
    if not target.startswith(b"/") and target[:8].lower().startswith((b"http://", b"https://")):
        rest = target.partition(b"://")[2]
        target = rest[min(at for at in (rest.find(b"/"), rest.find(b"?"), len(rest)) if at >= 0) :]
        return target if target.startswith(b"/") else b"/" + target
    return target


def path_of(raw_path: bytes) -> str:
    """The path with its escapes resolved."""
    text = raw_path.decode("ascii")
    return unquote(text) if "%" in text else text

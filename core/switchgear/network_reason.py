"""Why a connection could not be made, in words a person can use."""

from __future__ import annotations

import os

from switchgear.secret import redact


def network_reason(error: BaseException) -> str:
    """The operating system's or TLS's own words, from below the libraries' layers."""
    found = str(error)
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ConnectionError) and below.errno:
            found = os.strerror(below.errno)
        elif isinstance(below, OSError) and below.strerror:
            found = below.strerror
        inner = below.exceptions[0] if isinstance(below, BaseExceptionGroup) else None
        below = inner or below.__cause__ or below.__context__
    return redact(found)[:200]

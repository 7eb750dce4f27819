"""What an access token says of itself: whose it is, and until when. It is read, never trusted.

A JWT, signed with a key that only the service has. Its claims (captured tokens, read 2026-11): ``sub``, ``exp`` and
``time`` (when it was given out) in Unix seconds, ``iss``, ``aud``, ``scope``, ``type``. There is no e-mail address.
"""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Claims:
    """Of one token.

    Attributes:
        subject: ``connection|user``, such as ``google-oauth2|user_01…``; empty where the token does not say.
        expires_at: Unix seconds; ``None`` where it does not say.
    """

    subject: str = ""
    expires_at: float | None = None


def claims_of(token: str) -> Claims:
    """The claims of a token; empty ones where it is no JWT.

    >>> claims_of("no token")
    Claims(subject='', expires_at=None)
    """
    parts = token.split(".")
    if len(parts) != 3:
        return Claims()
    try:
        payload: Any = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return Claims()
    if not isinstance(payload, dict):
        return Claims()
    subject, expiry = payload.get("sub"), payload.get("exp")
    return Claims(subject.strip() if isinstance(subject, str) else "", _moment(expiry))


def _moment(value: object) -> float | None:
    """Unix seconds that a clock can show."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        return None
    return float(value) if math.isfinite(value) else None

"""What a token says of itself. Nothing is verified: only its issuer could, and only the upstream's answer counts."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Claims:
    """``expires_at`` is Unix seconds; ``None`` and empty mean that the token does not say.

    Attributes:
        purpose: ``auth`` for a person's token of the command line, ``cj`` for a cloud job's.
    """

    expires_at: float | None = None
    user_id: str = ""
    org_id: str = ""
    purpose: str = ""


def read_claims(token: str) -> Claims | None:
    """The claims of a JWT; ``None`` for a token that is none.

    A command line token holds ``{iss: "rcc", sub, iat, nbf, exp, v: 1, r: {u: user, o?: organisation, t: "auth"}}``.
    Source: apps/cli/src/lib/auth/token.ts of RooCodeInc/Roo-Code, read 2026-11.
    """
    parts = token.split(".")
    payload = _object(parts[1]) if len(parts) == 3 else None
    if payload is None:
        return None
    roo = payload.get("r")
    said: dict[str, Any] = roo if isinstance(roo, dict) else {}
    return Claims(_moment(payload.get("exp")), _text(said.get("u")), _text(said.get("o")), _text(said.get("t")))


def _object(part: str) -> dict[str, Any] | None:
    try:
        decoded = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _moment(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**40
    return float(value) if usable and isinstance(value, int | float) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

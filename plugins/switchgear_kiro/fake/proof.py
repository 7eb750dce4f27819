"""The proof that a code is traded by whom it was given for (RFC 7636, S256)."""

from __future__ import annotations

import base64
import hashlib
import re

VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def fits(verifier: object, challenge: str) -> bool:
    """Whether the verifier is the challenge's."""
    if not isinstance(verifier, str) or not VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge

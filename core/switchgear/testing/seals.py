"""Signatures and sealed reasoning that only the fake can have made, as real upstreams know their own."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_KEY = b"the fake upstream's own"
_DIGEST_BYTES = 32


def signature_of(text: str) -> str:
    """The signature of a reasoning text."""
    return base64.b64encode(_digest(text.encode())).decode()


def sealed(text: str) -> str:
    """A reasoning text that only the fake can read again."""
    data = text.encode()
    return base64.b64encode(_digest(data) + data).decode()


def is_own_signature(signature: object, text: object) -> bool:
    """Whether the fake signed this text so."""
    return isinstance(text, str) and signature == signature_of(text)


def is_own_seal(value: object) -> bool:
    """Whether the fake sealed this."""
    try:
        data = base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(data[:_DIGEST_BYTES], _digest(data[_DIGEST_BYTES:]))


def _digest(data: bytes) -> bytes:
    return hmac.new(_KEY, data, hashlib.sha256).digest()

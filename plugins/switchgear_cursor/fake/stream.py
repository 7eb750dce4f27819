"""The fake's side of a Connect stream: what the client sends is read strictly, what is said is cut in odd places."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

GZIP, END = 0x01, 0x02
HEAD_BYTES = 5
MAX_BYTES = 16 * 1024 * 1024


class StreamError(ValueError):
    """What the client sent is no Connect stream, or not one that it may send."""


def envelope(payload: bytes, flags: int = 0) -> bytes:
    """A payload in its envelope."""
    return flags.to_bytes(1, "big") + len(payload).to_bytes(4, "big") + payload


class ClientStream:
    """Takes apart what the client sends."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def is_cut(self) -> bool:
        """Whether a part of an envelope is here, without its rest."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are complete.

        Raises:
            StreamError: an envelope that a client does not send: ended, too long, or packed although nobody asked.
        """
        self._rest += data
        payloads = []
        while len(self._rest) >= HEAD_BYTES:
            flags, size = self._rest[0], int.from_bytes(self._rest[1:HEAD_BYTES], "big")
            if flags:
                raise StreamError(f"an envelope has the flags {flags:#04x}")
            if size > MAX_BYTES:
                raise StreamError(f"an envelope of {size} bytes")
            if len(self._rest) < HEAD_BYTES + size:
                break
            payloads.append(self._rest[HEAD_BYTES : HEAD_BYTES + size])
            self._rest = self._rest[HEAD_BYTES + size :]
        return payloads


class ServerStream:
    """Puts together what the server says: now and then packed, several messages in one piece, one in several.

    Args:
        seed: of what is done at random.
        packs: whether the client takes gzip.
        is_plain: every message is one piece, as it is; for measurements.
    """

    def __init__(self, seed: int, *, packs: bool, is_plain: bool = False) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing is secret
        self._packs = packs
        self._is_plain = is_plain
        self._held = bytearray()

    def add(self, payload: bytes) -> list[bytes]:
        """Say a message; gives the pieces to send now, which may be none."""
        packed = self._packs and not self._is_plain and self._random.random() < 0.2
        self._held += envelope(gzip.compress(payload), GZIP) if packed else envelope(payload)
        return [] if not self._is_plain and self._random.random() < 0.3 else self.rest()

    def end(self, document: dict[str, Any]) -> list[bytes]:
        """Say the end of the stream."""
        self._held += envelope(json.dumps(document).encode(), END)
        return self.rest()

    def rest(self) -> list[bytes]:
        """The pieces that are held back."""
        data = bytes(self._held)
        self._held.clear()
        cuts = 0 if self._is_plain else self._random.randrange(3)
        places = sorted({self._random.randrange(1, len(data)) for _ in range(cuts)}) if len(data) > 1 else []
        pieces = [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]
        return [piece for piece in pieces if piece]

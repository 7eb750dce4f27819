"""What one run keeps for the server: blobs, each named by the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

MAX_BYTES = 64 * 1024 * 1024
"""What the server may store here in one run, beside what we gave it."""


class Blobs:
    """The blobs of one run. They go with it: nothing of a conversation is kept between runs."""

    def __init__(self) -> None:
        self._kept: dict[bytes, bytes] = {}
        self._stored = 0

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return sum(map(len, self._kept.values()))

    def keep(self, data: bytes) -> bytes:
        """Keep ``data``; give its id, 32 bytes."""
        blob_id = hashlib.sha256(data).digest()
        self._kept[blob_id] = data
        return blob_id

    def keep_json(self, document: Mapping[str, Any]) -> bytes:
        """Keep a JSON document; give its id.

        >>> Blobs().keep_json({"role": "system", "content": "s"}).hex()
        '20cb7585802aa717b22f347e22cb3c1712c28e1b034ed7732ec971d69983881d'
        """
        return self.keep(msgspec.json.encode(document))

    def get(self, blob_id: bytes) -> bytes | None:
        """The blob; ``None`` when there is none of this id."""
        return self._kept.get(blob_id)

    def store(self, blob_id: bytes, data: bytes) -> None:
        """Keep what the server sends, under its id.

        Raises:
            ValueError: it stored more than 64 MiB in this run.
        """
        self._stored += len(data) - len(self._kept.get(blob_id, b""))
        if self._stored > MAX_BYTES:
            raise ValueError(f"the server stored more than {MAX_BYTES} bytes")
        self._kept[blob_id] = data

"""The envelopes of a Connect stream. Sans-IO.

Both directions: one byte of flags, the payload's length in four bytes (big-endian), the payload.
Source: the Connect protocol, "Enveloped-Message", read 2026-11.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

COMPRESSED = 0x01
"""The payload is one gzip member."""
END = 0x02
"""The stream's last envelope; its payload is a JSON object, with ``error`` where the call failed."""
HEAD_BYTES = 5
MAX_PAYLOAD_BYTES = 16 * 1024 * 1024
"""Of one payload, unpacked as well as packed."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope as it came, its ``payload`` unpacked."""

    flags: int
    payload: bytes

    @property
    def is_end(self) -> bool:
        """Whether nothing follows."""
        return bool(self.flags & END)


class FramingError(ValueError):
    """The bytes are no Connect stream; nothing after them can be trusted."""


def envelope(payload: bytes, flags: int = 0) -> bytes:
    """``payload`` in its envelope; it is packed already where ``flags`` say so.

    >>> envelope(b"{}", END).hex()
    '02000000027b7d'
    """
    return bytes((flags,)) + len(payload).to_bytes(4, "big") + payload


class Envelopes:
    """Takes a stream apart, wherever it was cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def is_cut(self) -> bool:
        """Whether a part of an envelope is waiting for the rest."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Envelope]:
        """Take the next bytes; give the envelopes that are complete.

        Raises:
            FramingError: what comes next is none: unknown flags, a damaged payload, or one of more than 16 MiB. Whole
                envelopes before it are given first; the call after that raises, with nothing new as well.
        """
        self._buffer += data
        found: list[Envelope] = []
        start = 0
        try:
            while (size := self._size_at(start)) is not None:
                flags, payload = self._buffer[start], bytes(self._buffer[start + HEAD_BYTES : start + size])
                found.append(Envelope(flags, _unpacked(payload) if flags & COMPRESSED else payload))
                start += size
        except FramingError:
            if not found:
                raise
        del self._buffer[:start]
        return found

    def _size_at(self, start: int) -> int | None:
        """How long the envelope is that begins there, its head included; ``None`` when it is not complete."""
        if len(self._buffer) - start < HEAD_BYTES:
            return None
        flags = self._buffer[start]
        size = int.from_bytes(self._buffer[start + 1 : start + HEAD_BYTES], "big")
        if flags & ~(COMPRESSED | END):
            raise FramingError(f"an envelope has unknown flags: {flags:#04x}")
        if size > MAX_PAYLOAD_BYTES:
            raise FramingError(f"an envelope claims {size} bytes")
        return HEAD_BYTES + size if len(self._buffer) - start - HEAD_BYTES >= size else None


def _unpacked(packed: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        payload = inflater.decompress(packed, MAX_PAYLOAD_BYTES)
    except zlib.error as error:
        raise FramingError("an envelope's payload is damaged") from error
    if inflater.unconsumed_tail or not inflater.eof or inflater.unused_data:
        raise FramingError("an envelope's payload is cut short, or longer than it may be")
    return payload

"""AWS event-stream framing: bytes to frames and back. Sans-IO.

A frame is a 12-byte prelude (total length, length of the headers, CRC-32 of these eight bytes), headers, payload, and
the CRC-32 of all before it; numbers are big-endian, the checksums zlib's. Source: the AWS event-stream encoding as
botocore decodes it, and frames captured from the service; read 2026-11.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from zlib import crc32

HeaderValue = bool | int | bytes | str
Headers = Mapping[str, HeaderValue]

PRELUDE_BYTES = 12
OVERHEAD_BYTES = PRELUDE_BYTES + 4
"""The length of the shortest frame: no headers, no payload."""
MAX_FRAME_BYTES = 16 * 1024 * 1024
MAX_HEADERS_BYTES = 128 * 1024
KEPT_HEADERS = 64
"""How many different headers a decoder keeps read: the frames of a stream have the same few."""

_PRELUDE = struct.Struct(">III")
_LENGTHS = struct.Struct(">II")
_CRC = struct.Struct(">I")
_INTEGERS = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i"), 5: struct.Struct(">q")}
_LENGTH = struct.Struct(">H")
_TRUE, _FALSE, _BYTES, _STRING, _TIMESTAMP, _UUID = 0, 1, 6, 7, 8, 9


class FrameError(ValueError):
    """The bytes are no event stream, or they were damaged; nothing that follows can be trusted."""


class Frame(NamedTuple):
    """One frame, its checksums verified.

    ``headers`` hold text as ``str``, integers and timestamps (Unix milliseconds) as ``int``, bytes and UUIDs as
    ``bytes``.
    """

    headers: Headers
    payload: bytes


class Decoder:
    """Takes bytes cut anywhere, gives whole frames. After a :class:`FrameError` it gives nothing any more.

    >>> decoder = Decoder()
    >>> decoder.receive(bytes.fromhex("000000100000000005c248eb7d98c8ff"))
    >>> decoder.next_frame(), decoder.next_frame()
    (Frame(headers=mappingproxy({}), payload=b''), None)
    """

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        self._coming = bytearray()
        self._needed = 0  # so many bytes have to be in ``_coming`` before it is worth a look
        self._error: FrameError | None = None
        self._known: dict[bytes, Headers] = {}

    def receive(self, chunk: bytes) -> None:
        """Take the next bytes. Every frame that is whole has to be fetched before the next call."""
        if not self._coming:
            self._data, self._at = chunk, 0
            return
        self._coming += chunk
        if len(self._coming) >= self._needed:
            self._data, self._at = bytes(self._coming), 0
            self._coming.clear()

    def next_frame(self) -> Frame | None:
        """The next whole frame; ``None`` when more bytes are needed.

        Raises:
            FrameError: a checksum is wrong, or a length cannot be.
        """
        if self._error is not None:
            raise self._error
        try:
            return self._take()
        except FrameError as error:
            self._error = error
            raise

    def _take(self) -> Frame | None:
        data, at = self._data, self._at
        left = len(data) - at
        if left < PRELUDE_BYTES:
            self._wait(PRELUDE_BYTES)
            return None
        total, headers_length, expected = _PRELUDE.unpack_from(data, at)
        prelude_crc = crc32(data[at : at + 8])
        if prelude_crc != expected:
            raise FrameError(f"prelude checksum is {prelude_crc:08x}, not {expected:08x}: the stream is damaged")
        if not OVERHEAD_BYTES <= total <= MAX_FRAME_BYTES:
            raise FrameError(f"a frame of {total} bytes: it may have {OVERHEAD_BYTES} to {MAX_FRAME_BYTES}")
        if headers_length > min(total - OVERHEAD_BYTES, MAX_HEADERS_BYTES):
            raise FrameError(f"headers of {headers_length} bytes in a frame of {total}")
        if left < total:
            self._wait(total)
            return None
        end = at + total - 4
        found = crc32(data[at + 8 : end], prelude_crc)
        if found != (expected := _CRC.unpack_from(data, end)[0]):
            raise FrameError(f"message checksum is {found:08x}, not {expected:08x}: the stream is damaged")
        body = at + PRELUDE_BYTES + headers_length
        headers = self._headers(data[at + PRELUDE_BYTES : body])
        self._at = end + 4
        return Frame(headers, data[body:end])

    def _wait(self, needed: int) -> None:
        """Put what is left aside until ``needed`` bytes are there."""
        self._coming += self._data[self._at :]
        self._data, self._at, self._needed = b"", 0, needed

    def _headers(self, data: bytes) -> Headers:
        headers = self._known.get(data)
        if headers is None:
            headers = read_headers(data)
            if len(self._known) < KEPT_HEADERS:
                self._known[data] = headers
        return headers

    def end(self) -> None:
        """The stream ended.

        Raises:
            FrameError: in the middle of a frame.
        """
        if self._error is not None:
            raise self._error
        left = len(self._coming) + len(self._data) - self._at
        if left:
            raise FrameError(f"the stream ends {left} bytes into a frame")


def read_headers(data: bytes) -> Headers:
    """The headers of one frame.

    Raises:
        FrameError: they are not well-formed, or one comes twice.
    """
    headers: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(data):
            start = at + 1
            at = start + data[at]
            name = _exactly(data, start, at).decode()
            kind = data[at]
            value, at = _value(data, at + 1, kind)
            if name in headers:
                raise FrameError(f"header {name[:40]!r} comes twice")
            headers[name] = value
    except (IndexError, struct.error):
        raise FrameError("a header is cut off") from None
    except UnicodeDecodeError:
        raise FrameError("a header is no UTF-8") from None
    return MappingProxyType(headers)


def _value(data: bytes, at: int, kind: int) -> tuple[HeaderValue, int]:
    """The value at ``at``, and where it ends."""
    if kind in {_STRING, _BYTES}:
        start = at + 2
        end = start + _LENGTH.unpack_from(data, at)[0]
        raw = _exactly(data, start, end)
        return (raw.decode() if kind == _STRING else raw), end
    if kind in {_TRUE, _FALSE}:
        return kind == _TRUE, at
    if kind == _UUID:
        return _exactly(data, at, at + 16), at + 16
    integer = _INTEGERS.get(5 if kind == _TIMESTAMP else kind)
    if integer is None:
        raise FrameError(f"a header of the unknown type {kind}")
    return int(integer.unpack_from(data, at)[0]), at + integer.size


def _exactly(data: bytes, start: int, end: int) -> bytes:
    if end > len(data):
        raise FrameError("a header is cut off")
    return data[start:end]


def encode(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame. Its headers are text, as all of this service are.

    >>> encode({}, b"").hex()
    '000000100000000005c248eb7d98c8ff'
    """
    written = b"".join(_written(name.encode(), value.encode()) for name, value in headers.items())
    lengths = _LENGTHS.pack(OVERHEAD_BYTES + len(written) + len(payload), len(written))
    frame = lengths + _CRC.pack(crc32(lengths)) + written + payload
    return frame + _CRC.pack(crc32(frame))


def _written(name: bytes, value: bytes) -> bytes:
    return bytes((len(name),)) + name + bytes((_STRING,)) + _LENGTH.pack(len(value)) + value

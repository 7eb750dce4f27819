"""The event-stream decoder: held to botocore's, to the sheet's vectors, and to what damage must do."""

from __future__ import annotations

import struct
import uuid
import zlib
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear_kiro.eventstream import (
    KEPT_HEADERS,
    MAX_FRAME_BYTES,
    MAX_HEADERS_BYTES,
    OVERHEAD_BYTES,
    Decoder,
    Frame,
    FrameError,
    encode,
    read_headers,
)
from tests.plugins.kiro_streams import cut

JSON_EVENT = {":message-type": "event", ":event-type": "", ":content-type": "application/json"}


def frames_in(pieces: list[bytes], decoder: Decoder | None = None) -> list[Frame]:
    decoder = decoder or Decoder()
    found = []
    for piece in pieces:
        decoder.receive(piece)
        while (frame := decoder.next_frame()) is not None:
            found.append(frame)
    decoder.end()
    return found


def botocore_frames(pieces: list[bytes]) -> list[tuple[dict[str, Any], bytes]]:
    buffer = EventStreamBuffer()
    found = []
    for piece in pieces:
        buffer.add_data(piece)
        found += [(message.headers, message.payload) for message in buffer]
    return found


def raw_frame(headers: bytes, payload: bytes = b"", *, total: int | None = None, length: int | None = None) -> bytes:
    """A frame with right checksums, whatever its lengths and headers say."""
    size = OVERHEAD_BYTES + len(headers) + len(payload) if total is None else total
    lengths = struct.pack(">II", size, len(headers) if length is None else length)
    frame = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return frame + struct.pack(">I", zlib.crc32(frame))


# -- vectors -----------------------------------------------------------------------------------------------

VECTORS = [
    pytest.param({}, b"", "000000100000000005c248eb7d98c8ff", id="empty"),
    pytest.param(
        JSON_EVENT | {":event-type": "assistantResponseEvent"},
        b'{"content":"Hi"}',
        "0000007c0000005c3bddcf780d3a6d6573736167652d747970650700056576656e740b3a6576656e742d7479706507001661737369737461"
        "6e74526573706f6e73654576656e740d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b22636f6e74656e"
        "74223a224869227d09f66f51",
        id="text",
    ),
    pytest.param(
        JSON_EVENT | {":event-type": "metadataEvent"},
        b'{"stopReason":"END_TURN"}',
        "0000007c00000053ab62d2e90d3a6d6573736167652d747970650700056576656e740b3a6576656e742d7479706507000d6d657461646174"
        "614576656e740d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b2273746f70526561736f6e223a22454e"
        "445f5455524e227d7d1f480b",
        id="stop reason",
    ),
    pytest.param(
        {
            ":message-type": "exception",
            ":exception-type": "throttlingError",
            ":content-type": "application/json",
        },
        b'{"message":"slow down","reason":"USER_REQUEST_RATE_EXCEEDED","retryAfterMilliseconds":30000,'
        b'"__type":"com.amazon.kiro.runtimeservice#ThrottlingException"}',
        "000001070000005d0984fd950d3a6d6573736167652d74797065070009657863657074696f6e0f3a657863657074696f6e2d747970650700"
        "0f7468726f74746c696e674572726f720d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b226d65737361"
        "6765223a22736c6f7720646f776e222c22726561736f6e223a22555345525f524551554553545f524154455f4558434545444544222c2272"
        "6574727941667465724d696c6c697365636f6e6473223a33303030302c225f5f74797065223a22636f6d2e616d617a6f6e2e6b69726f2e72"
        "756e74696d6573657276696365235468726f74746c696e67457863657074696f6e227d2a98ebb3",
        id="exception",
    ),
]


@pytest.mark.parametrize(("headers", "payload", "wire"), VECTORS)
def test_encodes_and_decodes_the_vectors(headers: dict[str, str], payload: bytes, wire: str) -> None:
    assert encode(headers, payload).hex() == wire
    assert frames_in([bytes.fromhex(wire)]) == [Frame(headers, payload)]


# -- beside botocore ---------------------------------------------------------------------------------------

_INTEGERS = {2: "b", 3: "h", 4: "i", 5: "q", 8: "q"}


def _header(name: str, kind: int, value: Any) -> bytes:
    start = bytes((len(name.encode()),)) + name.encode() + bytes((kind,))
    if kind in _INTEGERS:
        return start + struct.pack(">" + _INTEGERS[kind], value)
    if kind in {6, 7}:
        raw = bytes(value.encode() if kind == 7 else value)
        return start + struct.pack(">H", len(raw)) + raw
    return start + (bytes(value) if kind == 9 else b"")


def _integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


VALUES = st.one_of(
    st.sampled_from([(0, True), (1, False)]),
    *(st.tuples(st.just(kind), _integers(bits)) for kind, bits in [(2, 8), (3, 16), (4, 32), (5, 64), (8, 64)]),
    st.tuples(st.just(6), st.binary(max_size=20)),
    st.tuples(st.just(7), st.text(max_size=20)),
    st.tuples(st.just(9), st.uuids().map(lambda value: uuid.UUID(str(value)).bytes)),
)
NAMES = st.text(min_size=1, max_size=20)
RAW_HEADERS = st.dictionaries(NAMES, VALUES, max_size=4).map(
    lambda found: b"".join(_header(name, kind, value) for name, (kind, value) in found.items())
)
FRAMES = st.builds(raw_frame, RAW_HEADERS, st.binary(max_size=60))
STREAMS = st.lists(FRAMES, max_size=5)
SIZES = st.lists(st.integers(0, 40), max_size=20)


@settings(max_examples=60)
@given(STREAMS, SIZES)
def test_gives_what_botocore_gives_however_it_is_cut(frames: list[bytes], sizes: list[int]) -> None:
    pieces = cut(b"".join(frames), sizes)
    found = frames_in(pieces)
    assert [(dict(frame.headers), frame.payload) for frame in found] == botocore_frames(pieces)
    assert len(found) == len(frames)


@settings(max_examples=60)
@given(st.lists(FRAMES, min_size=1, max_size=3), st.data())
def test_one_damaged_bit_never_gives_another_frame(frames: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(frames)
    at = data.draw(st.integers(0, len(whole) * 8 - 1))
    damaged = bytearray(whole)
    damaged[at // 8] ^= 1 << at % 8
    pieces = cut(bytes(damaged), data.draw(SIZES))
    decoder, found = Decoder(), []
    with pytest.raises(FrameError):  # noqa: PT012 - the frames before the damage are good
        for piece in pieces:
            decoder.receive(piece)
            while (frame := decoder.next_frame()) is not None:
                found.append(frame)
        decoder.end()
    assert found == frames_in(frames)[: len(found)]
    assert len(b"".join(frames[: len(found)])) <= at // 8


@settings(max_examples=60)
@given(st.lists(FRAMES, min_size=1, max_size=3), st.data())
def test_a_frame_that_is_cut_off_is_noticed_at_the_end(frames: list[bytes], data: st.DataObject) -> None:
    whole, last = b"".join(frames), len(frames[-1])
    short = whole[: data.draw(st.integers(len(whole) - last + 1, len(whole) - 1))]
    with pytest.raises(FrameError, match=r"the stream ends \d+ bytes into a frame"):
        frames_in(cut(short, data.draw(SIZES)))


# -- what is refused ---------------------------------------------------------------------------------------

STRING = b"\x01a\x07"


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        pytest.param(raw_frame(b"", total=15), "a frame of 15 bytes", id="shorter than a frame can be"),
        pytest.param(raw_frame(b"", total=MAX_FRAME_BYTES + 1)[:12], "a frame of 16777217 bytes", id="oversize"),
        pytest.param(raw_frame(b"", length=1), "headers of 1 bytes in a frame of 16", id="headers beyond the frame"),
        pytest.param(
            raw_frame(b"", total=MAX_FRAME_BYTES, length=MAX_HEADERS_BYTES + 1)[:12],
            "headers of 131073 bytes",
            id="oversize headers",
        ),
        pytest.param(encode({}, b"x")[:8] + bytes(4) + b"x" + bytes(4), "prelude checksum", id="prelude checksum"),
        pytest.param(encode({}, b"x")[:-4] + bytes(4), "message checksum", id="message checksum"),
        pytest.param(b"data: {}\n\ndata: [DONE]\n\n", "prelude checksum", id="server-sent events"),
        pytest.param(b"<html><body>no</body></html>", "prelude checksum", id="a page"),
    ],
)
def test_names_what_is_wrong_as_soon_as_it_can_be_known(frame: bytes, why: str) -> None:
    decoder = Decoder()
    decoder.receive(encode({}, b"before") + frame)
    assert decoder.next_frame() == Frame({}, b"before")
    for _ in range(2):  # and again: nothing after it is trusted
        with pytest.raises(FrameError, match=why):
            decoder.next_frame()
        decoder.receive(encode({}, b"after"))
    with pytest.raises(FrameError, match=why):
        decoder.end()


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        pytest.param(b"\x05ab", "cut off", id="name cut off"),
        pytest.param(b"\x01a", "cut off", id="no type"),
        pytest.param(STRING, "cut off", id="no length"),
        pytest.param(STRING + b"\x00\x05ab", "cut off", id="text cut off"),
        pytest.param(b"\x01a\x04\x00\x00", "cut off", id="integer cut off"),
        pytest.param(b"\x01a\x09" + bytes(15), "cut off", id="UUID cut off"),
        pytest.param(b"\x01a\x0a", "unknown type 10", id="unknown type"),
        pytest.param((STRING + b"\x00\x01x") * 2, "'a' comes twice", id="twice"),
        pytest.param(STRING + b"\x00\x01\xff", "no UTF-8", id="value is no UTF-8"),
        pytest.param(b"\x01\xff\x00", "no UTF-8", id="name is no UTF-8"),
    ],
)
def test_refuses_malformed_headers(headers: bytes, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        read_headers(headers)
    with pytest.raises(FrameError, match=why):
        frames_in([raw_frame(headers)])


def test_different_headers_do_not_pile_up() -> None:
    decoder = Decoder()
    found = frames_in([encode({"n": str(number)}, b"") for number in range(3 * KEPT_HEADERS)], decoder)
    assert [frame.headers["n"] for frame in found] == [str(number) for number in range(3 * KEPT_HEADERS)]
    assert len(decoder._known) == KEPT_HEADERS

"""The envelopes of a Connect stream, cut anywhere."""

from __future__ import annotations

import gzip
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear_cursor.framing import COMPRESSED, END, MAX_PAYLOAD_BYTES, Envelope, Envelopes, FramingError, envelope


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.binary(max_size=40), st.booleans())), st.lists(st.integers(0, 500), max_size=12))
def test_cuts_change_nothing(payloads: list[tuple[bytes, bool]], cuts: list[int]) -> None:
    packed = [envelope(gzip.compress(data), COMPRESSED) if zipped else envelope(data) for data, zipped in payloads]
    stream = b"".join([*packed, envelope(b"{}", END)])
    envelopes = Envelopes()
    found = [one for piece in in_pieces(stream, cuts) for one in envelopes.feed(piece)]
    assert [one.payload for one in found] == [*(data for data, _ in payloads), b"{}"]
    assert [one.is_end for one in found] == [False] * len(payloads) + [True]
    assert not envelopes.is_cut


def test_a_rest_is_known() -> None:
    envelopes = Envelopes()
    assert envelopes.feed(envelope(b"abc")[:-1]) == []
    assert envelopes.is_cut
    assert envelopes.feed(b"c") == [Envelope(0, b"abc")]
    assert not envelopes.is_cut


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"<html>", id="no stream at all"),
        pytest.param(envelope(b"", 0x04), id="unknown flag"),
        pytest.param(b"\0" + (MAX_PAYLOAD_BYTES + 1).to_bytes(4, "big"), id="too long, said at once"),
        pytest.param(envelope(b"no gzip", COMPRESSED), id="no gzip"),
        pytest.param(envelope(gzip.compress(b"abc")[:-3], COMPRESSED), id="gzip cut short"),
        pytest.param(envelope(gzip.compress(b"abc") + b"more", COMPRESSED), id="bytes behind the gzip"),
        pytest.param(envelope(gzip.compress(bytes(MAX_PAYLOAD_BYTES + 1)), COMPRESSED), id="too long unpacked"),
    ],
)
def test_what_is_no_stream_is_refused(stream: bytes) -> None:
    with pytest.raises(FramingError):
        Envelopes().feed(stream)


def test_whole_envelopes_are_given_before_the_fault_behind_them() -> None:
    envelopes = Envelopes()
    assert envelopes.feed(envelope(b"abc") + b"<html>") == [Envelope(0, b"abc")]
    with pytest.raises(FramingError):
        envelopes.feed(b"")


def test_a_bomb_takes_no_more_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = 256 * 1024
    monkeypatch.setattr("switchgear_cursor.framing.MAX_PAYLOAD_BYTES", limit)
    bomb = envelope(gzip.compress(bytes(32 * limit)), COMPRESSED)
    tracemalloc.start()
    try:
        with pytest.raises(FramingError):
            Envelopes().feed(bomb)
        assert tracemalloc.get_traced_memory()[1] < 3 * limit
    finally:
        tracemalloc.stop()

"""Whole events out of any split of the bytes (faults S4)."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear.sse import EventSplitter, EventTooLargeError, event_data

STREAMS = [
    pytest.param(b"data: 1\n\ndata: 2\n\n", [b"1", b"2"], id="line feeds"),
    pytest.param(b"data: 1\r\n\r\ndata: 2\r\n\r\n", [b"1", b"2"], id="CRLF"),
    pytest.param(b"data: 1\r\rdata: 2\r\r", [b"1", b"2"], id="carriage returns"),
    pytest.param(b"data: 1\r\n\ndata: 2\n\r\n", [b"1", b"2"], id="mixed line ends"),
    pytest.param(b": OPENROUTER PROCESSING\n\ndata: 1\n\n", [b"1"], id="a comment between events"),
    pytest.param(b"data: a\ndata: b\n\n", [b"a\nb"], id="data over several lines"),
    pytest.param(b"event: error\nid: 7\nretry: 1\ndata: x\n\n", [b"x"], id="other fields"),
    pytest.param(b"\xef\xbb\xbfdata: 1\n\n", [b"1"], id="byte order mark"),
    pytest.param(b"data:1\n\ndata:  2\n\n", [b"1", b" 2"], id="no space, two spaces"),
    pytest.param("data: é\u2028ü\n\n".encode(), ["é\u2028ü".encode()], id="UTF-8 and a line separator inside"),
    pytest.param(b"\n\n\ndata: 1\n\n\n\n", [b"1"], id="blank lines around"),
    pytest.param(b'{"error": {}}\n\n', [b'{"error": {}}'], id="a bare JSON line"),
    pytest.param(b"event: ping\n\n", [], id="an event without data"),
]


def events_of(stream: bytes, cuts: list[int]) -> tuple[bytes, list[bytes]]:
    splitter = EventSplitter()
    passed: list[bytes] = []
    found: list[bytes] = []
    edges = [0, *sorted(cuts), len(stream)]
    for start, end in itertools.pairwise(edges):
        whole, events = splitter.feed(stream[start:end])
        passed.append(whole)
        found += [data for event in events if (data := event_data(event)) is not None]
    passed.append(splitter.rest())
    return b"".join(passed), found


@pytest.mark.parametrize(("stream", "expected"), STREAMS)
def test_whole_events(stream: bytes, expected: list[bytes]) -> None:
    assert events_of(stream, []) == (stream, expected)


@pytest.mark.parametrize(("stream", "expected"), STREAMS)
def test_split_at_every_byte(stream: bytes, expected: list[bytes]) -> None:
    assert events_of(stream, list(range(1, len(stream)))) == (stream, expected)


@given(st.data())
def test_any_split_gives_the_same_events_and_loses_no_byte(data: st.DataObject) -> None:
    line_end = st.sampled_from([b"\n", b"\r\n"])
    texts = data.draw(st.lists(st.text(st.characters(blacklist_characters="\r\n"), max_size=20), max_size=8))
    stream = b""
    for text in texts:
        end = data.draw(line_end)
        stream += b"data: " + text.encode("utf-8", "ignore") + end + end
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=10))
    expected = [text.encode("utf-8", "ignore") for text in texts]
    assert events_of(stream, cuts) == (stream, expected)


def test_empty_chunks_in_the_middle_of_a_boundary_lose_nothing() -> None:
    assert events_of(b"data: 1\n\n", [8, 8, 8, 8]) == (b"data: 1\n\n", [b"1"])


def test_an_event_without_end_is_refused() -> None:
    splitter = EventSplitter(max_event_bytes=1000)
    for _ in range(1000):
        splitter.feed(b"x")
    with pytest.raises(EventTooLargeError):
        splitter.feed(b"x")


def test_an_unfinished_event_is_the_rest() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: 1\n\ndata: ha") == (b"data: 1\n\n", [b"data: 1"])
    assert splitter.rest() == b"data: ha"
    assert splitter.rest() == b""

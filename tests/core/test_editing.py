"""Mending an answer on its way: what is changed, what is left alone, and errors behind a 200."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear import AnswerEditor, Reply, UpstreamError, edited
from switchgear.sse import EventSplitter

JSON, SSE = "application/json", "text/event-stream"


class Shouting(AnswerEditor):
    """Texts in capitals; ``hold`` is held back to the end; an object with a ``code`` is an error."""

    def __init__(self) -> None:
        self.held: list[dict[str, Any]] = []

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        if "code" in answer:
            self.refuse(answer)
        return {**answer, "text": answer["text"].upper()}

    def event(self, event: dict[str, Any]) -> Iterable[dict[str, Any]] | None:
        if "code" in event:
            self.refuse(event)
        if event.get("hold"):
            self.held.append({"text": "HELD"})
            return []
        return None if event.get("text", "").isupper() else [{**event, "text": event["text"].upper()}]

    def end(self) -> Iterable[dict[str, Any]]:
        return self.held


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def read(body: bytes, kind: str, *, cuts: Iterable[int] = (), status: int = 200) -> bytes:
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    parts = [body[start:end] for start, end in itertools.pairwise(places)]

    async def aclose() -> None:
        return

    reply = edited(Reply(status, {"content-type": kind, "content-length": "7"}, pieces(*parts), aclose), Shouting())
    if status == 200:
        assert "content-length" not in reply.headers
    return b"".join([part async for part in reply.body])


async def test_a_whole_answer_is_mended() -> None:
    assert json.loads(await read(b'{"text": "hi", "n": 12345678901234567890}', JSON)) == {
        "text": "HI",
        "n": 12345678901234567890,
    }


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"text": '])
async def test_what_is_no_object_passes_as_it_came(body: bytes) -> None:
    assert await read(body, JSON) == body


async def test_an_error_status_passes_as_it_came() -> None:
    assert await read(b'{"code": 1}', JSON, status=500) == b'{"code": 1}'


STREAM = (
    b": a comment\n\n"
    b'event: delta\ndata: {"type":"delta","text":"one"}\n\n'
    b'data: {"text":"TWO",  "kept": 1.10}\n\n'
    b'data: {"hold": true}\r\n\r\n'
    b"data: {not json}\n\n"
    b"data: [DONE]\n\n"
)
MENDED = (
    b": a comment\n\n"
    b'event: delta\ndata: {"type":"delta","text":"ONE"}\n\n'
    b'data: {"text":"TWO",  "kept": 1.10}\n\n'
    b"data: {not json}\n\n"
    b'data: {"text":"HELD"}\n\n'
    b"data: [DONE]\n\n"
)


@given(st.lists(st.integers(0, 10_000), max_size=12))
def test_a_stream_is_mended_in_any_split_and_the_rest_is_left_alone(cuts: list[int]) -> None:
    assert asyncio.run(read(STREAM, SSE, cuts=cuts)) == MENDED


async def test_what_was_held_comes_out_where_a_stream_just_ends() -> None:
    assert await read(b'data: {"hold": true}\n\ndata: {"text":"a"}', SSE) == (
        b'data: {"text":"A"}\n\ndata: {"text":"HELD"}\n\n'
    )


@pytest.mark.parametrize(("body", "kind"), [(b'{"code": 7}', JSON), (b'data: {"code": 7}\n\n', SSE)])
async def test_an_error_behind_a_200_fails_the_call(body: bytes, kind: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        await read(body, kind)
    failure = caught.value.failure
    assert (failure.cause, failure.status, failure.body) == ("in_band", 200, b'{"code":7}')
    assert failure.headers["content-type"] == kind


async def test_an_event_without_end_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventSplitter.__init__, "__defaults__", (100,))
    with pytest.raises(UpstreamError, match="longer than 100 bytes"):
        await read(b"data: " + b"x" * 200, SSE, cuts=range(0, 200, 10))

"""What is mended in an answer, and how the service says that it has ended."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Failure, Kind, Reply, UpstreamError, edited
from switchgear_roo import plugin
from switchgear_roo.answers import RooAnswer
from switchgear_roo.errors import verdict_on
from switchgear_roo.fake.answers import DETAIL, FAREWELL, PLAIN, THINKER, chunk, completion, event
from switchgear_roo.sunset import OPENING, opens_with_it, says_ended
from tests.plugins.roo_service import deltas, roo, static_account

BODY = {"model": PLAIN}
DONE = b"data: [DONE]\n\n"


async def mended(*chunks: bytes, content_type: str = "text/event-stream") -> bytes:
    async def body() -> AsyncIterator[bytes]:
        for part in chunks:
            yield part

    async def aclose() -> None: ...

    reply = edited(Reply(200, {"content-type": content_type}, body(), aclose), RooAnswer())
    return b"".join([part async for part in reply.body])


def said(*deltas: dict[str, Any], finish: str | None = "stop") -> list[bytes]:
    last = [event(chunk(BODY, {}, finish))] if finish else []
    return [event(chunk(BODY, delta)) for delta in deltas] + last


# -- the farewell ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        pytest.param(FAREWELL, True, id="as seen"),
        pytest.param("\n  As part  of our\ndecision to SUNSET the Roo Code …", True, id="other spaces and letters"),
        pytest.param("", None, id="nothing yet"),
        pytest.param("As part of our deci", None, id="its beginning"),
        pytest.param("As part of our team", False, id="something else"),
        pytest.param(f"You asked for: {FAREWELL}", False, id="quoted"),
    ],
)
def test_an_answer_that_is_no_models(text: str, opens: bool | None) -> None:
    assert opens_with_it(text) is opens


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        (FAREWELL, True),
        ('{"error": {"message": "We have decided on sunsetting the Roo Code router"}}', True),
        ("we also ended the  Roo\nCode Router", True),
        ("Model roo/code ended unexpectedly", False),
        ("the sunset of the roo", False),
    ],
)
def test_an_error_that_says_so(text: str, ended: bool) -> None:
    assert says_ended(text) is ended


@pytest.mark.parametrize("fault", ["sunset", "sunset_text", "sunset_403", "sunset_410"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_the_end_is_recognised_however_it_is_said(tmp_path: Path, fault: str, stream: bool) -> None:
    async with roo(tmp_path) as service:
        account = static_account(service.fake.people.static_key("ada"))
        assert service.fake.fail(fault)
        failure = None
        try:
            reply = await service.forward(account, stream=stream)
            body = b"".join([part async for part in reply.body])
            failure = Failure("status", reply.status, reply.headers, body)
            await reply.aclose()
        except UpstreamError as error:
            failure = error.failure
        verdict = plugin.classify_error(service.provider, failure)
        assert (verdict.kind, verdict.scope, verdict.code) == (Kind.FORBIDDEN, "provider", "service_ended")
        assert "the service has ended" in verdict.message
        assert "Its words: As part of our decision to sunset the Roo Code" in verdict.message
        assert verdict.status == (None if fault in {"sunset_403", "sunset_410"} else 410)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_cut_anywhere_it_is_recognised_and_nothing_of_it_is_shown(data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(FAREWELL) - 1), max_size=8)))
    pieces = [FAREWELL[a:b] for a, b in zip([0, *cuts], [*cuts, len(FAREWELL)], strict=True)]
    editor = RooAnswer()
    shown: list[Any] = []

    def play() -> None:
        for piece in pieces:
            shown.extend(editor.event(chunk(BODY, {"content": piece})) or ())

    with pytest.raises(UpstreamError) as caught:
        play()
    assert verdict_on(caught.value.failure).code == "service_ended"
    assert shown == []


# -- what passes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(said({"role": "assistant"}, {"content": "Hi"}, {"content": " you"}), id="an answer"),
        pytest.param(said({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}), id="a tool call"),
        pytest.param([event({"error": {"message": "x"}})], id="an error"),
        pytest.param(
            [b": PROCESSING\n\n", b"data: odd\n\n", b'data: {"choices": 7}\n\n'], id="comments and odd events"
        ),
        pytest.param([b'data: {"choices":  [{"delta": {"content":"Hi"},"x":1.50}]}\n\n'], id="odd spaces and numbers"),
    ],
)
async def test_bytes_pass(events: list[bytes]) -> None:
    assert await mended(*events, DONE) == b"".join(events) + DONE


async def test_a_beginning_that_turns_out_to_be_an_answer_is_given_out() -> None:
    words = ("As part", " of our", " decision to sunset", " the old API")
    events = said({"role": "assistant"}, *({"content": word} for word in words))
    found = deltas(await mended(*events, DONE))
    assert [delta.get("content") for delta in found] == [None, *words, None]


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(said(finish="length"), id="a finish"),
        pytest.param(said({"tool_calls": [{"index": 0}]}, finish=None), id="a tool call"),
        pytest.param([event({"error": {"message": "x"}})], id="an error"),
        pytest.param([], id="the end of the stream"),
    ],
)
async def test_an_answer_as_short_as_its_beginning_is_given_out(last: list[bytes]) -> None:
    held = said({"content": "As part"}, {"content": " of"}, finish=None)
    found = await mended(*held, *last, DONE)
    values = [json.loads(one.removeprefix(b"data: ")) for one in found.split(b"\n\n")[:-2]]
    assert values == [json.loads(one.removeprefix(b"data: ")) for one in (*held, *last)]
    assert found.endswith(DONE)


def test_a_finish_is_not_held_back() -> None:
    editor = RooAnswer()
    first, last = chunk(BODY, {"content": "As part"}), chunk(BODY, {}, "stop")
    assert editor.event(first) == ()
    assert editor.event(last) == (first, last)
    assert list(editor.end()) == []


async def test_a_model_that_thinks_may_say_it() -> None:
    events = said({"reasoning": "I am to quote"}, {"content": FAREWELL})
    assert await mended(*events, DONE) == b"".join(events) + DONE


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        pytest.param({"content": FAREWELL}, True, id="the farewell"),
        pytest.param({"content": FAREWELL, "reasoning": "I am to quote"}, False, id="a thinking model's"),
        pytest.param({"content": OPENING[:-5]}, False, id="its beginning"),
        pytest.param({"content": None, "tool_calls": [{}]}, False, id="a tool call"),
        pytest.param({"content": [7]}, False, id="odd content"),
    ],
)
async def test_a_whole_answer(message: dict[str, Any], refused: bool) -> None:
    body = json.dumps(completion(BODY, message)).encode()
    if not refused:
        assert json.loads(await mended(body, content_type="application/json")) == json.loads(body)
        return
    with pytest.raises(UpstreamError) as caught:
        await mended(body, content_type="application/json")
    assert caught.value.failure.cause == "in_band"


# -- words that come twice ---------------------------------------------------------------------------------------

THOUGHT = {"reasoning_details": [{"type": "reasoning.text", "text": "I"}]}
SUMMARY = {"reasoning_details": [{"type": "reasoning.summary", "summary": "I"}]}
SEALED = {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param([THOUGHT, {"reasoning": "I"}], [THOUGHT, {}], id="after a thought"),
        pytest.param([SUMMARY, {"reasoning_content": "I"}], [SUMMARY, {}], id="after a summary"),
        pytest.param([THOUGHT, {"reasoning": "I", "content": "a"}], [THOUGHT, {"content": "a"}], id="beside an answer"),
        pytest.param([{**THOUGHT, "reasoning": "I"}], [{**THOUGHT, "reasoning": "I"}], id="with it, as clients expect"),
        pytest.param([SEALED, {"reasoning": "I"}], [SEALED, {"reasoning": "I"}], id="after what nobody can read"),
        pytest.param([{"reasoning": "I"}], [{"reasoning": "I"}], id="without details"),
        pytest.param([THOUGHT, {"reasoning": None}], [THOUGHT, {"reasoning": None}], id="nothing to drop"),
    ],
)
async def test_reasoning_is_said_once(given: list[dict[str, Any]], kept: list[dict[str, Any]]) -> None:
    assert deltas(await mended(*said(*given), DONE)) == [*kept, {}]


async def test_a_stream_of_the_service(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        account = static_account(service.fake.people.static_key("ada"))
        status, body = await service.answer(account, THINKER, stream=True, reasoning_effort="low")
        assert status == 200
        found = deltas(body)
        assert "".join(d.get("reasoning") or d.get("reasoning_content") or "" for d in found) == DETAIL["text"]
        assert "".join(d.get("content") or "" for d in found).startswith("You said: Hello")

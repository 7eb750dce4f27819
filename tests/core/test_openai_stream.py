"""Watching an OpenAI stream: start, usage, errors, and whether it truly ended (faults S1, S2, S4, S6)."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear import Usage
from switchgear.dialects import OPENAI_CHAT
from switchgear.dialects.openai_stream import OpenAIStreamWatch

DONE = b"data: [DONE]\n\n"


def chunk(**fields: object) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def delta(finish: str | None = None, **fields: object) -> bytes:
    return chunk(choices=[{"index": 0, "delta": fields, "finish_reason": finish}])


ROLE = delta(role="assistant", content="")
TEXT = delta(content="Hi")
STOP = delta("stop")
USAGE = chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 5})


def watch(*parts: bytes) -> OpenAIStreamWatch:
    watched = OpenAIStreamWatch()
    for part in parts:
        watched.feed(part)
    return watched


@pytest.mark.parametrize(
    ("part", "started"),
    [
        pytest.param(ROLE, False, id="the role alone is no output"),
        pytest.param(delta(role="assistant", content=None), False, id="content null"),
        pytest.param(delta(content="", tool_calls=[]), False, id="empty lists"),
        pytest.param(chunk(choices=[], prompt_filter_results=[{}]), False, id="Azure's filter results"),
        pytest.param(USAGE, False, id="usage"),
        pytest.param(b": keep-alive\n\n", False, id="a comment"),
        pytest.param(TEXT, True, id="text"),
        pytest.param(delta(reasoning_content="hm"), True, id="reasoning"),
        pytest.param(delta(tool_calls=[{"index": 0}]), True, id="a tool call"),
        pytest.param(chunk(choices=[{"text": "Hi"}]), True, id="a completion's text"),
        pytest.param(chunk(choices=[{"message": {"content": "Hi"}}]), True, id="a message in place of a delta"),
        pytest.param(STOP, True, id="the end of an empty answer"),
        pytest.param(chunk(choices=[{"delta": {"content": "Hi"}, "finish_reason": 7}]), True, id="odd types"),
    ],
)
def test_what_counts_as_output(part: bytes, started: bool) -> None:
    assert watch(part).started is started


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        pytest.param([TEXT, STOP, DONE], "", id="complete"),
        pytest.param([TEXT, STOP], "", id="no DONE, but a finish reason"),
        pytest.param([TEXT, DONE], "", id="DONE without a finish reason, after output"),
        pytest.param([TEXT, STOP, b"data: [DONE]"], "", id="DONE without a line end"),
        pytest.param([TEXT], "the stream ended without a finish reason", id="no end at all"),
        pytest.param([TEXT, b'data: {"cho'], "the stream broke off inside an event", id="cut inside an event"),
        pytest.param([ROLE], "the stream held no output", id="the role only"),
        pytest.param([DONE], "the stream held no output", id="DONE only"),
        pytest.param([], "the stream held no output", id="nothing"),
    ],
)
def test_how_it_ended(parts: list[bytes], problem: str) -> None:
    assert watch(*parts).end()[1] == problem


def test_a_missing_done_is_supplied() -> None:
    assert watch(TEXT, STOP).end() == (DONE, "")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(chunk(error={"message": "boom"}), id="error object"),
        pytest.param(b'event: error\ndata: {"error": {"message": "boom"}}\n\n', id="error event"),
        pytest.param(b'{"error": "boom"}\n\n', id="bare JSON line"),
        pytest.param(chunk(error_type="x", error_message="boom"), id="Venice's"),
        pytest.param(delta("error"), id="finish reason error"),
        pytest.param(delta("abort"), id="finish reason abort"),
        pytest.param(chunk(error="boom", choices=7), id="with odd types"),
    ],
)
def test_an_error_stops_the_bytes_before_it(error: bytes) -> None:
    watched = OpenAIStreamWatch()
    assert watched.feed(TEXT + error + TEXT) == TEXT
    assert watched.error is not None


def test_a_null_error_is_none() -> None:
    watched = watch(chunk(choices=[{"delta": {"content": "x"}}], error=None))
    assert watched.error is None


def test_an_event_that_is_no_json_is_no_stream_of_ours() -> None:
    with pytest.raises(ValueError, match="no JSON"):
        watch(b"data: <html>\n\n")


@pytest.mark.parametrize(
    ("parts", "usage"),
    [
        pytest.param([TEXT, USAGE], Usage(3, 5), id="last chunk"),
        pytest.param([TEXT], Usage(), id="missing"),
        pytest.param([chunk(usage={"prompt_tokens": 1}), USAGE], Usage(3, 5), id="twice, the last counts"),
        pytest.param([USAGE, chunk(usage={"prompt_tokens": 0, "completion_tokens": 0})], Usage(3, 5), id="zero later"),
        pytest.param([chunk(usage={"prompt_tokens": 0, "completion_tokens": 0})], Usage(0, 0), id="zero only"),
        pytest.param([chunk(usage={"input_tokens": 2, "output_tokens": 4})], Usage(2, 4), id="other names"),
        pytest.param([chunk(x_groq={"usage": {"prompt_tokens": 2}})], Usage(2, None), id="Groq's place"),
        pytest.param([chunk(usage={"prompt_tokens": "many"}, choices=[])], Usage(), id="no number"),
    ],
)
def test_usage(parts: list[bytes], usage: Usage) -> None:
    assert watch(*parts).usage == usage


@given(st.lists(st.integers(0, 400), max_size=12))
def test_any_split_passes_the_same_bytes_and_sees_the_same(cuts: list[int]) -> None:
    stream = ROLE + b": ping\n\n" + TEXT + delta(content="é") + STOP + USAGE + DONE
    watched = OpenAIStreamWatch()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    passed = b"".join(watched.feed(stream[a:b]) for a, b in itertools.pairwise(edges))
    last, problem = watched.end()
    assert (passed + last, problem) == (stream, "")
    assert (watched.usage, watched.done, watched.started) == (Usage(3, 5), True, True)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b"", "the answer is empty", id="empty"),
        pytest.param(b" \n", "the answer is empty", id="white space"),
        pytest.param(b"<html>", "the answer is no JSON", id="HTML"),
        pytest.param(b"[" * 100_000, "the answer is no JSON", id="nested without end"),
    ],
)
def test_what_is_no_answer(body: bytes, problem: str) -> None:
    assert OPENAI_CHAT.read_whole(body).problem == problem


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"error": {"message": "no"}}', id="error object"),
        pytest.param(b'{"message": "unknown path"}', id="no choices"),
        pytest.param(b'{"choices": [{"finish_reason": "error"}]}', id="finish reason error"),
        pytest.param(b'{"base_resp": {"status_code": 1004}}', id="a vendor's own envelope"),
        pytest.param(b"[]", id="a list"),
    ],
)
def test_an_error_inside_a_200(body: bytes) -> None:
    assert OPENAI_CHAT.read_whole(body).error == body


def test_white_space_before_a_whole_answer_is_fine() -> None:
    whole = OPENAI_CHAT.read_whole(b'\n\n{"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}')
    assert (whole.usage, whole.error, whole.problem) == (Usage(1, 2), None, "")


QUOTING = chunk(
    choices=[{"index": 0, "delta": {"content": '"usage": {"finish_reason":"stop"} "error"'}, "finish_reason": None}]
)
LATER = [
    TEXT,
    QUOTING,
    STOP,
    USAGE,
    DONE,
    b": ping\n\n",
    delta(finish="error"),
    chunk(error={"message": "no"}),
    chunk(choices=[{"delta": {}, "finish_reason": None}, {"delta": {}, "finish_reason": "stop"}]),
    chunk(choices=[{"delta": {"content": "x"}, "finish_reason": None}], usage=None),
    chunk(x_groq={"usage": {"prompt_tokens": 1, "completion_tokens": 2}}, choices=[]),
    STOP.replace(b": ", b":"),
    TEXT.replace(b": null", b":null"),
]


@given(st.lists(st.sampled_from(LATER), max_size=6))
def test_what_is_not_parsed_would_have_told_nothing(events: list[bytes]) -> None:
    """Once a stream has started most events are only looked at; one that is parsed in full must tell the same."""

    class Thorough(OpenAIStreamWatch):
        def take(self, event: bytes) -> bytes | None:
            started, self.started = self.started, False
            found = super().take(event)
            self.started = self.started or started
            return found

    quick, thorough = OpenAIStreamWatch(), Thorough()
    for event in (TEXT, *events):
        assert quick.feed(event) == thorough.feed(event)
    assert (quick.usage, quick.finished, quick.done, quick.error) == (
        thorough.usage,
        thorough.finished,
        thorough.done,
        thorough.error,
    )
    assert quick.end() == thorough.end()

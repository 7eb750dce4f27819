"""Watching a Responses stream, and how it may end (faults S1 to S6)."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Finish, Text, ToolCallDelta, Usage
from switchgear.dialects.codec import ErrorDetail
from switchgear.dialects.fold import fold
from tests.core.openai_responses_wire import (
    CALL,
    CODEC,
    CREATED,
    END,
    ERROR,
    FAILED,
    ITEM,
    TEXT,
    USAGE,
    Json,
    added,
    delta,
    done,
    ended,
    event,
    message,
    parse,
    said,
    watch,
    whole,
)


@pytest.mark.parametrize(
    ("part", "started"),
    [
        pytest.param(CREATED, False, id="the response object"),
        pytest.param(event("response.in_progress", response={}), False, id="in progress"),
        pytest.param(b": keep-alive\n\n", False, id="a comment"),
        pytest.param(ITEM, False, id="an empty message"),
        pytest.param(added(0, "reasoning", summary=[]), False, id="empty reasoning"),
        pytest.param(event("response.content_part.added", part=said("")), False, id="an empty part"),
        pytest.param(delta(0, "output_text", ""), False, id="empty text"),
        pytest.param(delta(0, "function_call_arguments", ""), False, id="empty arguments"),
        pytest.param(TEXT, True, id="text"),
        pytest.param(delta(0, "refusal", "No"), True, id="a refusal"),
        pytest.param(delta(0, "reasoning_summary_text", "hm"), True, id="a reasoning summary"),
        pytest.param(delta(0, "reasoning_text", "hm"), True, id="reasoning"),
        pytest.param(delta(0, "function_call_arguments", "{"), True, id="arguments"),
        pytest.param(added(0, "function_call", **CALL, arguments=""), True, id="a call"),
        pytest.param(added(0, "custom_tool_call", **CALL, input=""), True, id="a custom call"),
        pytest.param(added(0, "web_search_call", id="ws_1"), True, id="a hosted tool's call"),
        pytest.param(done(0, "message", content=[said("Hi")]), True, id="a whole message"),
        pytest.param(done(0, "reasoning", summary=[], encrypted_content="x"), True, id="sealed reasoning"),
        pytest.param(ended(), True, id="the end of an empty answer"),
        pytest.param(ended("incomplete"), True, id="the end of an incomplete one"),
        pytest.param(delta(0, "output_text", "Hi", logprobs=7), True, id="odd types"),
        pytest.param(TEXT.removeprefix(b"event: response.output_text.delta\n"), True, id="no event line"),
    ],
)
def test_what_counts_as_output(part: bytes, started: bool) -> None:
    assert watch(part).started is started


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        pytest.param([CREATED, ITEM, TEXT, END], "", id="complete"),
        pytest.param([CREATED, ended()], "", id="an empty answer"),
        pytest.param([TEXT, ended("incomplete")], "", id="incomplete"),
        pytest.param([TEXT, END.rstrip()], "", id="the end without a line end"),
        pytest.param([TEXT, END, b"data: [DONE]\n\n"], "", id="closed as chat is"),
        pytest.param([TEXT], "the stream ended without response.completed", id="no end at all"),
        pytest.param([TEXT, b"data: [DONE]\n\n"], "the stream ended without response.completed", id="DONE only"),
        pytest.param(
            [TEXT, b'event: response.completed\ndata: {"ty'], "the stream broke off inside an event", id="cut"
        ),
        pytest.param([TEXT, ERROR], "the stream ended with an error", id="an error"),
        pytest.param([TEXT, FAILED], "the stream ended with an error", id="a failed response"),
        pytest.param([TEXT, ERROR.rstrip()], "the stream ended with an error", id="an error without a line end"),
        pytest.param([CREATED, ITEM], "the stream held no output", id="the start only"),
        pytest.param([], "the stream held no output", id="nothing"),
    ],
)
def test_how_it_ended(parts: list[bytes], problem: str) -> None:
    assert watch(*parts).end()[1] == problem
    assert parse(*parts)[1] == problem


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ERROR, id="error event"),
        pytest.param(event("error", error={"code": "server_error", "message": "boom"}), id="as OpenAI nests it"),
        pytest.param(FAILED, id="a failed response"),
        pytest.param(ERROR.removeprefix(b"event: error\n"), id="no event line"),
        pytest.param(b'data: {"error": {"message": "boom"}}\n\n', id="as chat writes it"),
        pytest.param(b'{"error": "boom"}\n\n', id="bare JSON line"),
    ],
)
def test_an_error_stops_what_comes_before_it(error: bytes) -> None:
    watched = CODEC.watch()
    assert watched.feed(TEXT + error + TEXT) == TEXT
    assert watched.feed(FAILED) == b"", "what else the upstream says of its failure"
    assert watched.error is not None
    events, problem, parser = parse(TEXT + error + TEXT, END)
    assert (events, problem) == ([Text("Hi")], "the stream ended with an error")
    assert parser.error == watched.error


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(b"data: <html>\n\n", id="HTML"),
        pytest.param(b"data: []\n\n", id="a list"),
        pytest.param(b"data: " + b"[" * 100_000 + b"\n\n", id="nested without end"),
    ],
)
def test_an_event_that_is_no_json_object_is_no_stream_of_ours(part: bytes) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        watch(part)
    with pytest.raises(ValueError, match="no JSON"):
        parse(part)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        pytest.param(USAGE, Usage(7, 5, 3, reasoning_tokens=2), id="all of it"),
        pytest.param({"input_tokens": 7, "output_tokens": 5}, Usage(7, 5), id="no details"),
        pytest.param(
            {"input_tokens": 7, "output_tokens": 5, "input_tokens_details": None}, Usage(7, 5), id="null details"
        ),
        pytest.param(None, Usage(), id="missing"),
        pytest.param({"input_tokens": "many", "output_tokens": 5}, Usage(None, 5), id="no number"),
    ],
)
def test_usage(usage: Json | None, counted: Usage) -> None:
    end = ended(usage=usage)
    assert watch(TEXT, end).usage == counted
    assert fold(parse(TEXT, end)[0]).usage == counted
    body = json.dumps({"status": "completed", "output": [], "usage": usage}).encode()
    assert CODEC.read_whole(body).usage == counted


def test_the_final_response_is_kept_as_it_came() -> None:
    response = b'{"id": "resp_1",  "status": "completed", "output": [], "new_field": 1.50}'
    watched = watch(TEXT, b'data: {"type": "response.completed", "response": ' + response + b"}\n\n")
    assert watched.final == response
    assert watch(TEXT).final is None


BROKEN = ErrorDetail(502, "broke off", code="protocol")


def last_two(stream: bytes) -> list[Json]:
    return [json.loads(block.split(b"\ndata: ")[1]) for block in stream.strip().split(b"\n\n")][-2:]


def test_an_error_of_ours_goes_on_where_the_stream_stopped() -> None:
    more = delta(0, "output_text", "!", sequence_number=4)
    error, failed = last_two(watch(CREATED, b": ping\n\n", ITEM, TEXT, more, b": ping\n\n").error_event(BROKEN))
    assert (error["type"], error["code"], error["message"], error["param"]) == ("error", "protocol", "broke off", None)
    assert error["error"]["message"] == "broke off", "what OpenAI's SDKs raise at"
    assert (failed["type"], failed["response"]["id"], failed["response"]["status"]) == (
        "response.failed",
        "resp_1",
        "failed",
    )
    assert failed["response"]["error"] == {"code": "protocol", "message": "broke off"}
    assert (error["sequence_number"], failed["sequence_number"]) == (5, 6)


def test_an_error_may_come_first() -> None:
    error, failed = last_two(CODEC.watch().error_event(BROKEN))
    assert (error["sequence_number"], failed["sequence_number"]) == (0, 1)
    assert failed["response"]["status"] == "failed"


WHOLE_STREAM = b"".join(
    [
        CREATED,
        b": comment\n\n",
        ITEM,
        TEXT,
        delta(0, "output_text", " é").replace(b"\\u00e9", "é".encode()),
        whole(0, message(said("Hi é"))),
        added(1, "function_call", **CALL, arguments=""),
        delta(1, "function_call_arguments", "{}").replace(b"\n", b"\r\n"),
        done(1, "function_call", **CALL, arguments="{}"),
        ended(output=[message(said("Hi é")), {"type": "function_call", **CALL, "arguments": "{}"}], usage=USAGE),
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(WHOLE_STREAM)), max_size=12))
def test_any_split_passes_the_same_bytes_and_says_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(WHOLE_STREAM)]
    pieces = [WHOLE_STREAM[start:end] for start, end in itertools.pairwise(edges)]
    watched = CODEC.watch()
    passed = b"".join(map(watched.feed, pieces))
    last, problem = watched.end()
    assert (passed + last, problem, watched.done) == (WHOLE_STREAM, "", True)
    events, problem, _ = parse(*pieces)
    assert problem == ""
    assert events == [
        Text("Hi"),
        Text(" é"),
        ToolCallDelta(0, "", "a", "f"),
        ToolCallDelta(0, "{}"),
        Usage(7, 5, 3, reasoning_tokens=2),
        Finish("tool_calls"),
    ]
    assert watched.usage == events[-2]

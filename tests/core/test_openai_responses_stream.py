"""Reading a Responses stream: watching it, and parsing it (faults S1 to S6)."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Finish, Reasoning, Text, ToolCall, ToolCallDelta, Usage
from switchgear.dialects.codec import ErrorDetail, StreamParser, StreamWatch
from switchgear.dialects.fold import fold
from switchgear.dialects.openai_responses import OpenAIResponsesCodec
from switchgear.events import Event

CODEC = OpenAIResponsesCodec()
Json = dict[str, Any]


def event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def added(index: int, kind: str, **fields: object) -> bytes:
    return event("response.output_item.added", output_index=index, item={"type": kind, **fields})


def done(index: int, kind: str, **fields: object) -> bytes:
    return whole(index, {"type": kind, **fields})


def whole(index: int, item: Json) -> bytes:
    return event("response.output_item.done", output_index=index, item=item)


def delta(index: int, kind: str, piece: object, **fields: object) -> bytes:
    return event(f"response.{kind}.delta", output_index=index, delta=piece, **fields)


def ended(status: str = "completed", output: list[Json] | None = None, **fields: object) -> bytes:
    response = {"id": "resp_1", "object": "response", "status": status, "output": output or [], **fields}
    return event(f"response.{status}", response=response)


def message(*content: Json) -> Json:
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": list(content)}


def said(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": []}


USAGE = {
    "input_tokens": 7,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 12,
}
CREATED = event("response.created", sequence_number=0, response={"id": "resp_1", "status": "in_progress", "output": []})
ITEM = added(0, "message", id="msg_1", role="assistant", content=[])
TEXT = delta(0, "output_text", "Hi", content_index=0, item_id="msg_1", sequence_number=3)
END = ended(output=[message(said("Hi"))], usage=USAGE)
CALL = {"id": "fc_1", "call_id": "a", "name": "f"}
ERROR = event("error", code="server_error", message="boom", param=None, sequence_number=4)
FAILED = event("response.failed", response={"id": "resp_1", "status": "failed", "error": {"code": "x", "message": "y"}})


def watch(*parts: bytes) -> StreamWatch:
    watched = CODEC.watch()
    for part in parts:
        watched.feed(part)
    return watched


def parse(*parts: bytes) -> tuple[list[Event], str, StreamParser]:
    parser = CODEC.parser()
    events = [event for part in parts for event in parser.feed(part)]
    last, problem = parser.end()
    return events + last, problem, parser


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


def reasoned(text: str, source: str = "summary_text") -> Json:
    return {"type": source, "text": text}


@pytest.mark.parametrize(
    ("parts", "parts_said"),
    [
        pytest.param([ITEM, TEXT, delta(0, "output_text", "!")], (Text("Hi!"),), id="text"),
        pytest.param([done(0, "message", content=[said("Hi")])], (Text("Hi"),), id="a message without deltas"),
        pytest.param([ITEM, TEXT, whole(0, message(said("Hi")))], (Text("Hi"),), id="a message is not said twice"),
        pytest.param(
            [TEXT, delta(0, "refusal", "N"), delta(0, "refusal", "o")],
            (Text("Hi"), Text("No", refusal=True)),
            id="a refusal",
        ),
        pytest.param(
            [
                added(0, "reasoning", id="rs_1", summary=[]),
                delta(0, "reasoning_summary_text", "h", summary_index=0),
                delta(0, "reasoning_summary_text", "m", summary_index=0),
                delta(0, "reasoning_summary_text", "so", summary_index=1),
                done(0, "reasoning", id="rs_1", summary=[reasoned("hm"), reasoned("so")], encrypted_content="s1"),
                done(1, "reasoning", id="rs_2", summary=[reasoned("a"), reasoned("b")], encrypted_content="s2"),
            ],
            (Reasoning("hm\n\nso", "s1"), Reasoning("a\n\nb", "s2")),
            id="summaries, their parts set apart",
        ),
        pytest.param(
            [
                delta(0, "reasoning_text", "h", content_index=0),
                delta(0, "reasoning_text", "m", content_index=0),
                delta(0, "reasoning_text", "so", content_index=1),
                done(0, "reasoning", content=[reasoned("hm", "reasoning_text"), reasoned("so", "reasoning_text")]),
            ],
            (Reasoning("hm\n\nso"),),
            id="reasoning in the open",
        ),
        pytest.param(
            [delta(0, "reasoning_text", "hm"), delta(0, "reasoning_summary_text", "short"), done(0, "reasoning")],
            (Reasoning("hm"),),
            id="one source of reasoning is enough",
        ),
        pytest.param(
            [done(0, "reasoning", summary=[], encrypted_content="x"), TEXT],
            (Reasoning("", "x", redacted=True), Text("Hi")),
            id="sealed reasoning",
        ),
        pytest.param(
            [
                added(0, "function_call", **CALL, arguments=""),
                delta(0, "function_call_arguments", '{"x"', item_id="fc_1"),
                delta(0, "function_call_arguments", ": 1}", item_id="fc_1"),
                event("response.function_call_arguments.done", output_index=0, arguments='{"x": 1}'),
                done(0, "function_call", **CALL, arguments='{"x": 1}'),
            ],
            (ToolCall("a", "f", '{"x": 1}'),),
            id="a call in pieces",
        ),
        pytest.param(
            [added(0, "function_call", **CALL, arguments=""), done(0, "function_call", **CALL, arguments='{"x": 1}')],
            (ToolCall("a", "f", '{"x": 1}'),),
            id="a call without deltas",
        ),
        pytest.param(
            [done(0, "function_call", **CALL, arguments='{"x": 1}')],
            (ToolCall("a", "f", '{"x": 1}'),),
            id="a call whole at its end",
        ),
        pytest.param(
            [done(0, "function_call", id="only", name="f", arguments="{}")],
            (ToolCall("only", "f", "{}"),),
            id="a call with one id only",
        ),
        pytest.param(
            [
                added(0, "function_call", call_id="a", name="f"),
                added(1, "function_call", call_id="b", name="g"),
                delta(1, "function_call_arguments", '{"y":'),
                delta(0, "function_call_arguments", "{}"),
                delta(1, "function_call_arguments", "2}"),
            ],
            (ToolCall("a", "f", "{}"), ToolCall("b", "g", '{"y":2}')),
            id="interleaved",
        ),
        pytest.param(
            [done(0, "custom_tool_call", call_id="a", name="f", input="x\ny")],
            (ToolCall("a", "f", '{"input":"x\\ny"}'),),
            id="a custom call",
        ),
        pytest.param(
            [added(0, "web_search_call", id="ws_1"), done(0, "web_search_call", id="ws_1", action=7), TEXT],
            (Text("Hi"),),
            id="a hosted tool's call is left out",
        ),
    ],
)
def test_what_a_stream_says(parts: list[bytes], parts_said: tuple[object, ...]) -> None:
    events, problem, _ = parse(CREATED, *parts, ended())
    assert (fold(events).parts, problem) == (parts_said, "")


OUTPUT = [
    {"type": "reasoning", "id": "rs_1", "summary": [reasoned("hm")], "encrypted_content": "s"},
    message(said("Hi"), {"type": "refusal", "refusal": "No"}),
    {"type": "function_call", **CALL, "arguments": '{"x": 1}'},
]
PARTS = (Reasoning("hm", "s"), Text("Hi"), Text("No", refusal=True), ToolCall("a", "f", '{"x": 1}'))


def test_an_end_that_carries_all_of_the_output() -> None:
    events, problem, _ = parse(CREATED, ended(output=OUTPUT, usage=USAGE))
    assert (fold(events).parts, problem) == (PARTS, "")
    assert [type(event) for event in events[-2:]] == [Usage, Finish]
    body = json.dumps({"status": "completed", "output": OUTPUT, "usage": USAGE}).encode()
    assert CODEC.parse_answer(body) == events


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="as it should be"),
        pytest.param({"item_id": "other"}, id="ids change on the way"),
        pytest.param({"output_index": None}, id="no places"),
        pytest.param({"output_index": None, "item_id": None}, id="neither"),
        pytest.param({"item_id": None}, id="no ids"),
        pytest.param({"item_id": ""}, id="empty ids"),
    ],
)
def test_what_came_in_pieces_is_not_said_again(change: Json) -> None:
    place = {
        key: value for key, value in {"output_index": 0, "item_id": "msg_1", **change}.items() if value is not None
    }
    text = event("response.output_text.delta", delta="Hi", **place)
    events, _, _ = parse(CREATED, text, ended(output=[message(said("Hi"))]))
    assert fold(events).parts == (Text("Hi"),)


def test_items_that_share_a_place_are_told_apart() -> None:
    parts = [ITEM, TEXT, whole(0, message(said("Hi"))), added(0, "function_call", **CALL, arguments="")]
    end = ended(output=[message(said("Hi")), {"type": "function_call", **CALL, "arguments": "{}"}])
    for pieces in ([], [delta(0, "function_call_arguments", "{}")]):
        events, _, _ = parse(*parts, *pieces, done(0, "function_call", **CALL, arguments="{}"), end)
        assert fold(events).parts == (Text("Hi"), ToolCall("a", "f", "{}"))


@pytest.mark.parametrize(
    "fields", [pytest.param({"name": "f"}, id="no id"), pytest.param({"call_id": "a"}, id="no name")]
)
def test_a_call_nobody_could_answer_is_no_stream_of_ours(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="without a name or an id"):
        parse(added(0, "function_call", **fields))


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"type": "function_call", **CALL, "arguments": {"x": 1}}, id="arguments that are no text"),
        pytest.param({"type": "message", "content": "Hi"}, id="content that is no list"),
    ],
)
def test_output_that_cannot_be_read_is_not_left_out_in_silence(item: Json) -> None:
    with pytest.raises(ValueError, match=f"an output item of type {item['type']} cannot be read"):
        parse(ended(output=[item]))


@pytest.mark.parametrize(
    ("status", "reason", "finish"),
    [
        pytest.param("completed", None, Finish("stop"), id="completed"),
        pytest.param("incomplete", "max_output_tokens", Finish("length"), id="too long"),
        pytest.param("incomplete", "content_filter", Finish("content_filter"), id="filtered"),
        pytest.param("incomplete", "something_new", Finish("length"), id="an unknown one"),
        pytest.param("incomplete", None, Finish("length"), id="not said"),
    ],
)
def test_why_it_ended(status: str, reason: str | None, finish: Finish) -> None:
    details = None if reason is None else {"reason": reason}
    assert parse(TEXT, ended(status, incomplete_details=details))[0][-1] == finish
    body: dict[str, Any] = {"status": status, "output": [], "incomplete_details": details}
    assert CODEC.parse_answer(json.dumps(body).encode())[-1] == finish


def test_an_answer_with_calls_ended_for_them() -> None:
    assert parse(done(0, "function_call", **CALL), ended())[0][-1] == Finish("tool_calls")
    assert parse(done(0, "function_call", **CALL), ended("incomplete"))[0][-1] == Finish("length")


def test_there_is_one_finish_and_nothing_after_it() -> None:
    events, problem, parser = parse(CREATED, TEXT, END, TEXT, END)
    assert [type(event) for event in events] == [Text, Usage, Finish]
    assert (problem, parser.done) == ("", True)


BROKEN = ErrorDetail(502, "broke off", code="protocol")


def last_two(stream: bytes) -> list[Json]:
    return [json.loads(block.split(b"\ndata: ")[1]) for block in stream.strip().split(b"\n\n")][-2:]


def test_an_error_of_ours_goes_on_where_the_stream_stopped() -> None:
    error, failed = last_two(watch(CREATED, b": ping\n\n", ITEM, TEXT, b": ping\n\n").error_event(BROKEN))
    assert (error["type"], error["code"], error["message"], error["param"]) == ("error", "protocol", "broke off", None)
    assert error["error"]["message"] == "broke off", "what OpenAI's SDKs raise at"
    assert (failed["type"], failed["response"]["id"], failed["response"]["status"]) == (
        "response.failed",
        "resp_1",
        "failed",
    )
    assert failed["response"]["error"] == {"code": "protocol", "message": "broke off"}
    assert (error["sequence_number"], failed["sequence_number"]) == (4, 5)


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
    assert CODEC.read_whole(body).problem == problem


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"error": {"message": "no"}}, id="error object"),
        pytest.param({"error": "no", "output": []}, id="beside an output"),
        pytest.param({"status": "failed", "output": [], "error": None}, id="failed"),
        pytest.param({"status": "cancelled", "output": []}, id="cancelled"),
        pytest.param({"message": "unknown path"}, id="no output"),
    ],
)
def test_an_error_inside_a_200(body: Json) -> None:
    encoded = json.dumps(body).encode()
    assert CODEC.read_whole(encoded).error == encoded


def test_an_error_as_a_whole_answer_has_openais_envelope() -> None:
    error = json.loads(CODEC.error_body(ErrorDetail(429, "slow down", code="rate_limit_exceeded", param="input")))
    assert error == {
        "error": {
            "message": "slow down",
            "type": "rate_limit_error",
            "param": "input",
            "code": "rate_limit_exceeded",
        }
    }

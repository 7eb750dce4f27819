"""What a Responses stream says, piece by piece or at its end, and what a whole answer says."""

from __future__ import annotations

import json

import pytest

from switchgear import Finish, Reasoning, Text, ToolCall, Usage
from switchgear.dialects.codec import ErrorDetail
from switchgear.dialects.fold import fold
from tests.core.openai_responses_wire import (
    CALL,
    CODEC,
    CREATED,
    END,
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
    whole,
)


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
        pytest.param({"output_index": None, "item_id": ""}, id="empty ids alone"),
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
    call = {**CALL, "arguments": '{"x": 1}'}
    end = ended(output=[message(said("Hi")), {"type": "function_call", **call}])
    for pieces in ([], [delta(0, "function_call_arguments", '{"x": 1}')]):
        events, _, _ = parse(*parts, *pieces, done(0, "function_call", **call), end)
        assert fold(events).parts == (Text("Hi"), ToolCall("a", "f", '{"x": 1}'))


def test_items_with_empty_ids_are_told_apart() -> None:
    output = [{**message(said("Hi")), "id": ""}, {"type": "function_call", **CALL, "id": "", "arguments": "{}"}]
    events, _, _ = parse(CREATED, ended(output=output))
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
    body: Json = {"status": status, "output": [], "incomplete_details": details}
    assert CODEC.parse_answer(json.dumps(body).encode())[-1] == finish


def test_an_answer_with_calls_ended_for_them() -> None:
    assert parse(done(0, "function_call", **CALL), ended())[0][-1] == Finish("tool_calls")
    assert parse(done(0, "function_call", **CALL), ended("incomplete"))[0][-1] == Finish("length")


def test_there_is_one_finish_and_nothing_after_it() -> None:
    events, problem, parser = parse(CREATED, TEXT, END, TEXT, END)
    assert [type(event) for event in events] == [Text, Usage, Finish]
    assert (problem, parser.done) == ("", True)


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

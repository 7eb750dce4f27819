"""Chat answers of every vendor's making as events: reasoning under all its names, tool calls in all their pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear import Event, Finish, Message, Part, Reasoning, Text, ToolCall, Usage
from switchgear.dialects import OPENAI_CHAT
from switchgear.dialects.fold import Fold, fold

DONE = b"data: [DONE]\n\n"


def delta(finish: str | None = None, *, index: int | None = 0, **fields: Any) -> bytes:
    choice = {"delta": fields, "finish_reason": finish} | ({} if index is None else {"index": index})
    return chunk(choices=[choice])


def chunk(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def call(arguments: Any = "", **fields: Any) -> dict[str, Any]:
    name = fields.pop("name", None)
    return {**fields, "function": {"arguments": arguments} | ({} if name is None else {"name": name})}


def parsed(*parts: bytes) -> tuple[list[Event], str]:
    parser = OPENAI_CHAT.parser()
    events = [event for part in parts for event in parser.feed(part)]
    rest, problem = parser.end()
    return events + rest, problem


def said(*parts: bytes) -> Fold:
    events, problem = parsed(*parts, DONE)
    assert problem == ""
    return fold(events)


def parts_of(*parts: bytes) -> tuple[Part, ...]:
    return said(*parts).message.parts


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"content": "Hi"}, (Text("Hi"),), id="text"),
        pytest.param({"role": None, "content": "Hi"}, (Text("Hi"),), id="role null"),
        pytest.param({"refusal": "No."}, (Text("No.", refusal=True),), id="a refusal"),
        pytest.param({"reasoning_content": "hm"}, (Reasoning("hm"),), id="DeepSeek's reasoning_content"),
        pytest.param({"reasoning": "hm"}, (Reasoning("hm"),), id="Groq's reasoning"),
        pytest.param(
            {"reasoning": "hm", "reasoning_content": "hm"},
            (Reasoning("hm"),),
            id="the same under two names counts once",
        ),
        pytest.param(
            {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s"}]},
            (Reasoning("hm", "s"),),
            id="details come first",
        ),
        pytest.param(
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]},
            (Reasoning("", "x", redacted=True),),
            id="encrypted details",
        ),
        pytest.param(
            {"reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]}, (Reasoning("hm"),), id="a summary"
        ),
        pytest.param(
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "Hi"},
                    {"type": "reference", "reference_ids": [1]},
                ]
            },
            (Reasoning("hm"), Text("Hi")),
            id="Mistral's list of thoughts and texts",
        ),
    ],
)
@pytest.mark.parametrize("place", ["delta", "message", "whole"])
def test_what_a_message_says(fields: dict[str, Any], expected: tuple[Part, ...], place: str) -> None:
    if place == "whole":
        body = {"choices": [{"index": 0, "message": fields, "finish_reason": "stop"}]}
        assert fold(OPENAI_CHAT.parse_answer(json.dumps(body).encode())).message == Message("assistant", expected)
        return
    first = chunk(choices=[{"index": 0, place: fields, "finish_reason": None}])
    assert parts_of(first, delta("stop")) == expected


@pytest.mark.parametrize("value", [None, ""])
def test_empty_reasoning_is_no_event(value: str | None) -> None:
    assert parts_of(delta(content="Hi", reasoning_content=value, reasoning=value), delta("stop")) == (Text("Hi"),)


TWO = (ToolCall("a", "one", '{"x": 1}'), ToolCall("b", "two", "{}"))


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param(
            [
                [call('{"x"', index=0, id="a", name="one")],
                [call(": 1}", index=0)],
                [call("{}", index=1, id="b", name="two")],
            ],
            TWO,
            id="one after another",
        ),
        pytest.param(
            [
                [call("", index=0, id="a", name="one"), call("", index=1, id="b", name="two")],
                [call('{"x"', index=0)],
                [call("{}", index=1)],
                [call(": 1}", index=0)],
            ],
            TWO,
            id="interleaved",
        ),
        pytest.param(
            [[call('{"x": 1}', id="a", name="one")], [call("{}", id="b", name="two")]],
            TWO,
            id="whole calls without an index",
        ),
        pytest.param(
            [[call('{"x"', id="a", name="one")], [call(": 1}")], [call("{}", id="b", name="two")]],
            TWO,
            id="no index, and no id on what goes on",
        ),
        pytest.param(
            [[call('{"x": 1}', index=0, id="a", name="one")], [call("{}", index=0, id="b", name="two")]],
            TWO,
            id="index 0 for every call",
        ),
        pytest.param(
            [
                [call('{"x"', index=0, id="a", name="one")],
                [call(": 1}", index=0, id="a", name="one")],
                [call("{}", index=1, id="b", name="two")],
            ],
            TWO,
            id="id and name on every piece",
        ),
        pytest.param(
            [
                [call('{"x"', index=0, id="a")],
                [call(": 1}", index=0, id="", name="one")],
                [call("{}", index=1, id="b", name="two")],
            ],
            TWO,
            id="a name after the arguments",
        ),
        pytest.param(
            [[call({"x": 1}, index=0, id="a", name="one")], [call(None, index=1, id="b", name="two")]],
            (ToolCall("a", "one", '{"x":1}'), ToolCall("b", "two", "{}")),
            id="arguments as an object, or null",
        ),
        pytest.param(
            [
                [call('{"x"', index="0", id="a", name="one")],
                [call(": 1}", index="0")],
                [call("{}", index="1", id="b", name="two")],
            ],
            TWO,
            id="an index in quotes",
        ),
    ],
)
def test_tool_calls_in_pieces(pieces: list[list[dict[str, Any]]], expected: tuple[ToolCall, ...]) -> None:
    folded = said(*(delta(tool_calls=calls) for calls in pieces), delta("stop"))
    assert folded.message.parts == expected
    assert folded.finish == Finish("tool_calls"), "a stop after calls wants them run"


def test_ids_that_never_come_are_made_and_differ() -> None:
    first, second = parts_of(
        delta(tool_calls=[call("{}", index=0, name="one")]),
        delta(tool_calls=[call("{}", index=1, name="two")]),
        delta("stop"),
    )
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.id.startswith("call_")
    assert first.id != second.id


def test_the_older_function_call() -> None:
    found = parts_of(
        delta(function_call={"name": "one", "arguments": '{"x"'}),
        delta(function_call={"arguments": ": 1}"}),
        delta("function_call"),
    )
    assert [(part.name, part.arguments) for part in found if isinstance(part, ToolCall)] == [("one", '{"x": 1}')]


def test_a_call_without_a_name_is_no_proper_end() -> None:
    assert (
        parsed(delta(tool_calls=[call("{}", index=0, id="a")]), delta("stop"), DONE)[1]
        == "a tool call came without a name"
    )


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("safety", "content_filter"),
        ("tool_calls", "tool_calls"),
    ],
)
def test_why_it_ended(reason: str, expected: str) -> None:
    assert said(delta(content="Hi"), delta(reason)).finish.reason == expected


@pytest.mark.parametrize("reason", ["error", "abort", "insufficient_system_resource"])
def test_a_reason_that_is_a_failure(reason: str) -> None:
    parser = OPENAI_CHAT.parser()
    events = parser.feed(delta(content="Hi") + delta(reason) + DONE)
    assert events == [Text("Hi")]
    assert parser.error is not None


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        pytest.param([delta(content="Hi"), delta("stop")], "", id="no DONE"),
        pytest.param([delta(content="Hi"), DONE], "", id="DONE without a finish reason"),
        pytest.param([delta(content="Hi")], "the stream ended without a finish reason", id="neither"),
        pytest.param([delta(role="assistant", content=""), DONE], "the stream held no output", id="nothing said"),
        pytest.param([], "the stream held no output", id="nothing at all"),
        pytest.param([delta(content="Hi"), b'data: {"choi'], "the stream broke off inside an event", id="cut"),
    ],
)
def test_how_a_stream_ends(parts: list[bytes], problem: str) -> None:
    events, found = parsed(*parts)
    assert found == problem
    assert any(isinstance(event, Finish) for event in events) is (problem == "")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param({"prompt_tokens": 3, "completion_tokens": 5}, Usage(3, 5), id="OpenAI"),
        pytest.param({"prompt_tokens": 3, "completion_tokens": None}, Usage(3, None), id="vLLM's null"),
        pytest.param(
            {
                "prompt_tokens": 9,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(9, 5, 4, None, 2),
            id="with details",
        ),
        pytest.param(
            {"prompt_tokens": 9, "completion_tokens": 5, "prompt_cache_hit_tokens": 4}, Usage(9, 5, 4), id="DeepSeek"
        ),
        pytest.param({"prompt_tokens": 9, "completion_tokens": 5, "cached_tokens": 4}, Usage(9, 5, 4), id="Moonshot"),
        pytest.param({"prompt_tokens": 9.0, "completion_tokens": "many"}, Usage(9, None), id="odd types"),
    ],
)
def test_usage_under_all_its_names(usage: dict[str, Any], expected: Usage) -> None:
    assert said(delta(content="Hi"), delta("stop"), chunk(choices=[], usage=usage)).usage == expected


def test_the_last_usage_counts_and_zeros_hide_nothing() -> None:
    def usage(given: int, made: int) -> bytes:
        return chunk(choices=[], usage={"prompt_tokens": given, "completion_tokens": made})

    assert said(usage(3, 1), delta(content="Hi"), usage(3, 5), delta("stop"), usage(0, 0)).usage == Usage(3, 5)


def test_only_the_first_of_several_answers_is_taken() -> None:
    assert parts_of(delta(content="Hi"), delta(content="Ho", index=1), delta("stop")) == (Text("Hi"),)


def test_an_index_may_be_missing() -> None:
    assert parts_of(delta(content="Hi", index=None), delta("stop", index=None)) == (Text("Hi"),)

"""Events as a Responses stream and as a response object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from switchgear import Finish, Reasoning, Text, ToolCall, ToolCallDelta, Usage
from switchgear.dialects.codec import ErrorDetail, Renderer
from switchgear.dialects.openai_responses import OpenAIResponsesCodec
from switchgear.events import Event

CODEC = OpenAIResponsesCodec()
Json = dict[str, Any]
BROKEN = ErrorDetail(502, "broke off", code="protocol")
ANSWER: tuple[Event, ...] = (
    Reasoning("h"),
    Reasoning("m", "sig"),
    Text("Hel"),
    Text("lo"),
    ToolCallDelta(0, "", "call_a", "weather"),
    ToolCallDelta(0, '{"city":'),
    ToolCallDelta(0, '"Oslo"}'),
    Usage(7, 5, 3, 1, 2),
    Finish("tool_calls"),
)
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
CUSTOM = {"type": "custom", "name": "patch", "description": "Edit files."}
FILES = {"type": "namespace", "name": "files", "tools": [{**WEATHER, "name": "read"}, {**CUSTOM, "name": "write"}]}


def renderer(**fields: object) -> Renderer:
    body = {"model": "m", "input": "Hi", "stream": True, **fields}
    return CODEC.renderer("req_1", "m", 1_764_000_000, json.dumps(body, indent=1).encode())


def stream(events: Sequence[Event], **fields: object) -> bytes:
    rendering = renderer(**fields)
    return b"".join([rendering.start(), *map(rendering.event, events), rendering.end()])


def whole(events: Sequence[Event], **fields: object) -> Json:
    rendering = renderer(**fields)
    for event in events:
        rendering.event(event)
    body: Json = json.loads(rendering.whole())
    return body


def read(sent: bytes) -> list[Json]:
    """The events; each has an event line that says its type, and the next number."""
    found = []
    for block in sent.decode().removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


def kinds(events: Sequence[Event], **fields: object) -> list[str]:
    """The types of a stream's events between its first two and its last one."""
    return [event["type"].removeprefix("response.") for event in read(stream(events, **fields))[2:-1]]


TEXT_OPEN = ["output_item.added", "content_part.added"]
TEXT_CLOSE = ["output_text.done", "content_part.done", "output_item.done"]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(
            [Text("a"), Text("b")], [*TEXT_OPEN, *["output_text.delta"] * 2, *TEXT_CLOSE], id="text in pieces"
        ),
        pytest.param(
            [Text("a"), Text("no", refusal=True)],
            [
                *TEXT_OPEN,
                "output_text.delta",
                *TEXT_CLOSE[:2],
                "content_part.added",
                "refusal.delta",
                "refusal.done",
                "content_part.done",
                "output_item.done",
            ],
            id="a refusal is another part",
        ),
        pytest.param(
            [Reasoning("a"), Reasoning("b", "s")],
            [
                "output_item.added",
                "reasoning_summary_part.added",
                *["reasoning_summary_text.delta"] * 2,
                "reasoning_summary_text.done",
                "reasoning_summary_part.done",
                "output_item.done",
            ],
            id="reasoning",
        ),
        pytest.param(
            [Reasoning("", "s", redacted=True)], ["output_item.added", "output_item.done"], id="sealed reasoning"
        ),
        pytest.param(
            [ToolCallDelta(0, "", "a", "f"), ToolCallDelta(0, "{"), ToolCallDelta(0, "}")],
            [
                "output_item.added",
                *["function_call_arguments.delta"] * 2,
                "function_call_arguments.done",
                "output_item.done",
            ],
            id="a call in pieces",
        ),
        pytest.param(
            [ToolCall("a", "f", "{}")],
            [
                "output_item.added",
                "function_call_arguments.delta",
                "function_call_arguments.done",
                "output_item.done",
            ],
            id="a whole call",
        ),
        pytest.param(
            [ToolCallDelta(0, "", "a", "f")],
            [
                "output_item.added",
                "function_call_arguments.delta",
                "function_call_arguments.done",
                "output_item.done",
            ],
            id="a call without arguments, which are an empty object",
        ),
        pytest.param(
            [ToolCallDelta(0, '{"in', "a", "patch"), ToolCallDelta(0, 'put":"x"}')],
            ["output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done"],
            id="a custom tool's call",
        ),
    ],
)
def test_the_events_of_a_stream(events: list[Event], expected: list[str]) -> None:
    assert kinds(events, tools=[CUSTOM]) == expected


def test_a_stream_begins_and_ends_with_the_response() -> None:
    events = read(stream(ANSWER))
    first, second, *_, last = events
    assert [event["type"] for event in (first, second, last)] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]
    assert first["response"] == second["response"]
    opening = {key: first["response"][key] for key in ("id", "object", "created_at", "status", "model", "output")}
    assert opening == {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_764_000_000,
        "status": "in_progress",
        "model": "m",
        "output": [],
    }
    assert first["response"]["usage"] is None
    assert last["response"] == whole(ANSWER)


def test_the_whole_output() -> None:
    answer = whole(ANSWER)
    reasoning, message, call = answer["output"]
    assert (reasoning["type"], reasoning["encrypted_content"]) == ("reasoning", "sig")
    assert reasoning["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert (message["role"], message["status"]) == ("assistant", "completed")
    assert message["content"] == [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}]
    assert {key: call[key] for key in ("type", "call_id", "name", "arguments", "status")} == {
        "type": "function_call",
        "call_id": "call_a",
        "name": "weather",
        "arguments": '{"city":"Oslo"}',
        "status": "completed",
    }
    assert [item["id"].split("_")[0] for item in answer["output"]] == ["rs", "msg", "fc"]
    assert len({item["id"] for item in answer["output"]}) == 3
    assert answer["usage"] == {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 1},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 12,
    }


def test_each_item_ends_as_the_whole_answer_has_it() -> None:
    done = [event for event in read(stream(ANSWER)) if event["type"] == "response.output_item.done"]
    assert [event["item"] for event in done] == whole(ANSWER)["output"]
    assert [event["output_index"] for event in done] == [0, 1, 2]


def test_pieces_of_several_calls_may_be_interleaved() -> None:
    events = read(
        stream(
            [
                ToolCallDelta(0, "", "a", "f"),
                ToolCallDelta(1, '{"y"', "b", "g"),
                ToolCallDelta(0, "{}"),
                Text("Hi"),
                ToolCallDelta(1, ":2}"),
            ]
        )
    )
    pieces = [(event["output_index"], event["delta"]) for event in events if event["type"].endswith(".delta")]
    assert pieces == [(1, '{"y"'), (0, "{}"), (2, "Hi"), (1, ":2}")]
    output = events[-1]["response"]["output"]
    assert [item.get("arguments") for item in output] == ["{}", '{"y":2}', None]


@pytest.mark.parametrize(
    ("event", "item"),
    [
        pytest.param(
            ToolCall("a", "weather", '{"x":1}'),
            {"type": "function_call", "name": "weather", "arguments": '{"x":1}'},
            id="a function",
        ),
        pytest.param(
            ToolCall("a", "patch", '{"input":"a\\nb"}'),
            {"type": "custom_tool_call", "name": "patch", "input": "a\nb"},
            id="a custom tool",
        ),
        pytest.param(
            ToolCall("a", "patch", "a\nb"),
            {"type": "custom_tool_call", "name": "patch", "input": "a\nb"},
            id="a custom tool that was called with bare text",
        ),
        pytest.param(
            ToolCall("a", "patch", '{"text":"b"}'),
            {"type": "custom_tool_call", "name": "patch", "input": '{"text":"b"}'},
            id="a custom tool that was called with something else",
        ),
        pytest.param(
            ToolCall("a", "files__read", ""),
            {"type": "function_call", "name": "read", "namespace": "files", "arguments": "{}"},
            id="a function of a namespace",
        ),
        pytest.param(
            ToolCall("a", "files__write", '{"input":"x"}'),
            {"type": "custom_tool_call", "name": "write", "namespace": "files", "input": "x"},
            id="a custom tool of a namespace",
        ),
        pytest.param(
            ToolCall("a", "unheard_of", "{}"),
            {"type": "function_call", "name": "unheard_of", "arguments": "{}"},
            id="a tool nobody declared",
        ),
    ],
)
def test_a_call_is_given_back_as_the_clients_own(event: ToolCall, item: Json) -> None:
    (found,) = whole([event], tools=[WEATHER, CUSTOM, FILES])["output"]
    expected = {"call_id": "a", "status": "completed", **item}
    assert {key: value for key, value in found.items() if key != "id"} == expected
    sent = read(stream([event], tools=[WEATHER, CUSTOM, FILES]))
    begun = next(each["item"] for each in sent if each["type"] == "response.output_item.added")
    said = "input" if "input" in item else "arguments"
    assert begun == {**found, "status": "in_progress", said: ""}
    assert [each.get(said) for each in sent if each["type"].endswith(f"{said}.done")] == [found[said]]


@pytest.mark.parametrize(
    ("finish", "status", "details"),
    [
        pytest.param(Finish("stop"), "completed", None, id="stop"),
        pytest.param(Finish("tool_calls"), "completed", None, id="tool calls"),
        pytest.param(Finish("length"), "incomplete", {"reason": "max_output_tokens"}, id="length"),
        pytest.param(Finish("content_filter"), "incomplete", {"reason": "content_filter"}, id="content filter"),
        pytest.param(None, "completed", None, id="not said"),
    ],
)
def test_how_it_ended(finish: Finish | None, status: str, details: Json | None) -> None:
    events: list[Event] = [Text("Hi"), *([] if finish is None else [finish])]
    last = read(stream(events))[-1]
    assert last["type"] == f"response.{status}"
    assert (last["response"]["status"], last["response"]["incomplete_details"]) == (status, details)
    assert last["response"]["error"] is None


@pytest.mark.parametrize(
    ("asked", "echoed"),
    [
        pytest.param(
            {},
            {
                "instructions": None,
                "max_output_tokens": None,
                "metadata": {},
                "parallel_tool_calls": True,
                "previous_response_id": None,
                "store": True,
                "temperature": None,
                "text": {"format": {"type": "text"}},
                "tool_choice": "auto",
                "tools": [],
                "top_p": None,
                "truncation": "disabled",
            },
            id="defaults",
        ),
        pytest.param(
            {
                "instructions": "Be brief.\nVery.",
                "max_output_tokens": 9,
                "metadata": {"a": "b"},
                "parallel_tool_calls": False,
                "previous_response_id": "resp_0",
                "reasoning": {"effort": "low", "summary": "auto"},
                "store": False,
                "temperature": 0.5,
                "text": {"verbosity": "low"},
                "tool_choice": {"type": "function", "name": "weather"},
                "tools": [WEATHER, FILES, {"type": "web_search"}],
                "top_p": 1,
                "truncation": "auto",
                "user": "u",
            },
            None,
            id="as asked",
        ),
        pytest.param({"metadata": None, "tools": None}, {"metadata": {}, "tools": []}, id="null"),
    ],
)
def test_the_request_is_repeated(asked: Json, echoed: Json | None) -> None:
    answer = whole([Text("Hi")], **asked)
    expected = asked if echoed is None else echoed
    assert {key: answer[key] for key in expected} == expected


def test_a_request_over_several_lines_breaks_no_event() -> None:
    assert b"\n " in json.dumps({"tools": [WEATHER]}, indent=1).encode(), "as renderer() writes it"
    assert read(stream([Text("Hi")], tools=[WEATHER]))[0]["response"]["tools"] == [WEATHER]


def test_an_error_ends_the_stream_with_what_was_said() -> None:
    rendering = renderer()
    sent = rendering.start() + rendering.event(Text("Hi")) + rendering.error_event(BROKEN)
    error, failed = read(sent)[-2:]
    assert (error["type"], error["code"], error["error"]["message"]) == ("error", "protocol", "broke off")
    assert failed["type"] == "response.failed"
    assert (failed["response"]["id"], failed["response"]["status"]) == ("resp_1", "failed")
    assert failed["response"]["error"] == {"code": "protocol", "message": "broke off"}
    assert failed["response"]["output"][0]["content"][0]["text"] == "Hi"

"""Rendering events as a Messages stream and as one message, and errors in Anthropic's envelope."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Finish, Reasoning, Text, ToolCall, ToolCallDelta, Usage
from switchgear.dialects.anthropic_messages import AnthropicMessagesCodec
from switchgear.dialects.codec import ErrorDetail
from switchgear.dialects.fold import fold
from switchgear.events import Event, FinishReason

CODEC = AnthropicMessagesCodec()


def render(*events: Event) -> tuple[bytes, dict[str, Any]]:
    renderer = CODEC.renderer("1", "claude", 0, b"{}")
    stream = renderer.start() + b"".join(renderer.event(event) for event in events) + renderer.end()
    return stream, json.loads(renderer.whole())


def read(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Event names and data; each event has both lines."""
    events = []
    for raw in stream.decode().removesuffix("\n\n").split("\n\n"):
        name, data = raw.split("\n")
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


def blocks(stream: bytes) -> list[dict[str, Any]]:
    """The content blocks a client would put together; fails if two are open at once, or one is out of order."""
    made: list[dict[str, Any]] = []
    is_open = False
    for name, data in read(stream):
        if name.startswith("content_block"):
            assert data["index"] == len(made) - (name != "content_block_start")
        if name == "content_block_start":
            assert not is_open
            made.append({**data["content_block"], "json": ""})
            is_open = True
        elif name == "content_block_delta":
            assert is_open
            delta = data["delta"]
            match delta.pop("type"):
                case "text_delta":
                    made[-1]["text"] += delta["text"]
                case "thinking_delta":
                    made[-1]["thinking"] += delta["thinking"]
                case "signature_delta":
                    made[-1]["signature"] = delta["signature"]
                case "input_json_delta":
                    made[-1]["json"] += delta["partial_json"]
        elif name == "content_block_stop":
            assert is_open
            is_open = False
    assert not is_open
    for block in made:
        text = block.pop("json")
        if text:
            block["input"] = json.loads(text)
    return made


def test_a_stream_from_end_to_end() -> None:
    stream, _ = render(Text("Hi"), Usage(10, 5, 3, 2, 1), Finish("stop"))
    usage = {
        "input_tokens": 5,
        "output_tokens": 5,
        "cache_creation_input_tokens": 2,
        "cache_read_input_tokens": 3,
        "output_tokens_details": {"thinking_tokens": 1},
    }
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }
    assert read(stream) == [
        ("message_start", {"type": "message_start", "message": message}),
        (
            "content_block_start",
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        ),
        (
            "content_block_delta",
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        ),
        ("content_block_stop", {"type": "content_block_stop", "index": 0}),
        (
            "message_delta",
            {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
        ),
        ("message_stop", {"type": "message_stop"}),
    ]


@pytest.mark.parametrize(
    ("events", "content"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([Text("Hi"), Text(""), Text(" é\n")], [{"type": "text", "text": "Hi é\n"}], id="text"),
        pytest.param(
            [Text("Hi"), Reasoning(""), Text(" there")],
            [{"type": "text", "text": "Hi there"}],
            id="empty reasoning separates nothing",
        ),
        pytest.param([Text("I "), Text("won't", True)], [{"type": "text", "text": "I won't"}], id="a refusal is text"),
        pytest.param(
            [Reasoning("h"), Reasoning("m"), Reasoning("", "s1"), Reasoning("so", "s2"), Text("Hi")],
            [
                {"type": "thinking", "thinking": "hm", "signature": "s1"},
                {"type": "thinking", "thinking": "so", "signature": "s2"},
                {"type": "text", "text": "Hi"},
            ],
            id="thinking with signatures",
        ),
        pytest.param(
            [Reasoning("hm"), Reasoning(""), Text("Hi")],
            [{"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "text", "text": "Hi"}],
            id="thinking without a signature",
        ),
        pytest.param(
            [Reasoning("hm"), Reasoning("", "x", redacted=True), Reasoning("", "s")],
            [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "thinking", "thinking": "", "signature": "s"},
            ],
            id="redacted thinking",
        ),
        pytest.param(
            [ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", "")],
            [
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {}},
            ],
            id="whole calls",
        ),
        pytest.param(
            [
                ToolCallDelta(0, "", "a", "f"),
                ToolCallDelta(0, '{"x"'),
                ToolCallDelta(0, ": 1}"),
                ToolCallDelta(1, "{}", "b", "g"),
                Text("Hi"),
            ],
            [
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {}},
                {"type": "text", "text": "Hi"},
            ],
            id="calls in pieces, one after another",
        ),
        pytest.param(
            [
                ToolCallDelta(0, "", "a", "f"),
                ToolCallDelta(1, '{"y"', "b", "g"),
                ToolCallDelta(2, "{", "c", "h"),
                Text("Hi"),
                ToolCallDelta(0, '{"x":'),
                ToolCallDelta(1, ":2"),
                ToolCallDelta(0, " 1}"),
                ToolCallDelta(0, "\n"),
                ToolCallDelta(2, "}"),
                ToolCallDelta(1, "}"),
            ],
            [
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {"y": 2}},
                {"type": "tool_use", "id": "c", "name": "h", "input": {}},
                {"type": "text", "text": "Hi"},
            ],
            id="calls in pieces, interleaved",
        ),
        pytest.param(
            [
                ToolCallDelta(0, "", "a", "f"),
                ToolCallDelta(1, "", "b", "g"),
                ToolCallDelta(1, '{"y": 2}'),
                ToolCallDelta(2, "{}", "c", "h"),
            ],
            [
                {"type": "tool_use", "id": "a", "name": "f", "input": {}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {"y": 2}},
                {"type": "tool_use", "id": "c", "name": "h", "input": {}},
            ],
            id="behind a call without arguments all wait for the end",
        ),
    ],
)
def test_content(events: list[Event], content: list[dict[str, Any]]) -> None:
    stream, message = render(*events)
    assert blocks(stream) == content
    assert message["content"] == content


def test_a_piece_shows_at_once_while_nothing_is_in_its_way() -> None:
    renderer = CODEC.renderer("1", "claude", 0, b"{}")
    events: list[Event] = [
        Reasoning("hm"),
        Text("Hi"),
        ToolCallDelta(0, "", "a", "f"),
        ToolCallDelta(0, "{"),
        ToolCallDelta(0, "}"),
    ]
    assert all(renderer.event(event) for event in [*events, ToolCallDelta(1, "{", "b", "g")])
    assert renderer.event(ToolCallDelta(2, "{}", "c", "h")) == b""
    assert b'"id":"c"' in renderer.event(ToolCallDelta(1, "}"))


def test_arguments_keep_their_digits() -> None:
    renderer = CODEC.renderer("1", "claude", 0, b"{}")
    renderer.event(ToolCall("a", "f", '{"x": 1.10, "y": 12345678901234567890123}'))
    assert b'{"x": 1.10, "y": 12345678901234567890123}' in renderer.whole()


@pytest.mark.parametrize("arguments", ['{"x": ', "[]", "7"])
def test_arguments_that_are_no_object_reach_the_client_as_invalid(arguments: str) -> None:
    _, message = render(ToolCall("a", "f", arguments))
    assert message["content"][0]["input"] == {"INVALID_JSON": arguments}


@pytest.mark.parametrize(
    ("events", "reason", "sequence"),
    [
        pytest.param([Text("x"), Finish("stop")], "end_turn", None, id="stop"),
        pytest.param([Text("x"), Finish("stop", "END")], "stop_sequence", "END", id="a stop sequence"),
        pytest.param([Text("x"), Finish("length")], "max_tokens", None, id="length"),
        pytest.param([Text("x"), Finish("content_filter")], "refusal", None, id="content filter"),
        pytest.param([ToolCall("a", "f", "{}"), Finish("tool_calls")], "tool_use", None, id="tool calls"),
        pytest.param([ToolCall("a", "f", "{}")], "tool_use", None, id="calls without a finish"),
        pytest.param([ToolCallDelta(0, "{}", "a", "f")], "tool_use", None, id="calls in pieces without a finish"),
        pytest.param([Text("x")], "end_turn", None, id="text without a finish"),
    ],
)
def test_stop_reasons(events: list[Event], reason: str, sequence: str | None) -> None:
    stream, message = render(*events)
    assert read(stream)[-2][1]["delta"] == {"stop_reason": reason, "stop_sequence": sequence}
    assert (message["stop_reason"], message["stop_sequence"]) == (reason, sequence)


@pytest.mark.parametrize(
    ("usage", "fields"),
    [
        pytest.param(Usage(), {"input_tokens": 0, "output_tokens": 0}, id="not said"),
        pytest.param(Usage(3, 2), {"input_tokens": 3, "output_tokens": 2}, id="plain"),
        pytest.param(
            Usage(3, 2, 0, None), {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 0}, id="cache of 0"
        ),
        pytest.param(
            Usage(3, 2, 5), {"input_tokens": 0, "output_tokens": 2, "cache_read_input_tokens": 5}, id="never below 0"
        ),
    ],
)
def test_usage(usage: Usage, fields: dict[str, int]) -> None:
    stream, message = render(Text("x"), Usage(100, 100), usage)
    assert read(stream)[-2][1]["usage"] == message["usage"] == fields


# Whatever comes, and however the calls' pieces are mixed: what is streamed, what is whole and what was meant are one.

EMPTY = (Text(""), Text("", True), Reasoning(""))
texts = st.text(max_size=8)
others = st.one_of(
    st.builds(Text, texts, st.booleans()),
    st.builds(Reasoning, texts, st.sampled_from(["", "sig"])),
    st.builds(Reasoning, st.just(""), st.just("data"), st.just(True)),
)
arguments = st.dictionaries(texts, st.one_of(texts, st.integers()), max_size=2).map(json.dumps)


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    lanes: list[list[Event]] = [[other] for other in draw(st.lists(others, max_size=5))]
    for index, whole in enumerate(draw(st.lists(arguments, max_size=3))):
        cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=4)))
        edges = [0, *cuts, len(whole)]
        pieces = [whole[a:b] for a, b in itertools.pairwise(edges)]
        lanes.append([ToolCallDelta(-1, pieces[0], f"call_{index}", "f"), *(ToolCallDelta(-1, p) for p in pieces[1:])])
    mixed: list[Event] = []
    numbers: dict[int, int] = {}
    while any(lanes):
        at = draw(st.sampled_from([at for at, lane in enumerate(lanes) if lane]))
        event = lanes[at].pop(0)
        if isinstance(event, ToolCallDelta):
            number = numbers.setdefault(at, len(numbers))
            event = ToolCallDelta(number, event.arguments, event.id, event.name)
        mixed.append(event)
    reason: FinishReason = draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
    return [*mixed, Usage(draw(st.integers(5, 9)), 3, draw(st.none() | st.integers(0, 5))), Finish(reason)]


@settings(max_examples=100)
@given(answers())
def test_streamed_whole_and_meant_are_the_same(events: list[Event]) -> None:
    stream, message = render(*events)
    assert blocks(stream) == message["content"]
    parser = CODEC.parser()
    streamed = fold([*parser.feed(stream), *parser.end()[0]])
    whole = fold(CODEC.parse_answer(json.dumps(message).encode()))
    assert (streamed.finish, streamed.usage) == (whole.finish, whole.usage) == (events[-1], events[-2])
    meant = fold(event for event in events if event not in EMPTY)
    said = "".join(part.text for part in meant.parts if isinstance(part, Text))
    assert "".join(part.text for part in streamed.parts if isinstance(part, Text)) == said
    calls = {part.id: json.loads(part.arguments) for part in meant.parts if isinstance(part, ToolCall)}
    for folded in (streamed, whole):
        assert {p.id: json.loads(p.arguments) for p in folded.parts if isinstance(p, ToolCall)} == calls
    thoughts = [part for part in meant.parts if isinstance(part, Reasoning)]
    assert [part for part in streamed.parts if isinstance(part, Reasoning)] == thoughts


# -- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (409, "conflict_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_error_types(status: int, kind: str) -> None:
    assert json.loads(CODEC.error_body(ErrorDetail(status, "no"))) == {
        "type": "error",
        "error": {"type": kind, "message": "no"},
    }


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(
            ErrorDetail(400, "no", type="overloaded_error"),
            {"type": "overloaded_error", "message": "no"},
            id="an upstream's type that is Anthropic's stays",
        ),
        pytest.param(
            ErrorDetail(400, "no", code="c", type="insufficient_quota", param="p"),
            {"type": "invalid_request_error", "message": "no"},
            id="another's type goes, with code and param",
        ),
        pytest.param(
            ErrorDetail(500, "", code="c"), {"type": "api_error", "message": "c"}, id="a code in place of a message"
        ),
        pytest.param(ErrorDetail(500, ""), {"type": "api_error", "message": "api_error"}, id="nothing said at all"),
        pytest.param(
            ErrorDetail(400, "no", details={"error_code": "x"}),
            {"type": "invalid_request_error", "message": "no", "details": {"error_code": "x"}},
            id="details",
        ),
    ],
)
def test_what_an_error_says(error: ErrorDetail, said: dict[str, Any]) -> None:
    assert json.loads(CODEC.error_body(error, "req_1")) == {"type": "error", "error": said, "request_id": "req_1"}
    assert read(CODEC.error_event(error)) == [("error", {"type": "error", "error": said})]


def test_an_error_in_a_rendered_stream_names_the_request() -> None:
    renderer = CODEC.renderer("1", "claude", 0, b"{}")
    stream = renderer.start() + renderer.event(Text("x")) + renderer.error_event(ErrorDetail(503, "gone"))
    error = {"type": "overloaded_error", "message": "gone"}
    assert read(stream)[-1] == ("error", {"type": "error", "error": error, "request_id": "1"})
    parser = CODEC.parser()
    assert parser.feed(stream)[-1] == Text("x")
    assert parser.error is not None

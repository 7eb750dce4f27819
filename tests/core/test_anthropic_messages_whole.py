"""Reading a whole Messages answer."""

from __future__ import annotations

import json

import pytest

from switchgear import Finish, Reasoning, Text, ToolCall, Usage
from switchgear.dialects.anthropic_messages import AnthropicMessagesCodec

CODEC = AnthropicMessagesCodec()


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
        pytest.param(b'{"type": "error", "error": {"type": "api_error", "message": "no"}}', id="error object"),
        pytest.param(b'{"type": "error", "content": []}', id="an error by its type"),
        pytest.param(b'{"error": "no", "content": []}', id="an error beside a content"),
        pytest.param(b'{"message": "unknown path"}', id="no content"),
        pytest.param(b'{"content": "text"}', id="content of another type"),
        pytest.param(b"[]", id="a list"),
    ],
)
def test_an_error_inside_a_200(body: bytes) -> None:
    assert CODEC.read_whole(body).error == body


def test_a_whole_answers_usage_counts_the_cache_in() -> None:
    usage = {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3, "cache_creation_input_tokens": None}
    whole = CODEC.read_whole(b"\n" + json.dumps({"content": [], "usage": usage}).encode())
    assert (whole.usage, whole.error, whole.problem) == (Usage(4, 2, 3), None, "")


def test_what_a_whole_answer_says() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "Hi", "citations": None},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 12345678901234567890123}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}},
    ]
    body = {"type": "message", "content": content, "stop_reason": "tool_use", "usage": {"input_tokens": 1}}
    assert CODEC.parse_answer(json.dumps(body).encode()) == [
        Reasoning("hm", "s"),
        Reasoning("", "x", redacted=True),
        Text("Hi"),
        ToolCall("a", "f", '{"x": 12345678901234567890123}'),
        ToolCall("b", "g", "{}"),
        Usage(1),
        Finish("tool_calls"),
    ]


def test_a_whole_answer_of_odd_types_is_read_as_far_as_it_goes() -> None:
    body = (
        b'{"content": [{"type": "text", "text": "Hi", "id": 7}, 3], "usage": {"input_tokens": "x", "output_tokens": 2}}'
    )
    assert CODEC.read_whole(body).usage == Usage(None, 2)
    assert CODEC.parse_answer(body) == [Text("Hi"), Usage(None, 2), Finish("stop")]

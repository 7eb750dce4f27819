"""The messages of a client's Messages request, and whole requests as clients send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear import Reasoning, Text, ToolCall
from switchgear.conversation import (
    CachePoint,
    Conversation,
    File,
    Image,
    Message,
    Part,
    ReasoningOptions,
    ResponseFormat,
    Tool,
    ToolResult,
)
from switchgear.dialects.anthropic_messages import AnthropicMessagesCodec
from switchgear.dialects.codec import Parsed

CODEC = AnthropicMessagesCodec()
HI = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
EPHEMERAL = {"type": "ephemeral"}
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}


def parse(**fields: object) -> Parsed:
    return CODEC.parse_request(json.dumps({"model": "claude", "max_tokens": 9, "messages": [HI], **fields}).encode())


def conversation(**fields: object) -> Conversation:
    parsed = parse(**fields)
    assert parsed.dropped == ()
    return parsed.conversation


def messages(*turns: dict[str, Any]) -> tuple[Message, ...]:
    return conversation(messages=turns).messages


def user(*parts: Part) -> Message:
    return Message("user", parts)


@pytest.mark.parametrize(
    ("block", "parts"),
    [
        pytest.param({"type": "text", "text": "Hi"}, [Text("Hi")], id="text"),
        pytest.param({"type": "text", "text": ""}, [], id="empty text"),
        pytest.param(
            {"type": "text", "text": "Hi", "cache_control": EPHEMERAL}, [Text("Hi"), CachePoint()], id="a cache hint"
        ),
        pytest.param(
            {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            [Text("Hi"), CachePoint("1h")],
            id="a cache hint for an hour",
        ),
        pytest.param({"type": "text", "text": "Hi", "cache_control": None}, [Text("Hi")], id="cache_control null"),
        pytest.param(PNG, [Image("image/png", "aGk=")], id="an image"),
        pytest.param(
            {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
            [Image(url="https://x/y.png")],
            id="an image by its URL",
        ),
        pytest.param(
            {
                "type": "document",
                "title": "t",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
                "citations": {"enabled": False},
            },
            [File("t", "application/pdf", "aGk=")],
            id="a PDF",
        ),
        pytest.param(
            {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}},
            [File(url="https://x/y.pdf")],
            id="a PDF by its URL",
        ),
        pytest.param(
            {
                "type": "document",
                "title": "t",
                "context": "of 2025",
                "source": {"type": "text", "media_type": "text/plain", "data": "body"},
            },
            [Text("of 2025"), File("t", "text/plain", text="body")],
            id="a text document with a context",
        ),
        pytest.param(
            {"type": "document", "title": "t", "source": {"type": "content", "content": "body"}},
            [File("t", "text/plain", text="body")],
            id="a document of one string",
        ),
        pytest.param(
            {
                "type": "document",
                "source": {
                    "type": "content",
                    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                },
            },
            [File("", "text/plain", text="a\n\nb")],
            id="a document of texts",
        ),
        pytest.param(
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}, PNG]}},
            [Text("a"), Image("image/png", "aGk=")],
            id="a document with an image in it",
        ),
        pytest.param(
            {
                "type": "search_result",
                "title": "t",
                "source": "https://x",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            },
            [Text("t\nhttps://x\n\na\n\nb")],
            id="a search result is text",
        ),
    ],
)
def test_what_a_user_says(block: dict[str, Any], parts: list[Part]) -> None:
    said = messages({"role": "user", "content": [{"type": "text", "text": "first"}, block]})
    assert said == (user(Text("first"), *parts),)


def result(**fields: object) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", **fields}]}


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        pytest.param({}, ToolResult("a"), id="no content at all"),
        pytest.param({"content": None}, ToolResult("a"), id="content null"),
        pytest.param({"content": ""}, ToolResult("a"), id="an empty string"),
        pytest.param({"content": []}, ToolResult("a"), id="an empty list"),
        pytest.param({"content": "42"}, ToolResult("a", (Text("42"),)), id="a string"),
        pytest.param({"content": "no", "is_error": True}, ToolResult("a", (Text("no"),), is_error=True), id="an error"),
        pytest.param({"is_error": False}, ToolResult("a"), id="no error"),
        pytest.param(
            {"content": [{"type": "text", "text": "42", "cache_control": EPHEMERAL}, PNG]},
            ToolResult("a", (Text("42"), CachePoint(), Image("image/png", "aGk="))),
            id="a list with an image",
        ),
        pytest.param(
            {"content": [{"type": "document", "source": {"type": "text", "data": "body"}}]},
            ToolResult("a", (File("", "text/plain", text="body"),)),
            id="a document",
        ),
        pytest.param(
            {"content": [{"type": "search_result", "title": "t", "source": "s", "content": []}]},
            ToolResult("a", (Text("t\ns"),)),
            id="a search result",
        ),
        pytest.param(
            {"content": [{"type": "tool_reference", "tool_name": "f"}]},
            ToolResult("a", (Text("f"),)),
            id="a tool reference",
        ),
    ],
)
def test_tool_results(fields: dict[str, Any], outcome: ToolResult) -> None:
    assert messages(result(**fields)) == (Message("tool", (outcome,)),)


def test_results_and_text_of_one_turn_become_two_messages() -> None:
    content = [
        {"type": "tool_result", "tool_use_id": "a", "cache_control": EPHEMERAL},
        {"type": "text", "text": "and now?", "cache_control": EPHEMERAL},
        {"type": "tool_result", "tool_use_id": "b", "content": "2"},
    ]
    assert messages({"role": "user", "content": content}) == (
        Message("tool", (ToolResult("a"), CachePoint(), ToolResult("b", (Text("2"),)))),
        user(Text("and now?"), CachePoint()),
    )


def test_what_the_assistant_said() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "thinking", "thinking": "", "signature": "hidden"},
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "Let me see", "citations": None},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1, "y": "é"}, "caller": {"type": "direct"}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}, "cache_control": EPHEMERAL},
    ]
    assert messages(HI, {"role": "assistant", "content": content}, result(content="1"))[1] == Message(
        "assistant",
        (
            Reasoning("hm", "s"),
            Reasoning("", "hidden"),
            Reasoning("", "x", redacted=True),
            Text("Let me see"),
            ToolCall("a", "f", '{"x":1,"y":"é"}'),
            ToolCall("b", "g", "{}"),
            CachePoint(),
        ),
    )


def test_a_prefill_stays_the_last_message() -> None:
    assert messages(HI, {"role": "assistant", "content": "The answer is ("})[-1] == Message(
        "assistant", (Text("The answer is ("),)
    )


def test_a_summary_in_place_of_earlier_turns_is_kept() -> None:
    compaction = {"role": "assistant", "content": [{"type": "compaction", "content": "so far"}]}
    assert messages(compaction, HI)[0] == Message("assistant", (Text("so far"),))


def test_system_texts_wherever_they_stand() -> None:
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": EPHEMERAL}]
    later = {"role": "system", "content": "later"}
    also = {"role": "system", "content": [{"type": "text", "text": "also"}]}
    assert conversation(system=blocks, messages=[HI, later, HI, also]).messages == (
        Message("system", (Text("a"), Text("b"), CachePoint())),
        user(Text("Hi")),
        Message("system", (Text("later"),)),
        user(Text("Hi")),
        Message("system", (Text("also"),)),
    )
    assert conversation(system="one").messages[0] == Message("system", (Text("one"),))
    assert conversation(system="").messages == conversation(system=[]).messages == (user(Text("Hi")),)


def test_a_cache_hint_on_the_request_means_its_last_block() -> None:
    assert conversation(cache_control={"type": "ephemeral", "ttl": "1h"}).messages == (
        user(Text("Hi"), CachePoint("1h")),
    )


def test_what_claude_code_sends() -> None:
    """The shape of its requests, with all that is unusual in them (version 2.1, read 2026-11)."""
    parsed = parse(
        max_tokens=32000,
        stream=True,
        system=[
            {"type": "text", "text": "You are Claude Code."},
            {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        ],
        messages=[
            {
                "role": "user",
                "content": [{"type": "text", "text": "<reminder>"}, {"type": "text", "text": "list files"}],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "", "signature": "sig"},
                    {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "content": "a\nb",
                        "is_error": False,
                        "cache_control": EPHEMERAL,
                    }
                ],
            },
            {"role": "system", "content": "The date changed."},
        ],
        tools=[{"name": "Bash", "description": "Runs", "input_schema": SCHEMA, "eager_input_streaming": True}],
        metadata={"user_id": '{"device_id":"d","session_id":"s"}'},
        thinking={"type": "adaptive"},
        output_config={"effort": "medium"},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    )
    assert parsed == Parsed(
        Conversation(
            messages=(
                Message("system", (Text("You are Claude Code."), Text("Be brief."), CachePoint("1h"))),
                user(Text("<reminder>"), Text("list files")),
                Message("assistant", (Reasoning("", "sig"), ToolCall("toolu_1", "Bash", '{"command":"ls"}'))),
                Message("tool", (ToolResult("toolu_1", (Text("a\nb"),)), CachePoint())),
                Message("system", (Text("The date changed."),)),
            ),
            tools=(Tool("Bash", "Runs", SCHEMA),),
            max_output_tokens=32000,
            reasoning=ReasoningOptions(True, "medium"),
            user='{"device_id":"d","session_id":"s"}',
        ),
        ("context_management", "tools.eager_input_streaming"),
    )


def test_what_claude_code_sends_for_a_title() -> None:
    parsed = conversation(
        tools=[],
        thinking={"type": "disabled"},
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
    )
    assert (parsed.tools, parsed.reasoning.enabled, parsed.response_format) == (
        (),
        False,
        ResponseFormat("json_schema", SCHEMA),
    )

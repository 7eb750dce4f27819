"""A conversation's messages in a Messages request: turns and blocks, and that they come back as they were."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Reasoning, Text, ToolCall
from switchgear.conversation import (
    CachePoint,
    Conversation,
    File,
    Image,
    Message,
    Part,
    Tool,
    ToolResult,
)
from switchgear.dialects.anthropic_messages import AnthropicMessagesCodec
from switchgear.dialects.anthropic_messages.turns import tool_id
from switchgear.errors import Refusal

CODEC = AnthropicMessagesCodec()
HI = Message("user", (Text("Hi"),))
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
TOOL = Tool("f", "", SCHEMA)
EPHEMERAL = {"type": "ephemeral"}


def render(*messages: Message, **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    rendered = CODEC.render_request(Conversation(messages or (HI,), **fields), "claude", stream=False)
    return json.loads(rendered.body), rendered.dropped


def turns(*messages: Message) -> list[tuple[str, Any]]:
    body, dropped = render(*messages)
    assert dropped == ()
    return [(turn["role"], turn["content"]) for turn in body["messages"]]


def text(words: str, **fields: object) -> dict[str, Any]:
    return {"type": "text", "text": words, **fields}


def test_leading_system_messages_stand_apart_and_later_ones_in_their_place() -> None:
    body, dropped = render(
        Message("system", (Text("a"), CachePoint("1h"))),
        Message("developer", (Text("b"),)),
        HI,
        Message("system", (Text("c"),)),
        Message("developer", (Text("d"),)),
    )
    assert body["system"] == [text("a", cache_control={"type": "ephemeral", "ttl": "1h"}), text("b")]
    assert [turn["role"] for turn in body["messages"]] == ["user", "system"]
    assert body["messages"][1]["content"] == [text("c"), text("d")]
    assert dropped == ("developer_role",)


def test_messages_of_one_role_are_one_turn_and_results_come_first_in_it() -> None:
    assert turns(
        HI,
        Message("user", (Text("there"),)),
        Message("assistant", (Text("Let "),)),
        Message("assistant", (Text("me"), ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "f", ""))),
        Message("tool", (ToolResult("a", (Text("1"),)),)),
        Message("user", (Text("go on"),)),
        Message("tool", (ToolResult("b"), CachePoint())),
    ) == [
        ("user", [text("Hi"), text("there")]),
        (
            "assistant",
            [
                text("Let me"),
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "f", "input": {}},
            ],
        ),
        (
            "user",
            [
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {"type": "tool_result", "tool_use_id": "b", "cache_control": EPHEMERAL},
                text("go on"),
            ],
        ),
    ]


def test_no_system_message_comes_between_calls_and_results() -> None:
    said = turns(
        HI,
        Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}"))),
        Message("system", (Text("mind"),)),
        Message("tool", (ToolResult("a"),)),
        Message("system", (Text("the gap"),)),
        Message("tool", (ToolResult("b"),)),
    )
    assert [role for role, _ in said] == ["user", "assistant", "user", "system"]
    assert [block["tool_use_id"] for block in said[2][1]] == ["a", "b"]
    assert said[3][1] == [text("mind"), text("the gap")]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        pytest.param(
            Image("image/png", "aGk="),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
            id="an image",
        ),
        pytest.param(
            Image(url="https://x/y", detail="auto"),
            {"type": "image", "source": {"type": "url", "url": "https://x/y"}},
            id="an image by its URL",
        ),
        pytest.param(
            File("t", "application/pdf", "aGk="),
            {
                "type": "document",
                "title": "t",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
            },
            id="a PDF",
        ),
        pytest.param(
            File(url="https://x/y"), {"type": "document", "source": {"type": "url", "url": "https://x/y"}}, id="a URL"
        ),
        pytest.param(
            File(media_type="text/markdown", text="body"),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "body"}},
            id="a text",
        ),
        pytest.param(
            File("n.md", "text/markdown", base64.b64encode("é".encode()).decode()),
            {"type": "document", "title": "n.md", "source": {"type": "text", "media_type": "text/plain", "data": "é"}},
            id="a text in base64",
        ),
        pytest.param(
            File("n.json", "application/json", "e30="),
            {
                "type": "document",
                "title": "n.json",
                "source": {"type": "text", "media_type": "text/plain", "data": "{}"},
            },
            id="JSON is text",
        ),
    ],
)
def test_what_a_user_and_a_tool_may_show(part: Image | File, block: dict[str, Any]) -> None:
    assert turns(Message("user", (part,))) == [("user", [block])]
    result = {"type": "tool_result", "tool_use_id": "a", "content": [text("see"), block]}
    assert turns(Message("tool", (ToolResult("a", (Text("see"), part)),))) == [("user", [result])]


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(File("x.zip", "application/zip", "aGk="), id="an archive"),
        pytest.param(File("x", "", "aGk="), id="no media type"),
        pytest.param(File("x.txt", "text/plain", "?"), id="no base64"),
        pytest.param(File("x.txt", "text/plain", "/w=="), id="no UTF-8"),
    ],
)
def test_a_file_without_a_place_is_refused(file: File) -> None:
    with pytest.raises(Refusal) as refused:
        render(Message("user", (file,)))
    assert (refused.value.status, refused.value.code) == (400, "unsupported_content")


def test_a_failed_tool() -> None:
    assert turns(Message("tool", (ToolResult("a", (Text("no"),), is_error=True),))) == [
        ("user", [{"type": "tool_result", "tool_use_id": "a", "content": "no", "is_error": True}])
    ]


def test_earlier_reasoning_needs_its_signature() -> None:
    parts: tuple[Part, ...] = (
        Reasoning("hm", "s"),
        Reasoning("", "hidden"),
        Reasoning("", "x", redacted=True),
        Reasoning("lost"),
        Text("Hi", refusal=True),
    )
    body, dropped = render(HI, Message("assistant", parts))
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "thinking", "thinking": "", "signature": "hidden"},
        {"type": "redacted_thinking", "data": "x"},
        text("Hi"),
    ]
    assert dropped == ("reasoning_history", "refusal")


def test_a_turn_of_nothing_but_lost_reasoning_is_left_out() -> None:
    body, _ = render(HI, Message("assistant", (Reasoning("lost"),)), HI)
    assert body["messages"] == [{"role": "user", "content": [text("Hi"), text("Hi")]}]


@pytest.mark.parametrize(
    ("message", "content"),
    [
        pytest.param(
            Message("assistant", (Text("\n\n"), ToolCall("a", "f", "{}"))),
            [{"type": "tool_use", "id": "a", "name": "f", "input": {}}],
            id="before a call",
        ),
        pytest.param(
            Message("assistant", (Text("a"), Text("\n"), Text("b"))),
            [text("a\nb")],
            id="between texts it belongs to them",
        ),
        pytest.param(Message("user", (Text(" "),)), [text(" ")], id="alone it is all there is"),
    ],
)
def test_texts_of_white_space(message: Message, content: list[dict[str, Any]]) -> None:
    assert turns(message)[0][1] == content


@pytest.mark.parametrize("arguments", ['{"x": ', "[]"])
def test_broken_arguments_in_history_are_wrapped(arguments: str) -> None:
    said = turns(HI, Message("assistant", (ToolCall("a", "f", arguments),)))
    assert said[1][1][0]["input"] == {"INVALID_JSON": arguments}


def test_arguments_keep_their_digits() -> None:
    call = ToolCall("a", "f", '{"x": 1.10}')
    rendered = CODEC.render_request(Conversation((Message("assistant", (call,)),)), "claude", stream=False)
    assert b'{"x": 1.10}' in rendered.body


def test_a_cache_hint_sits_on_the_block_before_it() -> None:
    body, dropped = render(
        Message("user", (CachePoint(), Text("a"), CachePoint(), Text("b"))),
        Message("assistant", (Reasoning("hm", "s"), CachePoint(), Text("c"), CachePoint("1h"), Text("d"))),
        Message("tool", (ToolResult("x", (Text("1"), CachePoint())),)),
        tools=(dataclasses.replace(TOOL, cache="1h"),),
    )
    first, second, third = (turn["content"] for turn in body["messages"])
    assert first == [text("a", cache_control=EPHEMERAL), text("b")]
    assert second[1:] == [text("c", cache_control={"type": "ephemeral", "ttl": "1h"}), text("d")]
    assert third[0]["content"] == [text("1", cache_control=EPHEMERAL)]
    assert body["tools"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert dropped == ("cache_hints",)


def test_image_detail_is_named() -> None:
    assert render(Message("user", (Image(url="https://x", detail="high"),)))[1] == ("image.detail",)


@settings(max_examples=100)
@given(st.text(max_size=60), st.text(max_size=60))
def test_tool_ids_are_fit_and_stay_apart(one: str, other: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", tool_id(one))
    assert (tool_id(one) == tool_id(other)) is (one == other)


def test_a_call_and_its_result_keep_one_id() -> None:
    said = turns(Message("assistant", (ToolCall("f:0", "f", "{}"),)), Message("tool", (ToolResult("f:0"),)))
    assert said[0][1][0]["id"] == said[1][1][0]["tool_use_id"] == tool_id("f:0")


words = st.text(min_size=1, max_size=8).filter(str.strip)
hints = st.lists(st.builds(CachePoint, st.sampled_from(["5m", "1h"])), max_size=1)
shown = st.one_of(
    st.builds(Text, words),
    st.builds(Image, st.just("image/png"), st.just("aGk=")),
    st.builds(File, words, st.just("text/plain"), text=words),
    st.builds(File, st.just(""), url=st.just("https://x/y")),
)
made = st.one_of(
    st.builds(Text, words),
    st.builds(Reasoning, words, words),
    st.builds(Reasoning, st.just(""), words, st.just(True)),
    st.builds(ToolCall, st.uuids().map(str), words, st.dictionaries(words, st.integers()).map(json.dumps)),
)
results = st.builds(ToolResult, st.uuids().map(str), st.lists(shown, max_size=2).map(tuple), st.booleans())


def hinted(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Part, ...]]:
    groups = st.tuples(parts, hints).map(lambda pair: (pair[0], *(pair[1] if cacheable(pair[0]) else ())))
    return st.lists(groups, min_size=1, max_size=3).map(
        lambda groups: tuple(part for group in groups for part in group)
    )


def cacheable(part: Part) -> bool:
    return not isinstance(part, Reasoning)


def merged(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Texts side by side in an assistant's turn are one; arguments are compared by what they say."""
    out: list[Part] = []
    for part in parts:
        if isinstance(part, Text) and out and isinstance(out[-1], Text):
            out[-1] = Text(out[-1].text + part.text)
        elif isinstance(part, ToolCall):
            out.append(ToolCall(part.id, part.name, json.dumps(json.loads(part.arguments))))
        else:
            out.append(part)
    return tuple(out)


@settings(max_examples=80)
@given(
    st.lists(hinted(st.builds(Text, words)), max_size=1),
    st.lists(st.tuples(hinted(shown), hinted(made), st.none() | hinted(results)), min_size=1, max_size=3),
)
def test_messages_come_back_as_they_were(
    system: list[tuple[Part, ...]],
    rounds: list[tuple[tuple[Part, ...], tuple[Part, ...], tuple[Part, ...] | None]],
) -> None:
    messages = [Message("system", parts) for parts in system]
    for asked, answered, given_back in rounds:
        messages += [Message("user", asked), Message("assistant", merged(answered))]
        if given_back is not None:
            messages.append(Message("tool", given_back))
    rendered = CODEC.render_request(Conversation(tuple(messages)), "claude", stream=True)
    parsed = CODEC.parse_request(rendered.body)
    assert (rendered.dropped, parsed.dropped) == ((), ())
    back = [
        Message(m.role, merged(m.parts) if m.role == "assistant" else m.parts) for m in parsed.conversation.messages
    ]
    assert back == messages

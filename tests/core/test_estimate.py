"""The estimate of input tokens: it grows with everything that is sent, and is of the right size."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Conversation, File, Image, Message, Part, Reasoning, Text, Tool, ToolCall, ToolResult
from switchgear.dialects.estimate import estimate_tokens

HELLO = Conversation((Message("user", (Text("Hello, world"),)),))


def with_part(part: Part) -> Conversation:
    return Conversation((Message("user", (Text("Hello, world"), part)),))


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(Text("more words"), id="text"),
        pytest.param(Image(url="https://example.test/a.png"), id="image"),
        pytest.param(File(text="a document of some words"), id="text file"),
        pytest.param(File(media_type="application/pdf", data="A" * 400), id="PDF"),
        pytest.param(ToolCall("c", "weather", '{"city": "Oslo"}'), id="tool call"),
        pytest.param(ToolResult("c", (Text("sunny"),)), id="tool result"),
        pytest.param(ToolResult("c", (Image(url="https://example.test/a.png"),)), id="image in a tool result"),
        pytest.param(Reasoning("hm, let me see"), id="reasoning"),
        pytest.param(Reasoning("", "opaque" * 10, redacted=True), id="redacted reasoning"),
    ],
)
def test_everything_counts(part: Part) -> None:
    assert estimate_tokens(with_part(part)) > estimate_tokens(HELLO)


def test_tools_count() -> None:
    tools = (
        Tool("weather", "Says how it is outside.", {"type": "object", "properties": {"city": {"type": "string"}}}),
    )
    assert estimate_tokens(Conversation(HELLO.messages, tools)) > estimate_tokens(HELLO)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        pytest.param(
            "The quick brown fox jumps over the lazy dog. " * 20, 180, 280, id="English: 200 by the tokenizers"
        ),
        pytest.param("敏捷的棕色狐狸跳过了懒狗。" * 20, 200, 420, id="Chinese: about one a character"),
    ],
)
def test_the_size_is_right(text: str, least: int, most: int) -> None:
    assert least <= estimate_tokens(Conversation((Message("user", (Text(text),)),))) <= most


@settings(max_examples=50)
@given(st.text(), st.text())
def test_more_text_is_never_less(text: str, more: str) -> None:
    def count(said: str) -> int:
        return estimate_tokens(Conversation((Message("user", (Text(said),)),)))

    assert 1 <= count(text) <= count(text + more)

"""Any conversation at all: roles in any order, results of no call, ids used twice, texts that cannot be sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from switchgear import (
    CachePoint,
    Conversation,
    File,
    Image,
    Message,
    Part,
    Reasoning,
    ReasoningOptions,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tests.core.conversations import PIXEL, arguments, words

_BROKEN = ("", " ", "\n", "\ud800", "a\udfff\ud83eb", "\ud83e\udd8a", "\x00")
_texts = st.one_of(words, words, st.sampled_from(_BROKEN))
_ids = st.sampled_from(("", "call_1", "call_2", "call.1", "call_1_2", "é" * 70, "x" * 64, "x" * 65, "\udc00"))
_names = st.sampled_from(("Bash", "read file", "read_file", "", "x" * 63, "x" * 64, "x" * 128, "größe", "\ud800"))
_arguments = st.one_of(
    arguments, st.sampled_from(("null", "[1]", '{"a":', '{"a":"\\ud83e"}', '{"\\uDD8A\\\\ud800":1e999}'))
)
_images = st.just(Image("image/jpg", PIXEL))
_files = st.builds(File, name=st.sampled_from(("", "a.txt")), text=words)

_schemas: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(({}, {"type": "string", "title": ""}, {"const": None}, {"enum": [None]}, {"$schema": "x"}, True)),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(("object", None, ["object", "null"])),
            "properties": st.one_of(
                st.none(),
                st.dictionaries(st.sampled_from(("title", "required", "a\ud800", "$schema")), inner, max_size=2),
            ),
            "required": st.sampled_from(([], ["a"], None)),
            "items": st.one_of(st.none(), inner),
            "anyOf": st.lists(inner, max_size=2),
            "additionalProperties": st.one_of(st.booleans(), inner),
            "default": st.none(),
        },
    ),
    max_leaves=4,
)

_shown = st.one_of(_texts.map(Text), _texts.map(Text), _images, _files, st.just(CachePoint()))
_results = st.builds(ToolResult, _ids, st.lists(_shown, max_size=2).map(tuple), st.booleans())
_reasonings = st.builds(Reasoning, _texts, st.sampled_from(("", "c2lnbmVk", "nøt base64")), st.booleans())
_made = st.one_of(_texts.map(Text), st.builds(ToolCall, _ids, _names, _arguments), _reasonings)


def _message(role: Any, parts: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[Message]:
    listed: st.SearchStrategy[Sequence[Part]] = st.lists(parts, max_size=most)
    return listed.map(lambda found: Message(role, tuple(found)))


messages = st.lists(
    st.one_of(
        _message("system", _texts.map(Text), 2),
        _message("developer", _texts.map(Text), 1),
        _message("user", _shown, 3),
        _message("assistant", _made, 4),
        _message("assistant", _made, 4),
        _message("tool", _results, 3),
        _message("tool", _results, 3),
    ),
    max_size=8,
).map(tuple)
_tools = st.lists(
    st.builds(
        Tool,
        _names,
        st.sampled_from(("", " ", "Reads.", "d" * 10_240, "é" * 20_000)),
        _schemas.filter(lambda s: s is not True),
    ),
    max_size=3,
    unique_by=lambda tool: tool.name,
).map(tuple)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """A conversation that nobody's codec would make, but for what is refused by itself."""
    tools = draw(_tools)
    choices: list[ToolChoice | None] = [None, ToolChoice("none"), ToolChoice("required")]
    choices += [ToolChoice("tool", tool.name) for tool in tools]
    return Conversation(
        messages=draw(messages),
        tools=tools,
        tool_choice=draw(st.sampled_from(choices)),
        parallel_tool_calls=draw(st.sampled_from((None, False))),
        reasoning=draw(st.sampled_from((ReasoningOptions(), ReasoningOptions(enabled=True, budget_tokens=2000)))),
        response_format=draw(st.sampled_from((None, ResponseFormat("json_object")))),
    )

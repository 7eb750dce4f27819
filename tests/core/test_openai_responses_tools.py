"""The tools of a Responses request: functions, custom tools, namespaces, and those that run at a provider's servers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import ToolCall
from switchgear.conversation import Message, Tool, ToolChoice, ToolResult
from switchgear.dialects.codec import Parsed
from switchgear.dialects.openai_responses import OpenAIResponsesCodec
from switchgear.errors import Refusal
from switchgear.events import Text

CODEC = OpenAIResponsesCodec()
Json = dict[str, Any]
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
TEXT_SCHEMA = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}
F: Json = {"type": "function", "name": "f", "description": "Do f.", "parameters": SCHEMA, "strict": True}
G: Json = {"type": "function", "name": "g"}
PATCH: Json = {"type": "custom", "name": "patch", "description": "Edit files."}
FILES: Json = {"type": "namespace", "name": "files", "description": "Files.", "tools": [{**G, "name": "read"}, PATCH]}
SEARCH: Json = {"type": "web_search", "external_web_access": False}


def parse(**fields: object) -> Parsed:
    return CODEC.parse_request(json.dumps({"model": "m", "input": "Hi", **fields}).encode())


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        pytest.param(F, [Tool("f", "Do f.", SCHEMA, strict=True)], id="a function"),
        pytest.param(G, [Tool("g")], id="a function without parameters"),
        pytest.param({"type": "function", "function": {"name": "g"}}, [Tool("g")], id="a function as chat has it"),
        pytest.param({**G, "strict": None, "parameters": None}, [Tool("g")], id="null"),
        pytest.param(PATCH, [Tool("patch", "Edit files.", TEXT_SCHEMA)], id="a custom tool"),
        pytest.param(
            {**PATCH, "format": {"type": "text"}}, [Tool("patch", "Edit files.", TEXT_SCHEMA)], id="of any text"
        ),
        pytest.param(
            {**PATCH, "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}},
            [
                Tool(
                    "patch",
                    "Edit files.\n\nThe input is text that follows this lark grammar:\nstart: /x/",
                    TEXT_SCHEMA,
                )
            ],
            id="of text with a grammar",
        ),
        pytest.param(FILES, [Tool("files__read"), Tool("files__patch", "Edit files.", TEXT_SCHEMA)], id="a namespace"),
    ],
)
def test_tools(tool: Json, expected: list[Tool]) -> None:
    parsed = parse(tools=[tool])
    assert (parsed.conversation.tools, parsed.dropped) == (tuple(expected), ())


@pytest.mark.parametrize(
    "kind",
    ["web_search", "file_search", "code_interpreter", "mcp", "image_generation", "local_shell", "computer_use_preview"],
)
def test_tools_that_run_elsewhere_are_named(kind: str) -> None:
    parsed = parse(tools=[{"type": kind, "anything": [1]}, G])
    assert (parsed.conversation.tools, parsed.dropped) == ((Tool("g"),), (f"tools.{kind}",))


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        pytest.param("f", "tools", id="no list"),
        pytest.param(["f"], "tools.0", id="no object"),
        pytest.param([{"type": "function"}], "tools.0.name", id="a function without a name"),
        pytest.param([F, {**F, "parameters": "x"}], "tools.1.parameters", id="parameters"),
        pytest.param([{"type": "namespace", "tools": []}], "tools.0.name", id="a namespace without a name"),
        pytest.param([{**FILES, "tools": [{"type": "custom"}]}], "tools.0.tools.0.name", id="inside a namespace"),
    ],
)
def test_what_is_malformed_is_refused_by_its_path(tools: object, param: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse(tools=tools)
    assert (refused.value.status, refused.value.code, refused.value.param) == (400, "invalid_request", param)


TOOLS = [F, G, PATCH, FILES, SEARCH]
ALL = ["f", "g", "patch", "files__read", "files__patch"]


@pytest.mark.parametrize(
    ("choice", "expected", "offered", "dropped"),
    [
        pytest.param(None, None, ALL, [], id="not said"),
        pytest.param("auto", ToolChoice("auto"), ALL, [], id="auto"),
        pytest.param("none", ToolChoice("none"), ALL, [], id="none"),
        pytest.param("required", ToolChoice("required"), ALL, [], id="required"),
        pytest.param({"type": "function", "name": "g"}, ToolChoice("tool", "g"), ALL, [], id="a function"),
        pytest.param({"type": "custom", "name": "patch"}, ToolChoice("tool", "patch"), ALL, [], id="a custom tool"),
        pytest.param(
            {"type": "function", "name": "read", "namespace": "files"},
            ToolChoice("tool", "files__read"),
            ALL,
            [],
            id="one of a namespace",
        ),
        pytest.param({"type": "function", "name": "h"}, None, ALL, ["tool_choice"], id="a function nobody declared"),
        pytest.param({"type": "web_search"}, None, ALL, ["tool_choice.web_search"], id="a hosted tool"),
        pytest.param(
            {"type": "allowed_tools", "mode": "auto", "tools": [G, {"type": "custom", "name": "patch"}]},
            ToolChoice("auto"),
            ["g", "patch"],
            [],
            id="some of them",
        ),
        pytest.param(
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice("required"),
            ["f"],
            [],
            id="one of some",
        ),
        pytest.param(
            {"type": "allowed_tools", "mode": "auto", "tools": [{**G, "name": "read", "namespace": "files"}]},
            ToolChoice("auto"),
            ["files__read"],
            [],
            id="some of a namespace",
        ),
        pytest.param(
            {"type": "allowed_tools", "mode": "auto", "tools": [G, {"type": "web_search"}]},
            ToolChoice("auto"),
            ["g"],
            ["tool_choice.allowed_tools"],
            id="some of them, one hosted",
        ),
    ],
)
def test_the_choice_among_tools(
    choice: object, expected: ToolChoice | None, offered: list[str], dropped: list[str]
) -> None:
    parsed = parse(tools=TOOLS, tool_choice=choice)
    assert parsed.conversation.tool_choice == expected
    assert [tool.name for tool in parsed.conversation.tools] == offered
    assert list(parsed.dropped) == sorted([*dropped, "tools.web_search"])


@pytest.mark.parametrize("choice", ["any", 7, {}, {"type": 7}], ids=["a word", "a number", "empty", "odd"])
def test_a_choice_that_is_none_is_refused(choice: object) -> None:
    with pytest.raises(Refusal) as refused:
        parse(tools=[F], tool_choice=choice)
    assert refused.value.param == "tool_choice"


def test_a_call_must_be_possible_to_be_required() -> None:
    parsed = parse(tools=[SEARCH], tool_choice="required")
    assert parsed.conversation.tool_choice is None
    assert parsed.dropped == ("tool_choice", "tools.web_search")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(
            {"type": "custom_tool_call", "name": "patch", "input": "a\nb"},
            ToolCall("a", "patch", '{"input":"a\\nb"}'),
            id="a custom tool's call",
        ),
        pytest.param(
            {"type": "function_call", "name": "read", "namespace": "files", "arguments": "{}"},
            ToolCall("a", "files__read", "{}"),
            id="a call into a namespace",
        ),
        pytest.param(
            {"type": "custom_tool_call", "name": "patch", "namespace": "files", "input": ""},
            ToolCall("a", "files__patch", '{"input":""}'),
            id="a custom tool of a namespace",
        ),
        pytest.param(
            {"type": "function_call", "name": "gone", "namespace": "old", "arguments": "{}"},
            ToolCall("a", "old__gone", "{}"),
            id="a tool that is not declared any more",
        ),
    ],
)
def test_calls_in_the_history(call: Json, expected: ToolCall) -> None:
    kind = call["type"]
    items = [
        {"id": "x_1", "status": "completed", "call_id": "a", **call},
        {"type": f"{kind}_output", "call_id": "a", "output": "ok"},
    ]
    parsed = parse(tools=TOOLS[:-1], input=items)
    assert parsed.conversation.messages == (
        Message("assistant", (expected,)),
        Message("tool", (ToolResult("a", (Text("ok"),)),)),
    )
    assert parsed.dropped == ()


_names = st.sampled_from(("a", "a__b", "b", "b__c", "c", "x" * 40, "x" * 41, "mcp__" + "y" * 59))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(("function", "custom")), st.one_of(st.just(""), _names), _names),
        unique_by=lambda tool: tool[1:],
        max_size=8,
    )
)
def test_names_are_short_and_each_leads_back_to_its_own_tool(declared: list[tuple[str, str, str]]) -> None:
    tools = []
    for kind, namespace, name in declared:
        tool = {"type": kind, "name": name}
        tools.append({"type": "namespace", "name": namespace, "tools": [tool]} if namespace else tool)
    body = json.dumps({"model": "m", "input": "Hi", "tools": tools}).encode()
    flat = [tool.name for tool in CODEC.parse_request(body).conversation.tools]
    assert len(set(flat)) == len(declared)
    assert all(re.fullmatch(r"[\w-]{1,64}", name) for name in flat)
    rendering = CODEC.renderer("1", "m", 0, body)
    for number, name in enumerate(flat):
        rendering.event(ToolCall(f"call_{number}", name, '{"input":"x"}'))
    output = json.loads(rendering.whole())["output"]
    found = [(item["type"].split("_")[0], item.get("namespace", ""), item["name"]) for item in output]
    assert found == declared
    again = json.dumps({"model": "m", "input": output, "tools": tools}).encode()
    (turn,) = CODEC.parse_request(again).conversation.messages if declared else (Message("assistant", ()),)
    assert [part.name for part in turn.parts if isinstance(part, ToolCall)] == flat

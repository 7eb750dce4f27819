"""A conversation as a Responses request, and what of it is left out."""

from __future__ import annotations

import json
from dataclasses import replace
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
    Role,
    Sampling,
    Tool,
    ToolChoice,
    ToolResult,
)
from switchgear.dialects.openai_responses import OpenAIResponsesCodec

CODEC = OpenAIResponsesCodec()
Json = dict[str, Any]
HI = Message("user", (Text("Hi"),))
ASKED = Conversation((HI,))
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}


def render(conversation: Conversation, *, stream: bool = False) -> tuple[Json, list[str]]:
    rendered = CODEC.render_request(conversation, "m", stream=stream)
    return json.loads(rendered.body), list(rendered.dropped)


def items(*messages: Message) -> tuple[list[Json], list[str]]:
    body, dropped = render(Conversation(messages))
    return body["input"], dropped


def text(words: str) -> Json:
    return {"type": "input_text", "text": words}


def test_the_least_there_is() -> None:
    assert render(ASKED) == (
        {
            "model": "m",
            "input": [{"type": "message", "role": "user", "content": [text("Hi")]}],
            "store": False,
            "include": ["reasoning.encrypted_content"],
        },
        [],
    )
    assert render(ASKED, stream=True)[0]["stream"] is True


@pytest.mark.parametrize("role", ["system", "developer", "user"])
def test_who_says_it_and_where(role: Role) -> None:
    found, dropped = items(HI, Message(role, (Text("a"), Text("b"))), HI)
    assert found[1] == {"type": "message", "role": role, "content": [text("a"), text("b")]}
    assert dropped == []


PNG = Image("image/png", "aGk=", detail="low")
PDF = File("a.pdf", "application/pdf", "aGk=")


@pytest.mark.parametrize(
    ("part", "piece", "dropped"),
    [
        pytest.param(
            PNG,
            {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"},
            [],
            id="an image",
        ),
        pytest.param(
            Image(url="https://x.example/a"),
            {"type": "input_image", "image_url": "https://x.example/a"},
            [],
            id="an image by its URL",
        ),
        pytest.param(
            PDF,
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="},
            [],
            id="a file",
        ),
        pytest.param(
            File("", "application/pdf", "aGk="),
            {"type": "input_file", "filename": "document", "file_data": "data:application/pdf;base64,aGk="},
            [],
            id="a file without a name",
        ),
        pytest.param(
            File("a.pdf", url="https://x.example/a.pdf"),
            {"type": "input_file", "filename": "a.pdf", "file_url": "https://x.example/a.pdf"},
            [],
            id="a file by its URL",
        ),
        pytest.param(File("a.txt", text="words"), text("a.txt\nwords"), ["file.text"], id="a text document"),
        pytest.param(File(text="words"), text("words"), ["file.text"], id="a text document without a name"),
    ],
)
def test_parts_of_a_user_and_of_a_tool(part: Image | File, piece: Json, dropped: list[str]) -> None:
    said = items(Message("user", (Text("Hi"), part)))
    assert said == ([{"type": "message", "role": "user", "content": [text("Hi"), piece]}], dropped)
    given = items(Message("tool", (ToolResult("a", (Text("ok"), part)),)))
    assert given == ([{"type": "function_call_output", "call_id": "a", "output": [text("ok"), piece]}], dropped)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param((), "", id="nothing"),
        pytest.param((Text("ok"),), "ok", id="a text"),
        pytest.param((Text("a"), Text("b")), [text("a"), text("b")], id="texts"),
    ],
)
def test_results_of_tools(parts: tuple[Text, ...], expected: object) -> None:
    found, dropped = items(Message("tool", (ToolResult("a", parts), ToolResult("b", (Text("two"),), is_error=True))))
    assert [(item["call_id"], item["output"]) for item in found] == [("a", expected), ("b", "two")]
    assert dropped == ["tool_result.is_error"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(
            (Reasoning("hm", "s"), Text("a"), ToolCall("a", "f", '{"x":1}'), Text("b")),
            [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "s"},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
                {"type": "function_call", "call_id": "a", "name": "f", "arguments": '{"x":1}'},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
            ],
            id="in the order it was made",
        ),
        pytest.param(
            (Text("a"), Text("no", refusal=True)),
            [
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "no"}],
                }
            ],
            id="a refusal",
        ),
        pytest.param(
            (Reasoning("", "s", redacted=True),),
            [{"type": "reasoning", "summary": [], "encrypted_content": "s"}],
            id="sealed reasoning",
        ),
        pytest.param(
            (Reasoning("hm"),),
            [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}],
            id="reasoning without a seal",
        ),
        pytest.param(
            (ToolCall("a", "f", ""),),
            [{"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}],
            id="a call without arguments",
        ),
    ],
)
def test_a_turn_of_the_model(parts: tuple[Part, ...], expected: list[Json]) -> None:
    assert items(Message("assistant", parts)) == (expected, [])


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        pytest.param(
            Tool("f", "Do f.", SCHEMA, strict=True),
            {"type": "function", "name": "f", "description": "Do f.", "parameters": SCHEMA, "strict": True},
            id="all of it",
        ),
        pytest.param(
            Tool("f"),
            {
                "type": "function",
                "name": "f",
                "parameters": {"type": "object", "properties": {}},
                "strict": False,
            },
            id="the least, which is not strict",
        ),
    ],
)
def test_tools(tool: Tool, expected: Json) -> None:
    body, dropped = render(replace(ASKED, tools=(tool,)))
    assert (body["tools"], dropped) == ([expected], [])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, {}, id="not said"),
        pytest.param({"tool_choice": ToolChoice("auto")}, {"tool_choice": "auto"}, id="auto"),
        pytest.param({"tool_choice": ToolChoice("none")}, {"tool_choice": "none"}, id="none"),
        pytest.param({"tool_choice": ToolChoice("required")}, {"tool_choice": "required"}, id="required"),
        pytest.param(
            {"tool_choice": ToolChoice("tool", "f")}, {"tool_choice": {"type": "function", "name": "f"}}, id="one"
        ),
        pytest.param({"parallel_tool_calls": False}, {"parallel_tool_calls": False}, id="one call a turn"),
    ],
)
def test_the_choice_among_tools(fields: Json, expected: Json) -> None:
    body, dropped = render(replace(ASKED, tools=(Tool("f"),), **fields))
    assert {name: body[name] for name in ("tool_choice", "parallel_tool_calls") if name in body} == expected
    assert dropped == []
    without, _ = render(replace(ASKED, **fields))
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & without.keys()


@pytest.mark.parametrize(
    ("fields", "expected", "dropped"),
    [
        pytest.param({"max_output_tokens": 9}, {"max_output_tokens": 9}, [], id="limit"),
        pytest.param(
            {"sampling": Sampling(temperature=0.0, top_p=0.5)}, {"temperature": 0, "top_p": 0.5}, [], id="sampling"
        ),
        pytest.param(
            {"sampling": Sampling(top_k=1, seed=2, presence_penalty=0.1, frequency_penalty=0.2)},
            {},
            ["sampling.frequency_penalty", "sampling.presence_penalty", "sampling.seed", "sampling.top_k"],
            id="other sampling",
        ),
        pytest.param({"stop": ("END",)}, {}, ["stop"], id="stop"),
        pytest.param(
            {"reasoning": ReasoningOptions(effort="xhigh")}, {"reasoning": {"effort": "xhigh"}}, [], id="effort"
        ),
        pytest.param({"reasoning": ReasoningOptions(enabled=True)}, {}, [], id="thinking"),
        pytest.param({"reasoning": ReasoningOptions(False)}, {"reasoning": {"effort": "none"}}, [], id="no thinking"),
        pytest.param(
            {"reasoning": ReasoningOptions(summary="auto")}, {"reasoning": {"summary": "auto"}}, [], id="summary"
        ),
        *(
            pytest.param(
                {"reasoning": ReasoningOptions(budget_tokens=budget)},
                {"reasoning": {"effort": effort}},
                ["reasoning.budget_tokens"],
                id=f"a budget of {budget}",
            )
            for budget, effort in ((1024, "low"), (4096, "medium"), (16_384, "high"))
        ),
        pytest.param(
            {"response_format": ResponseFormat("json_object")},
            {"text": {"format": {"type": "json_object"}}},
            [],
            id="JSON",
        ),
        pytest.param(
            {"response_format": ResponseFormat("json_schema", SCHEMA, "n", "d", strict=True), "verbosity": "low"},
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "n",
                        "schema": SCHEMA,
                        "description": "d",
                        "strict": True,
                    },
                    "verbosity": "low",
                }
            },
            [],
            id="a schema",
        ),
        pytest.param(
            {"response_format": ResponseFormat("json_schema", SCHEMA)},
            {"text": {"format": {"type": "json_schema", "name": "response", "schema": SCHEMA}}},
            [],
            id="a schema without a name",
        ),
        pytest.param({"user": "u"}, {"user": "u"}, [], id="user"),
        pytest.param({"metadata": {"a": "b"}}, {"metadata": {"a": "b"}}, [], id="metadata"),
        pytest.param({"cache_key": "k"}, {"prompt_cache_key": "k"}, [], id="cache key"),
        pytest.param({"service_tier": "flex"}, {"service_tier": "flex"}, [], id="service tier"),
    ],
)
def test_settings(fields: Json, expected: Json, dropped: list[str]) -> None:
    body, named = render(replace(ASKED, **fields))
    given = {name: value for name, value in body.items() if name not in {"model", "input", "store", "include"}}
    assert (given, named) == (expected, dropped)


@pytest.mark.parametrize(
    "conversation",
    [
        pytest.param(Conversation((Message("user", (Text("Hi"), CachePoint())),)), id="on a message"),
        pytest.param(Conversation((Message("assistant", (Text("Hi"), CachePoint())),)), id="on the model's"),
        pytest.param(Conversation((Message("tool", (ToolResult("a"), CachePoint("1h"))),)), id="behind a result"),
        pytest.param(Conversation((Message("tool", (ToolResult("a", (Text("x"), CachePoint())),)),)), id="in a result"),
        pytest.param(replace(ASKED, tools=(Tool("f", cache="5m"),)), id="on a tool"),
    ],
)
def test_cache_hints_are_left_out(conversation: Conversation) -> None:
    body, dropped = render(conversation)
    assert dropped == ["cache_hints"]
    assert "cache" not in json.dumps(body)

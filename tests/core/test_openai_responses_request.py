"""A client's Responses request as a conversation: its items and settings, what is dropped, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear import Reasoning, Text, ToolCall
from switchgear.conversation import (
    Conversation,
    File,
    Image,
    Message,
    ReasoningOptions,
    ResponseFormat,
    Sampling,
    ToolResult,
)
from switchgear.dialects.codec import Parsed
from switchgear.dialects.openai_responses import OpenAIResponsesCodec
from switchgear.errors import Refusal

CODEC = OpenAIResponsesCodec()
Json = dict[str, Any]
PNG = "data:image/png;base64,aGk="
PDF = "data:application/pdf;base64,aGk="
HI = Message("user", (Text("Hi"),))


def parse(**fields: object) -> Parsed:
    return CODEC.parse_request(json.dumps({"model": "m", "input": "Hi", **fields}).encode())


def conversation(**fields: object) -> Conversation:
    parsed = parse(**fields)
    assert parsed.dropped == ()
    return parsed.conversation


def refusal(**fields: object) -> tuple[int, str, str | None]:
    with pytest.raises(Refusal) as refused:
        parse(**fields)
    return refused.value.status, refused.value.code, refused.value.param


def says(role: str, *content: object, **fields: object) -> Json:
    return {"type": "message", "role": role, "content": list(content), **fields}


def text(words: str) -> Json:
    return {"type": "input_text", "text": words}


def call(call_id: str, **fields: object) -> Json:
    return {"type": "function_call", "id": "fc_1", "call_id": call_id, "name": "f", "arguments": "{}", **fields}


def output(call_id: str, said: object = "ok", **fields: object) -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": said, **fields}


SUMMARY = [{"type": "summary_text", "text": "hm"}, {"type": "summary_text", "text": "so"}]


@pytest.mark.parametrize(
    ("items", "messages"),
    [
        pytest.param("Hi", [HI], id="a text"),
        pytest.param([{"role": "user", "content": "Hi"}], [HI], id="no type"),
        pytest.param([says("user", text("Hi"))], [HI], id="a content part"),
        pytest.param([{"role": "user", "content": ["Hi"]}], [HI], id="a bare text in a list"),
        pytest.param([{"role": "user", "content": [{"text": "Hi"}]}], [HI], id="a part without a type"),
        pytest.param([says("user", text("a"), text("b"))], [Message("user", (Text("a"), Text("b")))], id="parts"),
        pytest.param(
            [says("system", text("s")), says("developer", text("d")), says("user", text("Hi"))],
            [Message("system", (Text("s"),)), Message("developer", (Text("d"),)), HI],
            id="system and developer",
        ),
        pytest.param(
            [says("user", text("Hi")), says("system", text("late")), says("user", text("Hi"))],
            [HI, Message("system", (Text("late"),)), HI],
            id="a system message in the middle stays there",
        ),
        pytest.param(
            [says("assistant", {"type": "output_text", "text": "a", "annotations": [{"x": 1}], "logprobs": []})],
            [Message("assistant", (Text("a"),))],
            id="an answer as it was given",
        ),
        pytest.param(
            [{"role": "assistant", "content": "a", "id": "msg_1", "status": "completed", "phase": "commentary"}],
            [Message("assistant", (Text("a"),))],
            id="an answer as a text",
        ),
        pytest.param(
            [says("assistant", {"type": "refusal", "refusal": "no"})],
            [Message("assistant", (Text("no", refusal=True),))],
            id="a refusal",
        ),
        pytest.param(
            [
                {"type": "reasoning", "id": "rs_1", "summary": SUMMARY, "encrypted_content": "s", "content": None},
                says("assistant", {"type": "output_text", "text": "a"}),
                call("a"),
                call("b", arguments='{"x":1}'),
                output("a"),
                output("b", "two"),
                says("assistant", {"type": "output_text", "text": "b"}),
            ],
            [
                Message(
                    "assistant",
                    (Reasoning("hm\n\nso", "s"), Text("a"), ToolCall("a", "f", "{}"), ToolCall("b", "f", '{"x":1}')),
                ),
                Message("tool", (ToolResult("a", (Text("ok"),)), ToolResult("b", (Text("two"),)))),
                Message("assistant", (Text("b"),)),
            ],
            id="a turn of the model, its results, and another turn",
        ),
        pytest.param(
            [{"type": "reasoning", "summary": [], "encrypted_content": "s"}],
            [Message("assistant", (Reasoning("", "s", redacted=True),))],
            id="sealed reasoning",
        ),
        pytest.param(
            [{"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}],
            [Message("assistant", (Reasoning("hm"),))],
            id="reasoning in the open",
        ),
        pytest.param([{"type": "reasoning", "id": "rs_1", "summary": []}], [], id="reasoning that says nothing"),
        pytest.param(
            [call("a", arguments=None)], [Message("assistant", (ToolCall("a", "f", "{}"),))], id="no arguments"
        ),
        pytest.param([output("a", "")], [Message("tool", (ToolResult("a"),))], id="an empty result"),
        pytest.param([output("a", None)], [Message("tool", (ToolResult("a"),))], id="no result"),
        pytest.param(
            [output("a", [text("ok"), {"type": "input_image", "image_url": PNG, "detail": "low"}], id="fco_1")],
            [Message("tool", (ToolResult("a", (Text("ok"), Image("image/png", "aGk=", detail="low"))),))],
            id="a result with an image",
        ),
        pytest.param(
            [output("a", [{"type": "input_file", "filename": "a.pdf", "file_data": PDF}])],
            [Message("tool", (ToolResult("a", (File("a.pdf", "application/pdf", "aGk="),)),))],
            id="a result with a file",
        ),
        pytest.param(
            [says("user", {"type": "input_image", "image_url": "https://x.example/a.png", "file_id": None})],
            [Message("user", (Image(url="https://x.example/a.png"),))],
            id="an image by its URL",
        ),
        pytest.param(
            [says("user", {"type": "input_file", "filename": "a.pdf", "file_data": "aGk="})],
            [Message("user", (File("a.pdf", "application/pdf", "aGk="),))],
            id="a file as bare base64",
        ),
        pytest.param(
            [says("user", {"type": "input_file", "file_url": "https://x.example/a.pdf"})],
            [Message("user", (File(url="https://x.example/a.pdf"),))],
            id="a file by its URL",
        ),
        pytest.param(
            [{"role": "user", "content": "  a\n\tb \n"}], [Message("user", (Text("  a\n\tb \n"),))], id="space"
        ),
    ],
)
def test_items(items: object, messages: list[Message]) -> None:
    assert conversation(input=items).messages == tuple(messages)


def test_instructions_come_first() -> None:
    assert conversation(instructions="Be brief.").messages == (Message("system", (Text("Be brief."),)), HI)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"max_output_tokens": 9}, {"max_output_tokens": 9}, id="limit"),
        pytest.param({"temperature": 0.5, "top_p": 1}, {"sampling": Sampling(temperature=0.5, top_p=1)}, id="sampling"),
        pytest.param({"user": "u"}, {"user": "u"}, id="user"),
        pytest.param({"safety_identifier": "s"}, {"user": "s"}, id="safety identifier"),
        pytest.param({"user": "u", "safety_identifier": "u"}, {"user": "u"}, id="both, the same"),
        pytest.param({"metadata": {"a": "b"}}, {"metadata": {"a": "b"}}, id="metadata"),
        pytest.param({"prompt_cache_key": "k"}, {"cache_key": "k"}, id="cache key"),
        pytest.param({"service_tier": "flex"}, {"service_tier": "flex"}, id="service tier"),
        pytest.param({"text": {"verbosity": "low"}}, {"verbosity": "low"}, id="verbosity"),
        pytest.param({"text": {"format": {"type": "text"}}}, {"response_format": None}, id="plain text"),
        pytest.param(
            {"text": {"format": {"type": "json_object"}}}, {"response_format": ResponseFormat("json_object")}, id="JSON"
        ),
        pytest.param(
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}}},
            {"response_format": ResponseFormat("json_schema", {"type": "object"}, "n", strict=True)},
            id="a schema",
        ),
        pytest.param({"reasoning": {"effort": "low"}}, {"reasoning": ReasoningOptions(effort="low")}, id="effort"),
        pytest.param(
            {"reasoning": {"effort": "none"}}, {"reasoning": ReasoningOptions(enabled=False)}, id="no thinking"
        ),
        pytest.param({"reasoning": {"summary": "auto"}}, {"reasoning": ReasoningOptions(summary="auto")}, id="summary"),
        pytest.param(
            {"reasoning": {"generate_summary": "concise"}},
            {"reasoning": ReasoningOptions(summary="concise")},
            id="summary by its older name",
        ),
        pytest.param({"reasoning": None, "text": None, "metadata": None}, {}, id="null"),
        pytest.param(
            {
                "store": False,
                "stream": True,
                "stream_options": {"include_obfuscation": False},
                "include": ["reasoning.encrypted_content"],
                "truncation": "disabled",
                "previous_response_id": None,
                "background": False,
            },
            {},
            id="what is settled elsewhere",
        ),
    ],
)
def test_settings(fields: Json, expected: Json) -> None:
    found = conversation(**fields)
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.messages == (HI,)


@pytest.mark.parametrize(
    ("fields", "dropped"),
    [
        pytest.param({"truncation": "auto"}, ["truncation"], id="truncation"),
        pytest.param({"client_metadata": {"x": "y"}}, ["client_metadata"], id="Codex's metadata"),
        pytest.param({"max_tool_calls": 3, "top_logprobs": 2}, ["max_tool_calls", "top_logprobs"], id="limits"),
        pytest.param({"prompt_cache_retention": "24h"}, ["prompt_cache_retention"], id="cache retention"),
        pytest.param({"include": ["message.output_text.logprobs"]}, ["include"], id="what else to include"),
        pytest.param({"user": "u", "safety_identifier": "s"}, ["safety_identifier"], id="two names of the user"),
        pytest.param({"reasoning": {"context": "all"}}, ["reasoning.context"], id="inside reasoning"),
        pytest.param({"text": {"tone": "kind"}}, ["text.tone"], id="inside text"),
        pytest.param({"tools": [], "unheard_of": None, "new": {}}, [], id="unknown, but nothing said"),
        pytest.param(
            {"input": [{"type": "web_search_call", "id": "ws_1", "action": {"query": "x"}}, says("user", text("Hi"))]},
            ["input.web_search_call"],
            id="a hosted tool's call",
        ),
        pytest.param(
            {"input": [says("user", {**text("Hi"), "mood": "good"}), says("user", {**text("Hi"), "mood": "bad"})]},
            ["input.content.mood"],
            id="paths have no positions",
        ),
    ],
)
def test_what_has_no_place_is_named(fields: Json, dropped: list[str]) -> None:
    assert list(parse(**fields).dropped) == dropped


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"input": None}, "input", id="no input"),
        pytest.param({"input": 7}, "input", id="input of the wrong type"),
        pytest.param({"input": ["Hi"]}, "input.0", id="an item that is no object"),
        pytest.param({"input": [{"content": "Hi"}]}, "input.0.role", id="no role"),
        pytest.param({"input": [{"role": "tool", "content": "Hi"}]}, "input.0.role", id="an unknown role"),
        pytest.param({"input": [{"role": "user", "content": 7}]}, "input.0.content", id="odd content"),
        pytest.param({"input": [says("user", text("a"), 7)]}, "input.0.content.1", id="an odd part"),
        pytest.param({"input": [says("user", {"type": "input_text", "text": 7})]}, "input.0.content.0.text", id="text"),
        pytest.param({"input": [call("")]}, "input.0.call_id", id="a call without an id"),
        pytest.param({"input": [call("a", name=None)]}, "input.0.name", id="a call without a name"),
        pytest.param({"input": [call("a", arguments={})]}, "input.0.arguments", id="arguments that are no text"),
        pytest.param({"input": [output("")]}, "input.0.call_id", id="a result without an id"),
        pytest.param({"input": [output("a", 7)]}, "input.0.output", id="a result of the wrong type"),
        pytest.param({"instructions": ["x"]}, "instructions", id="instructions"),
        pytest.param({"max_output_tokens": "9"}, "max_output_tokens", id="a limit that is a text"),
        pytest.param({"temperature": True}, "temperature", id="a temperature that is none"),
        pytest.param({"include": "all"}, "include", id="include"),
        pytest.param({"metadata": "x"}, "metadata", id="metadata"),
        pytest.param({"reasoning": "high"}, "reasoning", id="reasoning"),
        pytest.param({"text": {"format": {"type": "xml"}}}, "text.format.type", id="an unknown format"),
        pytest.param({"text": {"format": {}}}, "text.format.type", id="a format without a type"),
    ],
)
def test_what_is_malformed_is_refused_by_its_path(fields: Json, param: str) -> None:
    assert refusal(**fields) == (400, "invalid_request", param)


@pytest.mark.parametrize(
    ("part", "param"),
    [
        pytest.param({"type": "input_image", "file_id": "file_1"}, "image_url", id="an image kept elsewhere"),
        pytest.param({"type": "input_file", "file_id": "file_1"}, "", id="a file kept elsewhere"),
        pytest.param({"type": "input_audio", "input_audio": {"data": "x"}}, "type", id="audio"),
    ],
)
@pytest.mark.parametrize("inside", ["content", "output"])
def test_content_that_cannot_be_left_out_is_refused(part: Json, param: str, inside: str) -> None:
    item = says("user", part) if inside == "content" else output("a", [part])
    path = f"input.0.{inside}.0"
    assert refusal(input=[item]) == (400, "unsupported_content", f"{path}.{param}".removesuffix("."))


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"type": "item_reference", "id": "msg_1"}, id="a reference"),
        pytest.param({"type": "compaction", "encrypted_content": "x"}, id="a sealed conversation"),
    ],
)
def test_items_that_hold_what_only_their_maker_knows_are_refused(item: Json) -> None:
    assert refusal(input=[item]) == (400, "unsupported_content", "input.0.type")


def test_an_image_where_there_can_be_none_is_refused() -> None:
    item = says("developer", {"type": "input_image", "image_url": PNG})
    assert refusal(input=[item]) == (400, "unsupported_content", "input.0.content.0.type")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("prompt", {"id": "pmpt_1"}),
        ("background", True),
    ],
)
def test_what_the_gateway_cannot_do_is_refused(name: str, value: object) -> None:
    assert refusal(**{name: value}) == (400, "unsupported_parameter", name)


@pytest.mark.parametrize("body", [b"[]", b"7", b"{", b"[" * 100_000], ids=["a list", "a number", "cut", "nested"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal, match="400 invalid_request"):
        CODEC.parse_request(body)

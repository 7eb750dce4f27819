"""The Responses codec by itself: what clients send, tools that are no plain functions, and streams of other makers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear import (
    Conversation,
    Event,
    Finish,
    Message,
    Reasoning,
    ReasoningOptions,
    Text,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    ToolResult,
    Usage,
)
from switchgear.dialects import OPENAI_RESPONSES, Parsed
from switchgear.dialects.fold import fold
from switchgear.errors import Refusal


def parse(**fields: Any) -> Parsed:
    return OPENAI_RESPONSES.parse_request(json.dumps({"model": "m", "input": "Hi", **fields}).encode())


def conversation(**fields: Any) -> Conversation:
    parsed = parse(**fields)
    assert parsed.dropped == ()
    return parsed.conversation


HI = Message("user", (Text("Hi"),))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("Hi", (HI,), id="a text"),
        pytest.param([{"role": "user", "content": "Hi"}], (HI,), id="without a type"),
        pytest.param(
            [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}], (HI,), id="parts"
        ),
        pytest.param(
            [{"role": "developer", "content": "Be brief."}],
            (Message("developer", (Text("Be brief."),)),),
            id="developer",
        ),
        pytest.param(
            [
                {
                    "type": "reasoning",
                    "id": "rs_1",
                    "summary": [{"type": "summary_text", "text": "hm"}],
                    "encrypted_content": "s",
                },
                {
                    "type": "message",
                    "id": "msg_1",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "Ho", "annotations": []}],
                },
                {
                    "type": "function_call",
                    "id": "fc_1",
                    "call_id": "c",
                    "name": "f",
                    "arguments": "{}",
                    "status": "completed",
                },
                {"type": "function_call_output", "call_id": "c", "output": "done"},
            ],
            (
                Message("assistant", (Reasoning("hm", "s"), Text("Ho"), ToolCall("c", "f", "{}"))),
                Message("tool", (ToolResult("c", (Text("done"),)),)),
            ),
            id="one turn of several items, ids echoed",
        ),
        pytest.param(
            [{"type": "reasoning", "summary": [], "encrypted_content": "s"}],
            (Message("assistant", (Reasoning("", "s", redacted=True),)),),
            id="sealed reasoning",
        ),
    ],
)
def test_what_input_may_be(given: object, expected: tuple[Message, ...]) -> None:
    assert conversation(input=given).messages == expected


def test_instructions_come_first() -> None:
    assert conversation(instructions="Be brief.").messages == (Message("system", (Text("Be brief."),)), HI)


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        pytest.param(
            {"previous_response_id": "resp_1"}, "previous_response_id", "unsupported_parameter", id="previous response"
        ),
        pytest.param(
            {"conversation": "conv_1"}, "conversation", "unsupported_parameter", id="conversation kept elsewhere"
        ),
        pytest.param({"prompt": {"id": "p"}}, "prompt", "unsupported_parameter", id="prompt kept elsewhere"),
        pytest.param({"background": True}, "background", "unsupported_parameter", id="background"),
        pytest.param(
            {"input": [{"type": "item_reference", "id": "x"}]}, "input.0.type", "unsupported_content", id="reference"
        ),
        pytest.param(
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input.0.content.0.image_url",
            "unsupported_content",
            id="image kept elsewhere",
        ),
        pytest.param(
            {"input": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "input.0.content.0.type",
            "unsupported_content",
            id="audio",
        ),
        pytest.param({"input": 7}, "input", "invalid_request", id="malformed"),
        pytest.param({"temperature": "hot"}, "temperature", "invalid_request", id="wrong type"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse(**fields)
    assert (refused.value.status, refused.value.code, refused.value.param) == (400, code, param)


@pytest.mark.parametrize(
    ("fields", "dropped"),
    [
        pytest.param({"tools": [{"type": "web_search"}]}, ("tools.web_search",), id="a hosted tool"),
        pytest.param({"client_metadata": {"a": "b"}}, ("client_metadata",), id="Codex's client_metadata"),
        pytest.param({"truncation": "auto"}, ("truncation",), id="truncation"),
        pytest.param(
            {"truncation": "disabled", "include": ["reasoning.encrypted_content"], "store": False}, (), id="defaults"
        ),
        pytest.param(
            {"input": [{"type": "web_search_call", "id": "ws"}, {"role": "user", "content": "Hi"}]},
            ("input.web_search_call",),
            id="a hosted tool's call",
        ),
        pytest.param(
            {"max_tool_calls": 3, "top_logprobs": 2}, ("max_tool_calls", "top_logprobs"), id="fields nobody else has"
        ),
    ],
)
def test_what_is_named_as_dropped(fields: dict[str, Any], dropped: tuple[str, ...]) -> None:
    assert parse(**fields).dropped == dropped


FUNCTION = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": False}
CUSTOM = {
    "type": "custom",
    "name": "patch",
    "description": "Patches.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"},
}
SPACE = {
    "type": "namespace",
    "name": "files",
    "description": "Files.",
    "tools": [{"type": "function", "name": "read", "parameters": {}}],
}


def test_every_kind_of_tool_is_a_function_to_the_upstream() -> None:
    plain, patch, read = conversation(tools=[FUNCTION, CUSTOM, SPACE]).tools
    assert plain == Tool("f", "d", {"type": "object"}, strict=False)
    assert patch.name == "patch"
    assert "start: /x/" in patch.description
    assert patch.parameters["required"] == ["input"]
    assert read.name == "files__read"


def rendered(events: list[Event], **request: Any) -> tuple[list[tuple[str, dict[str, Any]]], dict[str, Any]]:
    """The stream's events by name, and the response object of the last."""
    body = json.dumps({"model": "m", "input": "Hi", "stream": True, **request}).encode()
    renderer = OPENAI_RESPONSES.renderer("req_1", "m", 1, body)
    stream = b"".join([renderer.start(), *map(renderer.event, events), renderer.end()])
    found = []
    for block in stream.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    assert [data["sequence_number"] for _, data in found] == list(range(len(found)))
    assert all(name == data["type"] for name, data in found)
    assert json.loads(renderer.whole()) == found[-1][1]["response"]
    return found, found[-1][1]["response"]


def test_a_custom_tools_call_comes_back_as_its_text() -> None:
    call: list[Event] = [
        ToolCallDelta(0, '{"inp', "c", "patch"),
        ToolCallDelta(0, 'ut": "*** \\"x\\""}'),
        Finish("tool_calls"),
    ]
    stream, response = rendered(call, tools=[CUSTOM])
    (item,) = response["output"]
    assert (item["type"], item["call_id"], item["name"], item["input"]) == ("custom_tool_call", "c", "patch", '*** "x"')
    deltas = [data["delta"] for name, data in stream if name == "response.custom_tool_call_input.delta"]
    assert "".join(deltas) == '*** "x"'


def test_a_namespaces_call_comes_back_under_its_own_name() -> None:
    _, response = rendered([ToolCall("c", "files__read", "{}"), Finish("tool_calls")], tools=[SPACE])
    (item,) = response["output"]
    assert (item["type"], item["namespace"], item["name"]) == ("function_call", "files", "read")


@pytest.mark.parametrize(
    "item",
    [
        {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "x"},
        {"type": "function_call", "call_id": "c", "namespace": "files", "name": "read", "arguments": '{"input": "x"}'},
    ],
    ids=lambda item: item["type"],
)
def test_their_history_calls_the_same_function(item: dict[str, Any]) -> None:
    found = conversation(tools=[CUSTOM, SPACE], input=[item])
    (call,) = found.messages[0].parts
    assert isinstance(call, ToolCall)
    assert call.name in {tool.name for tool in found.tools}
    assert json.loads(call.arguments) == {"input": "x"}


def test_long_names_in_a_namespace_stay_apart() -> None:
    tools = [
        {"type": "namespace", "name": "n" * 60, "tools": [{"type": "function", "name": f"tool_{i}"} for i in range(3)]}
    ]
    names = [tool.name for tool in conversation(tools=tools).tools]
    assert len(set(names)) == 3
    assert all(len(name) <= 64 for name in names)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "f"}, ToolChoice("tool", "f")),
        ({"type": "custom", "name": "patch"}, ToolChoice("tool", "patch")),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice("required"),
        ),
    ],
    ids=["auto", "none", "required", "function", "custom", "allowed"],
)
def test_the_choice_of_a_tool(choice: object, expected: ToolChoice) -> None:
    found = conversation(tools=[FUNCTION, CUSTOM], tool_choice=choice)
    assert found.tool_choice == expected
    if isinstance(choice, dict) and choice["type"] == "allowed_tools":
        assert [tool.name for tool in found.tools] == ["f"]


def test_reasoning_and_text_settings() -> None:
    found = conversation(
        reasoning={"effort": "high", "summary": "auto"},
        text={
            "verbosity": "low",
            "format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}, "strict": True},
        },
        safety_identifier="ann",
    )
    assert found.reasoning == ReasoningOptions(effort="high", summary="auto")
    assert found.verbosity == "low"
    assert found.response_format is not None
    assert (found.response_format.name, found.response_format.strict) == ("a", True)
    assert found.user == "ann"


def test_a_response_has_what_the_sdk_needs() -> None:
    stream, response = rendered(
        [Reasoning("hm"), Reasoning("", "s"), Text("Hel"), Text("lo"), Usage(3, 5, 1, None, 2), Finish("length")],
        temperature=0.5,
    )
    assert [name for name, _ in stream] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ]
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["temperature"] == 0.5
    assert [item["type"] for item in response["output"]] == ["reasoning", "message"]
    assert response["output"][0]["encrypted_content"] == "s"
    usage = response["usage"]
    assert (usage["total_tokens"], usage["input_tokens_details"]["cached_tokens"]) == (8, 1)
    assert usage["output_tokens_details"]["reasoning_tokens"] == 2


def event(**data: Any) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": '{"x": 1}'}
END = {"status": "completed", "usage": {"input_tokens": 3, "output_tokens": 5}}


@pytest.mark.parametrize(
    ("parts", "expected", "reason"),
    [
        pytest.param(
            [event(type="response.completed", response={**END, "output": [MESSAGE, CALL]})],
            (Text("Hello"), ToolCall("c", "f", '{"x": 1}')),
            "tool_calls",
            id="all of it in the last event",
        ),
        pytest.param(
            [
                event(type="response.output_item.done", output_index=0, item=MESSAGE),
                event(type="response.completed", response={**END, "output": [MESSAGE]}),
            ],
            (Text("Hello"),),
            "stop",
            id="items without deltas",
        ),
        pytest.param(
            [
                event(type="response.output_text.delta", output_index=0, delta="Hel"),
                event(type="response.output_text.delta", output_index=0, delta="lo"),
                event(type="response.output_item.done", output_index=0, item=MESSAGE),
                event(type="response.completed", response={**END, "output": [MESSAGE]}),
            ],
            (Text("Hello"),),
            "stop",
            id="said three times, counted once",
        ),
        pytest.param(
            [
                event(type="response.output_item.added", output_index=0, item={**CALL, "arguments": ""}),
                event(type="response.output_item.done", output_index=0, item=CALL),
                event(type="response.completed", response=END),
            ],
            (ToolCall("c", "f", '{"x": 1}'),),
            "tool_calls",
            id="arguments only at the end",
        ),
        pytest.param(
            [
                event(type="response.reasoning_summary_text.delta", output_index=0, summary_index=0, delta="one"),
                event(type="response.reasoning_summary_text.delta", output_index=0, summary_index=1, delta="two"),
                event(
                    type="response.output_item.done",
                    output_index=0,
                    item={"type": "reasoning", "encrypted_content": "s"},
                ),
                event(
                    type="response.incomplete",
                    response={"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
                ),
            ],
            (Reasoning("one\n\ntwo", "s"),),
            "content_filter",
            id="reasoning in parts, then a filter",
        ),
    ],
)
def test_streams_of_other_makers(parts: list[bytes], expected: tuple[Any, ...], reason: str) -> None:
    parser = OPENAI_RESPONSES.parser()
    events = [found for part in parts for found in parser.feed(part)]
    rest, problem = parser.end()
    assert (rest, problem, parser.done) == ([], "", True)
    folded = fold(events)
    assert folded.message.parts == expected
    assert folded.finish.reason == reason


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(event(type="error", code="server_error", message="busy"), id="error"),
        pytest.param(
            event(type="response.failed", response={"error": {"code": "server_error", "message": "busy"}}), id="failed"
        ),
        pytest.param(b'data: {"error": {"message": "busy"}}\n\n', id="OpenAI's envelope as an event"),
    ],
)
def test_every_way_to_fail(failure: bytes) -> None:
    for reader in (OPENAI_RESPONSES.parser(), OPENAI_RESPONSES.watch()):
        reader.feed(failure)
        assert reader.error is not None
        assert b"busy" in reader.error

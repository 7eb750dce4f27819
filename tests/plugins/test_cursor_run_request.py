"""The first message of a run, field by field; and what the wire has no field for."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import msgspec
import pytest

from switchgear import (
    CachePoint,
    Conversation,
    File,
    Image,
    Message,
    Reasoning,
    ReasoningOptions,
    ResponseFormat,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from switchgear_cursor.blobs import Blobs
from switchgear_cursor.parameters import left_out
from switchgear_cursor.proto.agent_pb2 import AgentClientMessage, AgentRunRequest
from switchgear_cursor.run_request import ModelChoice, Run, start
from tests.plugins.cursor_frames import WEATHER, conversation, started

SYSTEM = Message("system", (Text("s"),))
HI = Message("user", (Text("hi"),))


def request_of(run: Run) -> AgentRunRequest:
    message = AgentClientMessage.FromString(run.message)
    assert message.WhichOneof("message") == "run_request"
    return message.run_request


def test_a_blob_is_named_by_its_digest() -> None:
    blobs = Blobs()
    blob_id = blobs.keep_json({"role": "system", "content": "s"})
    assert blob_id.hex() == "20cb7585802aa717b22f347e22cb3c1712c28e1b034ed7732ec971d69983881d"
    assert blobs.get(blob_id) == b'{"role":"system","content":"s"}'
    assert blobs.size == 31


def test_a_question_is_the_action_and_all_before_it_are_blobs() -> None:
    run = started(messages=(SYSTEM, HI, Message("assistant", (Text("ho"),)), Message("user", (Text("what?"),))))
    request = request_of(run)
    blobs = [run.blobs.get(blob_id) or b"" for blob_id in request.conversation_state.root_prompt_messages_json]
    assert [msgspec.json.decode(blob)["role"] for blob in blobs] == ["system", "user", "assistant"]
    assert request.conversation_state.mode == 1
    assert request.conversation_id == "c0ffee"
    assert request.client_supports_inline_images
    said = request.action.user_message_action.user_message
    assert (said.text, said.mode, uuid.UUID(said.message_id).version) == ("what?", 1, 4)
    assert not request.HasField("mcp_tools")
    assert request.action.user_message_action.request_context.env.time_zone == "UTC"


def test_the_state_is_never_empty() -> None:
    assert request_of(started()).conversation_state.ByteSize() > 0


def test_results_are_resumed_from() -> None:
    call, result = ToolCall("c", "get_weather", "{}"), ToolResult("c", (Text("22C"),))
    request = request_of(started(WEATHER, messages=(HI, Message("assistant", (call,)), Message("tool", (result,)))))
    assert request.action.WhichOneof("action") == "resume_action"
    assert [tool.name for tool in request.action.resume_action.request_context.tools] == ["get_weather"]
    assert len(request.conversation_state.root_prompt_messages_json) == 3


def test_tools_are_told_in_both_places() -> None:
    request = request_of(started(WEATHER))
    assert list(request.mcp_tools.tools) == list(request.action.user_message_action.request_context.tools)
    assert request.mcp_tools.tools[0].tool_name == "get_weather"


def test_images_of_the_question_are_sent_as_they_are() -> None:
    image = Image("image/png", base64.b64encode(b"png").decode())
    request = request_of(started(messages=(Message("user", (Text("look"), image)),)))
    (shown,) = request.action.user_message_action.user_message.selected_context.selected_images
    assert (shown.mime_type, shown.data, uuid.UUID(shown.uuid).version) == ("image/png", b"png", 4)


@pytest.mark.parametrize(
    ("choice", "details", "requested"),
    [
        pytest.param(ModelChoice("m"), ("m", False, False), ("m", False, {}), id="plain"),
        pytest.param(
            ModelChoice("m", (("effort", "high"),), max_mode=True), ("m", True, True), ("m", True, {"effort": "high"}), id="Max Mode"
        ),
        pytest.param(
            ModelChoice("m", (("effort", "high"),), with_details=False), None, ("m", False, {"effort": "high"}), id="alone"
        ),
    ],
)  # fmt: skip
def test_the_model_is_said_in_both_places(choice: ModelChoice, details: Any, requested: Any) -> None:
    request = request_of(start(conversation(), choice, "c"))
    said = request.model_details
    if details is None:
        assert not request.HasField("model_details")
    else:
        assert (said.model_id, said.HasField("max_mode"), said.max_mode) == details
        assert said.display_model_id == said.display_name == said.model_id
    asked = request.requested_model
    assert (asked.model_id, asked.max_mode, {p.id: p.value for p in asked.parameters}) == requested


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"stop": ("END",), "parallel_tool_calls": False, "cache_key": "k"}, [], id="what the gateway keeps"),
        pytest.param(
            {"sampling": Sampling(0.0, 1.0, 5, 7, 0.1, 0.2)},
            [f"sampling.{name}" for name in ("frequency_penalty", "presence_penalty", "seed", "temperature", "top_k", "top_p")],
            id="sampling",
        ),
        pytest.param({"max_output_tokens": 5}, ["max_output_tokens"], id="limit"),
        pytest.param({"response_format": ResponseFormat("json_object")}, ["response_format"], id="form"),
        pytest.param({"tool_choice": ToolChoice("auto")}, [], id="free choice"),
        pytest.param({"tool_choice": ToolChoice("none")}, [], id="no tool"),
        pytest.param({"tool_choice": ToolChoice("required")}, ["tool_choice"], id="forced call"),
        pytest.param({"tool_choice": ToolChoice("tool", "clock")}, ["tool_choice"], id="forced call of one"),
        pytest.param({"tools": (Tool("a", strict=True, cache="5m"),)}, ["cache_hints", "tools.strict"], id="tools"),
        pytest.param({"reasoning": ReasoningOptions(budget_tokens=9, summary="auto")}, ["reasoning.budget_tokens", "reasoning.summary"], id="reasoning"),
        pytest.param({"verbosity": "low", "user": "u", "metadata": {"a": "b"}}, ["metadata", "user", "verbosity"], id="labels"),
        pytest.param({"messages": (Message("developer", (Text("a"), CachePoint())),)}, ["cache_hints", "developer_role"], id="developer"),
        pytest.param({"messages": (Message("assistant", (Reasoning("hm", "sig"),)),)}, ["reasoning_history"], id="earlier reasoning"),
        pytest.param({"messages": (Message("user", (Image(data="x", detail="low"), File(text="x"))),)}, ["file.text", "image.detail"], id="details"),
        pytest.param({"messages": (Message("tool", (ToolResult("c", (Image(data="x"), CachePoint())),)),)}, ["cache_hints", "tool_result.images"], id="results"),
    ],
)  # fmt: skip
def test_what_is_left_out_is_named(asked: dict[str, Any], names: list[str]) -> None:
    assert list(left_out(Conversation(**{"messages": (HI,), **asked}))) == names

"""The tools and settings of a client's Messages request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear import Text
from switchgear.conversation import (
    Conversation,
    Message,
    Part,
    ReasoningOptions,
    ResponseFormat,
    Sampling,
    Tool,
    ToolChoice,
)
from switchgear.dialects.anthropic_messages import AnthropicMessagesCodec
from switchgear.dialects.codec import Parsed

CODEC = AnthropicMessagesCodec()
HI = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
TOOL = {"name": "f", "input_schema": SCHEMA}
EPHEMERAL = {"type": "ephemeral"}


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
    ("tool", "parsed"),
    [
        pytest.param(TOOL, Tool("f", "", SCHEMA), id="plain"),
        pytest.param({**TOOL, "type": "custom", "description": "d"}, Tool("f", "d", SCHEMA), id="custom"),
        pytest.param({**TOOL, "type": None, "strict": True}, Tool("f", "", SCHEMA, strict=True), id="strict"),
        pytest.param({**TOOL, "cache_control": EPHEMERAL}, Tool("f", "", SCHEMA, cache="5m"), id="a cache hint"),
        pytest.param({"name": "f"}, Tool("f"), id="no schema"),
        pytest.param({**TOOL, "eager_input_streaming": False, "defer_loading": False}, Tool("f", "", SCHEMA), id="off"),
        pytest.param({**TOOL, "allowed_callers": ["direct"]}, Tool("f", "", SCHEMA), id="called directly"),
    ],
)
def test_tools(tool: dict[str, Any], parsed: Tool) -> None:
    assert conversation(tools=[tool]).tools == (parsed,)


@pytest.mark.parametrize(
    ("given", "choice", "parallel"),
    [
        pytest.param(None, None, None, id="not said"),
        pytest.param({"type": "auto"}, ToolChoice("auto"), None, id="auto"),
        pytest.param({"type": "any"}, ToolChoice("required"), None, id="any"),
        pytest.param({"type": "none"}, ToolChoice("none"), None, id="none"),
        pytest.param({"type": "tool", "name": "f"}, ToolChoice("tool", "f"), None, id="one tool"),
        pytest.param({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required"), False, id="one call"),
        pytest.param({"type": "auto", "disable_parallel_tool_use": False}, ToolChoice("auto"), True, id="many calls"),
    ],
)
def test_tool_choice(given: object, choice: ToolChoice | None, parallel: bool | None) -> None:
    parsed = conversation(tools=[TOOL], tool_choice=given)
    assert (parsed.tool_choice, parsed.parallel_tool_calls) == (choice, parallel)


@pytest.mark.parametrize(
    "choice",
    [pytest.param({"type": "tool", "name": "web_search"}, id="named"), pytest.param({"type": "any"}, id="any")],
)
def test_a_choice_of_a_tool_that_was_dropped_goes_with_it(choice: dict[str, str]) -> None:
    parsed = parse(tools=[{"type": "web_search_20250305", "name": "web_search"}], tool_choice=choice)
    assert parsed.conversation.tool_choice is None
    assert parsed.dropped == ("tool_choice", "tools.web_search_20250305")


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        pytest.param({}, ReasoningOptions(), id="not said"),
        pytest.param({"thinking": {"type": "adaptive"}}, ReasoningOptions(True), id="adaptive"),
        pytest.param({"thinking": {"type": "disabled"}}, ReasoningOptions(False), id="disabled"),
        pytest.param(
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            ReasoningOptions(True, budget_tokens=2048),
            id="a budget",
        ),
        pytest.param(
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "xhigh"}},
            ReasoningOptions(True, "xhigh", summary="auto"),
            id="an effort, summarized",
        ),
        pytest.param(
            {"thinking": {"type": "adaptive", "display": "omitted"}},
            ReasoningOptions(True, summary="none"),
            id="hidden",
        ),
        pytest.param({"output_config": {"effort": "low"}}, ReasoningOptions(effort="low"), id="an effort alone"),
    ],
)
def test_reasoning(fields: dict[str, Any], options: ReasoningOptions) -> None:
    assert conversation(**fields).reasoning == options


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, id="output_config"),
        pytest.param({"output_format": {"type": "json_schema", "schema": SCHEMA}}, id="its name as a beta"),
    ],
)
def test_response_format(fields: dict[str, Any]) -> None:
    assert conversation(**fields).response_format == ResponseFormat("json_schema", SCHEMA)


def test_the_other_settings() -> None:
    parsed = conversation(
        stream=True,
        temperature=0.5,
        top_p=1,
        top_k=4,
        stop_sequences=["END", ""],
        metadata={"user_id": '{"session": 1}'},
        service_tier="standard_only",
    )
    assert parsed == Conversation(
        (user(Text("Hi")),),
        max_output_tokens=9,
        stop=("END",),
        sampling=Sampling(temperature=0.5, top_p=1, top_k=4),
        user='{"session": 1}',
        service_tier="standard_only",
    )


def test_a_token_count_has_no_limit() -> None:
    assert conversation(max_tokens=None).max_output_tokens is None

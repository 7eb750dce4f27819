"""A conversation's tools and settings in a Messages request, and what is named as dropped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import strategies as st

from switchgear import Text
from switchgear.conversation import (
    Conversation,
    Message,
    ReasoningOptions,
    ResponseFormat,
    Sampling,
    Tool,
    ToolChoice,
)
from switchgear.dialects.anthropic_messages import AnthropicMessagesCodec

CODEC = AnthropicMessagesCodec()
HI = Message("user", (Text("Hi"),))
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
TOOL = Tool("f", "", SCHEMA)


def render(*messages: Message, **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    rendered = CODEC.render_request(Conversation(messages or (HI,), **fields), "claude", stream=False)
    return json.loads(rendered.body), rendered.dropped


def text(words: str, **fields: object) -> dict[str, Any]:
    return {"type": "text", "text": words, **fields}


def test_the_least_there_is() -> None:
    body, dropped = render()
    assert body == {"model": "claude", "max_tokens": 8192, "messages": [{"role": "user", "content": [text("Hi")]}]}
    assert dropped == ()


def test_a_stream_is_asked_for() -> None:
    assert json.loads(CODEC.render_request(Conversation((HI,)), "claude", stream=True).body)["stream"] is True


@pytest.mark.parametrize(
    ("tool", "rendered"),
    [
        pytest.param(
            Tool("f", "d", SCHEMA, strict=True),
            {"name": "f", "description": "d", "input_schema": SCHEMA, "strict": True},
            id="all fields",
        ),
        pytest.param(
            Tool("f"), {"name": "f", "input_schema": {"type": "object", "properties": {}}}, id="no parameters"
        ),
        pytest.param(
            Tool("f", parameters={"properties": {}}),
            {"name": "f", "input_schema": {"type": "object", "properties": {}}},
            id="a schema without a type",
        ),
    ],
)
def test_tools(tool: Tool, rendered: dict[str, Any]) -> None:
    assert render(tools=(tool,))[0]["tools"] == [rendered]


@pytest.mark.parametrize(
    ("choice", "parallel", "rendered"),
    [
        pytest.param(None, None, None, id="not said"),
        pytest.param(ToolChoice("auto"), None, {"type": "auto"}, id="auto"),
        pytest.param(ToolChoice("none"), False, {"type": "none"}, id="none"),
        pytest.param(ToolChoice("required"), None, {"type": "any"}, id="required"),
        pytest.param(ToolChoice("tool", "f"), None, {"type": "tool", "name": "f"}, id="one tool"),
        pytest.param(None, False, {"type": "auto", "disable_parallel_tool_use": True}, id="one call"),
        pytest.param(
            ToolChoice("required"), True, {"type": "any", "disable_parallel_tool_use": False}, id="many calls"
        ),
    ],
)
def test_tool_choice(choice: ToolChoice | None, parallel: bool | None, rendered: object) -> None:
    body, dropped = render(tools=(TOOL,), tool_choice=choice, parallel_tool_calls=parallel)
    assert (body.get("tool_choice"), dropped) == (rendered, ())


def test_without_tools_nothing_is_said_of_them() -> None:
    body, dropped = render(tool_choice=ToolChoice("auto"), parallel_tool_calls=False)
    assert (body.keys() & {"tools", "tool_choice"}, dropped) == (set(), ())


@pytest.mark.parametrize(
    ("options", "fields", "dropped"),
    [
        pytest.param(ReasoningOptions(), {}, [], id="not said"),
        pytest.param(ReasoningOptions(True), {"thinking": {"type": "adaptive"}}, [], id="enabled"),
        pytest.param(ReasoningOptions(False), {"thinking": {"type": "disabled"}}, [], id="disabled"),
        pytest.param(ReasoningOptions(effort="none"), {"thinking": {"type": "disabled"}}, [], id="effort none"),
        pytest.param(
            ReasoningOptions(effort="high"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            [],
            id="an effort",
        ),
        pytest.param(
            ReasoningOptions(effort="minimal"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
            ["reasoning.effort"],
            id="minimal effort",
        ),
        pytest.param(ReasoningOptions(effort="heroic"), {}, ["reasoning.effort"], id="an unknown effort"),
        pytest.param(
            ReasoningOptions(False, "low"),
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}},
            [],
            id="an effort without thinking",
        ),
        pytest.param(
            ReasoningOptions(True, budget_tokens=2048),
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            [],
            id="a budget",
        ),
        pytest.param(
            ReasoningOptions(budget_tokens=2048, effort="max"),
            {"thinking": {"type": "enabled", "budget_tokens": 2048}, "output_config": {"effort": "max"}},
            [],
            id="a budget and an effort",
        ),
        pytest.param(
            ReasoningOptions(budget_tokens=9000),
            {"thinking": {"type": "enabled", "budget_tokens": 8191}},
            ["reasoning.budget_tokens"],
            id="a budget above the limit",
        ),
        pytest.param(
            ReasoningOptions(budget_tokens=100),
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
            ["reasoning.budget_tokens"],
            id="a budget below the least",
        ),
        pytest.param(
            ReasoningOptions(True, summary="auto"),
            {"thinking": {"type": "adaptive"}},
            ["reasoning.summary"],
            id="summary",
        ),
    ],
)
def test_reasoning(options: ReasoningOptions, fields: dict[str, Any], dropped: list[str]) -> None:
    body, named = render(reasoning=options)
    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == fields
    assert named == tuple(dropped)


def test_a_budget_needs_room_below_the_limit() -> None:
    body, dropped = render(reasoning=ReasoningOptions(budget_tokens=2048), max_output_tokens=1024)
    assert ("thinking" in body, dropped) == (False, ("reasoning.budget_tokens",))


@pytest.mark.parametrize("choice", [ToolChoice("required"), ToolChoice("tool", "f")], ids=["any tool", "one tool"])
def test_a_forced_call_excludes_thinking(choice: ToolChoice) -> None:
    options = ReasoningOptions(True, "high", 2048)
    body, dropped = render(reasoning=options, tools=(TOOL,), tool_choice=choice)
    assert body.keys() & {"thinking", "output_config"} == set()
    assert dropped == ("reasoning.budget_tokens", "reasoning.effort", "reasoning.enabled")


@pytest.mark.parametrize(
    ("sampling", "thinks", "fields", "dropped"),
    [
        pytest.param(
            Sampling(0.5, 0.9, 4), False, {"temperature": 0.5, "top_p": 0.9, "top_k": 4}, [], id="within bounds"
        ),
        pytest.param(Sampling(1.5), False, {"temperature": 1}, ["sampling.temperature"], id="too hot"),
        pytest.param(Sampling(1), True, {"temperature": 1}, [], id="thinking allows 1"),
        pytest.param(Sampling(0.5), True, {"temperature": 1}, ["sampling.temperature"], id="thinking allows 1 alone"),
        pytest.param(
            Sampling(top_k=4, top_p=0.99), True, {"top_p": 0.99}, ["sampling.top_k"], id="no top_k in thought"
        ),
        pytest.param(
            Sampling(seed=1, presence_penalty=0.1, frequency_penalty=0),
            False,
            {},
            ["sampling.frequency_penalty", "sampling.presence_penalty", "sampling.seed"],
            id="OpenAI's own",
        ),
    ],
)
def test_sampling(sampling: Sampling, thinks: bool, fields: dict[str, Any], dropped: list[str]) -> None:
    body, named = render(sampling=sampling, reasoning=ReasoningOptions(True if thinks else None))
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == fields
    assert named == tuple(dropped)


@pytest.mark.parametrize(
    ("form", "config", "dropped"),
    [
        pytest.param(
            ResponseFormat("json_schema", SCHEMA),
            {"format": {"type": "json_schema", "schema": SCHEMA}},
            (),
            id="schema",
        ),
        pytest.param(
            ResponseFormat("json_schema", SCHEMA, name="n", strict=True),
            {"format": {"type": "json_schema", "schema": SCHEMA}},
            ("response_format.name",),
            id="a schema with a name",
        ),
        pytest.param(ResponseFormat("json_object"), None, ("response_format",), id="any object"),
    ],
)
def test_response_format(form: ResponseFormat, config: object, dropped: tuple[str, ...]) -> None:
    body, named = render(response_format=form)
    assert (body.get("output_config"), named) == (config, dropped)


def test_a_format_joins_the_effort() -> None:
    body, _ = render(reasoning=ReasoningOptions(effort="low"), response_format=ResponseFormat("json_schema", SCHEMA))
    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}}


@pytest.mark.parametrize(
    ("fields", "rendered", "dropped"),
    [
        pytest.param({"stop": ("END",)}, {"stop_sequences": ["END"]}, (), id="stop"),
        pytest.param({"stop": ("\n", "END")}, {"stop_sequences": ["END"]}, ("stop",), id="a stop of white space"),
        pytest.param({"user": "u"}, {"metadata": {"user_id": "u"}}, (), id="user"),
        pytest.param({"user": "u" * 257}, {}, ("user",), id="a user too long"),
        pytest.param({"service_tier": "auto"}, {"service_tier": "auto"}, (), id="service tier"),
        pytest.param({"service_tier": "flex"}, {}, ("service_tier",), id="another's service tier"),
        pytest.param({"max_output_tokens": 5}, {"max_tokens": 5}, (), id="a limit"),
        pytest.param(
            {"verbosity": "low", "metadata": {"a": "b"}, "cache_key": "k"},
            {},
            ("cache_key", "metadata", "verbosity"),
            id="OpenAI's own",
        ),
    ],
)
def test_the_other_settings(fields: dict[str, Any], rendered: dict[str, Any], dropped: tuple[str, ...]) -> None:
    body, named = render(**fields)
    plain, _ = render()
    assert (body, named) == ({**plain, **rendered}, dropped)


words = st.text(min_size=1, max_size=8).filter(str.strip)

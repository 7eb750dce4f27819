"""What of a client's Messages request is dropped by name, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear import Text
from switchgear.conversation import (
    Conversation,
    Message,
    Part,
)
from switchgear.dialects.anthropic_messages import AnthropicMessagesCodec
from switchgear.dialects.codec import Parsed
from switchgear.errors import Refusal

CODEC = AnthropicMessagesCodec()
HI = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
TOOL = {"name": "f", "input_schema": SCHEMA}


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


def result(**fields: object) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", **fields}]}


@pytest.mark.parametrize(
    ("fields", "dropped"),
    [
        pytest.param({"context_management": {"edits": [{"type": "clear"}]}}, ["context_management"], id="context"),
        pytest.param({"context_management": None, "mcp_servers": [], "betas": []}, [], id="unknown, but nothing said"),
        pytest.param({"mcp_servers": [{"url": "x"}], "container": "c"}, ["container", "mcp_servers"], id="servers"),
        pytest.param({"metadata": {"user_id": "u", "x": 1}}, ["metadata.x"], id="other metadata"),
        pytest.param({"output_config": {"task_budget": {"total": 9}}}, ["output_config.task_budget"], id="task budget"),
        pytest.param({"thinking": {"type": "between_tools"}}, ["thinking.between_tools"], id="thinking between tools"),
        pytest.param({"thinking": {"type": "adaptive", "display": "x"}}, ["thinking.display"], id="a new display"),
        pytest.param(
            {"tools": [{**TOOL, "eager_input_streaming": True, "defer_loading": True, "input_examples": [{"x": 1}]}]},
            ["tools.defer_loading", "tools.eager_input_streaming", "tools.input_examples"],
            id="a tool's settings",
        ),
        pytest.param(
            {"tools": [{**TOOL, "allowed_callers": ["direct", "code_execution_20260120"]}]},
            ["tools.allowed_callers"],
            id="callers",
        ),
        pytest.param(
            {"tools": [{"type": "bash_20250124", "name": "bash"}, TOOL]}, ["tools.bash_20250124"], id="a server tool"
        ),
        pytest.param(
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "document",
                                "source": {"type": "text", "data": "x"},
                                "citations": {"enabled": True},
                            }
                        ],
                    }
                ]
            },
            ["messages.content.citations"],
            id="citations wanted",
        ),
        pytest.param(
            {
                "messages": [
                    HI,
                    {"role": "assistant", "content": [{"type": "text", "text": "x", "citations": [{"type": "y"}]}]},
                ]
            },
            ["messages.content.citations"],
            id="citations given",
        ),
        pytest.param(
            {"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1d"}}]},
            ["system.cache_control.ttl"],
            id="an unknown time to live",
        ),
        pytest.param({"messages": [result(content=[{"type": "browser_state", "tabs": []}])]}, None, id="browser state"),
    ],
)
def test_what_is_dropped_is_named(fields: dict[str, Any], dropped: list[str] | None) -> None:
    expected = ["messages.content.content.browser_state"] if dropped is None else dropped
    assert parse(**fields).dropped == tuple(expected)


def test_what_ran_at_anthropics_servers_is_dropped_from_history() -> None:
    content = [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"type": "text", "text": "found"},
        {"type": "mcp_tool_use", "id": "m", "name": "x", "server_name": "y", "input": {}},
        {"type": "mcp_tool_result", "tool_use_id": "m", "content": []},
    ]
    parsed = parse(
        messages=[HI, {"role": "assistant", "content": content}, {"role": "assistant", "content": content[:2]}]
    )
    assert parsed.conversation.messages == (user(Text("Hi")), Message("assistant", (Text("found"),)))
    assert parsed.dropped == (
        "messages.content.mcp_tool_result",
        "messages.content.mcp_tool_use",
        "messages.content.server_tool_use",
        "messages.content.web_search_tool_result",
    )


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"messages": None}, "messages", id="no messages"),
        pytest.param({"messages": []}, "messages", id="an empty list of messages"),
        pytest.param({"messages": ["Hi"]}, "messages.0", id="a message that is a string"),
        pytest.param({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role", id="an unknown role"),
        pytest.param({"messages": [{"content": "x"}]}, "messages.0.role", id="no role"),
        pytest.param({"messages": [{"role": "user"}]}, "messages.0.content", id="no content"),
        pytest.param(
            {"messages": [HI, {"role": "user", "content": 7}]}, "messages.1.content", id="content of a number"
        ),
        pytest.param({"messages": [{"role": "user", "content": ["x"]}]}, "messages.0.content.0", id="a bare string"),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content.0.type", id="no type"
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text", id="no text"
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]},
            "messages.0.content.0.tool_use_id",
            id="a result of no call",
        ),
        pytest.param(
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "input": {}}]}]},
            "messages.0.content.0.name",
            id="a call of no tool",
        ),
        pytest.param(
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "input": "x"}]}]},
            "messages.0.content.0.input",
            id="input that is no object",
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
            "messages.0.content.0.source",
            id="no source",
        ),
        pytest.param({"system": 7}, "system", id="a system text of a number"),
        pytest.param({"tools": {}}, "tools", id="tools that are no list"),
        pytest.param({"tools": [{"input_schema": {}}]}, "tools.0.name", id="a tool without a name"),
        pytest.param({"tool_choice": {"type": "some"}}, "tool_choice.type", id="an unknown tool choice"),
        pytest.param({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.name", id="a choice of no name"),
        pytest.param({"max_tokens": "9"}, "max_tokens", id="a limit in words"),
        pytest.param({"max_tokens": True}, "max_tokens", id="a limit of true"),
        pytest.param({"temperature": "hot"}, "temperature", id="a temperature in words"),
        pytest.param({"stop_sequences": "END"}, "stop_sequences", id="a stop text outside a list"),
        pytest.param({"stop_sequences": [1]}, "stop_sequences", id="a stop text of a number"),
        pytest.param({"thinking": {"type": "deep"}}, "thinking.type", id="an unknown kind of thinking"),
        pytest.param({"thinking": "on"}, "thinking", id="thinking that is no object"),
        pytest.param({"output_config": {"format": {"type": "xml"}}}, "output_config.format", id="an unknown format"),
    ],
)
def test_what_is_malformed_is_refused_by_its_path(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse(**fields)
    assert (refused.value.status, refused.value.code, refused.value.param) == (400, "invalid_request", param)


@pytest.mark.parametrize(
    ("block", "param"),
    [
        pytest.param(
            {"type": "image", "source": {"type": "file", "file_id": "f"}}, "source.type", id="an image's file id"
        ),
        pytest.param({"type": "document", "source": {"type": "file", "file_id": "f"}}, "source.type", id="a file id"),
        pytest.param({"type": "container_upload", "file_id": "f"}, "type", id="a file in a container"),
        pytest.param({"type": "audio", "data": "x"}, "type", id="audio"),
        pytest.param({"type": "tool_use", "id": "a", "name": "f", "input": {}}, "type", id="the user calls a tool"),
    ],
)
def test_what_can_be_neither_kept_nor_left_out_is_refused(block: dict[str, Any], param: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse(messages=[{"role": "user", "content": [block]}])
    assert (refused.value.code, refused.value.param) == ("unsupported_content", f"messages.0.content.0.{param}")


def test_a_thread_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        parse(thread={"type": "continue", "previous_message_id": "msg_1"})
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", "thread")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"messages": ', b"[" * 100_000])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        CODEC.parse_request(body)
    assert refused.value.status == 400

"""What the fake upstream refuses at ``/messages``, as Anthropic does."""

from __future__ import annotations

from typing import Any

import pytest

from switchgear.testing import signature_of
from switchgear.testing.seals import sealed
from tests.core.fake_clients import VERSION, fake, message

TOOL = {"name": "f", "input_schema": {"type": "object"}}
USER = {"role": "user", "content": "hi"}
CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
CALL_TOO = {**CALL, "id": "t2"}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "1"}
RESULT_TOO = {**RESULT, "tool_use_id": "t2"}
TEXT = {"type": "text", "text": "hi"}
EMPTY = {"type": "text", "text": ""}
THINKING = {"type": "thinking", "thinking": "Hm.", "signature": signature_of("Hm.")}
BUDGET = {"type": "enabled", "budget_tokens": 1024}
CACHED = {**TEXT, "cache_control": {"type": "ephemeral"}}


def said(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def asked(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def talk(*messages: Any) -> dict[str, Any]:
    return {"messages": list(messages)}


async def refused(body: dict[str, Any], headers: dict[str, str], path: str = "/v1/messages") -> str | None:
    async with fake() as (_, client):
        answer = await client.post(path, json=body, headers=headers)
        if answer.status_code == 200:
            return None
        shape = answer.json()
        assert (answer.status_code, shape["type"], shape["error"]["type"]) == (400, "error", "invalid_request_error")
        return str(shape["error"]["message"])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"max_tokens": None}, "max_tokens: Field required", id="no token limit"),
        pytest.param({"max_tokens": 0}, "greater than or equal to 1", id="token limit of zero"),
        pytest.param({"max_tokens": "9"}, "valid integer", id="token limit in words"),
        pytest.param({"model": None}, "model: Field required", id="no model"),
        pytest.param({"messages": None}, "messages: Field required", id="no messages"),
        pytest.param(talk(), "at least one message", id="empty messages"),
        pytest.param({"messages": ["hi"]}, "list of objects", id="messages of text"),
        pytest.param({"seed": 1}, "seed: Extra inputs are not permitted", id="unknown field"),
        pytest.param({"metadata": {"trace": "x"}}, "metadata.trace: Extra inputs", id="unknown metadata"),
        pytest.param({"temperature": 1.5}, "temperature: range: 0..1", id="temperature beyond one"),
        pytest.param({"service_tier": "flex"}, "service_tier: Input should be", id="service tier"),
        pytest.param({"output_config": {"effort": "minimal"}}, "output_config.effort: Input", id="effort"),
        pytest.param({"output_config": {"format": {"type": "json_object"}}}, "output_config.format", id="json object"),
        # thinking
        pytest.param({"thinking": {"type": "on"}}, "Input tag 'on'", id="unknown thinking"),
        pytest.param({"thinking": {"type": "enabled"}}, "budget_tokens: Field required", id="no budget"),
        pytest.param({"thinking": {**BUDGET, "budget_tokens": 1023}}, "or equal to 1024", id="small budget"),
        pytest.param({"thinking": BUDGET, "max_tokens": 1024}, "must be greater than `thinking.", id="budget is limit"),
        pytest.param({"thinking": BUDGET, "temperature": 0.5}, "may only be set to 1", id="thinking at temperature"),
        pytest.param(
            {"thinking": {"type": "adaptive"}, "tools": [TOOL], "tool_choice": {"type": "any"}},
            "Thinking may not be enabled when tool_choice forces tool use",
            id="thinking and a forced call",
        ),
        pytest.param(
            {"thinking": BUDGET, "tools": [TOOL], **talk(USER, said(CALL), asked(RESULT))},
            "Expected `thinking` or `redacted_thinking`, but found `tool_use`",
            id="call without its thinking",
        ),
        # tools
        pytest.param({"tools": [{**TOOL, "name": "f.g"}]}, "tools.0.custom.name: String should match", id="tool name"),
        pytest.param({"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required", id="no schema"),
        pytest.param({"tools": [{**TOOL, "input_schema": {}}]}, "input_schema.type", id="schema of no object"),
        pytest.param({"tools": [TOOL, TOOL]}, "Tool names must be unique", id="tool twice"),
        pytest.param({"tool_choice": {"type": "auto"}}, "while providing tools", id="choice without tools"),
        pytest.param(
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "g"}}, "Tool 'g' not found", id="choice of none"
        ),
        pytest.param(
            {"tools": [TOOL], "tool_choice": {"type": "required"}}, "Input tag 'required'", id="chat's choice"
        ),
        # what messages hold
        pytest.param(talk({"role": "tool", "content": "1"}), "messages.0.role", id="chat's role"),
        pytest.param(talk({"role": "user"}), "messages.0.content: Input should be", id="no content"),
        pytest.param(talk({"role": "user", "content": ""}), "must have non-empty content", id="empty content"),
        pytest.param(talk(asked()), "must have non-empty content", id="no blocks"),
        pytest.param(talk(asked(EMPTY)), "messages: text content blocks must be non-empty", id="empty text"),
        pytest.param(talk(USER, said(EMPTY)), "must be non-empty", id="empty text of the assistant"),
        pytest.param(
            {"tools": [TOOL], **talk(USER, said(CALL), asked({**RESULT, "content": [EMPTY]}))},
            "must be non-empty",
            id="empty text in a result",
        ),
        pytest.param({"system": [EMPTY]}, "system: text content blocks must be non-empty", id="empty system text"),
        pytest.param(talk(asked({**TEXT, "text": " \n"})), "must contain non-whitespace text", id="blank text"),
        pytest.param(
            talk(asked({"type": "image_url", "image_url": {"url": "data:,"}})),
            "Input tag 'image_url'",
            id="chat's image",
        ),
        pytest.param(talk(asked({"type": "image"})), "messages.0.content.0.image.source", id="image without source"),
        pytest.param(talk(asked(*[CACHED] * 5)), "A maximum of 4 blocks with cache_control", id="five cache hints"),
        # reasoning that comes back
        pytest.param(
            talk(USER, said({**THINKING, "signature": "c2lnbmVk"}, TEXT), USER),
            "Invalid `signature`",
            id="foreign signature",
        ),
        pytest.param(
            talk(USER, said({**THINKING, "thinking": "Ah."}, TEXT), USER), "Invalid `signature`", id="changed thinking"
        ),
        pytest.param(
            talk(USER, said({"type": "thinking", "thinking": "Hm."}, TEXT), USER),
            "messages.1.content.0.thinking.signature: Field required",
            id="no signature",
        ),
        pytest.param(
            talk(USER, said({"type": "redacted_thinking", "data": "c2VhbGVk"}, TEXT), USER),
            "Invalid `data`",
            id="foreign seal",
        ),
        # calls and results
        pytest.param(
            talk(asked(RESULT)), "messages.0.content.0: unexpected `tool_use_id` found", id="result without a call"
        ),
        pytest.param(
            talk(USER, said(CALL), asked(RESULT), said(TEXT), asked(RESULT)),
            "messages.4.content.0: unexpected `tool_use_id`",
            id="result of an older turn's call",
        ),
        pytest.param(
            talk(USER, said(CALL), USER), "ids were found without `tool_result` blocks", id="call without a result"
        ),
        pytest.param(
            talk(USER, said(CALL)), "without `tool_result` blocks immediately after: t1", id="call at the end"
        ),
        pytest.param(
            talk(USER, said(CALL, CALL_TOO), asked(RESULT)), "immediately after: t2", id="one of two calls unanswered"
        ),
        pytest.param(
            talk(USER, said(CALL), asked(TEXT, RESULT)), "without `tool_result` blocks", id="result behind a text"
        ),
        pytest.param(
            talk(USER, said(CALL), asked(RESULT, RESULT)), "must have a single result", id="two results of a call"
        ),
        pytest.param(talk(USER, said(CALL, CALL), asked(RESULT)), "`tool_use` ids must be unique", id="id twice"),
        pytest.param(
            talk(USER, said({**CALL, "id": "call|1"}), asked({**RESULT, "tool_use_id": "call|1"})),
            "tool_use.id: String should match pattern",
            id="id of odd letters",
        ),
        pytest.param(
            talk(USER, said({**CALL, "input": "{}"}), asked(RESULT)),
            "Input should be a valid dictionary",
            id="input as text",
        ),
    ],
)
async def test_refused(fields: dict[str, Any], words: str) -> None:
    body = {name: value for name, value in {**message("demo-model"), **fields}.items() if value is not None}
    problem = await refused(body, VERSION)
    assert problem is not None
    assert words in problem


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"tools": []}, id="no tools in a list"),
        pytest.param({"system": "", "temperature": None, "thinking": {"type": "disabled"}}, id="defaults"),
        pytest.param({"metadata": {"user_id": "x"}, "context_management": {}}, id="coding agent's fields"),
        pytest.param(talk(USER, {"role": "system", "content": "Be brief."}, USER), id="system among the messages"),
        pytest.param(talk(asked(*[CACHED] * 4)), id="four cache hints"),
        pytest.param(talk(USER, said(THINKING, TEXT), USER), id="own signature"),
        pytest.param(talk(USER, said({"type": "redacted_thinking", "data": sealed("Hm.")}, TEXT), USER), id="own seal"),
        pytest.param(
            talk(USER, said(CALL), asked({"type": "tool_result", "tool_use_id": "t1"})), id="result of nothing"
        ),
        pytest.param(talk(USER, said(CALL, CALL_TOO), asked(RESULT_TOO, RESULT, TEXT)), id="two results and a text"),
        pytest.param(talk(USER, said(CALL, CALL_TOO), asked(RESULT), asked(RESULT_TOO)), id="results in two messages"),
        pytest.param(talk(USER, said(TEXT), said(CALL), asked(RESULT)), id="call in the second of two messages"),
        pytest.param(
            {"thinking": BUDGET, **talk(USER, said(THINKING, CALL), asked(RESULT))}, id="call with its thinking"
        ),
        pytest.param(
            {"thinking": {"type": "adaptive"}, **talk(USER, said(CALL), asked(RESULT))}, id="adaptive without thinking"
        ),
        pytest.param({"thinking": BUDGET, **talk(USER, said(TEXT), USER)}, id="older turn without thinking"),
    ],
)
async def test_accepted(fields: dict[str, Any]) -> None:
    assert await refused(message("demo-model", **fields), VERSION) is None


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_a_version_is_required(path: str) -> None:
    body = {"model": "demo-model", "messages": [USER]} | ({} if "count" in path else {"max_tokens": 9})
    assert await refused(body, {}, path) == "anthropic-version: header is required"
    assert await refused(body, VERSION, path) is None


async def test_a_count_is_as_strict_about_messages() -> None:
    body = {"model": "demo-model", **talk(asked(RESULT))}
    problem = await refused(body, VERSION, "/v1/messages/count_tokens")
    assert problem is not None
    assert "unexpected `tool_use_id`" in problem


async def test_a_refusal_comes_before_a_fault() -> None:
    problem = await refused({"model": "err-500", "messages": [USER]}, VERSION)
    assert problem == "max_tokens: Field required"

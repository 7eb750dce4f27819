"""What the fake upstream refuses at ``/responses``, and about chat's tools, as OpenAI does."""

from __future__ import annotations

from typing import Any

import pytest

from switchgear.testing.seals import sealed
from tests.core.fake_clients import fake

CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "1"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
SAID = {"role": "assistant", "content": "hi"}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


@pytest.mark.parametrize(
    ("fields", "code", "param", "words"),
    [
        pytest.param({"model": None}, "missing_required_parameter", "model", "'model'", id="no model"),
        pytest.param({"input": None}, "missing_required_parameter", "input", "'input'", id="no input"),
        pytest.param({"stop": ["x"]}, "unknown_parameter", "stop", "Unknown parameter", id="chat's parameter"),
        pytest.param(
            {"max_output_tokens": 15}, "integer_below_min_value", "max_output_tokens", ">= 16", id="few tokens"
        ),
        pytest.param(
            {"temperature": 2.5}, "decimal_above_max_value", "temperature", "between 0 and 2", id="temperature"
        ),
        pytest.param(
            {"previous_response_id": "resp_1"},
            "previous_response_not_found",
            "previous_response_id",
            "'resp_1' not found",
            id="unknown response",
        ),
        pytest.param(
            {"tools": [{"type": "function", "function": {"name": "f"}}]},
            "missing_required_parameter",
            "tools[0].name",
            "tools[0].name",
            id="chat's tool",
        ),
        pytest.param(
            {"tools": [{"type": "function", "name": "f.g"}]},
            "invalid_value",
            "tools[0].name",
            "pattern",
            id="tool name",
        ),
        pytest.param({"tools": [{"name": "f"}]}, "missing_required_parameter", "tools[0].type", "", id="untyped tool"),
        pytest.param(
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            "missing_required_parameter",
            "tool_choice.name",
            "",
            id="chat's choice",
        ),
        pytest.param(
            {"text": {"format": {"type": "json_schema", "schema": {}}}},
            "missing_required_parameter",
            "text.format.name",
            "",
            id="nameless schema",
        ),
        pytest.param({"input": [{"type": "tool_use"}]}, "invalid_value", "input[0]", "'tool_use'", id="unknown item"),
        pytest.param(
            {"input": [{"role": "tool", "content": "1"}]}, "invalid_value", "input[0].role", "'tool'", id="chat's role"
        ),
        pytest.param(
            {"input": [{"role": "user"}]}, "missing_required_parameter", "input[0].content", "", id="no content"
        ),
        pytest.param(
            {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
            "invalid_value",
            "input[0].content[0]",
            "Supported values are: 'output_text' and 'refusal'",
            id="input part of the assistant",
        ),
        pytest.param(
            {"input": [user({"type": "text", "text": "x"})]},
            "invalid_value",
            "input[0].content[0]",
            "'text'",
            id="chat's part",
        ),
        pytest.param(
            {"input": [{**CALL, "id": "call_1"}, OUTPUT]},
            "invalid_value",
            "input[0].id",
            "begins with 'fc'",
            id="item id",
        ),
        pytest.param(
            {"input": [{**CALL, "arguments": {}}, OUTPUT]},
            "missing_required_parameter",
            "input[0].arguments",
            "",
            id="arguments",
        ),
        pytest.param(
            {"input": [CALL, {**OUTPUT, "output": None}]},
            "missing_required_parameter",
            "input[1].output",
            "",
            id="no output",
        ),
        pytest.param(
            {"input": [OUTPUT]},
            None,
            "input",
            "No tool call found for function call output with call_id c1",
            id="no call",
        ),
        pytest.param({"input": [OUTPUT, CALL]}, None, "input", "No tool call found", id="output before its call"),
        pytest.param({"input": [CALL]}, None, "input", "No tool output found for function call c1", id="no result"),
        pytest.param(
            {"input": [REASONING]}, None, "input", "without its required following item", id="reasoning alone"
        ),
        pytest.param(
            {"input": [{**REASONING, "encrypted_content": "gAAAAA"}, SAID]},
            "invalid_encrypted_content",
            None,
            "could not be verified",
            id="foreign reasoning",
        ),
        pytest.param(
            {"input": [{"type": "reasoning"}, SAID]},
            "missing_required_parameter",
            "input[0].summary",
            "",
            id="no summary",
        ),
    ],
)
async def test_refused(fields: dict[str, Any], code: str | None, param: str | None, words: str) -> None:
    body = {"model": "demo-model", "input": "hi", **fields}
    async with fake() as (_, client):
        answer = await client.post("/v1/responses", json={n: v for n, v in body.items() if v is not None})
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
        assert (error["code"], error["param"]) == (code, param)
        assert words in error["message"]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"tools": [], "previous_response_id": None}, id="no tools in a list"),
        pytest.param(
            {"tools": [{"type": "web_search"}], "client_metadata": {}, "store": False}, id="coding agent's fields"
        ),
        pytest.param({"input": [user({"type": "input_text", "text": "x"}), CALL, OUTPUT]}, id="call and output"),
        pytest.param({"input": [{**CALL, "id": "fc_1"}, SAID, OUTPUT]}, id="text between call and output"),
        pytest.param({"input": [{**REASONING, "encrypted_content": sealed("Hm.")}, SAID]}, id="own reasoning"),
        pytest.param({"input": [{"type": "reasoning", "summary": []}]}, id="reasoning alone, without an id"),
        pytest.param({"max_output_tokens": 16, "temperature": 2}, id="limits"),
    ],
)
async def test_accepted(fields: dict[str, Any]) -> None:
    async with fake() as (_, client):
        answer = await client.post("/v1/responses", json={"model": "demo-model", "input": "hi", **fields})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/v1/chat/completions", 400, id="openai"),
        pytest.param("/azure/openai/deployments/x/chat/completions?api-version=1", 400, id="azure"),
        pytest.param("/vllm-new/v1/chat/completions", 200, id="others do not mind"),
    ],
)
async def test_chats_empty_tools(path: str, status: int) -> None:
    body = {"model": "demo-model", "messages": [{"role": "user", "content": "hi"}], "tools": []}
    async with fake() as (_, client):
        answer = await client.post(path, json=body)
        assert answer.status_code == status
        assert ("Invalid 'tools': empty array" in answer.text) is (status == 400)

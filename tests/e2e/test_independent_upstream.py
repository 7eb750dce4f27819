"""A tool task over the shipped fake upstream, which knows nothing of the codecs and refuses what the real ones refuse."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from switchgear.testing import FakeOpenAI
from tests.gateways import Running, gateway
from tests.wires import WIRES, Wire

KEY = "upstream-key-0123456789"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PAIRS = [
    pytest.param(client, upstream, id=f"{client.name} over {upstream.name}")
    for client, upstream in itertools.product(WIRES, WIRES)
]
Json = dict[str, Any]


def question(client: Wire) -> Json:
    """A request whose answer is a call of ``weather``."""
    text = "Use the tool."
    match client.name:
        case "openai-chat":
            function = {"name": "weather", "parameters": SCHEMA}
            return {
                "messages": [{"role": "user", "content": text}],
                "tools": [{"type": "function", "function": function}],
            }
        case "anthropic-messages":
            tools = [{"name": "weather", "input_schema": SCHEMA}]
            return {"max_tokens": 2048, "messages": [{"role": "user", "content": text}], "tools": tools}
        case _:
            tool: Json = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}
            return {"input": [{"role": "user", "content": text}], "tools": [tool], "store": False}


def answered(client: Wire, asked: Json, answer: Json) -> Json:
    """The next request: what was said, and the tool's result."""
    match client.name:
        case "openai-chat":
            message = answer["choices"][0]["message"]
            result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "sunny"}
            return {**asked, "messages": [*asked["messages"], message, result]}
        case "anthropic-messages":
            call = next(block for block in answer["content"] if block["type"] == "tool_use")
            result = {"type": "tool_result", "tool_use_id": call["id"], "content": "sunny"}
            turns = [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": [result]}]
            return {**asked, "messages": [*asked["messages"], *turns]}
        case _:
            call = next(item for item in answer["output"] if item["type"] == "function_call")
            result = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
            return {**asked, "input": [*asked["input"], *answer["output"], result]}


async def ask(running: Running, client: Wire, body: Json) -> Json:
    response = await running.client.post(client.path, json={"model": "m", **body})
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    return answer


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_a_tool_task(tmp_path: Path, client: Wire, upstream: Wire) -> None:
    async with FakeOpenAI(keys=[KEY]) as fake:
        entry = {
            "name": "up",
            "base-url": fake.base_url(),
            "dialects": [upstream.name],
            "api-key-entries": [{"api-key": KEY}],
            "models": [{"name": "demo-model", "alias": "m"}],
        }
        async with gateway(tmp_path, {"openai-compatibility": [entry]}) as running:
            asked = question(client)
            first = await ask(running, client, asked)
            assert "weather" in json.dumps(first)
            last = await ask(running, client, answered(client, asked, first))
            assert "The tool said: sunny" in json.dumps(last)
            streamed = await running.client.post(client.path, json={"model": "m", **asked, "stream": True})
            assert "weather" in streamed.text
            assert [call.endpoint for call in fake.calls] == [upstream.path.removeprefix("/v1")] * 3

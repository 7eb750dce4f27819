"""What released clients were seen to send, and what the field gets wrong: each a test, over an upstream that speaks Chat.

The bodies are cut down from recordings of Claude Code 2.1, Codex 0.169, opencode, pi, the AI SDK and the official SDKs (2026-11).
"""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import KEY, SSE, Running, gateway, wired
from tests.wires import CHAT, MESSAGES, RESPONSES, WIRES, Wire, events

Json = dict[str, Any]


class Upstream:
    """Speaks Chat, says Hello and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Json] = []

    async def __call__(self, exchange: Exchange) -> None:
        body = json.loads(exchange.body)
        self.asked.append(body)
        if exchange.path.endswith("/embeddings"):
            await exchange.respond(200, json.dumps({"object": "list", "data": [{"index": 0, "embedding": "AAAA"}]}))
        elif body.get("stream"):
            await exchange.start(200, SSE)
            await exchange.send(CHAT.opening + CHAT.hello + CHAT.finish + CHAT.done)
            await exchange.end()
        else:
            await exchange.respond(200, json.dumps(CHAT.whole))


async def asked(
    folder: Path, wire: Wire, body: Json, headers: dict[str, str] | None = None
) -> tuple[Json, httpx2.Response]:
    """What the upstream is asked when a client sends ``body``, and the answer."""
    upstream = Upstream()
    async with LoopbackServer(upstream) as server, gateway(folder, wired(server)) as running:
        response = await running.client.post(wire.path, json={"model": "m", **body}, headers=headers or {})
        assert response.status_code == 200, response.text
        return upstream.asked[-1], response


def dropped(response: httpx2.Response) -> list[str]:
    return [name for name in response.headers.get("x-switchgear-dropped", "").split(", ") if name]


# -- Claude Code and the anthropic SDKs -----------------------------------------------------------------------------

CLAUDE_CODE: Json = {
    "max_tokens": 32000,
    "stream": True,
    "system": [
        {"type": "text", "text": "You are Claude Code."},
        {"type": "text", "text": "Be careful.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Fix it.", "cache_control": {"type": "ephemeral"}}]},
        {"role": "system", "content": "Available agents: none."},
    ],
    "tools": [{"name": "Bash", "description": "Runs.", "input_schema": {"type": "object", "properties": {}}}],
    "thinking": {"type": "adaptive"},
    "output_config": {"effort": "high"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "metadata": {"user_id": json.dumps({"device_id": "d" * 64, "session_id": "s"})},
}
BETAS = "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,effort-2025-11-24"


async def test_claude_codes_main_request(tmp_path: Path) -> None:
    body, response = await asked(
        tmp_path, MESSAGES, CLAUDE_CODE, {"anthropic-version": "2023-06-01", "anthropic-beta": BETAS}
    )
    assert [message["role"] for message in body["messages"]] == ["system", "user", "system"]
    assert body["messages"][0]["content"] == "You are Claude Code.\n\nBe careful."
    assert body["messages"][2]["content"] == "Available agents: none."
    assert (body["max_tokens"], body["reasoning_effort"]) == (32000, "high")
    assert body["tools"][0]["function"]["name"] == "Bash"
    assert dropped(response) == ["cache_hints", "context_management", "user"]


async def test_its_thinking_by_budget(tmp_path: Path) -> None:
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 31999}}
    body, response = await asked(tmp_path, MESSAGES, {**MESSAGES.request, "max_tokens": 64000, **thinking})
    assert body["reasoning_effort"] == "high"
    assert dropped(response) == ["reasoning.budget_tokens"]


async def test_its_title_request_with_no_tools_and_a_schema(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    title = {
        "tools": [],
        "thinking": {"type": "disabled"},
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
    }
    body, _ = await asked(tmp_path, MESSAGES, {**MESSAGES.request, **title})
    assert "tools" not in body
    assert body["response_format"]["json_schema"]["schema"] == schema


async def test_a_tool_result_without_content(tmp_path: Path) -> None:
    messages = [
        {"role": "user", "content": "Run it."},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "true"}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1"}, {"type": "text", "text": "And?"}],
        },
    ]
    body, _ = await asked(tmp_path, MESSAGES, {"max_tokens": 9, "messages": messages})
    assert body["messages"][2:] == [
        {"role": "tool", "tool_call_id": "toolu_1", "content": ""},
        {"role": "user", "content": "And?"},
    ]


async def test_the_ai_sdks_eager_input_streaming(tmp_path: Path) -> None:
    tool = {"name": "f", "input_schema": {"type": "object"}, "eager_input_streaming": True}
    body, response = await asked(tmp_path, MESSAGES, {**MESSAGES.request, "tools": [tool]}, {"x-api-key": KEY})
    assert body["tools"][0]["function"]["name"] == "f"
    assert dropped(response) == ["tools.eager_input_streaming"]


async def test_one_call_a_turn_is_kept(tmp_path: Path) -> None:
    fields = {
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "top_k": 5,
    }
    body, response = await asked(tmp_path, MESSAGES, {**MESSAGES.request, **fields})
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)
    assert "top_k" not in body, "the upstream's dialect does not know it"
    assert dropped(response) == ["sampling.top_k"]


async def test_a_text_document_is_not_lost(tmp_path: Path) -> None:
    document = {
        "type": "document",
        "title": "notes",
        "source": {"type": "text", "media_type": "text/plain", "data": "Buy milk."},
    }
    messages = [{"role": "user", "content": [document, {"type": "text", "text": "What shall I buy?"}]}]
    body, response = await asked(tmp_path, MESSAGES, {"max_tokens": 9, "messages": messages})
    assert "Buy milk." in body["messages"][0]["content"]
    assert dropped(response) == ["file.text"]


# -- Codex and other clients of Responses -----------------------------------------------------------------------------

CODEX: Json = {
    "stream": True,
    "input": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "developer",
            "content": [{"type": "input_text", "text": "You are Codex."}],
        },
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Fix it."}]},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "sealed",
        },
        {"type": "function_call", "id": "fc_1", "name": "exec_command", "arguments": "{}", "call_id": "call_1"},
        {"type": "function_call_output", "call_id": "call_1", "output": "done"},
    ],
    "tools": [
        {
            "type": "function",
            "name": "exec_command",
            "strict": False,
            "parameters": {"type": "object", "properties": {}},
        },
        {
            "type": "namespace",
            "name": "agents",
            "description": "",
            "tools": [{"type": "function", "name": "spawn", "parameters": {}}],
        },
        {"type": "web_search", "external_web_access": False},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"summary": "auto"},
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "session-1",
    "client_metadata": {"session_id": "s"},
}


async def test_codexs_request_and_the_stream_it_needs(tmp_path: Path) -> None:
    body, response = await asked(tmp_path, RESPONSES, CODEX)
    assert [message["role"] for message in body["messages"]] == ["developer", "user", "assistant", "tool"]
    assert body["messages"][2]["tool_calls"][0]["id"] == body["messages"][3]["tool_call_id"] == "call_1"
    assert [tool["function"]["name"] for tool in body["tools"]] == ["exec_command", "agents__spawn"]
    assert "reasoning_effort" not in body
    assert dropped(response) == ["client_metadata", "reasoning.summary", "tools.web_search"]
    stream = events(response)
    assert all(name == data["type"] for name, data in stream), "each has its event: line"
    assert [data["sequence_number"] for _, data in stream] == list(range(len(stream)))
    assert stream[-1][0] == "response.completed"


async def test_items_without_a_type(tmp_path: Path) -> None:
    body, _ = await asked(tmp_path, RESPONSES, {"input": [{"role": "user", "content": "Hi"}]})
    assert body["messages"] == [{"role": "user", "content": "Hi"}]


# -- clients of Chat, and embeddings: passed through ------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"stream_options": {"include_usage": True}}, id="opencode, cline, qwen-code"),
        pytest.param({"store": False, "max_completion_tokens": 9, "stream_options": {"include_usage": True}}, id="pi"),
        pytest.param(
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {
                            "name": "f",
                            "parameters": {
                                "$schema": "https://json-schema.org/draft/2020-12/schema",
                                "properties": {"n": {"type": "integer", "maximum": 9007199254740991}},
                            },
                        },
                    }
                ]
            },
            id="schemas with $schema and bounds of 2^53",
        ),
    ],
)
async def test_a_chat_passes_as_it_is(tmp_path: Path, fields: Json) -> None:
    sent = CHAT.body(**fields)
    body, response = await asked(tmp_path, CHAT, sent)
    assert body == sent
    assert "x-switchgear-converted" not in response.headers


async def test_bounds_of_2_to_the_53_survive_conversion(tmp_path: Path) -> None:
    schema = {
        "$schema": "x",
        "type": "object",
        "properties": {"n": {"maximum": 9007199254740993, "minimum": -9007199254740993}},
    }
    tool = {"name": "f", "input_schema": schema}
    body, _ = await asked(tmp_path, MESSAGES, {**MESSAGES.request, "tools": [tool]})
    assert body["tools"][0]["function"]["parameters"] == schema


WHITE = "  def f():\n\treturn  1   \n\n\n\u2003— end \n"


@pytest.mark.parametrize("wire", [pytest.param(wire, id=wire.name) for wire in WIRES])
async def test_white_space_survives_exactly(tmp_path: Path, wire: Wire) -> None:
    async def says(exchange: Exchange) -> None:
        await exchange.start(200, SSE)
        await exchange.send(
            CHAT.opening + CHAT.hello.replace(b'"Hello"', json.dumps(WHITE).encode()) + CHAT.finish + CHAT.done
        )
        await exchange.end()

    async with LoopbackServer(says) as server, gateway(tmp_path, wired(server)) as running:
        response = await running.client.post(wire.path, json=wire.body())
        assert json.dumps(WHITE, ensure_ascii=False)[1:-1] in response.text or json.dumps(WHITE)[1:-1] in response.text


# -- HTTP habits --------------------------------------------------------------------------------------------------------


async def over_a_socket(running: Running, head: str, *parts: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(head.encode())
    if "100-continue" in head:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    for part in parts:
        writer.write(part)
    answer = await asyncio.wait_for(reader.read(-1), 10)
    writer.close()
    return answer


@pytest.mark.parametrize("wire", [pytest.param(wire, id=wire.name) for wire in WIRES])
@pytest.mark.parametrize("how", ["Expect: 100-continue", "chunked"])
async def test_bodies_that_wait_or_come_in_chunks(tmp_path: Path, wire: Wire, how: str) -> None:
    async with LoopbackServer(Upstream()) as server, gateway(tmp_path, wired(server)) as running:
        body = json.dumps(wire.body(stream=False)).encode()
        head = f"POST {wire.path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\nconnection: close\r\n"
        if how == "chunked":
            parts = [b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:])]
            answer = await over_a_socket(running, f"{head}transfer-encoding: chunked\r\n\r\n", *parts, b"0\r\n\r\n")
        else:
            answer = await over_a_socket(running, f"{head}{how}\r\ncontent-length: {len(body)}\r\n\r\n", body)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"Hello" in answer


async def test_a_health_probe_of_http_1_0(tmp_path: Path) -> None:
    async with LoopbackServer(Upstream()) as server, gateway(tmp_path, wired(server)) as running:
        answer = await over_a_socket(running, "GET /health/live HTTP/1.0\r\n\r\n")
        assert b" 200 " in answer.split(b"\r\n")[0]


@pytest.mark.parametrize("wire", [pytest.param(wire, id=wire.name) for wire in WIRES])
async def test_a_hang_up_on_a_whole_answer_cancels_the_upstream(tmp_path: Path, wire: Wire) -> None:
    async def never(exchange: Exchange) -> None:
        await exchange.closed.wait()

    async with LoopbackServer(never) as server, gateway(tmp_path, wired(server)) as running:
        _, writer = await asyncio.open_connection("127.0.0.1", running.port)
        body = json.dumps(wire.body(stream=False)).encode()
        head = f"POST {wire.path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await server.wait_for(lambda: len(server.requests) == 1)
        writer.transport.abort()
        await server.wait_for(lambda: server.open_connections == 0, timeout_s=1.0)
        assert (await running.counted("wired"))["cancelled"] == 1


# -- what the field gets wrong ------------------------------------------------------------------------------------------


async def test_a_usage_chunk_has_no_choice_and_comes_only_if_asked_for(tmp_path: Path) -> None:
    async def speaks_messages(exchange: Exchange) -> None:
        await exchange.start(200, SSE)
        await exchange.send(MESSAGES.opening + MESSAGES.hello + MESSAGES.finish + MESSAGES.done)
        await exchange.end()

    async with LoopbackServer(speaks_messages) as server:
        async with gateway(tmp_path, wired(server, dialects=["anthropic-messages"])) as running:
            plain = await running.client.post(CHAT.path, json=CHAT.body())
            asked_for = await running.client.post(CHAT.path, json=CHAT.body(stream_options={"include_usage": True}))
            assert not any(data != "[DONE]" and data.get("usage") for _, data in events(plain))
            (usage,) = [data for _, data in events(asked_for) if data != "[DONE]" and data.get("usage")]
            assert usage["choices"] == []
            assert usage["usage"] == {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


@pytest.mark.parametrize("wire", [pytest.param(wire, id=wire.name) for wire in WIRES])
@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        pytest.param(
            429, '{"error": {"message": "slow down"}}', {"retry-after": "600"}, "slow down", id="429 with Retry-After"
        ),
        pytest.param(
            422, '{"detail": [{"loc": ["body", "x"], "msg": "no such field"}]}', {}, "", id="a 422 of FastAPI"
        ),
        pytest.param(
            400, "<html><body><h1>Bad</h1></body></html>", {"content-type": "text/html"}, "Bad", id="a web page"
        ),
    ],
)
async def test_an_upstreams_error_in_the_clients_envelope(
    tmp_path: Path, wire: Wire, status: int, body: str, headers: dict[str, str], expected: str
) -> None:
    async def refuses(exchange: Exchange) -> None:
        await exchange.respond(status, body, headers)

    async with LoopbackServer(refuses) as server:
        async with gateway(tmp_path, {**wired(server), "request-retry": 0, "max-retry-interval": 0}) as running:
            response = await running.client.post(wire.path, json=wire.body())
            assert response.status_code == status
            error = response.json()["error"]
            assert error["message"]
            assert expected in error["message"]
            assert "<" not in error["message"]
            assert ("retry-after" in response.headers) is (status == 429)


async def test_embeddings_in_base64_and_by_token_ids_pass(tmp_path: Path) -> None:
    upstream = Upstream()

    async with LoopbackServer(upstream) as server:
        entry = {"name": "up", "base-url": f"{server.url}/v1", "models": [{"name": "m"}]}
        async with gateway(tmp_path, {"openai-compatibility": [entry]}) as running:
            sent = {"model": "m", "input": [[1, 2, 3]], "encoding_format": "base64"}
            response = await running.client.post("/v1/embeddings", json=sent)
            assert base64.b64decode(response.json()["data"][0]["embedding"]) == b"\0\0\0"
            assert upstream.asked == [sent]

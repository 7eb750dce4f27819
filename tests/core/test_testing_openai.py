"""The fake OpenAI-compatible upstream: faithful when it is plain, and with a memory."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from typing import Any

import httpx2
import pytest

from switchgear.testing import PERSONALITIES, answer_with, plain, stream_of
from tests.core.fake_clients import chat, fake, said, tool_calls

# -- plain answers -------------------------------------------------------------------------------------------


async def test_a_stream_says_what_the_whole_answer_says() -> None:
    async with fake() as (_, client):
        whole = (await client.chat()).json()
        events = await client.events(stream_options={"include_usage": True})
        assert events[-1] == "[DONE]"
        assert said(events) == whole["choices"][0]["message"]["content"] == "You said: Hello, big world"
        assert events[-2]["usage"] == whole["usage"]
        assert events[-3]["choices"][0]["finish_reason"] == "stop"
        assert len([event for event in events[:-2] if event["choices"][0]["delta"].get("content")]) > 2


async def test_white_space_survives() -> None:
    async with fake() as (_, client):
        text = "  a\n\n\tb  c \n"
        assert said(await client.events(text=text)) == f"You said: {text}"


async def test_usage_only_where_it_is_asked_for() -> None:
    async with fake() as (_, client):
        assert all("usage" not in event for event in await client.events())


@pytest.mark.parametrize(
    ("fields", "called"),
    [
        pytest.param({"tool_choice": "required"}, "f", id="required"),
        pytest.param({"tool_choice": {"type": "function", "function": {"name": "g"}}}, "g", id="by name"),
        pytest.param({"text": "use a tool"}, "f", id="by word"),
        pytest.param({"tool_choice": "none", "text": "use a tool"}, None, id="none"),
        pytest.param({}, None, id="auto"),
    ],
)
async def test_tools(fields: dict[str, Any], called: str | None) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}, "required": ["n"]}
    tools = [{"type": "function", "function": {"name": name, "parameters": schema}} for name in ("f", "g")]
    async with fake() as (_, client):
        choice = (await client.chat(tools=tools, **fields)).json()["choices"][0]
        events = await client.events(tools=tools, **fields)
        if called is None:
            assert choice["message"]["content"] == said(events)
            return
        (call,) = choice["message"]["tool_calls"]
        assert (call["function"]["name"], choice["finish_reason"]) == (called, "tool_calls")
        assert json.loads(call["function"]["arguments"]) == {"n": 1}
        assert "".join(c["function"]["arguments"] for c in tool_calls(events)) == call["function"]["arguments"]


async def test_a_tools_result_is_answered() -> None:
    async with fake() as (_, client):
        messages = [{"role": "user", "content": "use a tool"}, {"role": "tool", "content": "42"}]
        answer = await client.chat(messages=messages, tools=[{"type": "function", "function": {"name": "f"}}])
        assert answer.json()["choices"][0]["message"]["content"] == "The tool said: 42"


async def test_json_by_schema() -> None:
    schema = {
        "type": "object",
        "$defs": {"p": {"type": "object", "properties": {"on": {"type": "boolean"}}}},
        "properties": {
            "list": {"type": "array", "items": {"type": "number"}, "minItems": 2},
            "maybe": {"type": ["null", "string"], "minLength": 6},
            "one": {"enum": ["x"]},
            "p": {"$ref": "#/$defs/p"},
            "union": {"anyOf": [{"const": 5}]},
            "nothing": {"type": "null"},
            "left-out": {"type": "string"},
        },
        "required": ["list", "maybe", "one", "p", "union", "nothing"],
    }
    form = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    async with fake() as (_, client):
        text = (await client.chat(response_format=form)).json()["choices"][0]["message"]["content"]
        expected = {"list": [1, 1], "maybe": "textxx", "one": "x", "p": {"on": True}, "union": 5, "nothing": None}
        assert json.loads(text) == expected
        loose = (await client.chat(response_format={"type": "json_object"})).json()
        assert json.loads(loose["choices"][0]["message"]["content"]) == {}


async def test_images_are_seen() -> None:
    content = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    async with fake() as (_, client):
        answer = await client.chat(messages=[{"role": "user", "content": content}])
        assert answer.json()["choices"][0]["message"]["content"] == "I see 1 image. You said: What?"


async def test_old_completions() -> None:
    async with fake() as (_, client):
        body = {"model": "demo-model", "prompt": "Once upon"}
        assert (await client.post("/v1/completions", json=body)).json()["choices"][0]["text"] == "You said: Once upon"
        text = (await client.post("/v1/completions", json={**body, "stream": True})).text
        assert "text_completion" in text
        assert text.endswith("data: [DONE]\n\n")


async def test_embeddings_in_both_encodings() -> None:
    async with fake() as (_, client):
        body = {"model": "demo-embedding", "input": ["a", "b"], "dimensions": 4}
        floats = (await client.post("/v1/embeddings", json=body)).json()["data"]
        packed = (await client.post("/v1/embeddings", json={**body, "encoding_format": "base64"})).json()["data"]
        assert [item["index"] for item in floats] == [0, 1]
        assert floats[0]["embedding"] != floats[1]["embedding"]
        for given, encoded in zip(floats, packed, strict=True):
            assert list(struct.unpack("<4f", base64.b64decode(encoded["embedding"]))) == given["embedding"]


# -- keys, models, memory ------------------------------------------------------------------------------------


async def test_a_refused_key_is_quoted_as_openai_does_or_in_full() -> None:
    async with fake("right-key-0123456789") as (upstream, client):
        client.headers["authorization"] = "Bearer wrong-key-0123456789"
        partly = await client.chat()
        assert partly.status_code == 401
        assert "wron" in partly.text
        assert "wrong-key-0123456789" not in partly.text
        upstream.quote_key_in_full = True
        assert "wrong-key-0123456789" in (await client.chat()).text
        upstream.keys.add("wrong-key-0123456789")
        assert (await client.chat()).status_code == 200
        del client.headers["authorization"]
        assert (await client.get("/v1/models")).status_code == 401


async def test_a_model_can_vanish() -> None:
    async with fake() as (upstream, client):
        upstream.models.remove("demo-mini")
        assert [m["id"] for m in (await client.get("/v1/models")).json()["data"]] == ["demo-model", "demo-embedding"]
        answer = await client.chat("demo-mini")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


async def test_remembers_calls() -> None:
    async with fake() as (upstream, client):
        client.headers["authorization"] = "Bearer some-key"
        await client.get("/v1/models")
        await client.chat(temperature=0.5)
        (call,) = upstream.calls
        assert (call.endpoint, call.personality, call.model) == ("/chat/completions", "openai", "demo-model")
        assert (call.key, call.body["temperature"], call.answered, call.cancelled) == ("some-key", 0.5, True, False)
        assert json.loads(call.raw) == call.body
        assert [listed.endpoint for listed in upstream.lists] == ["/models"]


async def test_waits_for_calls_and_notices_who_left() -> None:
    async with fake() as (upstream, client):
        asking = asyncio.create_task(client.chat("never-starts"))
        await upstream.wait_for_calls(1)
        assert upstream.active == 1
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await upstream.wait_for_cancelled(1, timeout_s=1)
        await upstream.wait_until_idle()
        assert upstream.cancelled[0] is upstream.calls[0]
        assert upstream.calls[0].cancelled


async def test_counts_calls_at_a_time() -> None:
    async with fake() as (upstream, client):
        upstream.timings.slow_s = 0.05
        await asyncio.gather(*(client.chat("slow") for _ in range(5)))
        assert (upstream.most_active, upstream.active) == (5, 0)


# -- scripts -------------------------------------------------------------------------------------------------


async def test_limited_rules_come_first_and_are_used_up() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour="err-500")
        upstream.script(behaviour=answer_with(429, headers={"retry-after": "3"}), times=2)
        upstream.script(behaviour=plain, times=1)
        answers = [await client.chat() for _ in range(4)]
        assert [answer.status_code for answer in answers] == [429, 429, 200, 500]
        assert answers[0].headers["retry-after"] == "3"
        upstream.unscript()
        assert (await client.chat()).status_code == 200


async def test_rules_by_key_model_and_endpoint() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour="err-500", key="a")
        upstream.script(behaviour="err-503", model="demo-mini")
        upstream.script(behaviour="err-429-header", endpoint="/models")
        assert (await client.chat()).status_code == 200
        assert (await client.chat("demo-mini")).status_code == 503
        client.headers["authorization"] = "Bearer a"
        assert (await client.chat()).status_code == 500
        assert (await client.get("/v1/models")).status_code == 429
        with pytest.raises(ValueError, match="nonsense"):
            upstream.script(behaviour="nonsense")


async def test_scripted_bodies_and_streams() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=answer_with(200, "<p>", content_type="text/html"), times=1)
        answer = await client.chat()
        assert (answer.text, answer.headers["content-type"]) == ("<p>", "text/html")
        upstream.script(behaviour=stream_of({"a": 1}, b"data: x\n\n"), times=1)
        assert (await client.chat()).text == 'data: {"a":1}\n\ndata: x\n\n'
        upstream.script(behaviour=stream_of({"a": 1}, end=False), times=1)
        with pytest.raises(httpx2.TransportError):
            await client.chat()


# -- personalities -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("personality", PERSONALITIES, ids=lambda p: p.name)
async def test_each_has_its_own_unknown_path(personality: Any) -> None:
    async with fake() as (_, client):
        answer = await client.post(f"{personality.base}/nothing?api-version=1", json={})
        assert answer.status_code == (200 if personality.name == "lmstudio" else 404)
        assert (await client.get("/models")).json() == {"detail": "Not Found"}


async def test_azure_needs_its_query() -> None:
    async with fake() as (_, client):
        path = "/azure/openai/deployments/x/chat/completions"
        assert (await client.post(path, json=chat("demo-model"))).status_code == 404
        answer = await client.post(f"{path}?api-version=1", json=chat("demo-model", stream=True))
        assert "prompt_filter_results" in answer.text.split("\n\n")[0]


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"stream_options": {}}, "stream_options"), ({"max_completion_tokens": 1}, "max_completion_tokens")],
)
async def test_mistral_refuses_unknown_fields(fields: dict[str, Any], named: str) -> None:
    async with fake() as (_, client):
        answer = await client.post("/mistral/v1/chat/completions", json=chat("demo-model", **fields))
        assert answer.status_code == 422
        assert answer.json()["message"]["detail"][0]["loc"] == ["body", named]
        history = [{"role": "assistant", "content": "x", "reasoning_content": "y"}, {"role": "user", "content": "z"}]
        body = {"model": "demo-model", "messages": history}
        assert (await client.post("/mistral/v1/chat/completions", json=body)).status_code == 422


async def test_deepseek_wants_reasoning_back_with_tool_calls() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for thought, status in (({}, 400), ({"reasoning_content": ""}, 200)):
        messages = [
            {"role": "assistant", "content": None, "tool_calls": [call], **thought},
            {"role": "tool", "content": "1"},
        ]
        async with fake() as (_, client):
            body = {"model": "demo-model", "messages": messages}
            assert (await client.post("/deepseek/v1/chat/completions", json=body)).status_code == status
            assert (await client.post("/deepseek/chat/completions", json=body)).status_code == status


async def test_ollama_without_a_model_says_null() -> None:
    async with fake() as (upstream, client):
        upstream.models.clear()
        assert (await client.get("/ollama/v1/models")).json()["data"] is None

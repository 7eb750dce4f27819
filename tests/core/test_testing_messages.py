"""The fake upstream at ``/messages`` and ``/messages/count_tokens``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear.testing import THOUGHT, saying, signature_of
from tests.core.fake_clients import VERSION, Client, fake, message, named_events

USAGE = {"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"}
TOOLS = [
    {"name": name, "input_schema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}
    for name in ("f", "g")
]
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}


def folded(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The message a stream amounts to, as its reader would build it."""
    start = events[0]["message"]
    whole: dict[str, Any] = {**start, "content": []}
    inputs: dict[int, str] = {}
    for event in events[1:]:
        match event["type"]:
            case "content_block_start":
                assert event["index"] == len(whole["content"])
                whole["content"].append(dict(event["content_block"]))
            case "content_block_delta":
                block, delta = whole["content"][event["index"]], event["delta"]
                match delta["type"]:
                    case "text_delta":
                        block["text"] += delta["text"]
                    case "thinking_delta":
                        block["thinking"] += delta["thinking"]
                    case "signature_delta":
                        block["signature"] = delta["signature"]
                    case "input_json_delta":
                        inputs[event["index"]] = inputs.get(event["index"], "") + delta["partial_json"]
            case "content_block_stop":
                if event["index"] in inputs:
                    whole["content"][event["index"]]["input"] = json.loads(inputs[event["index"]])
            case "message_delta":
                whole |= event["delta"]
                whole["usage"] = {**whole["usage"], **event["usage"]}
    return whole


async def both(client: Client, **fields: Any) -> dict[str, Any]:
    """The whole answer, once a stream has said the same."""
    whole = await client.messages(**fields)
    assert whole.status_code == 200, whole.text
    stream = await client.messages(stream=True, **fields)
    assert stream.headers["content-type"].startswith("text/event-stream")
    streamed = folded(named_events(stream.content))
    answer: dict[str, Any] = whole.json()
    assert [_unnumbered(block) for block in streamed["content"]] == [_unnumbered(block) for block in answer["content"]]
    for name in ("type", "role", "model", "stop_reason", "stop_sequence", "usage"):
        assert streamed[name] == answer[name], name
    return answer


def _unnumbered(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "id"}


async def test_events_come_in_anthropics_order() -> None:
    async with fake() as (_, client):
        answer = await client.messages(stream=True)
        types = [event["type"] for event in named_events(answer.content)]
        assert [kind for kind in types if kind != "content_block_delta"] == [
            *("message_start", "content_block_start", "ping", "content_block_stop", "message_delta", "message_stop"),
        ]
        assert types.count("content_block_delta") > 2
        assert answer.headers["request-id"].startswith("req_")


async def test_a_message_and_its_stream() -> None:
    async with fake() as (_, client):
        answer = await both(client)
        assert answer["content"] == [{"type": "text", "text": "You said: Hello, big world"}]
        assert (answer["type"], answer["role"], answer["stop_reason"]) == ("message", "assistant", "end_turn")
        assert answer["id"].startswith("msg_")
        assert set(answer["usage"]) >= USAGE


@pytest.mark.parametrize(
    ("fields", "called"),
    [
        pytest.param({"tool_choice": {"type": "any"}}, "f", id="any"),
        pytest.param({"tool_choice": {"type": "tool", "name": "g"}}, "g", id="by name"),
        pytest.param({"text": "use a tool"}, "f", id="by word"),
        pytest.param({"tool_choice": {"type": "none"}, "text": "use a tool"}, None, id="none"),
        pytest.param({"tool_choice": {"type": "auto"}}, None, id="auto"),
    ],
)
async def test_tools(fields: dict[str, Any], called: str | None) -> None:
    async with fake() as (_, client):
        answer = await both(client, tools=TOOLS, **fields)
        (block,) = answer["content"]
        if called is None:
            assert (block["type"], answer["stop_reason"]) == ("text", "end_turn")
        else:
            assert (block["type"], block["name"], block["input"]) == ("tool_use", called, {"n": 1})
            assert (answer["stop_reason"], block["id"][:6]) == ("tool_use", "toolu_")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param({"content": "42"}, "The tool said: 42", id="text"),
        pytest.param({}, "The tool said: ", id="nothing"),
        pytest.param({"content": [IMAGE, IMAGE]}, "I see 2 images. The tool said: ", id="images"),
        pytest.param({"content": [{"type": "text", "text": "4"}, IMAGE]}, "I see 1 image. The tool said: 4", id="both"),
    ],
)
async def test_a_tools_result_is_answered(content: dict[str, Any], expected: str) -> None:
    async with fake() as (_, client):
        call = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
        messages = [
            {"role": "user", "content": "use a tool"},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", **content}]},
        ]
        answer = await both(client, tools=TOOLS, messages=messages)
        assert answer["content"][0]["text"] == expected


async def test_images_are_seen() -> None:
    async with fake() as (_, client):
        content = [IMAGE, IMAGE, {"type": "text", "text": "What?"}]
        answer = await both(client, messages=[{"role": "user", "content": content}])
        assert answer["content"][0]["text"] == "I see 2 images. You said: What?"


async def test_json_by_schema() -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    async with fake() as (_, client):
        answer = await both(client, output_config={"format": {"type": "json_schema", "schema": schema}})
        assert json.loads(answer["content"][0]["text"]) == {"ok": True}


@pytest.mark.parametrize(
    ("thinking", "thinks"),
    [
        pytest.param({"type": "enabled", "budget_tokens": 1024}, True, id="budget"),
        pytest.param({"type": "adaptive"}, True, id="adaptive"),
        pytest.param({"type": "disabled"}, False, id="disabled"),
        pytest.param(None, False, id="not said"),
    ],
)
async def test_thinking_where_it_is_asked_for(thinking: Any, thinks: bool) -> None:
    async with fake() as (_, client):
        answer = await both(client, **({} if thinking is None else {"thinking": thinking}))
        expected = [{"type": "thinking", "thinking": THOUGHT, "signature": signature_of(THOUGHT)}] if thinks else []
        assert answer["content"][:-1] == expected
        assert ("output_tokens_details" in answer["usage"]) is thinks


async def test_what_it_thought_is_taken_back() -> None:
    async with fake() as (upstream, client):
        for redacted in (False, True):
            upstream.script(behaviour=saying(reasoning="Hm.", redacted=redacted, tool_calls=[("f", {})]), times=1)
            said = (await client.messages(tools=TOOLS)).json()["content"]
            assert said[0]["type"] == ("redacted_thinking" if redacted else "thinking")
            results = [{"type": "tool_result", "tool_use_id": said[1]["id"], "content": "1"}]
            messages = [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": said},
                {"role": "user", "content": results},
            ]
            answer = await client.messages(tools=TOOLS, messages=messages)
            assert answer.json()["content"][0]["text"] == "The tool said: 1"


async def test_a_count_is_what_the_usage_will_say() -> None:
    async with fake() as (upstream, client):
        body = message("demo-model", "Hello" * 50, system="Be brief.", tools=TOOLS)
        used = (await client.post("/v1/messages", json=body, headers=VERSION)).json()["usage"]["input_tokens"]
        del body["max_tokens"]
        counted = await client.post("/v1/messages/count_tokens", json=body, headers=VERSION)
        assert counted.json() == {"input_tokens": used}
        assert used > 50
        assert [call.endpoint for call in upstream.counts] == ["/messages/count_tokens"]
        assert [call.endpoint for call in upstream.calls] == ["/messages"]


async def test_a_count_is_no_answer_and_uses_up_no_script() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour="err-500", times=1)
        body = {"model": "demo-model", "messages": [{"role": "user", "content": "hi"}]}
        assert (await client.post("/v1/messages/count_tokens", json=body, headers=VERSION)).status_code == 200
        assert (await client.messages()).status_code == 500
        upstream.script(behaviour="err-529", endpoint="/messages/count_tokens")
        assert (await client.post("/v1/messages/count_tokens", json=body, headers=VERSION)).status_code == 529


# -- keys and errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint",
    ["/chat/completions", "/completions", "/embeddings", "/messages", "/messages/count_tokens", "/responses"],
)
@pytest.mark.parametrize(
    "key",
    [{"authorization": "Bearer right"}, {"x-api-key": "right"}, {"api-key": "right"}],
    ids=lambda key: next(iter(key)),
)
async def test_a_key_in_any_header(endpoint: str, key: dict[str, str]) -> None:
    async with fake("right") as (upstream, client):
        body = {"model": "demo-model", "input": "x", "prompt": "x", "max_tokens": 9, **message("demo-model")}
        wanted = {
            "/responses": {"model", "input"},
            "/messages/count_tokens": {"model", "messages"},
            "/messages": set(message("")),
        }
        sent = {name: body[name] for name in wanted.get(endpoint, body)}
        answer = await client.post(f"/v1{endpoint}", json=sent, headers={**VERSION, **key})
        assert answer.status_code == 200, answer.text
        (call,) = [*upstream.calls, *upstream.counts]
        assert call.key == "right"


async def test_a_refused_key() -> None:
    async with fake("right-key") as (upstream, client):
        missing = await client.messages()
        assert (missing.status_code, missing.json()["error"]["type"]) == (401, "authentication_error")
        client.headers["x-api-key"] = "wrong-key"
        wrong = await client.messages()
        assert wrong.json()["error"] == {"type": "authentication_error", "message": "invalid x-api-key"}
        upstream.quote_key_in_full = True
        assert "wrong-key" in (await client.messages()).text


@pytest.mark.parametrize(
    ("model", "status", "kind", "words"),
    [
        pytest.param("err-400", 400, "invalid_request_error", "temperature", id="bad request"),
        pytest.param("err-401", 401, "authentication_error", "invalid x-api-key", id="key"),
        pytest.param("err-402", 402, "billing_error", "", id="billing"),
        pytest.param("err-403", 403, "permission_error", "", id="forbidden"),
        pytest.param("err-404-model", 404, "not_found_error", "model: err-404-model", id="model gone"),
        pytest.param("nobody", 404, "not_found_error", "model: nobody", id="model unknown"),
        pytest.param("err-413", 413, "request_too_large", "", id="too large"),
        pytest.param("err-418", 418, "invalid_request_error", "", id="any client error"),
        pytest.param("err-429-header", 429, "rate_limit_error", "", id="limited"),
        pytest.param("err-429-text", 429, "rate_limit_error", "try again in 2s", id="limited in words"),
        pytest.param("err-500", 500, "api_error", "", id="server error"),
        pytest.param("err-503", 503, "api_error", "", id="unavailable"),
        pytest.param("err-504", 504, "timeout_error", "", id="timeout"),
        pytest.param("err-529", 529, "overloaded_error", "Overloaded", id="overloaded"),
        pytest.param("err-quota", 400, "invalid_request_error", "credit balance is too low", id="no credit"),
        pytest.param("err-context", 400, "invalid_request_error", "prompt is too long", id="too long"),
        pytest.param("err-filter", 400, "invalid_request_error", "content filtering", id="filtered"),
    ],
)
async def test_errors_in_anthropics_envelope(model: str, status: int, kind: str, words: str) -> None:
    async with fake() as (_, client):
        answer = await client.messages(model, stream=True)
        body = answer.json()
        assert answer.status_code == status
        assert (body["type"], body["error"]["type"]) == ("error", kind)
        assert words in body["error"]["message"]
        assert body["request_id"] == answer.headers["request-id"]


async def test_other_methods_are_unknown() -> None:
    async with fake() as (_, client):
        answer = await client.get("/v1/messages")
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")

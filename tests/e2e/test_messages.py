"""Anthropic's Messages over a whole gateway: keys, envelopes, the token count, threads, models, and what was dropped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from switchgear.testing import Exchange, LoopbackServer
from switchgear.upstream import tls_context
from tests.gateways import KEY, SSE, Running, completion, gateway, wired
from tests.wires import MESSAGES, events

VERSION = {"anthropic-version": "2023-06-01"}


async def answers(exchange: Exchange) -> None:
    if exchange.path.endswith("/count_tokens"):
        await exchange.respond(200, json.dumps({"input_tokens": 42}))
    elif exchange.path.endswith("/messages"):
        await exchange.respond(200, json.dumps(MESSAGES.whole))
    else:
        await exchange.respond(200, completion())


async def anonymous(running: Running, method: str, path: str, **fields: Any) -> httpx2.Response:
    """A request without the test client's own key."""
    async with httpx2.AsyncClient(base_url=running.url, trust_env=False, verify=tls_context()) as client:
        return await client.request(method, path, **fields)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"authorization": f"Bearer {KEY}"}, id="Authorization"),
        pytest.param({"x-api-key": KEY}, id="x-api-key"),
        pytest.param({"x-api-key": "sk-of-another-login", "authorization": f"Bearer {KEY}"}, id="both, one is ours"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages?beta=true"])
async def test_a_key_in_either_header(tmp_path: Path, headers: dict[str, str], path: str) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        response = await anonymous(running, "POST", path, headers=headers, json=MESSAGES.body(stream=False))
        assert response.status_code == 200
        assert response.json()["content"] == [{"type": "text", "text": "Hi"}]
        assert response.headers["request-id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        pytest.param({"headers": {"x-api-key": "wrong"}}, 401, "authentication_error", id="wrong key"),
        pytest.param({"headers": {"x-api-key": KEY}, "content": b"{"}, 400, "invalid_request_error", id="not JSON"),
        pytest.param(
            {"headers": {"x-api-key": KEY}, "json": MESSAGES.body("nope")}, 404, "not_found_error", id="unknown model"
        ),
        pytest.param(
            {"headers": {"x-api-key": KEY}, "json": MESSAGES.body(messages="Hi")},
            400,
            "invalid_request_error",
            id="malformed",
        ),
    ],
)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_our_own_errors_are_in_the_dialects_envelope(
    tmp_path: Path, fields: dict[str, Any], status: int, kind: str, path: str
) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        response = await anonymous(running, "POST", path, **fields)
        body = response.json()
        assert (response.status_code, body["type"], body["error"]["type"]) == (status, "error", kind)
        assert body["request_id"] == response.headers["request-id"]
        assert not upstream.requests
        assert (await running.counted("wired"))["failures"] == 0


async def test_the_wrong_method_is_refused_in_the_dialect(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        response = await anonymous(running, "GET", "/v1/messages")
        assert (response.status_code, response.json()["type"]) == (405, "error")


async def test_a_client_may_look_whether_anybody_is_there(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        response = await anonymous(running, "HEAD", "/")
        assert (response.status_code, response.content) == (200, b"")


async def test_a_thread_is_refused_so_that_the_sdk_falls_back(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        body = MESSAGES.body(thread={"type": "create"})
        response = await running.client.post("/v1/messages", json=body, headers=VERSION)
        assert response.status_code == 400
        assert response.json()["error"]["details"]["error_code"] == "thread_unsupported_request"
        assert not upstream.requests


async def test_the_upstreams_count_where_it_has_one(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream:
        async with gateway(tmp_path, wired(upstream, dialects=["anthropic-messages"])) as running:
            response = await running.client.post("/v1/messages/count_tokens", json=MESSAGES.request | {"model": "m"})
            assert response.json() == {"input_tokens": 42}
            assert response.headers["x-switchgear-token-count"] == "upstream"


@pytest.mark.parametrize(
    "dialect",
    [
        pytest.param("openai-chat", id="the upstream has no count"),
        pytest.param("anthropic-messages", id="the upstream fails at it"),
    ],
)
async def test_else_an_estimate_that_says_so(tmp_path: Path, dialect: str) -> None:
    async def fails(exchange: Exchange) -> None:
        await exchange.respond(500, "{}")

    async with LoopbackServer(fails) as upstream, gateway(tmp_path, wired(upstream, dialects=[dialect])) as running:
        short = await running.client.post("/v1/messages/count_tokens", json=MESSAGES.request | {"model": "m"})
        long = {"model": "m", "messages": [{"role": "user", "content": "Hi, " * 1000}]}
        longer = await running.client.post("/v1/messages/count_tokens", json=long)
        assert short.headers["x-switchgear-token-count"] == longer.headers["x-switchgear-token-count"] == "estimate"
        assert 0 < short.json()["input_tokens"] < 50 < 500 < longer.json()["input_tokens"] < 2500
        assert (await running.counted("wired"))["failures"] == 0, "a count that fails is no failure of the account"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_an_answer_names_the_model_that_was_asked_for(tmp_path: Path, stream: bool) -> None:
    tool = '"input": {"model": "inner"}'

    async def handle(exchange: Exchange) -> None:
        if stream:
            await exchange.start(200, SSE)
            await exchange.send(MESSAGES.opening + MESSAGES.hello + MESSAGES.finish + MESSAGES.done)
            await exchange.end()
        else:
            whole = json.dumps({**MESSAGES.whole, "content": [{"type": "tool_use", "input": {"model": "inner"}}]})
            await exchange.respond(200, whole)

    models = [{"name": "m", "alias": "best"}]
    async with LoopbackServer(handle) as upstream:
        async with gateway(tmp_path, wired(upstream, dialects=["anthropic-messages"], models=models)) as running:
            body = MESSAGES.body("best", stream=stream)
            response = await running.client.post("/v1/messages", json=body)
            if not stream:
                assert response.json()["model"] == "best"
                assert tool in json.dumps(response.json())
            else:
                assert events(response)[0][1]["message"]["model"] == "best"
                renamed = MESSAGES.opening.replace(b'"model": "m"', b'"model": "best"')
                assert response.content == renamed + MESSAGES.hello + MESSAGES.finish + MESSAGES.done


async def test_what_the_upstream_cannot_be_told_is_named(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        body = MESSAGES.body(stream=False, top_k=5, context_management={"edits": [{"type": "clear"}]})
        response = await running.client.post("/v1/messages", json=body)
        assert response.headers["x-switchgear-converted"] == "openai-chat"
        dropped = response.headers["x-switchgear-dropped"].split(", ")
        assert dropped == ["context_management", "sampling.top_k"]


async def test_the_models_in_anthropics_shape(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        listed = (await running.client.get("/v1/models", headers=VERSION)).json()
        assert [(model["type"], model["id"]) for model in listed["data"]] == [("model", "m")]
        assert (listed["has_more"], listed["first_id"], listed["last_id"]) == (False, "m", "m")
        one = (await running.client.get("/v1/models/m", headers=VERSION)).json()
        assert one == listed["data"][0]
        missing = await running.client.get("/v1/models/nope", headers=VERSION)
        assert (missing.status_code, missing.json()["error"]["type"]) == (404, "not_found_error")

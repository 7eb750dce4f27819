"""The openai-compatibility plugin's hooks against a fake upstream on a real socket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear import Dialect, Failure, Kind, Provider
from switchgear.plugins import Plugins
from switchgear.testing import PERSONALITIES, FakeOpenAI
from switchgear.testing.openai_personalities import BY_NAME
from switchgear.upstream import UpstreamClients
from switchgear_openai_compatibility import demo, plugin
from switchgear_openai_compatibility.settings import Settings
from tests.plugins.openai_upstreams import KEY, Upstream, events, said, upstream

# -- accounts ------------------------------------------------------------------------------------------------


def test_core_takes_the_plugin_in() -> None:
    plugins = Plugins()
    plugins.register("openai-compatibility", plugin)
    assert plugins.info("openai-compatibility").dialects == ("openai-chat", "openai-completions", "openai-embeddings")


async def test_an_account_for_each_key() -> None:
    entries = [{"api-key": KEY, "label": "first"}, {"api-key": KEY + "2", "proxy-url": "socks5://proxy:1080"}]
    async with upstream(api_key_entries=entries) as up:
        first, second = await plugin.load_accounts(up.provider)
    assert (first.label, second.label) == ("first", second.id)
    assert first.id.startswith("up-")
    assert first.id != second.id
    assert first.proxy_url is None
    assert second.proxy_url is not None
    assert KEY not in repr((first, second))


async def test_a_keyless_server_gets_no_key() -> None:
    async with upstream(api_key_entries=[]) as up:
        account = await up.account()
        assert (account.id, account.label) == ("up-nokey", "up-nokey")
        assert (await up.answer())[0] == 200
        await up.models()
        assert up.fake.calls[0].key is None
        assert not {"authorization", "api-key"} & {*up.fake.calls[0].headers, *up.fake.lists[0].headers}


# -- forwarding ----------------------------------------------------------------------------------------------


async def test_bytes_pass_through() -> None:
    async with upstream(fake=FakeOpenAI(keys=[KEY])) as up:
        status, kind, body = await up.answer(odd={"kept": 1.50})
        assert (status, kind) == (200, "application/json")
        assert json.loads(body)["choices"][0]["message"]["content"] == "You said: Hello, big world"
        assert up.fake.calls[0].body["odd"] == {"kept": 1.5}


async def test_a_stream_passes_through() -> None:
    async with upstream() as up:
        status, kind, body = await up.answer(stream=True, stream_options={"include_usage": True})
        assert (status, kind.startswith("text/event-stream")) == (200, True)
        chunks = events(body)
        assert said(chunks) == "You said: Hello, big world"
        assert chunks[-1]["usage"]["prompt_tokens"] > 0


@pytest.mark.parametrize(
    ("dialect", "path", "fields"),
    [
        pytest.param("openai-completions", "/completions", {"prompt": "Once"}, id="completions"),
        pytest.param("openai-embeddings", "/embeddings", {"input": ["a", "b"]}, id="embeddings"),
    ],
)
async def test_other_dialects(dialect: Dialect, path: str, fields: dict[str, Any]) -> None:
    async with upstream() as up:
        status, _, body = await up.answer(dialect=dialect, **fields)
        assert (status, up.fake.calls[0].endpoint) == (200, path)
        assert "You said: Once" in body.decode() or len(json.loads(body)["data"]) == 2


@pytest.mark.parametrize("personality", [p.name for p in PERSONALITIES])
async def test_every_known_upstream_answers(personality: str) -> None:
    azure = personality == "azure"
    path = BY_NAME[personality].base + ("?api-version=2024-10-21" if azure else "")
    style = "api-key" if azure else "bearer"
    async with upstream(path=path, fake=FakeOpenAI(keys=[KEY]), auth_style=style) as up:
        status, _, body = await up.answer(stream=True)
        assert status == 200, body
        assert b"You" in body
        assert up.fake.calls[0].personality == personality


async def test_azures_query_stays() -> None:
    path = "/azure/openai/deployments/x?api-version=2024-10-21"
    async with upstream(path=path, auth_style="api-key") as up:
        assert (await up.answer())[0] == 200
        assert up.fake.calls[0].query == "api-version=2024-10-21"
        assert up.fake.calls[0].headers["api-key"] == KEY


async def test_headers_of_the_client_and_of_the_entry() -> None:
    async with upstream(headers={"X-Title": "Switched", "X-Trace": "$X-Request-Id", "X-Gone": "$X-Absent"}) as up:
        await up.answer(headers={"x-request-id": "r1", "cookie": "no"})
        sent = up.fake.calls[0].headers
        assert (sent["x-title"], sent["x-trace"], sent["accept-encoding"]) == ("Switched", "r1", "identity")
        assert sent["user-agent"].startswith("switchgear/")
        assert not {"x-gone", "cookie", "x-request-id"} & set(sent)


async def test_empty_tools_are_dropped() -> None:
    async with upstream() as up:
        await up.answer(tools=[], tool_choice="auto")
        assert not {"tools", "tool_choice"} & set(up.fake.calls[0].body)


async def test_a_connection_is_used_again() -> None:
    async with upstream() as up:
        for stream in (True, False, True):
            await up.answer(stream=stream)
        assert up.fake.server.connections_made == 1


# -- errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("err-400", Kind.INVALID_REQUEST),
        ("err-401", Kind.LOGIN_REQUIRED),
        ("err-402", Kind.QUOTA_EXHAUSTED),
        ("err-403", Kind.FORBIDDEN),
        ("err-404-model", Kind.MODEL_NOT_FOUND),
        ("err-404-html", Kind.PROTOCOL),
        ("err-413", Kind.INVALID_REQUEST),
        ("err-422", Kind.INVALID_REQUEST),
        ("err-429-header", Kind.RATE_LIMITED),
        ("err-context", Kind.CONTEXT_TOO_LONG),
        ("err-500", Kind.SERVER_ERROR),
        ("err-503", Kind.OVERLOADED),
        ("err-html", Kind.OVERLOADED),
    ],
)
@pytest.mark.parametrize("personality", ["openai", "openrouter", "vllm-old", "vllm-new", "fireworks"])
async def test_errors_mean_the_same_from_everyone(personality: str, model: str, kind: Kind) -> None:
    async with upstream(personality) as up:
        status, _, body = await up.answer(model)
        found = plugin.classify_error(up.provider, Failure("status", status, {}, body))
        assert found.kind is kind


@pytest.mark.parametrize(
    ("model", "kind"), [("err-quota", Kind.QUOTA_EXHAUSTED), ("err-filter", Kind.CONTENT_FILTERED)]
)
@pytest.mark.parametrize("personality", ["openai", "fireworks"])
async def test_what_only_a_code_tells(personality: str, model: str, kind: Kind) -> None:
    async with upstream(personality) as up:
        status, _, body = await up.answer(model)
        assert plugin.classify_error(up.provider, Failure("status", status, {}, body)).kind is kind


@pytest.mark.parametrize("model", ["err-429-header", "err-429-ms", "err-429-date", "err-429-text"])
async def test_every_way_to_say_when(model: str) -> None:
    async with upstream() as up:
        up.fake.timings.retry_after_s = 3.0
        reply = await up.forward(model)
        body = b"".join([part async for part in reply.body])
        await reply.aclose()
        found = plugin.classify_error(up.provider, Failure("status", reply.status, reply.headers, body))
        assert found.kind is Kind.RATE_LIMITED
        assert found.retry_after == pytest.approx(3.0, abs=1.0)


# -- the demo ------------------------------------------------------------------------------------------------


async def test_the_demo_is_a_valid_block() -> None:
    async with demo.demo() as entries:
        found = [Settings.model_validate(entry) for entry in entries]
        aliases = {model.public for entry in found for model in entry.models}
        assert {"demo", "demo-401", "demo-429", "demo-500", "demo-slow", "demo-cut"} <= aliases
        assert len(found[0].api_key_entries) == 2
        clients = UpstreamClients()
        up = Upstream(FakeOpenAI(), clients.through(None), found[0].base_url)
        for entry, status in zip(found, (200, 401), strict=True):
            up.provider = Provider(entry.name, "openai-compatibility", "", entry)
            assert (await up.answer())[0] == status
        await clients.aclose()

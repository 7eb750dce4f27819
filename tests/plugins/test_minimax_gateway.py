"""MiniMax behind a whole gateway: clients of every dialect, refresh, fallback, and what the operator sees."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from switchgear import Account
from switchgear.testing import THOUGHT, Exchange, LoopbackServer
from switchgear_minimax.fake import FakeMiniMax
from tests.gateways import KEY, Running, completion, gateway
from tests.plugins.minimax_upstream import Person, events, said

MODEL = "minimax/MiniMax-M2.7"
TEXT = "You said: Hello"
ALL = ["anthropic-messages", "openai-chat", "openai-responses"]


class Served:
    """A gateway over the fake."""

    def __init__(self, fake: FakeMiniMax, running: Running) -> None:
        self.fake = fake
        self.running = running
        self.entry = running.service.current.entries[0]

    async def sign_in(self, name: str, method: str = "oauth") -> Account:
        runtime = self.running.service.current
        client = self.entry.client(Account("new"))
        person = Person(self.fake, name, method)
        account = await runtime.plugins.authenticate(self.entry.provider, person, self.entry.store, client)
        await self.running.service.reload_accounts(runtime)
        return account

    async def ask(self, dialect: str, *, stream: bool = False, model: str = MODEL) -> httpx2.Response:
        said: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
        path, more = {
            "anthropic-messages": ("/v1/messages", {**said, "max_tokens": 999}),
            "openai-chat": ("/v1/chat/completions", said),
            "openai-responses": ("/v1/responses", {"input": "Hello"}),
        }[dialect]
        return await self.running.client.post(path, json={"model": model, "stream": stream, **more})

    @property
    def asked(self) -> list[str]:
        """The forms in which the service was asked."""
        return [call.endpoint for call in self.fake.api.calls]


@asynccontextmanager
async def served(folder: Path, *, others: dict[str, Any] | None = None, **fields: Any) -> AsyncIterator[Served]:
    async with FakeMiniMax() as fake:
        entry = {**fake.settings, **{name.replace("_", "-"): value for name, value in fields.items()}}
        if entry.pop("keys", False):
            entry["api-keys"] = [fake.key_of("kim")]
        async with gateway(folder, {"minimax": [entry], **(others or {})}) as running:
            yield Served(fake, running)


def spoken(dialect: str, response: httpx2.Response, *, stream: bool) -> tuple[str, str]:
    """Reasoning and text of an answer."""
    if not stream:
        return _whole(dialect, response.json())
    found = events(response.content)
    match dialect:
        case "openai-chat":
            return said(found, "reasoning_content"), said(found)
        case "anthropic-messages":
            deltas = [event["delta"] for event in found if event["type"] == "content_block_delta"]
            return "".join(d.get("thinking", "") for d in deltas), "".join(d.get("text", "") for d in deltas)
        case _:
            return _whole(dialect, found[-1]["response"])


def _whole(dialect: str, answer: Any) -> tuple[str, str]:
    match dialect:
        case "openai-chat":
            message = answer["choices"][0]["message"]
            return message["reasoning_content"], message["content"]
        case "anthropic-messages":
            thinking, text = answer["content"]
            return thinking["thinking"], text["text"]
        case _:
            reasoning, message = answer["output"]
            return reasoning["summary"][0]["text"], message["content"][0]["text"]


@pytest.mark.parametrize("native", ALL)
async def test_every_client_is_answered(tmp_path: Path, native: str) -> None:
    async with served(tmp_path, dialects=[native], keys=True) as up:
        for dialect, stream in itertools.product(ALL, (False, True)):
            response = await up.ask(dialect, stream=stream)
            assert response.status_code == 200, (dialect, stream, response.text)
            assert spoken(dialect, response, stream=stream) == (THOUGHT, TEXT), (dialect, stream)
        assert len(set(up.asked)) == 1
        counted = await up.running.counted("minimax")
        assert counted["tokens"]["output"] > 0


@pytest.mark.parametrize(
    ("keys", "forms"),
    [
        pytest.param(True, ["/messages", "/chat/completions", "/responses"], id="with keys: as the client speaks"),
        pytest.param(False, ["/messages"] * 3, id="signed in: in Messages"),
    ],
)
async def test_what_the_service_is_asked_in(tmp_path: Path, keys: bool, forms: list[str]) -> None:
    async with served(tmp_path, keys=keys) as up:
        if not keys:
            await up.sign_in("ada")
        for dialect in ALL:
            assert (await up.ask(dialect)).status_code == 200
        assert up.asked == forms


async def test_tags_in_the_text_reach_no_client(tmp_path: Path) -> None:
    async with served(tmp_path, dialects=["openai-chat"], keys=True) as up:
        up.fake.api.habits = {"no opening tag"}
        for dialect in ALL:
            response = await up.ask(dialect, stream=True)
            assert spoken(dialect, response, stream=True) == (f"{THOUGHT}\n", TEXT)
            assert "think>" not in response.text


async def test_models_are_listed_under_the_prefix(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        listed = [model["id"] for model in (await up.running.client.get("/v1/models")).json()["data"]]
        assert MODEL in listed
        up.fake.api.list_fault = (404, "404 page not found")
        await up.running.service.current.catalog.refresh()
        assert MODEL in [model["id"] for model in (await up.running.client.get("/v1/models")).json()["data"]]
        assert (await up.ask("openai-chat")).status_code == 200


async def test_the_fallback_list_serves_where_none_was_ever_had(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        up.fake.api.list_fault = (500, "")
        await up.sign_in("ada")
        assert (await up.ask("anthropic-messages")).status_code == 200


async def test_an_expired_token_is_refreshed_once_for_all(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        up.fake.expire()
        asks = (up.ask("anthropic-messages", stream=number % 2 == 0) for number in range(10))
        assert [answer.status_code for answer in await asyncio.gather(*asks)] == [200] * 10
        assert up.fake.refreshes == 1
        (stored,) = up.entry.store.load()
        assert stored.secrets["access_token"].reveal() in up.fake.ledger.access


async def test_a_revoked_account_is_out_and_another_serves(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        ada = await up.sign_in("ada")
        up.fake.expire()
        up.fake.revoke()
        ben = await up.sign_in("ben")
        for _ in range(3):
            assert (await up.ask("anthropic-messages")).status_code == 200
        assert up.fake.refreshes == 1
        states = [up.running.service.account_state(up.entry, account) for account in (ada, ben)]
        assert states == ["auth_failed", "ready"]


async def test_a_refused_key_is_out_with_advice(tmp_path: Path) -> None:
    async with served(tmp_path, keys=True) as up:
        assert (await up.ask("openai-chat")).status_code == 200
        up.fake.ledger.keys.clear()
        response = await up.ask("openai-chat")
        assert response.status_code == 401
        assert up.fake.refreshes == 0
        assert up.fake.key_of("kim") not in response.text


@pytest.mark.parametrize(
    ("fault", "calls", "status"),
    [
        ("quota_exhausted", 2, 200),
        ("forbidden", 2, 200),
        ("in_band", 2, 200),
        ("in_band_stream", 2, 200),
        ("cut_before", 2, 200),
        ("invalid_request", 1, 400),
        ("content_filtered", 1, 422),
    ],
)
async def test_what_another_account_is_asked_for(tmp_path: Path, fault: str, calls: int, status: int) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        await up.sign_in("ben")
        assert up.fake.fail(fault)
        response = await up.ask("anthropic-messages", stream=True)
        assert (response.status_code, len(up.asked)) == (status, calls)
        assert len({call.key for call in up.fake.api.calls}) == calls


async def test_a_spent_plan_falls_back_to_another_provider(tmp_path: Path) -> None:
    async def other(exchange: Exchange) -> None:
        if exchange.path.endswith("/models"):
            await exchange.respond(200, '{"data": [{"id": "MiniMax-M2.7"}]}')
        else:
            await exchange.respond(200, completion("from elsewhere"))

    async with LoopbackServer(other) as server:
        elsewhere = {"name": "other", "prefix": "other", "base-url": f"{server.url}/v1", "api-key-entries": []}
        routing = {"fallbacks": {"minimax": ["other"]}}
        others = {"openai-compatibility": [elsewhere], "routing": routing}
        async with served(tmp_path, others=others, keys=True) as up:
            assert up.fake.fail("quota_exhausted")
            response = await up.ask("openai-chat")
            assert response.json()["choices"][0]["message"]["content"] == "from elsewhere"


async def test_a_cut_stream_is_not_asked_for_again(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        await up.sign_in("ben")
        assert up.fake.fail("cut")
        response = await up.ask("anthropic-messages", stream=True)
        assert events(response.content)[-1]["type"] == "error"
        assert len(up.asked) == 1


async def test_a_client_that_leaves_takes_the_call_with_it(tmp_path: Path) -> None:
    async with served(tmp_path, keys=True) as up:
        server = up.fake.server
        for dialect in ALL:
            assert up.fake.fail("slow")
            up.fake.api.calls.clear()
            asking = asyncio.create_task(up.ask(dialect, stream=True))
            await server.wait_for(lambda: bool(up.fake.api.calls))
            asking.cancel()
            await server.wait_for(lambda: not up.fake.api.under_way, timeout_s=1.0)


async def test_nothing_that_is_said_holds_a_secret(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    texts: list[str] = []
    async with served(tmp_path, keys=True) as up:
        await up.sign_in("ada")
        await up.sign_in("ben", "api-key")
        up.fake.expire()
        up.fake.fail("invalid_request")
        texts += [(await up.ask(dialect)).text for dialect in ALL]
        pages = ("/health", "/v1/metrics/providers", "/metrics", "/v1/models")
        texts += [(await up.running.client.get(page)).text for page in pages]
        texts += [path.read_text() for path in (tmp_path / "auth").glob("*.json")]
        texts += [repr(up.entry.accounts), repr(up.entry.provider)]
        secrets = up.fake.secrets()
    texts += capfd.readouterr()
    assert len(secrets) >= 5
    assert [text for text in texts for secret in secrets if secret in text] == []
    assert KEY not in json.dumps(texts)

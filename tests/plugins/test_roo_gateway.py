"""The roo plugin in a whole gateway over a fake of the whole service: real configuration, files and sockets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from switchgear.testing import Exchange, LoopbackServer
from switchgear_roo.fake import FakeRoo
from switchgear_roo.fake.answers import DETAIL, PLAIN, SIGNATURE, THINKER, USAGE
from tests.gateways import Running, completion, gateway
from tests.plugins.roo_service import HELLO, events, served

CHAT = "/proxy/v1/chat/completions"
NAME = f"roo/{PLAIN}"


async def ask(running: Running, model: str = NAME, **fields: Any) -> tuple[int, Any]:
    response = await running.chat(model, **fields)
    return response.status_code, response.json()


def stored(folder: Path) -> str:
    return "".join(path.read_text() for path in (folder / "auth").glob("*.json"))


# -- asking ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["clerk", "cli", "static"])
async def test_an_account_is_asked(tmp_path: Path, method: str) -> None:
    async with served(tmp_path, "ada", method=method) as (running, _):
        status, answer = await ask(running)
        assert (status, answer["choices"][0]["message"]["content"]) == (200, "You said: Hello")
        assert answer["usage"] == USAGE
        streamed = await running.chat(NAME, stream=True)
        assert events(streamed.content)[-1]["usage"]["cost"] == USAGE["cost"]
        assert (await running.counted("roo"))["attempts"] == 2
        listed = (await running.client.get("/v1/models")).json()["data"]
        assert NAME in {model["id"] for model in listed}


async def test_a_messages_client_gets_the_thoughts_once(tmp_path: Path) -> None:
    async with served(tmp_path, "ada") as (running, fake):
        body = {
            "model": f"roo/{THINKER}",
            "max_tokens": 4096,
            "messages": HELLO,
            "thinking": {"type": "enabled", "budget_tokens": 2048},
        }
        whole = (await running.client.post("/v1/messages", json=body)).json()
        assert [block["type"] for block in whole["content"]] == ["thinking", "text"]
        assert (whole["content"][0]["thinking"], whole["content"][0]["signature"]) == (DETAIL["text"], SIGNATURE)
        assert fake.proxy.bodies[-1]["reasoning"] == {"enabled": True, "effort": "low"}
        streamed = await running.client.post("/v1/messages", json={**body, "stream": True})
        assert "".join(_deltas(streamed.text, "thinking")) == DETAIL["text"]
        assert "".join(_deltas(streamed.text, "signature")) == SIGNATURE
        # What was read from the cache and written to it is no part of a Messages client's input_tokens.
        used = whole["usage"]
        counted = (used["input_tokens"], used["cache_read_input_tokens"], used["cache_creation_input_tokens"])
        assert counted == (30, 80, 10)


def _deltas(text: str, name: str) -> list[str]:
    datas = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    return [data["delta"][name] for data in datas if name in data.get("delta", {})]


async def test_a_tool_loop_of_a_messages_client(tmp_path: Path) -> None:
    """The fake refuses a turn whose thoughts did not come back."""
    async with served(tmp_path, "ada") as (running, _):
        body: dict[str, Any] = {
            "model": f"roo/{THINKER}",
            "max_tokens": 4096,
            "thinking": {"type": "enabled", "budget_tokens": 2048},
            "tools": [{"name": "weather", "input_schema": {"type": "object"}}],
        }
        first = (await running.client.post("/v1/messages", json={**body, "messages": HELLO})).json()
        assert first["stop_reason"] == "tool_use"
        result = {"type": "tool_result", "tool_use_id": "call_1", "content": "Rain"}
        turns = [*HELLO, {"role": "assistant", "content": first["content"]}, {"role": "user", "content": [result]}]
        second = await running.client.post("/v1/messages", json={**body, "messages": turns})
        assert second.status_code == 200, second.text
        assert second.json()["content"][-1]["text"] == "You said: Rain"


# -- the token of a minute ---------------------------------------------------------------------------------------


async def test_many_requests_mint_one_token_and_none_is_written(tmp_path: Path) -> None:
    async with served(tmp_path, "ada") as (running, fake):
        answers = await asyncio.gather(*(ask(running) for _ in range(20)))
        assert [status for status, _ in answers] == [200] * 20
        assert fake.refreshes == 1
        kept = stored(tmp_path)
        assert not [secret for secret in fake.secrets() if secret in kept]


async def test_a_refused_token_is_minted_anew_once(tmp_path: Path) -> None:
    async with served(tmp_path, "ada") as (running, fake):
        await ask(running)
        before = fake.refreshes
        fake.fail("token_expired")
        assert (await ask(running))[0] == 200
        assert fake.refreshes - before == 1
        counted = await running.counted("roo")
        assert (counted["attempts"], counted["successes"]) == (3, 2)


async def test_a_token_that_looks_old_at_once_is_used(tmp_path: Path) -> None:
    """As where this machine's clock is ahead: whether a token is good is for the service to say."""
    async with served(tmp_path, "ada") as (running, fake):
        fake.lifetime_s = 5.0
        fake.fail("token_expired")
        before = fake.refreshes
        assert [(await ask(running))[0] for _ in range(3)] == [200] * 3
        assert fake.refreshes - before == 1


async def test_a_session_that_is_over_takes_its_account_out_and_the_other_serves(tmp_path: Path) -> None:
    async with served(tmp_path, "ada", "ben") as (running, fake):
        for _ in range(2):
            await ask(running)
        fake.expire()
        for session in fake.people.sessions.values():
            session.over = session.person == "ada"
        for _ in range(4):
            assert (await ask(running))[0] == 200
        accounts = (await running.provider("roo"))["accounts"]
        assert (accounts["ready"], accounts["auth_failed"]) == (1, 1)
        before = fake.refreshes
        for _ in range(4):
            await ask(running)
        assert fake.refreshes == before  # nobody knocks again


async def test_clerk_that_fails_leaves_the_account(tmp_path: Path) -> None:
    async with served(tmp_path, "ada") as (running, fake):
        await ask(running)
        fake.fail("token_expired")
        fake.fail("refresh_unavailable")
        assert (await ask(running))[0] == 401
        assert (await ask(running))[0] == 200


async def test_a_restart_knows_the_accounts(tmp_path: Path) -> None:
    async with served(tmp_path, "ada") as (running, fake):
        assert (await ask(running))[0] == 200
        async with gateway(tmp_path, {"roo": [fake.settings]}) as again:
            await again.service.current.catalog.refresh()
            assert (await ask(again))[0] == 200


async def test_a_refused_token_of_ninety_days_needs_the_operator(tmp_path: Path) -> None:
    async with served(tmp_path, "ada", method="cli") as (running, fake):
        await ask(running)
        fake.people.refuse_all()
        assert (await ask(running))[0] == 401
        hits = fake.server.hits(CHAT)
        assert (await ask(running))[0] == 503
        assert fake.server.hits(CHAT) == hits
        assert (await running.provider("roo"))["accounts"]["auth_failed"] == 1


# -- failures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["in_band_stream", "html"])
async def test_what_passes_is_tried_again(tmp_path: Path, fault: str) -> None:
    async with served(tmp_path, "ada", "ben") as (running, fake):
        fake.fail(fault)
        response = await running.chat(NAME, stream=True)
        assert response.status_code == 200
        assert "said" in response.text
        counted = await running.counted("roo")
        assert (counted["attempts"], counted["successes"]) == (2, 1)


async def test_a_stream_that_breaks_off_says_so(tmp_path: Path) -> None:
    async with served(tmp_path, "ada", "ben") as (running, fake):
        fake.fail("cut")
        response = await running.chat(NAME, stream=True)
        assert b'"error"' in response.content
        assert b"[DONE]" not in response.content
        assert b'"finish_reason": "stop"' not in response.content
        assert fake.server.hits(CHAT) == 1


@pytest.mark.parametrize(
    ("fault", "stream"),
    [
        pytest.param("sunset", True, id="as a stream"),
        pytest.param("sunset_text", True, id="as a text in a stream's place"),
        pytest.param("sunset_410", False, id="as an error"),
    ],
)
async def test_after_the_end_another_provider_answers(tmp_path: Path, fault: str, stream: bool) -> None:
    async def other(exchange: Exchange) -> None:
        await exchange.respond(200, completion("From the other"))

    async with LoopbackServer(other) as server, FakeRoo() as fake:
        config = {
            "roo": [{**fake.settings, "api-keys": [fake.people.static_key("ada")]}],
            "wired": [{"base-url": server.url, "models": [{"name": PLAIN}], "prefix": "other"}],
            "routing": {"fallbacks": {"roo": ["other"]}},
        }
        async with gateway(tmp_path, config) as running:
            await running.service.current.catalog.refresh()
            fake.fail(fault)
            for _ in range(2):
                response = await running.chat(NAME, stream=stream)
                assert response.status_code == 200
                assert "From the other" in response.text
                assert "sunset" not in response.text
            assert fake.server.hits(CHAT) == 1


async def test_the_end_is_told_to_a_client_who_has_nobody_else(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake):
        fake.fail("sunset")
        status, answer = await ask(running)
        assert (status, answer["error"]["code"]) == (410, "service_ended")
        assert "another host under endpoints" in answer["error"]["message"]
        hits = fake.server.hits(CHAT)
        assert (await ask(running))[0] == 503  # nobody is asked again for a while
        assert fake.server.hits(CHAT) == hits


async def test_a_key_of_the_configuration_and_its_limit(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake):
        assert (await ask(running))[0] == 200
        assert fake.server.requests[-1].headers["authorization"] == f"Bearer {fake.people.static_key('ada')}"
        fake.fail("rate_limited")
        response = await running.chat(NAME)
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) in {6, 7}


async def test_a_block_without_an_account_calls_nobody(tmp_path: Path) -> None:
    async with FakeRoo() as fake, gateway(tmp_path, {"roo": [fake.settings]}) as running:
        await running.service.current.catalog.refresh()
        status, answer = await ask(running)
        assert (status, answer["error"]["code"]) == (404, "model_not_found")
        assert len(fake.server.requests) == 0

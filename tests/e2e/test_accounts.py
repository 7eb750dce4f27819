"""A gateway and its accounts: sign-ins it notices, tokens it renews, calls it keeps apart."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import httpx2
import pytest

from switchgear import assembly
from switchgear.account_settings import AccountSettings, AccountSettingsFolder
from switchgear.authfile import DirectoryStore
from switchgear.loading import Installed
from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import Running, completion, gateway, wired
from tests.rotating import RotatingUpstream
from tests.stores import store

ROTATING = {
    "rotating": Installed("rotating", "tests", "1", (EntryPoint("rotating", "tests.rotating_plugin", "switchgear"),))
}


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "ACCOUNTS_LOOK_S", 0.02)
    monkeypatch.setattr(assembly, "REFRESH_LOOK_S", 0.02)


@asynccontextmanager
async def rotating(folder: Path, upstream: RotatingUpstream, **config: Any) -> AsyncIterator[Running]:
    async with upstream.server as server:
        block = {"base-url": server.url, "prefix": ""}
        async with gateway(folder, {"rotating": [block], **config}, ROTATING) as running:
            yield running


def files(folder: Path) -> DirectoryStore:
    return store(folder / "auth", "rotating")


async def until(running: Running, status: int, text: str = "") -> httpx2.Response:
    """Ask until the answer is as wanted."""
    async with asyncio.timeout(5):
        while True:
            answer = await running.chat()
            if answer.status_code == status and text in answer.text:
                return answer
            await asyncio.sleep(0.01)  # the gateway looks for changes as often


async def test_a_sign_in_an_edit_and_a_removal_are_noticed_without_a_restart(tmp_path: Path) -> None:
    upstream = RotatingUpstream("ada")
    async with rotating(tmp_path, upstream) as running:
        assert (await running.chat()).status_code == 404
        health = (await running.client.get("/health")).json()
        assert "switchgear login rotating" in json.dumps(health)
        account = upstream.account("ada", expires_at=None)
        await files(tmp_path).save(account)
        await until(running, 200, "Hello, ada")
        settings = AccountSettingsFolder(tmp_path / "auth", "rotating")
        settings.write("ada", AccountSettings(disabled=True))
        await until(running, 503)
        settings.write("ada", AccountSettings(disabled=False))
        await until(running, 200)
        await files(tmp_path).remove(account)
        await until(running, 404)


async def test_u5_an_expired_token_is_refreshed_once_and_the_request_replayed_once(tmp_path: Path) -> None:
    upstream = RotatingUpstream("ada")
    await files(tmp_path).save(upstream.account("ada", expires_at=None))
    upstream.access["ada"] = "access-ada-another"
    async with rotating(tmp_path, upstream) as running:
        assert (await running.chat()).status_code == 200
        assert upstream.server.hits("/token") == 1
        assert upstream.server.hits("/chat/completions") == 2


async def test_tokens_are_renewed_with_nobody_asking(tmp_path: Path) -> None:
    upstream = RotatingUpstream("ada")
    await files(tmp_path).save(upstream.account("ada", expires_at=time.time() + 60))
    async with rotating(tmp_path, upstream):
        await upstream.server.wait_for(lambda: upstream.server.hits("/token") == 1)
    [account] = files(tmp_path).load()
    assert account.secrets["refresh"].reveal() == upstream.refresh["ada"]


async def test_one_account_that_is_spent_takes_no_other_down(tmp_path: Path) -> None:
    upstream = RotatingUpstream("ada", "ben")
    for person in ("ada", "ben"):
        await files(tmp_path).save(upstream.account(person, expires_at=time.time() - 60))
    upstream.revoked.add("ada")
    async with rotating(tmp_path, upstream) as running:
        answers = [await running.chat() for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 6
        assert all("Hello, ben" in answer.text for answer in answers)
        assert max(upstream.refreshed.values()) == 1


async def test_a_reload_keeps_tokens_that_are_only_in_memory(tmp_path: Path) -> None:
    upstream = RotatingUpstream("ada")
    await files(tmp_path).save(upstream.account("ada", expires_at=time.time() - 60))
    async with rotating(tmp_path, upstream) as running:
        assert (await running.chat()).status_code == 200
        config = json.loads(running.config_file.read_text())
        running.config_file.write_text(json.dumps({**config, "request-retry": 1}))
        await running.service.reload()
        assert running.service.current.config.request_retry == 1
        assert (await running.chat()).status_code == 200
        assert upstream.server.hits("/token") == 1


async def test_an_account_that_allows_one_call_at_a_time_gets_one_at_a_time(tmp_path: Path) -> None:
    upstream = RotatingUpstream("ada")
    under_way = most = 0

    async def slowly(exchange: Exchange) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        await exchange.respond(200, completion())
        under_way -= 1

    async with LoopbackServer(slowly) as server:
        upstream.server = server
        await files(tmp_path).save(replace(upstream.account("ada", expires_at=None), max_concurrency=1))
        block = {"base-url": server.url, "prefix": ""}
        async with gateway(tmp_path, {"rotating": [block]}, ROTATING) as running:
            answers = await asyncio.gather(*(running.chat() for _ in range(20)))
        assert [answer.status_code for answer in answers] == [200] * 20
        assert most == 1


async def test_a_call_whose_client_left_gives_its_turn_back(tmp_path: Path) -> None:
    upstream = RotatingUpstream("ada")
    started = asyncio.Event()

    async def first_hangs(exchange: Exchange) -> None:
        if not started.is_set():
            started.set()
            await exchange.closed.wait()
            return
        await exchange.respond(200, completion())

    async with LoopbackServer(first_hangs) as server:
        await files(tmp_path).save(replace(upstream.account("ada", expires_at=None), max_concurrency=1))
        block = {"base-url": server.url, "prefix": ""}
        async with gateway(tmp_path, {"rotating": [block]}, ROTATING) as running:
            first = asyncio.create_task(running.chat())
            await started.wait()
            second = asyncio.create_task(running.chat())
            first.cancel()
            assert (await second).status_code == 200


@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic-messages"])
async def test_a_whole_answer_where_a_stream_was_asked_for_becomes_one(tmp_path: Path, dialect: str) -> None:
    message = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 5},
    }

    async def whole(exchange: Exchange) -> None:
        body = completion() if exchange.path.endswith("completions") else json.dumps(message).encode()
        await exchange.respond(200, body)

    async with LoopbackServer(whole) as server, gateway(tmp_path, wired(server, dialects=[dialect])) as running:
        answer = await running.chat(stream=True)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert '"content":"Hi"' in answer.text
        assert '"finish_reason":"stop"' in answer.text
        assert answer.text.endswith("data: [DONE]\n\n")
        assert (await running.counted("wired"))["tokens"]["output"] == 5

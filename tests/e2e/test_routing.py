"""Which account is asked, seen from the outside: strategies, priorities, conversations, turns, and shifts."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from switchgear.account_settings import AccountSettings, AccountSettingsFolder
from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import Running, completion, gateway, wired


class Counting:
    """An upstream that counts who asks, and how many at once; ``gate`` holds answers back while it is shut."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.at_once: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self.gate = asyncio.Event()
        self.gate.set()
        self.server = LoopbackServer(self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        account = exchange.headers["authorization"].removeprefix("Bearer token-of-").rpartition("-")[0]
        self.asked[account] += 1
        self.at_once[account] += 1
        self.most_at_once[account] = max(self.most_at_once[account], self.at_once[account])
        self.server.notify()
        try:
            await self.gate.wait()
            await exchange.respond(200, completion(f"from {account}"))
        finally:
            self.at_once[account] -= 1


@asynccontextmanager
async def routed(
    folder: Path, accounts: list[str], settings: dict[str, AccountSettings] | None = None, **config: Any
) -> AsyncIterator[tuple[Running, Counting]]:
    entry = config.pop("entry", {})
    operator = AccountSettingsFolder(folder / "auth", "wired")
    for account, wanted in (settings or {}).items():
        operator.write(account, wanted)
    upstream = Counting()
    async with upstream.server as server:
        block = wired(server, accounts=accounts, **entry)
        async with gateway(folder, {**block, **config}) as running:
            yield running, upstream


async def test_weights_share_the_traffic_out(tmp_path: Path) -> None:
    settings = {"a": AccountSettings(weight=3), "b": AccountSettings(weight=1)}
    async with routed(tmp_path, ["a", "b"], settings, routing={"strategy": "weighted"}) as (running, upstream):
        for _ in range(12):
            assert (await running.chat()).status_code == 200
        assert upstream.asked == {"a": 9, "b": 3}


async def test_a_lower_priority_is_asked_only_when_the_higher_ones_cannot_be(tmp_path: Path) -> None:
    settings = {"a": AccountSettings(priority=1), "b": AccountSettings(priority=1)}
    async with routed(tmp_path, ["c", "a", "b"], settings) as (running, upstream):
        for _ in range(6):
            await running.chat()
        assert upstream.asked == {"a": 3, "b": 3}
        upstream.gate.clear()
        [entry] = running.service.current.entries
        for account in entry.accounts[:2]:
            running.service.slots.take("wired", account.id)
        running.service.slots.limits = type(running.service.slots.limits)({}, {("wired", "a"): 1, ("wired", "b"): 1})
        upstream.gate.set()
        await running.chat()
        assert upstream.asked["c"] == 1


async def test_the_least_busy_account_is_asked(tmp_path: Path) -> None:
    async with routed(tmp_path, ["a", "b", "c"], routing={"strategy": "least-busy"}) as (running, upstream):
        upstream.gate.clear()
        asked = [asyncio.create_task(running.chat()) for _ in range(9)]
        await upstream.server.wait_for(lambda: sum(upstream.asked.values()) == 9)
        assert upstream.at_once == {"a": 3, "b": 3, "c": 3}
        upstream.gate.set()
        await asyncio.gather(*asked)


async def test_a_conversation_stays_on_one_account(tmp_path: Path) -> None:
    routing = {"keep-conversations": True}
    async with routed(tmp_path, ["a", "b", "c", "d"], routing=routing) as (running, upstream):
        for conversation in range(8):
            before = upstream.asked.copy()
            messages = [{"role": "user", "content": f"Conversation {conversation}"}]
            for turn in range(4):
                body = {"model": "m", "messages": messages}
                assert (await running.client.post("/v1/chat/completions", json=body)).status_code == 200
                messages += [{"role": "assistant", "content": "Hi"}, {"role": "user", "content": f"Turn {turn}"}]
            assert len(upstream.asked - before) == 1
        assert len(upstream.asked) > 1


async def test_a_provider_that_allows_two_calls_gets_two_and_the_others_wait_their_turn(tmp_path: Path) -> None:
    entry = {"max-concurrency": 2}
    async with routed(tmp_path, ["a", "b", "c"], entry=entry) as (running, upstream):
        upstream.gate.clear()
        asked = [asyncio.create_task(running.chat()) for _ in range(10)]
        await upstream.server.wait_for(lambda: sum(upstream.at_once.values()) == 2)
        async with asyncio.timeout(5):
            while (await running.provider("wired"))["queue_depth"] != 8:
                await asyncio.sleep(0.01)
        upstream.gate.set()
        answers = await asyncio.gather(*asked)
        assert [answer.status_code for answer in answers] == [200] * 10
        assert sum(upstream.most_at_once.values()) <= 6  # two at once, over three accounts
        assert (await running.provider("wired"))["queue_depth"] == 0


@pytest.mark.parametrize(
    ("config", "says"),
    [
        pytest.param({"routing": {"queue-size": 0}}, "too many requests wait already", id="the line is full"),
        pytest.param({"routing": {"queue-seconds": 0}}, "none became free within 0 s", id="the wait is over"),
    ],
)
async def test_who_cannot_wait_is_told_so_at_once(tmp_path: Path, config: dict[str, Any], says: str) -> None:
    async with routed(tmp_path, ["a"], entry={"max-concurrency": 1}, **config) as (running, upstream):
        upstream.gate.clear()
        first = asyncio.create_task(running.chat())
        await upstream.server.wait_for(lambda: upstream.asked["a"] == 1)
        refused = await running.chat()
        assert refused.status_code == 503
        error = refused.json()["error"]
        assert (error["code"], says in error["message"]) == ("accounts_busy", True)
        assert refused.headers["retry-after"] == "1"
        upstream.gate.set()
        assert (await first).status_code == 200
        assert (await running.chat()).status_code == 200
        assert (await running.counted("wired"))["short_circuited"] == 1


async def test_a_client_that_leaves_the_line_holds_nobody_up(tmp_path: Path) -> None:
    async with routed(tmp_path, ["a"], entry={"max-concurrency": 1}) as (running, upstream):
        upstream.gate.clear()
        first, gone, last = (asyncio.create_task(running.chat()) for _ in range(3))
        await upstream.server.wait_for(lambda: upstream.asked["a"] == 1)
        async with asyncio.timeout(5):
            while running.service.slots.waiting("wired") != 2:
                await asyncio.sleep(0.01)
        gone.cancel()
        upstream.gate.set()
        assert [(await task).status_code for task in (first, last)] == [200, 200]
        assert running.service.slots.waiting("wired") == 0


async def test_traffic_is_shifted_in_part_and_moved_back(tmp_path: Path) -> None:
    one, other = Counting(), Counting()
    async with one.server as first, other.server as second:
        blocks = {
            "wired": [
                {"name": "kiro", "prefix": "k", "base-url": first.url, "models": [{"name": "m"}]},
                {"name": "router", "prefix": "or", "base-url": second.url, "models": [{"name": "m"}]},
            ]
        }
        async with gateway(tmp_path, blocks) as running:
            running.service.shifts.set("k", "or", share=25)
            for _ in range(8):
                assert (await running.chat("k/m")).status_code == 200
            assert (sum(one.asked.values()), sum(other.asked.values())) == (6, 2)
            running.service.shifts.set("k", "or")
            await running.chat("k/m")
            assert sum(other.asked.values()) == 3
            running.service.shifts.end("k")
            await running.chat("k/m")
            assert sum(one.asked.values()) == 7
            assert (await running.chat("or/m")).status_code == 200


async def test_what_is_shifted_falls_back_to_where_it_came_from(tmp_path: Path) -> None:
    one = Counting()

    async def fails(exchange: Exchange) -> None:
        await exchange.respond(500, json.dumps({"error": {"message": "down"}}))

    async with one.server as first, LoopbackServer(fails) as second:
        blocks = {
            "wired": [
                {"name": "kiro", "prefix": "k", "base-url": first.url, "models": [{"name": "m"}]},
                {"name": "router", "prefix": "or", "base-url": second.url, "models": [{"name": "m"}]},
            ]
        }
        async with gateway(tmp_path, blocks) as running:
            running.service.shifts.set("k", "or")
            answer = await running.chat("k/m")
            assert answer.status_code == 200
            assert answer.headers["x-switchgear-provider"] == "kiro"


# -- over a restart ----------------------------------------------------------------------------------------


async def test_cooldowns_outs_and_shifts_outlive_a_restart(tmp_path: Path) -> None:
    async def refuses(exchange: Exchange) -> None:
        account = exchange.headers["authorization"].removeprefix("Bearer token-of-").rpartition("-")[0]
        if exchange.path == "/token":
            await exchange.respond(400)
        elif account == "a":
            await exchange.respond(429, "{}", {"retry-after": "600"})
        elif account == "b":
            await exchange.respond(403, b'{"error": {"message": "suspended"}}')
        else:
            await exchange.respond(200, completion())

    async with LoopbackServer(refuses) as server:
        blocks = {**wired(server, accounts=["a", "b"]), "request-retry": 1, "max-retry-interval": 0}
        async with gateway(tmp_path, blocks) as running:
            for _ in range(3):
                await running.chat()
            running.service.shifts.set("x", "y", share=10)
            before = (await running.provider("wired"))["cooldowns"]
            assert {row["reason"] for row in before} == {"rate_limited", "suspended"}
            asked = server.hits("/chat/completions")
        async with gateway(tmp_path, blocks) as running:
            after = (await running.provider("wired"))["cooldowns"]
            assert [(row["reason"], row["until"]) for row in after] == [(row["reason"], row["until"]) for row in before]
            assert (await running.chat()).status_code == 503
            assert server.hits("/chat/completions") == asked
            assert [shift.source for shift in running.service.shifts.all()] == ["x"]
        state = tmp_path / "state" / "standing.json"
        state.write_text("{")
        async with gateway(tmp_path, blocks) as running:
            assert (await running.provider("wired"))["cooldowns"] == []

"""A token is refreshed, and meanwhile things happen: what stands against the account, or calls it, still counts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import Running, completion, gateway, wired


class Slow:
    """An upstream that refuses the first token; ``refresh`` and ``answers`` hold back until they are set.

    ``told``: by model, the status and the message that its requests get.
    """

    def __init__(self) -> None:
        self.refresh, self.answers = asyncio.Event(), asyncio.Event()
        self.told: dict[str, tuple[int, str]] = {}
        self.expired = {"expired"}
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self.server = LoopbackServer(self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.path == "/token":
            await self.refresh.wait()
            await exchange.respond(200, "token-of-one-1")
            return
        model = json.loads(exchange.body)["model"]
        self.asked.append(model)
        self.server.notify()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if model in self.expired and exchange.headers["authorization"].endswith("-0"):
                await exchange.respond(401)
            elif model in self.told:
                status, message = self.told[model]
                await exchange.respond(status, json.dumps({"error": {"message": message}}), {"retry-after": "600"})
            else:
                await self.answers.wait()
                await exchange.respond(200, completion())
        finally:
            self.at_once -= 1


MODELS = [{"name": name} for name in ("expired", "other")]


async def expired(running: Running, upstream: Slow) -> asyncio.Task[int]:
    """A request whose token was refused, and which waits for the new one."""

    async def status() -> int:
        return (await running.chat("expired")).status_code

    task = asyncio.create_task(status())
    await upstream.server.wait_for(lambda: upstream.server.hits("/token") == 1)
    return task


async def test_a_new_token_lets_nobody_in_who_is_out_for_another_reason(tmp_path: Path) -> None:
    upstream = Slow()
    upstream.refresh.set()
    upstream.answers.set()
    upstream.told["other"] = (429, "slow down")
    async with upstream.server:
        config = {**wired(upstream.server, models=MODELS), "max-retry-interval": 0}
        async with gateway(tmp_path, config) as running:
            assert (await running.chat("other")).status_code == 429
            assert (await running.chat("expired")).status_code == 200
            assert (await running.provider("wired"))["auth"]["last_refresh_result"] == "ok"
            assert (await running.chat("other")).status_code == 503, "it still cools down"
            assert upstream.asked.count("other") == 1


async def test_who_waited_for_a_new_token_does_not_ask_an_account_that_was_suspended_meanwhile(tmp_path: Path) -> None:
    upstream = Slow()
    upstream.told["other"] = (403, "suspended")
    async with upstream.server:
        async with gateway(tmp_path, {**wired(upstream.server, models=MODELS), "max-retry-interval": 0}) as running:
            waiting = await expired(running, upstream)
            assert (await running.chat("other")).status_code == 403
            upstream.refresh.set()
            assert await waiting == 401, "the last real error"
            assert upstream.asked == ["expired", "other"]
            assert (await running.provider("wired"))["accounts"]["suspended"] == 1


async def test_who_waited_for_a_new_token_waits_for_a_turn_too(tmp_path: Path) -> None:
    upstream = Slow()
    async with upstream.server:
        config = wired(upstream.server, models=MODELS, **{"max-concurrency": 1})
        async with gateway(tmp_path, config) as running:
            waiting = await expired(running, upstream)
            other = asyncio.create_task(running.chat("other"))
            await upstream.server.wait_for(lambda: upstream.asked[-1] == "other")
            upstream.refresh.set()
            async with asyncio.timeout(5):
                while running.service.slots.waiting("wired") != 1:
                    await asyncio.sleep(0)
            upstream.answers.set()
            assert (await waiting, (await other).status_code) == (200, 200)
            assert upstream.most_at_once == 1

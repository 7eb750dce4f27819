"""Ten times more requests than may be under way (fault R2), and a state directory that cannot be written (fault R4)."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import completion, gateway, wired

AT_ONCE, IN_LINE, ASKED = 10, 20, 300
FAST_S = 5.0


async def test_r2_what_is_too_much_is_refused_fast_and_the_rest_is_served(tmp_path: Path) -> None:
    gate = asyncio.Event()
    under_way = most = 0

    async def slow(exchange: Exchange) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        server.notify()
        await gate.wait()
        under_way -= 1
        await exchange.respond(200, completion())

    async with LoopbackServer(slow) as server:
        config = {**wired(server, **{"max-concurrency": AT_ONCE}), "routing": {"queue-size": IN_LINE}}
        async with gateway(tmp_path, config) as running:
            begun = time.monotonic()
            asked = [asyncio.create_task(running.chat()) for _ in range(ASKED)]
            refused = list(asyncio.as_completed(asked))
            answers = [await next_one for next_one in refused[: ASKED - AT_ONCE - IN_LINE]]
            assert time.monotonic() - begun < FAST_S  # before a single one was served
            assert Counter(answer.status_code for answer in answers) == {503: ASKED - AT_ONCE - IN_LINE}
            assert {answer.headers["retry-after"] for answer in answers} == {"1"}
            assert {answer.json()["error"]["code"] for answer in answers} == {"accounts_busy"}
            health = await running.client.get("/health/ready")
            assert health.status_code == 200
            gate.set()
            served = [await next_one for next_one in refused[ASKED - AT_ONCE - IN_LINE :]]
            assert Counter(answer.status_code for answer in served) == {200: AT_ONCE + IN_LINE}
            assert most == AT_ONCE
            after = await asyncio.gather(*(running.chat() for _ in range(AT_ONCE + IN_LINE)))
            assert Counter(answer.status_code for answer in after) == {200: AT_ONCE + IN_LINE}
            counted = await running.counted("wired")
            assert (counted["attempts"], counted["short_circuited"]) == (2 * (AT_ONCE + IN_LINE), len(answers))
            assert counted["success_ratio"] == 1.0  # refusals of our own are no failures of the provider


async def test_r4_without_a_state_directory_the_gateway_serves_and_says_so(tmp_path: Path, log_output: object) -> None:
    (tmp_path / "state").write_text("in the way")

    async def answer(exchange: Exchange) -> None:
        if exchange.path == "/chat/completions":
            await exchange.respond(429, "{}", {"retry-after": "60"})
        else:
            await exchange.respond(200, "[]")

    async with LoopbackServer(answer) as server:
        async with gateway(tmp_path, {**wired(server), "request-retry": 0, "max-retry-interval": 0}) as running:
            assert (await running.chat()).status_code == 429
            await running.service.save_standing()
            health = (await running.client.get("/health")).json()
            assert "cannot be written" in health["state"]
            assert (await running.chat()).status_code == 503

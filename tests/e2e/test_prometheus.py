"""The scrape of a whole gateway, who may have it, and what its figures mean."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from switchgear.testing import Exchange, LoopbackServer
from tests.core.scrapes import parse
from tests.gateways import KEY, Running, completion, gateway
from tests.observed import Start, starter

OTHER_KEY = "sg-other-key-2b8d6f4a91"


@pytest.fixture
def observed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    return starter(tmp_path, monkeypatch)


def plain(running: Running, **headers: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=running.url, headers=headers, trust_env=False)


FOREIGN = {"x-forwarded-for": "203.0.113.7"}


@pytest.mark.parametrize("path", ["/v1/alerts", "/metrics"])
async def test_it_is_open_to_whom_the_metrics_are_open(observed: Start, path: str) -> None:
    keys = [{"name": "tester", "key": KEY, "scopes": ["metrics:read"]}, {"name": "other", "key": OTHER_KEY}]
    async with observed(**{"api-keys": keys}) as seen:
        for headers, status in (
            ({}, 200),
            (FOREIGN, 401),
            ({**FOREIGN, "authorization": "Bearer sg-nobody-knows-this-one"}, 401),
            ({**FOREIGN, "authorization": f"Bearer {OTHER_KEY}"}, 403),
            ({**FOREIGN, "authorization": f"Bearer {KEY}"}, 200),
        ):
            async with plain(seen.running, **headers) as client:
                assert (await client.get(path)).status_code == status, headers
        assert (await seen.running.client.get("/v1/alerts?state=wrong")).status_code == 400


async def test_the_scrape_names_accounts_to_a_key_only_and_speaks_both_forms(observed: Start) -> None:
    async with observed() as seen:
        await seen.chat(200, 3)
        await seen.chat(429)
        async with plain(seen.running) as client:
            text = await client.get("/metrics")
            assert text.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert 'account="' not in text.text
            found = parse(text.text)
            openmetrics = await client.get("/metrics", headers={"accept": "application/openmetrics-text"})
            assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
            assert openmetrics.text.endswith("# EOF\n")
        assert 'account="a0"' in (await seen.running.client.get("/metrics")).text
        assert found['switchgear_provider_outcomes_total{provider="wired",outcome="success"}'] == 3
        assert found['switchgear_client_requests_total{route="openai-chat",outcome="ok"}'] == 3
        assert found['switchgear_accounts{provider="wired",state="cooling"}'] == 1
        assert found["switchgear_overhead_seconds_count"] == 4
        assert KEY not in text.text


async def test_a_name_that_a_client_makes_up_is_no_label(observed: Start) -> None:
    async with observed() as seen:
        assert (await seen.running.chat("made-up-by-a-client")).status_code == 404
        assert "made-up-by-a-client" not in (await seen.running.client.get("/metrics")).text


async def test_what_clients_felt_stands_beside_the_attempts(observed: Start) -> None:
    async with observed(**{"request-retry": 3}) as seen:
        await seen.chat(200, 3)
        await seen.chat(500)
        await seen.chat(400)
        report = (await seen.running.client.get("/v1/metrics/providers?window=5m")).json()
        felt = report["client_requests"]["5m"]
        assert felt == {"requests": 5, "succeeded": 3, "failed": 1, "success_ratio": 0.75}
        assert report["providers"]["wired"]["windows"]["5m"]["attempts"] == 7
        assert (await seen.scrape())['switchgear_retries_total{provider="wired"}'] == 3


async def test_refreshes_are_counted(observed: Start) -> None:
    async with observed() as seen:
        await seen.chat(401, 2)
        assert (await seen.scrape())['switchgear_auth_refresh_total{provider="wired",result="failed"}'] == 2
        assert (await seen.scrape())['switchgear_auth_refresh_total{provider="wired",result="ok"}'] == 0


async def test_a_fallback_has_a_reason(tmp_path: Path) -> None:
    async def answer(exchange: Exchange) -> None:
        if exchange.path.startswith("/bad"):
            await exchange.respond(429, "{}")
        else:
            await exchange.respond(200, completion())

    async with LoopbackServer(answer) as upstream:
        blocks = [
            {"name": name, "prefix": name, "base-url": f"{upstream.url}/{name}", "models": [{"name": "m"}]}
            for name in ("bad", "good")
        ]
        config = {"wired": blocks, "routing": {"fallbacks": {"bad": ["good"]}}}
        async with gateway(tmp_path, config) as running:
            assert (await running.chat("bad/m")).status_code == 200
            found = parse((await running.client.get("/metrics")).text)
    assert found['switchgear_fallbacks_total{from="bad",to="good",reason="rate_limited"}'] == 1


async def test_the_time_in_line_is_measured(tmp_path: Path) -> None:
    first, go_on = asyncio.Event(), asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        first.set()
        await go_on.wait()
        await exchange.respond(200, completion())

    async with LoopbackServer(answer) as upstream:
        entry = {"base-url": upstream.url, "models": [{"name": "m"}], "max-concurrency": 1}
        async with gateway(tmp_path, {"wired": [entry]}) as running:
            one = asyncio.create_task(running.chat())
            await first.wait()
            two = asyncio.create_task(running.chat())
            async with asyncio.timeout(5):
                while (await running.provider("wired"))["queue_depth"] == 0:
                    await asyncio.sleep(0)
            go_on.set()
            assert [answer.status_code for answer in await asyncio.gather(one, two)] == [200, 200]
            found = parse((await running.client.get("/metrics")).text)
    assert found["switchgear_queue_wait_seconds_count"] == 1
    assert found["switchgear_queue_wait_seconds_sum"] > 0

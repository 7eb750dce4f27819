"""Alerts of a whole gateway: from traffic to the rule, and on to everyone who is told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from switchgear.alerting import Alerting
from switchgear.testing import Exchange, LoopbackServer
from tests.observed import ACCOUNTS, NOON, SECRET, Start, starter

SERIES = 'switchgear_alert_firing{rule="%s",provider="wired"}'


@pytest.fixture
def observed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    return starter(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("status", "rules"),
    [
        pytest.param(500, ["provider-success"], id="failures"),
        pytest.param(401, ["burst-401-403-429", "provider-auth", "provider-success"], id="401"),
        pytest.param(429, ["burst-401-403-429", "provider-429", "provider-success"], id="429"),
    ],
)
async def test_traffic_makes_the_rules_fire_and_everyone_hears_of_it(
    observed: Start, log_output: pytest.CaptureFixture[str], status: int, rules: list[str]
) -> None:
    async with observed() as seen:
        await seen.chat(200, 10)
        assert seen.pass_time(1) == []
        await seen.chat(status, 20 if status != 500 else 15)
        assert {rule for rule, state in seen.pass_time(1)} >= set(rules) - {"provider-429-critical"}
        seen.pass_time(3)
        fired = await seen.alerts("?state=firing")
        assert sorted({alert["rule"] for alert in fired} - {"provider-429-critical"}) == rules
        assert {alert["provider"] for alert in fired} == {"wired"}

        report = (await seen.running.client.get("/v1/metrics/providers")).json()
        assert report["alerts"] == await seen.alerts()
        scraped = await seen.scrape()
        assert [scraped[SERIES % rule] for rule in rules] == [1] * len(rules)
        told = await seen.told(len(fired))
        by_rule = {alert["rule"]: alert for alert in told}
        assert {rule: by_rule[rule]["state"] for rule in rules} == dict.fromkeys(rules, "firing")
        assert {alert["rule"]: alert for alert in fired} == by_rule
        assert {(alert.rule, alert.state) for alert in seen.heard} >= {(rule, "firing") for rule in rules}
    logged = [json.loads(line) for line in log_output.readouterr().err.splitlines() if '"event": "alert"' in line]
    firing = {line["rule"]: line for line in logged if line["state"] == "firing"}
    assert set(firing) >= set(rules)
    success = firing["provider-success"]
    assert (success["level"], success["playbook"]) == ("error", "docs/alerts.md#low-success-ratio")


async def test_it_is_resolved_when_the_traffic_is_good_again(observed: Start) -> None:
    async with observed() as seen:
        await seen.chat(500, 5)
        seen.pass_time(4)
        assert [alert["state"] for alert in await seen.alerts()] == ["firing"]
        seen.pass_time(60)
        await seen.chat(200, 5)
        assert seen.pass_time(3)[-1] == ("provider-success", "resolved")
        [alert] = await seen.alerts()
        assert (alert["rule"], alert["state"]) == ("provider-success", "resolved")
        assert await seen.alerts("?state=firing") == []
        assert (await seen.scrape())[SERIES % "provider-success"] == 0
        assert [alert["state"] for alert in await seen.told(2)] == ["firing", "resolved"]
        async with asyncio.timeout(5):  # the receiver has a message before its delivery is counted
            while (await seen.scrape())['switchgear_alert_deliveries_total{result="delivered"}'] != 2:
                await asyncio.sleep(0)
        seen.pass_time(90)
        assert await seen.alerts() == []


async def test_a_provider_whose_accounts_are_all_out_is_down(observed: Start) -> None:
    async with observed() as seen:
        await seen.chat(401, len(ACCOUNTS))
        assert (await seen.running.chat()).status_code == 503
        seen.pass_time(5)
        await seen.chat(200)
        assert ("provider-down", "firing") in seen.pass_time(2)
        alert = next(alert for alert in await seen.alerts() if alert["rule"] == "provider-down")
        assert (alert["value"], alert["severity"], alert["runbook"]) == (0, "critical", "provider-down")


async def test_a_model_that_the_upstream_knows_no_more_is_drift(observed: Start) -> None:
    """Fault U10: the account stays ready."""
    async with observed() as seen:
        await seen.chat(404)
        assert ("model-drift", "firing") in seen.pass_time(1)
        accounts = (await seen.running.provider("wired"))["accounts"]
        assert accounts["ready"] == accounts["total"]
        [alert] = await seen.alerts()
        assert (alert["value"], alert["runbook"]) == (1, "models-come-and-go")


async def test_a_reload_switches_a_rule_off_and_takes_the_webhook_away(observed: Start) -> None:
    async with observed() as seen:
        await seen.chat(500, 5)
        seen.pass_time(4)
        await seen.told(1)
        config = json.loads(seen.running.config_file.read_text())
        config["alerts"] = {"rules": {"provider-success": False}}
        seen.running.config_file.write_text(json.dumps(config))
        await seen.running.service.reload()
        assert seen.pass_time(1) == [("provider-success", "resolved")]
        assert await seen.alerts() == []
        assert (await seen.scrape())['switchgear_config_reloads_total{result="ok"}'] == 1
        assert len(seen.receiver.requests) == 1


async def test_a_webhook_that_hangs_holds_up_no_request(observed: Start) -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.closed.wait()

    async with LoopbackServer(silent) as hanging:
        webhook = {"url": hanging.url, "secret": SECRET, "allow-private": True}
        async with observed(alerts={"webhook": webhook}) as seen:
            await seen.chat(500, 5)
            seen.pass_time(4)
            await hanging.wait_for(lambda: len(hanging.requests) == 1)
            seen.answer["status"] = 200
            assert (await seen.running.chat()).status_code == 200
            assert hanging.open_connections == 1


async def test_the_loop_evaluates_as_each_ten_seconds_begin(observed: Start) -> None:
    async with observed() as seen:
        await seen.chat(500, 5)
        seen.clock.seconds = NOON + 3
        slept: list[float] = []
        fired = asyncio.Event()

        async def sleep(seconds: float) -> None:
            slept.append(round(seconds, 1))
            seen.clock.seconds += seconds + 0.006 - len(slept) / 1000  # late, each time by another amount
            if len(slept) == 5:
                fired.set()
                await asyncio.Event().wait()

        running = asyncio.create_task(Alerting(seen.running.service, sleep).run())
        async with asyncio.timeout(5):
            await fired.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert slept == [7, 10, 10, 10, 10]
        assert [(alert["rule"], alert["state"]) for alert in await seen.alerts()] == [("provider-success", "firing")]

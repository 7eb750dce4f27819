"""The runbook's incidents, each from its symptom to its recovery: what clients get, and what the operator sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.incidents import Happens, Upstream, entry, happens


@pytest.fixture
def incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Happens:
    return happens(tmp_path, monkeypatch)


def events(log_output: pytest.CaptureFixture[str], name: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log_output.readouterr().err.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == name]


# -- repeated 401/403 ------------------------------------------------------------------------------------------


async def test_repeated_401_a_token_that_is_refreshed_is_nobodys_incident(incident: Happens) -> None:
    """Token freshness: an expired token costs one attempt, and no client and no account anything."""
    upstream = Upstream(refuses={"one": (401, "the token expired", None)}, renews={"one"})
    async with upstream.server, incident(wired=[entry("kiro", upstream, "one")]) as now:
        assert await now.served_by("kiro/m", 20) == ["one"] * 20
        assert upstream.asked["one"] == 21
        now.time_passes(60)
        assert "provider-down" not in await now.firing()
        found = await now.running.provider("kiro")
        assert found["auth"]["last_refresh_result"] == "ok"
        assert (found["accounts"]["ready"], found["cooldowns"]) == (1, [])
        assert (await now.health("kiro"))["status"] == "ok"


async def test_repeated_401_spent_logins_until_the_operator_signs_in_again(
    incident: Happens, log_output: pytest.CaptureFixture[str]
) -> None:
    upstream = Upstream()
    async with upstream.server, incident(wired=[entry("kiro", upstream, "one", "two")]) as now:
        await now.served_by("kiro/m", 20)
        now.time_passes(10)

        upstream.refuses["one"] = (401, "the token was revoked", None)
        assert set(await now.served_by("kiro/m", 4)) == {"two"}, "clients feel nothing while somebody is left"
        assert upstream.asked["one"] == 11, "and the revoked login is asked once"
        now.time_passes(40)
        assert (await now.firing())["provider-auth"] == "repeated-401403"
        health = await now.health("kiro")
        assert (health["status"], health["reasons"]) == ("degraded", ["login_required"])
        found = await now.running.provider("kiro")
        assert (found["accounts"]["auth_failed"], found["accounts"]["ready"]) == (1, 1)
        assert (found["auth"]["last_refresh_result"], found["auth"]["refresh_failures_1h"]) == ("failed", 1)
        [row] = found["cooldowns"]
        assert (row["account"], row["reason"], row["until"]) == ("one", "login_required", None)

        upstream.refuses["two"] = (401, "the token was revoked", None)
        last, refused = await now.ask("kiro/m", 2)
        assert (last.status_code, refused.status_code) == (401, 503)
        assert "an operator has to act" in refused.json()["error"]["message"]
        assert "retry-after" not in refused.headers, "nothing comes back by itself"
        now.time_passes(60)
        await now.ask("kiro/m")
        now.time_passes(10)
        assert (await now.firing())["provider-down"] == "provider-down"
        assert (await now.health("kiro"))["status"] == "down"

        def sign_in(config: dict[str, Any]) -> None:
            config["wired"][0]["accounts"] = ["three", "four"]

        await now.edit(sign_in)
        assert set(await now.served_by("kiro/m", 80)) == {"three", "four"}
        changed = now.time_passes(300)
        assert {("provider-down", "resolved"), ("provider-auth", "resolved")} <= set(changed)
        assert (await now.health("kiro"))["status"] == "ok"
        assert await now.firing() == {}
    log = log_output.readouterr().err
    assert log.count('"event": "token_not_refreshed"') == 2
    assert '"kind": "token_expired"' in log, "the daily log scan shows it"


@pytest.mark.parametrize(
    ("message", "rotated"),
    [
        pytest.param("this account is suspended", False, id="suspended"),
        pytest.param("your tier lacks this model", True, id="tier"),
    ],
)
async def test_repeated_403_is_told_apart(incident: Happens, message: str, rotated: bool) -> None:
    """A suspension is the provider's word and is not gone around; a tier is a matter of one model."""
    upstream = Upstream(refuses={"one": (403, message, None)})
    async with (
        upstream.server,
        incident(wired=[entry("kiro", upstream, "one", "two")], routing={"strategy": "fill-first"}) as now,
    ):
        [first] = await now.ask("kiro/m")
        assert first.status_code == (200 if rotated else 403)
        assert (message in first.text) is not rotated
        assert await now.served_by("kiro/m", 9) == ["two"] * 9
        assert upstream.asked["one"] == 1
        found = await now.running.provider("kiro")
        assert (found["accounts"]["suspended"], found["accounts"]["ready"]) == ((0, 2) if rotated else (1, 1))
        assert [row["until"] is None for row in found["cooldowns"]] == [not rotated]
        assert ("suspended" in (await now.health("kiro"))["reasons"]) is not rotated

        del upstream.refuses["one"]
        now.time_passes(600)
        if not rotated:
            assert await now.served_by("kiro/m") == ["two"], "time does not end a suspension"
            assert now.running.service.health.clear("kiro", "one") == 1, "the operator, once it is settled, does"
        assert await now.served_by("kiro/m") == ["one"]


# -- repeated 429, shift and return ----------------------------------------------------------------------------


async def test_repeated_429_cools_down_is_shifted_and_returns(
    incident: Happens, log_output: pytest.CaptureFixture[str]
) -> None:
    upstream, other = Upstream(), Upstream()
    async with upstream.server, other.server:
        async with incident(wired=[entry("kiro", upstream, "one", "two"), entry("or", other, "key")]) as now:
            await now.served_by("kiro/m", 20)
            upstream.refuses = dict.fromkeys(("one", "two"), (429, "slow down", 60.0))
            last, refused = await now.ask("kiro/m", 2)
            assert (last.status_code, last.json()["error"]["message"]) == (429, "slow down")
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "no_account_available")
            assert {answer.headers["retry-after"] for answer in (last, refused)} <= {"59", "60"}
            assert upstream.asked.total() == 22, "nobody who cools down is asked"
            now.time_passes(40)
            assert (await now.firing())["provider-429"] == "repeated-429"
            health = await now.health("kiro")
            assert (health["status"], "rate_limited" in health["reasons"]) == ("down", True)
            cooldowns = (await now.running.provider("kiro"))["cooldowns"]
            assert {(row["account"], row["reason"], row["hint_seconds"]) for row in cooldowns} == {
                ("one", "rate_limited", 60),
                ("two", "rate_limited", 60),
            }

            now.running.service.shifts.set("kiro", "or")
            assert await now.served_by("kiro/m", 5) == ["key"] * 5
            assert upstream.asked.total() == 22

            upstream.refuses = {}
            now.time_passes(40)
            assert (await now.running.provider("kiro"))["cooldowns"] == []
            now.running.service.shifts.set("kiro", "or", share=50)
            half = await now.served_by("kiro/m", 10)
            assert half.count("key") == 5, "back by halves"
            now.running.service.shifts.end("kiro")
            assert set(await now.served_by("kiro/m", 40)) == {"one", "two"}
            assert ("provider-429", "resolved") in now.time_passes(60)
            assert (await now.health("kiro"))["status"] == "ok"
    alerts = events(log_output, "alert")
    story = [(line["state"], line["playbook"]) for line in alerts if line["rule"] == "provider-429"]
    assert story == [(state, "docs/alerts.md#repeated-429") for state in ("pending", "firing", "resolved")]


async def test_repeated_429_with_a_fallback_no_client_feels_it(incident: Happens) -> None:
    upstream, other = Upstream(refuses={"one": (429, "slow down", 60.0)}), Upstream()
    routing = {"fallbacks": {"kiro": ["or"]}}
    async with upstream.server, other.server:
        config = {"wired": [entry("kiro", upstream, "one"), entry("or", other, "key")], "routing": routing}
        async with incident(**config) as now:
            assert await now.served_by("kiro/m", 5) == ["key"] * 5
            assert upstream.asked["one"] == 1
            window = await now.running.counted("kiro")
            assert (window["fallbacks_out"], window["rate_limit_ratio"]) == (1, 1)
            report = (await now.running.client.get("/v1/metrics/providers")).json()
            assert report["client_requests"]["1m"]["success_ratio"] == 1
            del upstream.refuses["one"]
            now.time_passes(70)
            assert await now.served_by("kiro/m") == ["one"]


# -- quota pressure --------------------------------------------------------------------------------------------


async def test_quota_pressure_until_the_quota_is_back(incident: Happens) -> None:
    upstream = Upstream(refuses={"one": (402, "the quota is spent", 7200.0)})
    async with (
        upstream.server,
        incident(wired=[entry("kiro", upstream, "one", "two")], routing={"strategy": "fill-first"}) as now,
    ):
        assert await now.served_by("kiro/m", 10) == ["two"] * 10
        assert upstream.asked["one"] == 1
        now.time_passes(10)
        assert (await now.firing())["quota-out"] == "quota-pressure"
        found = await now.running.provider("kiro")
        assert (found["accounts"]["exhausted"], found["accounts"]["ready"]) == (1, 1)
        health = await now.health("kiro")
        assert (health["status"], health["reasons"]) == ("degraded", ["quota_exhausted"])
        now.time_passes(7100)
        assert await now.served_by("kiro/m") == ["two"], "not a minute too soon"
        del upstream.refuses["one"]
        now.time_passes(100)
        assert await now.served_by("kiro/m") == ["one"]
        now.time_passes(30)
        assert "quota-out" not in await now.firing()
        assert (await now.health("kiro"))["status"] == "ok"


# -- the wrong provider ----------------------------------------------------------------------------------------


async def test_the_wrong_provider_a_bare_name_until_prefixes_are_forced(incident: Happens) -> None:
    async with AsyncExitStack() as stack:
        first, second = Upstream(), Upstream()
        for upstream in (first, second):
            await stack.enter_async_context(upstream.server)
        entries = [entry("cheap", first, "c"), entry("good", second, "g")]
        now = await stack.enter_async_context(incident(wired=entries))
        [answer] = await now.ask("m")
        assert answer.headers["x-switchgear-provider"] == "cheap", "each answer says who gave it"
        assert await now.models() == ["cheap/m", "good/m", "m"]
        assert await now.served_by("good/m") == ["g"]

        await now.edit(lambda config: config.update({"force-model-prefix": True}))
        [refused] = await now.ask("m")
        message = refused.json()["error"]["message"]
        assert (refused.status_code, "did you mean cheap/m or good/m?" in message) == (404, True)
        assert await now.models() == ["cheap/m", "good/m"]
        catalog = now.running.service.current.catalog
        told = [
            f"{name}: force-model-prefix is on, so its models are reached as {name}/… only"
            for name in ("cheap", "good")
        ]
        assert catalog.why_missing("m")[:2] == told


async def test_the_wrong_provider_two_entries_that_claim_one_name_are_an_error(
    incident: Happens, log_output: pytest.CaptureFixture[str]
) -> None:
    first, second = Upstream(), Upstream()
    async with first.server, second.server:
        async with incident(wired=[entry("cheap", first, "c"), entry("good", second, "g")]) as now:

            def collide(config: dict[str, Any]) -> None:
                config["wired"][1].update({"prefix": "cheap", "models": [{"name": "big", "alias": "m"}]})

            await now.edit(collide)
            rejected = (await now.running.client.get("/health")).json()["config"]["rejected"]
            assert "the entry 'cheap' also serves a model 'cheap/m' (line" in rejected
            assert "give one of them another alias or prefix" in rejected
            assert await now.served_by("good/m") == ["g"], "the last good file holds"

            def settle(config: dict[str, Any]) -> None:
                config["wired"][1]["models"] = [{"name": "big", "alias": "big"}]

            await now.edit(settle)
            assert (await now.running.client.get("/health")).json()["config"]["rejected"] is None
            assert await now.served_by("cheap/big") == ["g"]
    [line] = events(log_output, "config_rejected")
    assert "config.yaml" in line["problem"]


# -- missing models --------------------------------------------------------------------------------------------

Change = Callable[[dict[str, Any], Upstream], None]


def _disable(block: dict[str, Any], upstream: Upstream) -> None:
    block["disabled"] = True


def _hide(block: dict[str, Any], upstream: Upstream) -> None:
    block["excluded-models"] = ["m*"]


def _name_others(block: dict[str, Any], upstream: Upstream) -> None:
    block["models"] = [{"name": "other"}]


def _alias(block: dict[str, Any], upstream: Upstream) -> None:
    block["models"] = [{"name": "m", "alias": "stable"}]


def _lose(block: dict[str, Any], upstream: Upstream) -> None:
    block["models"] = []
    upstream.models = ["other"]


def _no_account(block: dict[str, Any], upstream: Upstream) -> None:
    block["accounts"] = []


MISSING: list[Any] = [
    pytest.param(_disable, "kiro: is disabled", id="the block is disabled"),
    pytest.param(_hide, "kiro: hides 'm' by excluded-models 'm*'", id="a filter hides it"),
    pytest.param(_name_others, "kiro: its 'models' do not name 'm'", id="the block names others"),
    pytest.param(_alias, "kiro: serves 'm' under its alias kiro/stable", id="an alias replaces it"),
    pytest.param(_lose, "kiro: its upstream does not list 'm'", id="the upstream lacks it"),
    pytest.param(_no_account, "kiro: serves nothing: it has no account", id="no account is loaded"),
]


@pytest.mark.parametrize(("change", "why"), MISSING)
async def test_missing_models_the_gateway_says_why_and_lists_them_again(
    incident: Happens, change: Change, why: str
) -> None:
    upstream = Upstream()
    async with upstream.server, incident(wired=[entry("kiro", upstream, "one")]) as now:
        before = json.loads(now.running.config_file.read_text())["wired"]
        assert await now.models() == ["kiro/m", "m"]
        await now.edit(lambda config: change(config["wired"][0], upstream))
        assert "kiro/m" not in await now.models()
        assert (await now.ask("kiro/m"))[0].status_code == 404
        assert now.running.service.current.catalog.why_missing("kiro/m")[0].startswith(why)
        await now.edit(lambda config: config.update(wired=before))
        assert await now.models() == ["kiro/m", "m"]
        assert await now.served_by("kiro/m") == ["one"]

"""``runbook daily``: its judgements on what a gateway says of itself, and the command on a gateway that runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from switchgear.alert_rules import RULES
from switchgear.checks import Check
from switchgear.config.alert_settings import RuleChange
from switchgear.daily import Inventory, checks
from tests.counter import Counter, command, counter

RIGHT = {"success_ratio": 1.0, "auth_ratio": 0.0, "rate_limit_ratio": 0.0}


def window(attempts: int = 100, status: Mapping[str, int] | None = None, **ratios: float | None) -> dict[str, Any]:
    counts = {"200": attempts, "401": 0, "403": 0, "429": 0, "500": 0}
    return {"attempts": attempts, "status": counts | dict(status or {}), **(RIGHT if attempts else {}), **ratios}


def provider(models: int = 3, missing: int = 0, **more: Any) -> dict[str, Any]:
    windows = {name: window() for name in ("1m", "5m", "10m")}
    return {
        "enabled": True,
        "status": "ok",
        "status_reasons": [],
        "problem": None,
        "models": {"listed": models, "missing": missing},
        "auth": {"next_login_expiry_at": None},
        **more,
        "windows": windows | more.get("windows", {}),
    }


def judged(
    before: Inventory | None = None,
    health: str = "ok",
    alerts: list[dict[str, Any]] | None = None,
    rules: Any = RULES,
    status: Mapping[str, Any] | None = None,
    **providers: dict[str, Any],
) -> dict[str, Check]:
    answer = {
        "providers": providers or {"acme": provider()},
        "alerts": alerts or [],
        "config": {"rejected": None},
        "plugin_errors": [],
        "generated_at": "2026-11-01T12:00:00Z",
        **(status or {}),
    }
    return {check.name: check for check in checks({"status": health}, answer, rules, before)}


def alert(rule: str, state: str = "firing") -> dict[str, Any]:
    return {"rule": rule, "provider": "acme", "state": state}


# -- the judgements ------------------------------------------------------------------------------------------


def test_a_gateway_in_order() -> None:
    found = judged()
    assert [(check.name, check.state, check.advice) for check in found.values()] == [
        ("health", "ok", ""),
        ("models", "ok", ""),
        ("metrics", "ok", ""),
        ("refusals", "ok", ""),
        ("sign-ins", "ok", ""),
    ]
    assert found["metrics"].detail == "acme: 100.0% of 100 succeeded in 10 minutes"
    assert found["refusals"].detail == "no 401, 403 or 429 in 10 minutes"


@pytest.mark.parametrize(
    ("health", "status", "state", "words"),
    [
        pytest.param("ok", {}, "ok", "ok", id="well"),
        pytest.param("degraded", {}, "attention", "degraded", id="degraded"),
        pytest.param("draining", {}, "attention", "draining", id="shutting down"),
        pytest.param("down", {}, "failed", "down", id="down"),
        pytest.param("ok", {"config": {"rejected": "x"}}, "attention", "changed and refused", id="a file it refused"),
        pytest.param(
            "ok", {"plugin_errors": [{"plugin": "p"}]}, "attention", "plugins failed: p", id="a plugin failed"
        ),
    ],
)
def test_health(health: str, status: dict[str, Any], state: str, words: str) -> None:
    found = judged(health=health, status=status)["health"]
    assert (found.state, words in found.detail) == (state, True)


def test_health_names_the_provider_with_its_reasons() -> None:
    ill = provider(status="down", status_reasons=["auth_failed"])
    found = judged(health="degraded", acme=ill, off=provider(status="disabled"))["health"]
    assert found.detail == "degraded; acme is down (auth_failed)"
    assert found.advice == "switchgear status"


@pytest.mark.parametrize(
    ("before", "now", "state", "words"),
    [
        pytest.param(None, {"a": 3}, "ok", "3 models; nothing to compare with yet", id="the first run"),
        pytest.param({"a": 3}, {"a": 3}, "ok", "unchanged since 2026-11-01", id="unchanged"),
        pytest.param({"a": 3}, {"a": 5}, "ok", "a 3 -> 5 since 2026-11-01", id="more"),
        pytest.param({"a": 3}, {"a": 2}, "attention", "a 3 -> 2 since", id="fewer"),
        pytest.param({"a": 3, "b": 2}, {"a": 5}, "attention", "a 3 -> 5, b 2 -> 0", id="a provider is gone"),
        pytest.param({"a": 3}, {"a": 0}, "failed", "0 models", id="none left"),
    ],
)
def test_the_inventory(before: dict[str, int] | None, now: dict[str, int], state: str, words: str) -> None:
    known = None if before is None else Inventory(1_793_534_400.0, before)
    rows: dict[str, Any] = {name: provider(count) for name, count in now.items()}
    found = judged(known, **rows)["models"]
    assert (found.state, words in found.detail) == (state, True), found.detail
    assert bool(found.advice) == (state != "ok")


def test_models_that_upstreams_no_longer_list_are_worth_a_look() -> None:
    found = judged(acme=provider(missing=1))["models"]
    assert (found.state, "no longer listed upstream: acme: 1" in found.detail) == ("attention", True)


@pytest.mark.parametrize(
    ("windows", "state", "rule"),
    [
        pytest.param({"10m": window(success_ratio=0.95)}, "ok", None, id="success at its threshold"),
        pytest.param({"10m": window(success_ratio=0.94)}, "failed", "provider-success", id="success below 95 %"),
        pytest.param({"10m": window(19, success_ratio=0.5)}, "ok", None, id="too few attempts to tell"),
        pytest.param({"5m": window(auth_ratio=0.02)}, "ok", None, id="401/403 at its threshold"),
        pytest.param({"5m": window(auth_ratio=0.03)}, "failed", "provider-auth", id="401/403 above 2 %"),
        pytest.param({"5m": window(rate_limit_ratio=0.06)}, "attention", "provider-429", id="429 above 5 %"),
        pytest.param(
            {"10m": window(rate_limit_ratio=0.2)}, "failed", "provider-429-critical", id="429 above 10 % for long"
        ),
        pytest.param({"10m": window(0, success_ratio=None)}, "ok", None, id="no traffic"),
    ],
)
def test_ratios_beside_the_runbooks_thresholds(windows: dict[str, Any], state: str, rule: str | None) -> None:
    found = judged(acme=provider(windows=windows))["metrics"]
    assert found.state == state
    assert [row["rule"] for row in found.facts["beyond"]] == ([] if rule is None else [rule])
    assert ("docs/alerts.md#" in found.advice) == (rule is not None)


def test_the_operators_own_thresholds_count_and_a_rule_that_is_off_does_not() -> None:
    low = provider(windows={"10m": window(success_ratio=0.9)})
    own = [RuleChange(threshold=0.8).on(rule) for rule in RULES]
    assert judged(rules=own, acme=low)["metrics"].state == "ok"
    others = [rule for rule in RULES if rule.name != "provider-success"]
    assert judged(rules=others, acme=low)["metrics"].state == "ok"
    longer = [RuleChange.model_validate({"window-minutes": 15}).on(rule) for rule in RULES if rule.window_s]
    assert judged(rules=longer, acme=low)["metrics"].state == "ok", (
        "a window that is not reported is the alerts' matter"
    )


@pytest.mark.parametrize(
    ("rule", "state", "check", "comes_to"),
    [
        pytest.param("token-expiring", "firing", "metrics", "failed", id="a critical alert"),
        pytest.param("quota-low", "firing", "metrics", "attention", id="a warning"),
        pytest.param("provider-success", "pending", "metrics", "ok", id="one that does not fire yet"),
        pytest.param("provider-down", "resolved", "metrics", "ok", id="one that is over"),
        pytest.param("burst-401-403-429", "firing", "refusals", "failed", id="a burst"),
    ],
)
def test_what_alerts_counts_too(rule: str, state: str, check: str, comes_to: str) -> None:
    found = judged(alerts=[alert(rule, state)])
    assert found[check].state == comes_to
    assert {name for name, each in found.items() if each.state != "ok"} <= {check}


@pytest.mark.parametrize(
    ("lately", "ten_minutes", "state", "words"),
    [
        pytest.param({}, {"429": 3}, "ok", "acme: 3 x 429 in 10 minutes", id="some, and over"),
        pytest.param({"429": 1}, {"429": 1}, "ok", "acme: 1 x 429", id="the first one"),
        pytest.param({"429": 1}, {"429": 4, "401": 1}, "attention", "1 x 401, 4 x 429", id="it goes on"),
    ],
)
def test_single_refusals_are_no_burst(
    lately: dict[str, int], ten_minutes: dict[str, int], state: str, words: str
) -> None:
    windows = {"1m": window(status=lately), "10m": window(status=ten_minutes)}
    found = judged(acme=provider(windows=windows))["refusals"]
    assert (found.state, words in found.detail) == (state, True), found.detail
    assert found.facts["going_on"] == ([] if state == "ok" else ["acme"])


def test_an_entry_that_is_disabled_is_left_alone() -> None:
    off = provider(0, enabled=False, windows={"10m": window(success_ratio=0.1)}, status="disabled")
    assert judged(off=off, acme=provider())["metrics"].state == "ok"


@pytest.mark.parametrize(
    "document",
    [None, {}, {"at": "x", "models": {}}, {"at": 1, "models": []}, {"at": 1, "models": {"a": None}}],
    ids=["none", "an empty one", "no time", "no mapping", "no count"],
)
def test_a_damaged_memory_of_the_last_run_is_none(document: dict[str, Any] | None) -> None:
    assert Inventory.read(document) is None


# -- the command ---------------------------------------------------------------------------------------------


async def daily(here: Counter) -> tuple[int, dict[str, dict[str, Any]], str]:
    config = str(here.running.config_file)
    code, out, errors = await command("runbook", "daily", "--json", "--config", config)
    assert out, errors
    return code, {check["name"]: check for check in json.loads(out)["checks"]}, json.loads(out)["state"]


def tell_the_port(here: Counter) -> None:
    """A command finds the gateway by the file."""
    path = here.running.config_file
    path.write_text(json.dumps(json.loads(path.read_text()) | {"port": here.running.port}))


async def test_the_daily_checks_of_a_fresh_gateway_and_of_one_that_has_lost_models(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        tell_the_port(here)
        code, found, state = await daily(here)
        assert (code, state) == (0, "ok"), found
        assert found["models"]["detail"] == "3 models; nothing to compare with yet"
        assert (await daily(here))[1]["models"]["facts"]["before"] == 3
        config = json.loads(here.running.config_file.read_text())
        config["wired"][0]["excluded-models"] = ["n"]
        here.running.config_file.write_text(json.dumps(config))
        await here.running.service.reload()
        code, found, state = await daily(here)
        assert (code, state) == (0, "attention"), "attention alone is no failure"
        assert found["models"]["facts"]["changes"] == {"kilo": [2, 1]}
        assert found["models"]["advice"].startswith("switchgear models diff")
        assert (await daily(here))[1]["models"]["state"] == "ok", "the next day it is the same as the day before"


async def test_a_provider_that_is_refused_fails_the_checks(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        tell_the_port(here)
        here.fails.update({"k1": (403, 1), "k2": (403, 1)})
        for _ in range(12):
            await here.running.chat("kilo/m")
            await here.ok("cooldowns", "clear", "kilo")
        code, found, state = await daily(here)
        assert (code, state) == (1, "failed")
        beyond = {(row["rule"], row["provider"]) for row in found["metrics"]["facts"]["beyond"]}
        assert beyond == {("provider-success", "kilo"), ("provider-auth", "kilo")}
        assert found["refusals"]["facts"]["counts"] == {"kilo": {"403": 24}}
        out = (await here.run("runbook", "daily"))[1]
        assert "failed     metrics" in out
        assert "-> see docs/alerts.md#low-success-ratio, docs/alerts.md#repeated-401403" in out


async def test_another_gateways_models_are_not_remembered_as_this_ones(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        await here.ok("runbook", "daily")  # with --url
        assert not (tmp_path / "state" / "daily.json").exists()

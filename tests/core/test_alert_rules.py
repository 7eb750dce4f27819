"""The alert rules: when they fire, when they are resolved, and what keeps them from lying or flapping."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear.alert_rules import BY_NAME, CLEAR_HOLD_S, PLAYBOOKS, RULES, Rule
from switchgear.metrics import Cooldown, ModelFacts, ProviderSnapshot
from switchgear.metrics.alert_facts import Reading, models_drifted
from switchgear.metrics.alerts import RESOLVED_KEPT_S, Alerts, is_broken
from switchgear.types import Kind
from tests.core.alert_worlds import DRIVES, HEALTHY, NOON, Drive, World, expiring, good, mixed, out, wanted

ROOT = Path(__file__).parents[2]
IDS = [drive.rule for drive in DRIVES]


def test_every_rule_is_driven() -> None:
    assert [rule.name for rule in RULES] == IDS


@pytest.mark.parametrize("drive", DRIVES, ids=IDS)
def test_it_fires_and_is_resolved_at_the_right_bucket(drive: Drive) -> None:
    world = World()
    began = drive.run(world)
    changes = [(at - began, state) for at, rule, state in world.changes if rule == drive.rule]
    fires = drive.fires_at
    pending = [(fires - BY_NAME[drive.rule].hold_s, "pending")] if BY_NAME[drive.rule].hold_s else []
    assert changes == [*pending, (fires, "firing"), (drive.resolved_at, "resolved")]


def test_good_traffic_changes_nothing() -> None:
    world = World()
    for _ in range(100):
        world.step(good)
    assert world.changes == []
    assert world.alerts.rows() == []


def test_the_runbooks_thresholds() -> None:
    found = {name: (rule.comparison, rule.threshold, rule.window) for name, rule in BY_NAME.items()}
    assert found["provider-success"] == ("<", 0.95, "10m")
    assert found["provider-auth"] == (">", 0.02, "5m")
    assert found["provider-429"] == (">", 0.05, "5m")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_playbook_is_a_heading(rule: Rule) -> None:
    page = (ROOT / PLAYBOOKS).read_text()
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert rule.runbook in slugs


# -- little traffic, none ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fire"),
    [
        pytest.param(Kind.CONNECTION, {"provider-success"}, id="unreachable"),
        pytest.param(Kind.LOGIN_REQUIRED, {"provider-success", "provider-auth"}, id="refused"),
        pytest.param(Kind.RATE_LIMITED, {"provider-success", "provider-429"}, id="rate limited"),
    ],
)
def test_little_traffic_hides_no_outage(kind: Kind, fire: set[str]) -> None:
    """One attempt in two minutes: far too few for a ratio, but the last five all failed."""
    world = World()

    def attempts(number: int, kind: Kind | None) -> None:
        for _ in range(number):
            world.step(lambda world: world.attempt(kind))
            for _ in range(11):
                world.step()

    attempts(4, kind)
    assert world.states() == {}, "four are not five"
    attempts(1, kind)
    assert {rule for (rule, _), state in world.states().items() if state == "firing"} == fire
    for _ in range(200):
        world.step()
    assert {rule for rule, _ in world.states()} == fire, "silence is no recovery"
    attempts(1, None)
    assert world.states() == {}


def test_five_client_faults_are_no_outage() -> None:
    world = World()
    for kind in (Kind.INVALID_REQUEST, Kind.CANCELLED, Kind.CONTENT_FILTERED) * 5:
        world.attempt(kind)
        world.step()
    assert world.changes == []


def test_with_enough_attempts_the_ratio_decides_and_not_the_last_five() -> None:
    world = World()
    for _ in range(60):
        world.step(good)
    world.step(lambda world: world.attempt(Kind.TIMEOUT, 5))
    for _ in range(5):
        world.step(good)
    assert world.changes == []


def test_without_traffic_there_is_no_value_and_no_alert() -> None:
    world = World()
    facts_before = world.changes.copy()
    for _ in range(20):
        world.step()
    reading = Reading(None)
    assert world.changes == facts_before == []
    for rule in RULES:
        for firing in (True, False):
            assert not is_broken(rule, rule.threshold, reading, firing=firing), rule.name


def test_a_ratio_without_traffic_lets_go() -> None:
    """Two of three attempts failed, and then nobody came: the window empties, and nothing says that it goes on."""
    world = World()
    for _ in range(10):
        world.step(mixed((Kind.SERVER_ERROR, 6)))
    assert world.states()["provider-success", "acme"] == "firing"
    for _ in range(62):
        world.step()
    assert world.states() == {}


def test_a_provider_that_nobody_wants_is_not_down() -> None:
    world = World()
    world.snapshot = out(HEALTHY)
    for _ in range(20):
        world.step()
    assert world.changes == []
    world.step(wanted)
    assert world.states() == {("provider-down", "acme"): "firing"}
    for _ in range(20):
        world.step()
    assert world.states() == {("provider-down", "acme"): "firing"}, "clients gave up; it is still down"


def test_a_provider_that_is_switched_off_has_no_alerts() -> None:
    world = World()
    for _ in range(60):
        world.step(mixed((Kind.SERVER_ERROR, 9)))
    assert ("provider-success", "acme") in world.states()
    world.snapshot = replace(HEALTHY, enabled=False)
    changed = world.step()
    assert [(row.rule.name, row.state, row.value) for row in changed] == [("provider-success", "resolved", None)]
    assert world.alerts.rows() == []


# -- hysteresis --------------------------------------------------------------------------------------------

RATE = BY_NAME["provider-429"]


def play(rule: Rule, values: Sequence[float | None], attempts: int = 100) -> list[str]:
    """The state after each value, ten seconds apart; empty for inactive."""
    alerts = Alerts()
    states: list[str] = []
    for number, value in enumerate(values):
        alerts.evaluate({"acme": {rule.name: Reading(value, attempts)}}, [rule], number * 10.0, NOON + number * 10)
        rows = alerts.rows()
        states.append(rows[0].state if rows else "")
    return states


def test_what_hovers_at_the_threshold_does_not_flap() -> None:
    values = [0.06] * 4 + [0.049, 0.051] * 20 + [0.041] * 20
    assert play(RATE, values)[3:] == ["firing"] * 61


def test_what_comes_and_goes_each_bucket_never_fires() -> None:
    assert set(play(RATE, [0.5, 0.0] * 30)) == {"pending", ""}


def test_one_good_bucket_is_no_recovery() -> None:
    states = play(RATE, [0.5] * 4 + [0.0, 0.0, 0.5] * 10)
    assert set(states[3:]) == {"firing"}


def test_resolved_is_shown_for_a_while_and_fires_anew() -> None:
    kept = RESOLVED_KEPT_S // 10
    states = play(RATE, [0.5] * 4 + [0.0] * (kept + 5))
    assert states[:4] == ["pending", "pending", "pending", "firing"]
    assert states[4:6] == ["firing", "firing"]
    assert states[6 : 6 + kept] == ["resolved"] * kept
    assert states[6 + kept :] == ["", "", ""]
    again = play(RATE, [0.5] * 4 + [0.0] * 5 + [0.5] * 4)
    assert again[-5:] == ["resolved", "pending", "pending", "pending", "firing"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.03, 0.041, 0.049, 0.051, 0.2, None]), max_size=60))
def test_it_never_fires_without_the_hold_nor_is_resolved_without_the_margin(values: list[float | None]) -> None:
    states = play(RATE, values)
    for number, (before, after) in enumerate(zip(["", *states], states, strict=False)):
        if after == "firing" and before != "firing":
            held = values[number - RATE.hold_s // 10 : number + 1]
            assert len(held) == RATE.hold_s // 10 + 1
            assert all(value is not None and value > RATE.threshold for value in held)
        if after == "resolved" and before == "firing":
            back = values[number - CLEAR_HOLD_S // 10 : number + 1]
            assert all(value is None or value <= RATE.clear_of(RATE.threshold) for value in back)


# -- what the facts are ------------------------------------------------------------------------------------


def missing(*models: str) -> tuple[Cooldown, ...]:
    return tuple(Cooldown("a", model, "model_not_found", NOON, NOON + 300) for model in models)


@pytest.mark.parametrize(
    ("snapshot", "drifted"),
    [
        pytest.param(HEALTHY, 0, id="the same list"),
        pytest.param(replace(HEALTHY, models=ModelFacts(10, added=2, before=10, after=12)), 0, id="a fifth more"),
        pytest.param(replace(HEALTHY, models=ModelFacts(10, added=3, before=10, after=13)), 3, id="more than a fifth"),
        pytest.param(replace(HEALTHY, models=ModelFacts(10, removed=1, before=10, after=9)), 1, id="one gone"),
        pytest.param(replace(HEALTHY, models=ModelFacts(9, added=9, before=0, after=9)), 0, id="the first list"),
        pytest.param(replace(HEALTHY, cooldowns=missing("m", "m", "n")), 2, id="the upstream knows two no more"),
    ],
)
def test_models_drifted(snapshot: ProviderSnapshot, drifted: int) -> None:
    assert models_drifted(snapshot) == drifted


def test_a_token_that_was_refreshed_may_expire_soon() -> None:
    world = World()
    at_risk = expiring(HEALTHY)
    world.snapshot = replace(at_risk, auth=replace(at_risk.auth, unrefreshed_expiry_at=None))
    for _ in range(200):
        world.step()
    assert world.changes == []


def test_each_provider_has_states_and_thresholds_of_its_own() -> None:
    rule = replace(RATE, hold_s=0, thresholds={"lenient": 0.2})
    alerts = Alerts()
    facts = {name: {rule.name: Reading(0.1, 100)} for name in ("strict", "lenient")}
    changed = alerts.evaluate(facts, [rule], 0.0, NOON)
    assert [(row.provider, row.state, row.threshold) for row in changed] == [("strict", "firing", 0.05)]


def test_the_row_is_the_contracts() -> None:
    alerts = Alerts()
    rule = replace(RATE, hold_s=0)
    [row] = alerts.evaluate({"acme": {rule.name: Reading(0.061, 100)}}, [rule], 0.0, NOON)
    shown = row.shown()
    documented = json.loads(re.findall(r"```json\n(.*?)```", (ROOT / PLAYBOOKS).read_text(), re.DOTALL)[0])
    assert list(documented["alert"]) == list(shown)
    assert shown.pop("summary") == documented["alert"]["summary"]
    assert shown == {
        "rule": "provider-429",
        "provider": "acme",
        "state": "firing",
        "severity": "warning",
        "value": 0.061,
        "threshold": 0.05,
        "window": "5m",
        "since": "2026-01-01T12:00:00Z",
        "runbook": "repeated-429",
    }

"""The shipped Prometheus rules and the built-in ones: made from one table, and of one mind at every step."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from docs.generated_alerts import FILES, FOLDER, expression, recordings
from switchgear.alert_rules import RULES
from switchgear.metrics.exposition import Family
from switchgear.types import Kind
from tests.core.alert_worlds import DRIVES, Drive, World, good, mixed, wanted
from tests.core.promql import Server


def rules_of(file: str) -> list[dict[str, Any]]:
    [group] = YAML(typ="safe", pure=True).load((FOLDER / file).read_text())["groups"]
    assert group["interval"] == "10s"
    found: list[dict[str, Any]] = group["rules"]
    return found


RECORDINGS, ALERTS = rules_of("rules.yml"), rules_of("alerts.yml")


@pytest.mark.parametrize("file", FILES)
def test_the_files_are_what_the_table_makes(file: str) -> None:
    assert (FOLDER / file).read_text() == FILES[file](), "run: python -m docs.generated_alerts"


def test_every_rule_is_there() -> None:
    assert [alert["alert"] for alert in ALERTS] == [rule.name for rule in RULES]
    assert {rule["record"]: rule["expr"].strip() for rule in RECORDINGS} == recordings()
    for rule, alert in zip(RULES, ALERTS, strict=True):
        assert alert["expr"].strip() == expression(rule)
        assert alert["labels"] == {"severity": rule.severity}
        assert alert["annotations"]["runbook"].endswith(f"#{rule.runbook}")


class Both:
    """The built-in rules and Prometheus, over the same world."""

    def __init__(self) -> None:
        self.world = World()
        self.server = Server(RECORDINGS, ALERTS)
        self.fired: set[str] = set()
        self.scrape()
        self.world.evaluate()
        self.server.step(self.world.seconds)

    def scrape(self) -> None:
        for family in self.world.scrape().families():
            if family.kind != "histogram":
                for suffix, labels, value in family.samples:
                    series = {"instance": "one", **dict(labels)}
                    self.server.store.add(self.world.seconds, family.name + suffix, series, value)

    def compare(self) -> None:
        """After a step of the world: both say the same."""
        self.scrape()
        theirs = self.server.step(self.world.seconds)
        assert theirs == self.world.states(), self.world.seconds
        self.fired |= {rule for (rule, _), state in theirs.items() if state == "firing"}

    def play(self, phases: list[tuple[Any, int]]) -> None:
        """Each traffic for so many steps."""
        for traffic, steps in phases:
            for _ in range(steps):
                self.world.step(traffic)
                self.compare()


@pytest.mark.parametrize("drive", DRIVES, ids=[drive.rule for drive in DRIVES])
def test_both_agree_at_every_step_over_the_threshold_and_back(drive: Drive) -> None:
    both = Both()
    drive.run(both.world, both.compare)
    assert drive.rule in both.fired
    assert (drive.rule, "acme") not in both.server.step(both.world.seconds)


def single(kind: Kind | None) -> Callable[[World], None]:
    return lambda world: world.attempt(kind)


LITTLE = [
    pytest.param(
        [(single(Kind.TIMEOUT), 5), (None, 100), (single(None), 6)], "provider-success", id="five and silence"
    ),
    pytest.param([(single(Kind.FORBIDDEN), 15), (single(Kind.TIMEOUT), 10)], "provider-auth", id="just too few"),
    pytest.param([(single(None), 8), (single(Kind.TIMEOUT), 9)], "provider-success", id="good ones before the five"),
    pytest.param([(single(Kind.RATE_LIMITED), 25), (good, 40)], "provider-429", id="few become enough"),
    pytest.param([(mixed((Kind.TIMEOUT, 6)), 10), (None, 70)], "provider-success", id="enough become none"),
]


@pytest.mark.parametrize(("phases", "rule"), LITTLE)
def test_both_agree_where_there_is_little_traffic(phases: list[tuple[Any, int]], rule: str) -> None:
    both = Both()
    both.play(phases)
    assert rule in both.fired


KINDS = st.sampled_from([Kind.FORBIDDEN, Kind.RATE_LIMITED, Kind.TIMEOUT, Kind.SERVER_ERROR, Kind.INVALID_REQUEST])
TRAFFIC = st.one_of(
    st.just(good),
    st.just(None),
    st.just(wanted),
    st.builds(lambda kind, count: mixed((kind, count)), KINDS, st.integers(1, 10)),
    st.builds(single, KINDS),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(TRAFFIC, st.integers(1, 12)), min_size=3, max_size=10))
def test_both_agree_on_any_traffic(phases: list[tuple[Any, int]]) -> None:
    Both().play(phases)


# -- the board ---------------------------------------------------------------------------------------------


def names(families: list[Family]) -> set[str]:
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    return {family.name + suffix for family in families for suffix in suffixes[family.kind]}


def test_the_board_and_the_rules_use_names_that_exist() -> None:
    known = names(World().scrape().families()) | set(recordings())
    board = json.loads((FOLDER / "grafana.json").read_text())
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(shown) > 12
    for expr in [*shown, *(rule["expr"] for rule in (*RECORDINGS, *ALERTS))]:
        used = set(re.findall(r"\bswitchgear[\w:]*", re.sub(r'"[^"]*"', "", expr)))
        assert used
        assert used <= known, expr
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_names_of_the_contract_are_there() -> None:
    contract = {
        "provider_attempts_total", "client_requests_total", "retries_total", "fallbacks_total", "tokens_total",
        "auth_refresh_total", "plugin_errors_total", "config_reloads_total", "provider_request_duration_seconds_bucket",
        "provider_time_to_first_token_seconds_bucket", "overhead_seconds_bucket", "queue_wait_seconds_bucket",
        "inflight_requests", "account_state", "cooldown_until_timestamp_seconds", "quota_used_ratio",
        "quota_reset_timestamp_seconds", "token_expiry_timestamp_seconds", "provider_models", "alert_firing",
        "build_info",
    }  # fmt: skip
    assert {f"switchgear_{name}" for name in contract} <= names(World().scrape().families())


def test_the_folder_holds_nothing_else() -> None:
    assert {path.name for path in Path(FOLDER).iterdir()} == set(FILES)

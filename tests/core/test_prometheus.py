"""The scrape: its two text forms, what it shows, and what it never shows."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from switchgear.metrics import AccountCounts, Cooldown
from switchgear.metrics.buckets import Buckets
from switchgear.metrics.exposition import Family, openmetrics_wanted, render
from switchgear.metrics.prometheus import Scrape
from switchgear.metrics.status import QuotaRow
from switchgear.metrics.totals import MOST_MODELS, MOST_SERIES, OTHER
from switchgear.types import AttemptRecord, Kind
from tests.core.alert_worlds import HEALTHY, NOON, World, mixed
from tests.core.scrapes import parse


def scrape(world: World, *, with_accounts: bool = False) -> dict[str, float]:
    wanted = replace(world.scrape(), with_accounts=with_accounts)
    return parse(render(wanted.families(), openmetrics=False).decode())


# -- the text forms ----------------------------------------------------------------------------------------


def small() -> list[Family]:
    calls = Family("calls", "counter", 'Calls, "all" of\nthem.')
    calls.add(3, provider='a"b\\c\nd', class_="any")
    waits = Family("waits_seconds", "histogram", "Waits.")
    buckets = Buckets((0.5, 1.0))
    for seconds in (0.5, 0.7, 9.0, -1.0):
        buckets.record(seconds)
    waits.add_buckets(buckets, provider="a")
    level = Family("level", "gauge", "Level.")
    level.add(0.25)
    level.add(math.inf, provider="b")
    return [calls, waits, level]


TEXT = r"""# HELP calls_total Calls, "all" of\nthem.
# TYPE calls_total counter
calls_total{provider="a\"b\\c\nd",class="any"} 3
# HELP waits_seconds Waits.
# TYPE waits_seconds histogram
waits_seconds_bucket{provider="a",le="0.5"} 2
waits_seconds_bucket{provider="a",le="1.0"} 3
waits_seconds_bucket{provider="a",le="+Inf"} 4
waits_seconds_sum{provider="a"} 10.2
waits_seconds_count{provider="a"} 4
# HELP level Level.
# TYPE level gauge
level 0.25
level{provider="b"} +Inf
"""


def test_the_text_form() -> None:
    assert render(small(), openmetrics=False).decode() == TEXT


def test_openmetrics() -> None:
    expected = TEXT.replace('"all"', r"\"all\"").replace("# HELP calls_total", "# HELP calls")
    expected = expected.replace("# TYPE calls_total", "# TYPE calls") + "# EOF\n"
    assert render(small(), openmetrics=True).decode() == expected


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        pytest.param("", False, id="nothing"),
        pytest.param("*/*", False, id="anything"),
        pytest.param("text/plain", False, id="text"),
        pytest.param("application/openmetrics-text", True, id="openmetrics"),
        pytest.param(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            True,
            id="as Prometheus asks",
        ),
        pytest.param("application/openmetrics-text;version=2.0.0", False, id="an openmetrics to come"),
        pytest.param("text/plain;q=0.9,application/openmetrics-text;q=0.5", False, id="text rather"),
        pytest.param("application/openmetrics-text;q=nonsense", False, id="nonsense"),
    ],
)
def test_the_form_is_chosen_by_accept(accept: str, openmetrics: bool) -> None:
    assert openmetrics_wanted(accept) is openmetrics


# -- what is shown -----------------------------------------------------------------------------------------


def test_attempts_by_label() -> None:
    world = World()
    mixed((Kind.RATE_LIMITED, 2), (Kind.INVALID_REQUEST, 1), (Kind.CANCELLED, 1))(world)
    found = scrape(world)
    attempts = {series: value for series, value in found.items() if series.startswith("switchgear_provider_attempts")}
    labels = (
        'switchgear_provider_attempts_total{provider="acme",model="m",outcome="%s",error_class="%s",status_code="200"}'
    )
    assert attempts == {
        labels % ("success", ""): 6,
        labels % ("failure", "rate_limited"): 2,
        labels % ("client_fault", "invalid_request"): 1,
        labels % ("cancelled", "cancelled"): 1,
    }
    outcomes = 'switchgear_provider_outcomes_total{provider="acme",outcome="%s"}'
    assert [found[outcomes % word] for word in ("success", "rate_limit", "auth", "other")] == [6, 2, 0, 0]
    assert found['switchgear_tokens_total{provider="acme",model="m",type="input"}'] == 30
    assert found['switchgear_provider_request_duration_seconds_count{provider="acme"}'] == 6
    assert found['switchgear_provider_time_to_first_token_seconds_bucket{provider="acme",le="0.5"}'] == 10
    assert found['switchgear_provider_time_to_first_token_seconds_bucket{provider="acme",le="0.25"}'] == 0


def test_counters_and_buckets_only_grow() -> None:
    """Long after the windows forgot, and over a reload that keeps the provider."""
    world = World()
    before: dict[str, float] = {}
    for number in range(120):
        world.step(mixed((Kind.TIMEOUT, number % 3)) if number % 40 < 5 else None)
        if number == 60:
            world.metrics.keep(["acme"])
        found = {name: value for name, value in scrape(world).items() if re.search("_total|_bucket|_count|_sum", name)}
        assert {name for name in before if name not in found or found[name] < before[name]} == set()
        before = found


def test_buckets_are_cumulative() -> None:
    world = World()
    for ms in (5.0, 30.0, 700.0, 10_000_000.0):
        world.attempt(ms=ms)
    found = scrape(world)
    edges = [
        value for name, value in found.items() if name.startswith("switchgear_provider_request_duration_seconds_b")
    ]
    assert edges == sorted(edges)
    assert (edges[0], edges[-2], edges[-1]) == (1, 3, 4)


def test_a_window_without_traffic_shows_no_percentile() -> None:
    world = World()
    assert not [name for name in scrape(world) if "_p95_" in name]
    world.attempt(ms=2000.0, ttft_ms=500.0)
    found = scrape(world)
    assert found['switchgear_provider_latency_p95_seconds{provider="acme"}'] == pytest.approx(2.0, rel=0.06)
    assert found['switchgear_provider_ttft_p95_seconds{provider="acme"}'] == pytest.approx(0.5, rel=0.06)


def test_requests_of_clients() -> None:
    world = World()
    clients = world.metrics.clients
    for outcome, status in (("ok", 200), ("ok", 200), ("upstream_error", 502), ("client_gone", None)):
        world.metrics.request("openai-chat", outcome, status)
    clients.overhead.record(0.0004)
    clients.queue_wait.record(2.0)
    found = scrape(world)
    assert found['switchgear_client_requests_total{route="openai-chat",outcome="ok"}'] == 2
    assert found['switchgear_overhead_seconds_bucket{le="0.0005"}'] == 1
    assert found["switchgear_queue_wait_seconds_sum"] == 2


def test_an_alert_is_one_while_it_fires() -> None:
    world = World()
    series = 'switchgear_alert_firing{rule="provider-success",provider="acme"}'
    seen = []
    for _ in range(8):
        world.step(mixed((Kind.SERVER_ERROR, 10)))
        seen.append(scrape(world).get(series))
    assert seen == [0, 0, 0, 1, 1, 1, 1, 1]


# -- labels ------------------------------------------------------------------------------------------------

ACCOUNTS = replace(
    HEALTHY,
    accounts=AccountCounts(total=2, ready=1, cooling=1),
    account_states=(("first", "ready"), ("second", "cooling")),
    cooldowns=(
        Cooldown("second", "m", "rate_limited", NOON, NOON + 60),
        Cooldown("first", "m", "rate_limited", NOON, NOON + 30),
        Cooldown("first", "*", "login_required", NOON, None),
    ),
    quota=(
        QuotaRow("first", "credits", 100.0, 50.0, NOON + 10, "reported", NOON),
        QuotaRow("second", "credits", 100.0, 95.0, NOON + 20, "reported", NOON),
        QuotaRow("second", "requests", None, 95.0, None, "observed", NOON),
    ),
)


def test_accounts_are_named_to_a_key_only() -> None:
    world = World(snapshot=ACCOUNTS)
    assert not [name for name in scrape(world) if "account=" in name]
    found = scrape(world, with_accounts=True)
    assert found['switchgear_account_state{provider="acme",account="second",state="cooling"}'] == 1
    used = 'switchgear_quota_used_ratio{provider="acme",account="second",unit="credits"}'
    assert found[used] == 0.95


def test_without_names_there_is_one_series_with_the_worst() -> None:
    found = scrape(World(snapshot=ACCOUNTS))
    cooldown = 'switchgear_cooldown_until_timestamp_seconds{provider="acme",model="%s",reason="%s"}'
    assert found[cooldown % ("m", "rate_limited")] == NOON + 60
    assert found[cooldown % ("*", "login_required")] == math.inf
    assert found['switchgear_quota_used_ratio{provider="acme",unit="credits"}'] == 0.95
    assert found['switchgear_quota_reset_timestamp_seconds{provider="acme",unit="credits"}'] == NOON + 10


def test_two_accounts_of_one_label_are_one_series() -> None:
    twins = replace(ACCOUNTS, account_states=(("same", "ready"), ("same", "ready")), cooldowns=(), quota=())
    found = scrape(World(snapshot=twins), with_accounts=True)
    assert found['switchgear_account_state{provider="acme",account="same",state="ready"}'] == 2


def record(model: str, status: int | None, kind: Kind | None = None) -> AttemptRecord:
    return AttemptRecord("req_1", "acme", "a", model, 1, status, kind, 1.0, None, 1, 1)


def test_labels_are_bounded() -> None:
    world = World()
    for number in range(MOST_MODELS + 50):
        world.metrics.attempt(record(f"model-{number}", 200))
    for number in range(1000):
        world.metrics.attempt(record("model-0", number, Kind.SERVER_ERROR))
    found = scrape(world)
    models = {match[1] for name in found if (match := re.search(r'model="([^"]*)"', name))}
    statuses = {match[1] for name in found if (match := re.search(r'status_code="([^"]*)"', name))}
    assert len(models) == MOST_MODELS + 1
    assert OTHER in models
    assert len(statuses) == 501
    attempts = sum(value for name, value in found.items() if name.startswith("switchgear_provider_attempts_total"))
    assert attempts == MOST_MODELS + 1050, "what has no label of its own is counted all the same"


def test_combinations_are_bounded() -> None:
    world = World()
    totals = world.metrics.provider("acme").totals
    kinds = list(Kind)
    for number in range(MOST_SERIES + 500):
        totals.attempt(record(f"m{number % 200}", 100 + number // 200, kinds[number % len(kinds)]))
    assert len(totals.rows) <= MOST_SERIES + len(kinds)
    assert sum(row.attempts for row in totals.rows.values()) == MOST_SERIES + 500


def test_what_the_gateway_knows_of_itself() -> None:
    world = World()
    shown = Scrape(
        world.metrics, [], [], {("acme", "forward"): 2}, {"delivered": 3, "failed": 1, "dropped": 0}, with_accounts=True
    )
    found = parse(render(shown.families(), openmetrics=False).decode())
    assert found['switchgear_plugin_errors_total{provider="acme",hook="forward"}'] == 2
    assert found['switchgear_alert_deliveries_total{result="delivered"}'] == 3
    assert found['switchgear_config_reloads_total{result="rejected"}'] == 0
    assert [value for name, value in found.items() if name.startswith("switchgear_build_info")] == [1]

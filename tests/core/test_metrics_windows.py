"""The rolling windows, on a clock that the tests move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear.metrics.summary import CLIENT_FAULTS, UNRATED, Bucket
from switchgear.metrics.windows import BUCKET_S, RING_S, Ring
from switchgear.types import AttemptRecord, Kind

WINDOWS = (60, 300, 600, 900)


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(clock: Clock) -> Ring:
    return Ring(clock)


def record(
    kind: Kind | None = None,
    *,
    status: int | None = None,
    ms: float = 100.0,
    ttft_ms: float | None = None,
    tokens: tuple[int | None, int | None] = (None, None),
) -> AttemptRecord:
    return AttemptRecord("req_1", "acme", "acct_1", "m", 1, status, kind, ms, ttft_ms, *tokens)


# -- time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window_s", WINDOWS)
@pytest.mark.parametrize("into_the_bucket_s", [0.0, 4.0, 9.999])
def test_an_attempt_leaves_a_window_at_the_bucket_edge(
    ring: Ring, clock: Clock, window_s: int, into_the_bucket_s: float
) -> None:
    clock.now = 1000.0 + into_the_bucket_s
    ring.attempt(record())
    assert ring.summary(window_s)["attempts"] == 1
    clock.now = 1000.0 + window_s - 0.001
    assert ring.summary(window_s)["attempts"] == 1
    clock.now = 1000.0 + window_s
    assert ring.summary(window_s)["attempts"] == 0


def test_each_window_holds_what_is_younger_than_its_name(ring: Ring, clock: Clock) -> None:
    for _ in range(RING_S):
        ring.attempt(record())
        clock.now += 1
    clock.now -= 1
    assert [ring.summary(window_s)["attempts"] for window_s in WINDOWS] == [60, 300, 600, 900]


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.5, 9.9, 10.0, 59.9, 60.0, 300.0, 899.9, 900.0, 4000.0]), st.booleans())),
    st.floats(0, 2000),
)
def test_the_ring_agrees_with_a_plain_list(steps: list[tuple[float, bool]], rest_s: float) -> None:
    clock, happened = Clock(0.0), list[tuple[int, bool]]()
    ring = Ring(clock)
    for step_s, succeeded in steps:
        clock.now += step_s
        ring.attempt(record(None if succeeded else Kind.TIMEOUT))
        happened.append((int(clock.now // BUCKET_S), succeeded))
    clock.now += rest_s
    for window_s in WINDOWS:
        after = int(clock.now // BUCKET_S) - window_s // BUCKET_S
        expected = [succeeded for number, succeeded in happened if number > after]
        window = ring.summary(window_s)
        assert (window["successes"], window["failures"]) == (expected.count(True), expected.count(False))


def test_buckets_are_used_again(ring: Ring, clock: Clock) -> None:
    made = set[int]()
    kept: list[Bucket] = []  # so that no id is given twice
    for _ in range(5 * RING_S // BUCKET_S):
        ring.attempt(record())
        kept.append(ring._buckets[-1])
        made.add(id(ring._buckets[-1]))
        clock.now += BUCKET_S
    assert len(made) == RING_S // BUCKET_S
    assert ring.summary(RING_S)["attempts"] == RING_S // BUCKET_S - 1


def test_a_bucket_used_again_starts_from_nothing(ring: Ring, clock: Clock) -> None:
    ring.attempt(record(status=404, ttft_ms=5.0, tokens=(1, 2)))
    ring.attempt(record())
    ring.short_circuited()
    ring.retry()
    ring.fallback_out()
    ring.sample_availability(True)
    clock.now += RING_S
    ring.retry()
    fresh = Ring(clock)
    fresh.retry()
    assert ring.summary(RING_S) == fresh.summary(RING_S)


def test_an_idle_ring_holds_nothing(ring: Ring, clock: Clock) -> None:
    assert ring.idle()
    for _ in range(50):
        clock.now += BUCKET_S
        ring.attempt(record(Kind.TIMEOUT))
    clock.now += RING_S - 0.001
    assert not ring.idle()
    clock.now += 0.001
    assert ring.idle()
    assert not ring._buckets
    assert ring.summary(60)["success_ratio"] is None
    ring.attempt(record())
    assert ring.summary(60)["attempts"] == 1


def test_a_clock_that_runs_backwards_loses_nothing(ring: Ring, clock: Clock) -> None:
    ring.attempt(record())
    clock.now -= 500
    ring.attempt(record())
    assert ring.summary(60)["attempts"] == 2
    assert len(ring._buckets) == 1
    clock.now += 560
    assert ring.summary(60)["attempts"] == 0


def test_a_clock_that_runs_backwards_makes_no_window_longer(ring: Ring, clock: Clock) -> None:
    ring.attempt(record())
    clock.now += 100
    ring.attempt(record())
    clock.now -= 500
    assert ring.summary(60)["attempts"] == 1


def test_a_clock_that_runs_backwards_after_an_idle_time_is_followed(ring: Ring, clock: Clock) -> None:
    ring.attempt(record())
    clock.now += RING_S
    assert ring.idle()
    clock.now -= RING_S
    ring.attempt(record())
    assert ring.summary(60)["attempts"] == 1


@pytest.mark.parametrize("window_s", [-60, 0, 1, 10], ids=lambda seconds: f"{seconds} s")
def test_no_window_is_shorter_than_a_bucket(ring: Ring, clock: Clock, window_s: int) -> None:
    ring.attempt(record())
    clock.now += 9.999
    assert ring.summary(window_s)["attempts"] == 1
    clock.now += 0.001
    assert ring.summary(window_s)["attempts"] == 0


# -- what counts as what -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_its_place(ring: Ring, kind: Kind) -> None:
    ring.attempt(record(kind))
    window = ring.summary(60)
    rated = kind not in UNRATED
    assert (window["attempts"], window["failures"], window["successes"]) == (rated, rated, 0)
    assert window["client_faults"] == (kind in CLIENT_FAULTS)
    assert window["cancelled"] == (kind is Kind.CANCELLED)
    assert window["success_ratio"] == (0.0 if rated else None)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        pytest.param(Kind.TOKEN_EXPIRED, "auth", id="stale token"),
        pytest.param(Kind.LOGIN_REQUIRED, "auth", id="spent refresh token"),
        pytest.param(Kind.FORBIDDEN, "auth", id="forbidden model"),
        pytest.param(Kind.SUSPENDED, "auth", id="suspended account"),
        pytest.param(Kind.RATE_LIMITED, "rate_limit", id="rate limit"),
        pytest.param(Kind.QUOTA_EXHAUSTED, "rate_limit", id="quota"),
        pytest.param(Kind.SERVER_ERROR, "server_error", id="server error"),
        pytest.param(Kind.OVERLOADED, "server_error", id="overload"),
        pytest.param(Kind.CONNECTION, "server_error", id="connection"),
        pytest.param(Kind.PROTOCOL, "server_error", id="broken stream"),
        pytest.param(Kind.TIMEOUT, "timeout", id="timeout"),
        pytest.param(Kind.MODEL_NOT_FOUND, None, id="a model that is gone is in none but success"),
    ],
)
def test_a_failure_is_in_one_ratio(ring: Ring, kind: Kind, word: str | None) -> None:
    for given_kind in (kind, None, None, None):
        ring.attempt(record(given_kind))
    window = ring.summary(60)
    found = {
        "auth": window["auth_ratio"],
        "rate_limit": window["rate_limit_ratio"],
        "server_error": window["server_error_ratio"],
        "timeout": window["timeout_ratio"],
    }
    assert found == dict.fromkeys(found, 0.0) | ({word: 0.25} if word else {})
    assert window["success_ratio"] == 0.75


@given(st.lists(st.sampled_from([None, *Kind]), max_size=300))
def test_nothing_is_lost_and_ratios_are_ratios(kinds: Sequence[Kind | None]) -> None:
    ring = Ring(Clock())
    for kind in kinds:
        ring.attempt(record(kind))
    window = ring.summary(60)
    assert window["attempts"] + window["client_faults"] + window["cancelled"] == len(kinds)
    assert window["attempts"] == window["successes"] + window["failures"]
    assert window["failures"] == sum(count for _, count in ring.failures(60))
    assert window["sufficient"] == (window["attempts"] >= 20)
    maybe = (
        window["success_ratio"],
        window["auth_ratio"],
        window["rate_limit_ratio"],
        window["server_error_ratio"],
        window["timeout_ratio"],
    )
    ratios = [ratio for ratio in maybe if ratio is not None]
    assert len(ratios) == (len(maybe) if window["attempts"] else 0)
    assert all(0 <= ratio <= 1 for ratio in ratios)
    assert sum(ratios) <= 1 + 5e-6  # model_not_found is in none of them; each is rounded to six digits


def test_the_example_of_the_contract(ring: Ring) -> None:
    for kind, status, count in (
        (None, 200, 771),
        (Kind.TOKEN_EXPIRED, 401, 2),
        (Kind.RATE_LIMITED, 429, 35),
        (Kind.SERVER_ERROR, 500, 4),
        (Kind.INVALID_REQUEST, None, 3),
        (Kind.CANCELLED, None, 5),
    ):
        for _ in range(count):
            ring.attempt(record(kind, status=status, ttft_ms=20.0 if status == 200 else None, tokens=(7, 3)))
    for _ in range(12):
        ring.short_circuited()
    for _ in range(22):
        ring.retry()
    for _ in range(7):
        ring.fallback_out()
    ring.sample_availability(True)
    assert ring.summary(600) == {
        "attempts": 812,
        "successes": 771,
        "failures": 41,
        "client_faults": 3,
        "cancelled": 5,
        "short_circuited": 12,
        "success_ratio": 0.949507,
        "auth_ratio": 0.002463,
        "rate_limit_ratio": 0.043103,
        "server_error_ratio": 0.004926,
        "timeout_ratio": 0.0,
        "status": {"200": 771, "401": 2, "403": 0, "429": 35, "500": 4},
        "latency_ms": {"p50": 99, "p95": 101, "p99": 102, "samples": 771},
        "ttft_ms": {"p50": 20, "p95": 20, "samples": 771},
        "tokens": {"input": 820 * 7, "output": 820 * 3, "usage_missing": 0},
        "retries": 22,
        "fallbacks_out": 7,
        "availability": 1.0,
        "sufficient": True,
    }


def test_with_nothing_in_it_a_window_claims_nothing(ring: Ring) -> None:
    ring.short_circuited()
    assert ring.summary(60) == {
        "attempts": 0,
        "successes": 0,
        "failures": 0,
        "client_faults": 0,
        "cancelled": 0,
        "short_circuited": 1,
        "success_ratio": None,
        "auth_ratio": None,
        "rate_limit_ratio": None,
        "server_error_ratio": None,
        "timeout_ratio": None,
        "status": {"200": 0, "401": 0, "403": 0, "429": 0, "500": 0},
        "latency_ms": {"p50": None, "p95": None, "p99": None, "samples": 0},
        "ttft_ms": {"p50": None, "p95": None, "samples": 0},
        "tokens": {"input": 0, "output": 0, "usage_missing": 0},
        "retries": 0,
        "fallbacks_out": 0,
        "availability": None,
        "sufficient": False,
    }


@pytest.mark.parametrize(("attempts", "sufficient"), [(19, False), (20, True)])
def test_twenty_attempts_are_sufficient(ring: Ring, attempts: int, sufficient: bool) -> None:
    for _ in range(attempts):
        ring.attempt(record())
    ring.attempt(record(Kind.CANCELLED))
    assert ring.summary(60)["sufficient"] is sufficient


# -- the parts ---------------------------------------------------------------------------------------------


def test_only_successes_have_a_latency_but_any_first_token_counts(ring: Ring) -> None:
    ring.attempt(record(ms=2000.0, ttft_ms=400.0))
    ring.attempt(record(Kind.RATE_LIMITED, ms=5.0))
    ring.attempt(record(Kind.PROTOCOL, status=200, ms=90_000.0, ttft_ms=400.0))
    window = ring.summary(60)
    assert window["latency_ms"]["samples"] == 1
    assert window["latency_ms"]["p99"] == pytest.approx(2000, rel=0.03)
    assert window["ttft_ms"]["samples"] == 2
    assert window["status"]["200"] == 1  # the success carried none; a broken 200 is a failure that answered 200
    assert window["failures"] == 2


@pytest.mark.parametrize(
    ("kind", "tokens", "expected"),
    [
        pytest.param(None, (10, 5), (10, 5, 0), id="both known"),
        pytest.param(None, (10, None), (10, 0, 0), id="an embedding has no output"),
        pytest.param(None, (0, 0), (0, 0, 0), id="zero is known"),
        pytest.param(None, (None, None), (0, 0, 1), id="unknown"),
        pytest.param(None, (-10, -5), (0, 0, 0), id="negative counts nothing"),
        pytest.param(Kind.CANCELLED, (10, 5), (10, 5, 0), id="a cancelled answer was spent"),
        pytest.param(Kind.RATE_LIMITED, (None, None), (0, 0, 0), id="a failure owes none"),
    ],
)
def test_tokens(
    ring: Ring, kind: Kind | None, tokens: tuple[int | None, int | None], expected: tuple[int, int, int]
) -> None:
    ring.attempt(record(kind, tokens=tokens))
    assert tuple(ring.summary(60)["tokens"].values()) == expected


def test_the_status_map_is_sorted_and_bounded(ring: Ring) -> None:
    for status in (529, 404, 404, 200, None, 0, -1, 10**9):
        ring.attempt(record(Kind.SERVER_ERROR, status=status))
    status_map = ring.summary(60)["status"]
    assert list(status_map) == ["200", "401", "403", "404", "429", "500", "529", "other"]
    assert (status_map["404"], status_map["529"], status_map["other"]) == (2, 1, 3)
    for status in range(-5000, 5000):
        ring.attempt(record(Kind.SERVER_ERROR, status=status))
    status_map = ring.summary(60)["status"]
    assert len(status_map) == 5 + 32 + 1
    assert status_map["404"] == 3
    assert sum(status_map.values()) == 10_007


def test_every_ten_seconds_of_availability_weigh_the_same(ring: Ring, clock: Clock) -> None:
    for _ in range(99):
        ring.sample_availability(False)
    clock.now += BUCKET_S
    ring.sample_availability(True)
    clock.now += BUCKET_S  # nobody looked
    assert ring.summary(60)["availability"] == 0.5
    clock.now += 30
    ring.sample_availability(True)
    clock.now += 10
    assert ring.summary(60)["availability"] == 1.0


def test_failures_come_most_frequent_first(ring: Ring) -> None:
    for kind in (Kind.TIMEOUT, Kind.RATE_LIMITED, None, Kind.CANCELLED, Kind.RATE_LIMITED, Kind.CONNECTION):
        ring.attempt(record(kind))
    assert ring.failures(60) == [(Kind.RATE_LIMITED, 2), (Kind.CONNECTION, 1), (Kind.TIMEOUT, 1)]

"""The registry: what is counted where, what bounds it, and what a reload leaves."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from switchgear.metrics import Metrics
from switchgear.metrics.registry import MOST_LABELS, OTHER, LastError
from switchgear.metrics.summary import UNRATED
from switchgear.types import AttemptRecord, Kind

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z
FAILURES = [kind for kind in Kind if kind not in UNRATED]


@dataclass
class Clock:
    """Both clocks, moved together."""

    seconds: float = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return NOON + self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    return Metrics(clock.monotonic, clock.wall)


def attempt(
    metrics: Metrics,
    kind: Kind | None = None,
    *,
    account: str = "acct_1",
    model: str = "m",
    provider: str = "acme",
) -> None:
    metrics.attempt(AttemptRecord("req_7", provider, account, model, 1, 200, kind, 100.0, 20.0, 30, 12))


def test_an_attempt_counts_for_provider_account_and_model(metrics: Metrics, clock: Clock) -> None:
    attempt(metrics)
    clock.seconds = 3
    attempt(metrics, Kind.PROTOCOL)
    counted = metrics.provider("acme")
    for ring in (counted.ring, counted.accounts["acct_1"], counted.models["m"]):
        window = ring.summary(60)
        assert (window["successes"], window["failures"]) == (1, 1)
    assert (counted.successes, counted.failures, counted.tokens) == (1, 1, 84)
    assert counted.last_success_at == NOON
    assert counted.last_error == LastError(NOON + 3, Kind.PROTOCOL, 200, "req_7")


def test_beyond_the_bound_labels_count_as_other(metrics: Metrics) -> None:
    for number in range(MOST_LABELS + 50):
        attempt(metrics, account=f"acct_{number}", model=f"m{number}")
    counted = metrics.provider("acme")
    for rings in (counted.accounts, counted.models):
        assert len(rings) == MOST_LABELS + 1
        assert rings[OTHER].summary(60)["attempts"] == 50
        assert sum(ring.summary(60)["attempts"] for ring in rings.values()) == MOST_LABELS + 50


def test_keep_makes_room_again(metrics: Metrics, clock: Clock) -> None:
    attempt(metrics, account="acct_old")
    clock.seconds += 900
    attempt(metrics, account="acct_new")
    metrics.keep(["acme"])
    assert list(metrics.provider("acme").accounts) == ["acct_new"]
    assert metrics.provider("acme").successes == 2


def test_keep_and_forget(metrics: Metrics, clock: Clock) -> None:
    attempt(metrics, provider="acme")
    attempt(metrics, provider="gone")
    clock.seconds = 5
    metrics.keep(["acme", "new"])
    assert metrics.provider("acme").successes == 1
    assert metrics.provider("new").since == NOON + 5
    assert metrics.provider("gone").successes == 0
    metrics.forget("acme")
    metrics.forget("nobody")
    assert metrics.provider("acme").successes == 0


def test_in_flight_outlives_a_reload_and_never_goes_below_zero(metrics: Metrics) -> None:
    for _ in range(3):
        metrics.started("acme")
    metrics.keep([])
    metrics.ended("acme")
    assert metrics.in_flight("acme") == 2
    for _ in range(5):
        metrics.ended("acme")
    assert metrics.in_flight("acme") == 0
    assert metrics.in_flight("nobody") == 0


def test_retries_and_fallbacks_stay_with_who_caused_them(metrics: Metrics) -> None:
    metrics.retry("acme")
    metrics.fallback("acme", "best", Kind.TIMEOUT)
    metrics.fallback("acme", "acme", Kind.TIMEOUT)
    metrics.sample_availability("acme", False)
    window = metrics.provider("acme").ring.summary(60)
    assert (window["retries"], window["fallbacks_out"], window["availability"]) == (1, 1, 0.0)
    window = metrics.provider("best").ring.summary(60)
    assert (window["retries"], window["fallbacks_out"], window["availability"]) == (0, 0, None)


def test_client_requests_are_counted_by_route_and_outcome(metrics: Metrics) -> None:
    metrics.request("chat", "ok")
    metrics.request("chat", "ok")
    metrics.request("chat", "error")
    assert dict(metrics.requests) == {("chat", "ok"): 2, ("chat", "error"): 1}
    for number in range(1000):
        metrics.request("chat", f"made up {number}")
    assert len(metrics.requests) == MOST_LABELS + 1
    assert sum(metrics.requests.values()) == 1003


@pytest.mark.parametrize("kind", [Kind.CANCELLED, Kind.CONTEXT_TOO_LONG])
def test_what_is_unrated_is_no_last_error(metrics: Metrics, kind: Kind) -> None:
    attempt(metrics, kind)
    counted = metrics.provider("acme")
    assert counted.last_error is None
    assert counted.last_success_at is None
    assert (counted.successes, counted.failures, counted.tokens) == (0, 0, 42)


@pytest.mark.parametrize(
    ("kinds", "failed"),
    [
        pytest.param([], False, id="nothing happened"),
        pytest.param(FAILURES[:4], False, id="four are too few"),
        pytest.param(FAILURES[:5], True, id="five kinds of failure"),
        pytest.param([None, *FAILURES[:5]], True, id="after a success"),
        pytest.param([*FAILURES[:4], None, *FAILURES[:4]], False, id="a success between"),
        pytest.param(
            [Kind.TIMEOUT] * 4 + [Kind.CANCELLED, Kind.INVALID_REQUEST], False, id="unrated ones do not count"
        ),
        pytest.param(
            [Kind.TIMEOUT] * 3 + [Kind.CANCELLED, Kind.CONTENT_FILTERED] + [Kind.TIMEOUT] * 2,
            True,
            id="unrated ones do not interrupt",
        ),
        pytest.param([*FAILURES[:9], None], False, id="it is back"),
    ],
)
def test_the_last_five_all_failed(metrics: Metrics, clock: Clock, kinds: list[Kind | None], failed: bool) -> None:
    for kind in kinds:
        attempt(metrics, kind)
        clock.seconds += 1200  # so little traffic that no window ever holds two
    assert metrics.provider("acme").last_failed() is failed

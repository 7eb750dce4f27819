"""Cooldowns, breakers and accounts that are out, on a fake clock (faults U3, U10, A7)."""

from __future__ import annotations

import pytest

from switchgear import Kind, Verdict
from switchgear.health import BREAKER_FAILURES, BREAKER_FIRST_S, Health


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(floor_s=1, cap_s=600, monotonic=clock, wall=lambda: 1.8e9)


def reason(health: Health, account: str = "a", model: str = "m") -> str | None:
    block = health.blocked("p", account, model)
    return None if block is None else block.reason


def test_a_rate_limit_cools_the_pair_for_as_long_as_asked(health: Health, clock: Clock) -> None:
    health.failed("p", "a", "m", Verdict(Kind.RATE_LIMITED, retry_after=20))
    assert reason(health) == "rate_limited"
    assert reason(health, model="other") is None
    assert reason(health, account="b") is None
    clock.now += 19.9
    assert reason(health) == "rate_limited"
    clock.now += 0.2
    assert reason(health) is None


def test_a_later_shorter_hint_does_not_shorten_a_cooldown(health: Health, clock: Clock) -> None:
    health.failed("p", "a", "m", Verdict(Kind.RATE_LIMITED, retry_after=60))
    health.failed("p", "a", "m", Verdict(Kind.RATE_LIMITED, retry_after=1))
    clock.now += 30
    assert reason(health) == "rate_limited"


@pytest.mark.parametrize(
    ("verdict", "other_model_blocked"),
    [
        pytest.param(Verdict(Kind.RATE_LIMITED), False, id="rate limit: the pair"),
        pytest.param(Verdict(Kind.RATE_LIMITED, scope="account"), True, id="rate limit of the account"),
        pytest.param(Verdict(Kind.QUOTA_EXHAUSTED), True, id="quota: the account"),
        pytest.param(Verdict(Kind.QUOTA_EXHAUSTED, scope="model"), False, id="quota of one model"),
        pytest.param(Verdict(Kind.FORBIDDEN), False, id="forbidden: the pair"),
        pytest.param(Verdict(Kind.MODEL_NOT_FOUND), False, id="model not found: the pair"),
        pytest.param(Verdict(Kind.SUSPENDED), True, id="suspended: the account"),
        pytest.param(Verdict(Kind.LOGIN_REQUIRED), True, id="login required: the account"),
    ],
)
def test_what_a_failure_takes_out(health: Health, verdict: Verdict, other_model_blocked: bool) -> None:
    health.failed("p", "a", "m", verdict)
    assert reason(health) == str(verdict.kind)
    assert (reason(health, model="other") is not None) is other_model_blocked
    assert reason(health, account="b") is None


@pytest.mark.parametrize("kind", [Kind.INVALID_REQUEST, Kind.CONTEXT_TOO_LONG, Kind.CONTENT_FILTERED])
def test_the_clients_faults_count_against_nobody(health: Health, kind: Kind) -> None:
    for _ in range(20):
        health.failed("p", "a", "m", Verdict(kind))
    assert reason(health) is None
    assert health.rows("p") == []


@pytest.mark.parametrize("kind", [Kind.SUSPENDED, Kind.LOGIN_REQUIRED])
def test_an_account_that_is_out_stays_out_until_its_credential_changes(
    health: Health, clock: Clock, kind: Kind
) -> None:
    health.failed("p", "a", "m", Verdict(kind))
    clock.now += 1e9
    assert reason(health) == str(kind)
    health.clear("p", "a")
    assert reason(health) is None


def trip(health: Health) -> None:
    for _ in range(BREAKER_FAILURES):
        health.failed("p", "a", "m", Verdict(Kind.SERVER_ERROR))


def test_the_breaker_opens_probes_once_and_closes(health: Health, clock: Clock) -> None:
    trip(health)
    assert reason(health) == "breaker_open"
    clock.now += BREAKER_FIRST_S + 0.1
    assert reason(health) is None, "half open: one may try"
    health.begin("p", "a", "m")
    assert reason(health) == "breaker_open", "others wait for the probe"
    health.succeeded("p", "a", "m")
    health.end("p", "a", "m")
    assert reason(health) is None


def test_a_failed_probe_opens_the_breaker_for_longer(health: Health, clock: Clock) -> None:
    trip(health)
    clock.now += BREAKER_FIRST_S + 0.1
    health.begin("p", "a", "m")
    health.failed("p", "a", "m", Verdict(Kind.TIMEOUT))
    health.end("p", "a", "m")
    clock.now += BREAKER_FIRST_S + 0.1
    assert reason(health) == "breaker_open"
    clock.now += BREAKER_FIRST_S
    assert reason(health) is None


def test_a_success_between_failures_keeps_the_breaker_closed(health: Health) -> None:
    for _ in range(BREAKER_FAILURES * 3):
        health.failed("p", "a", "m", Verdict(Kind.SERVER_ERROR))
        health.succeeded("p", "a", "m")
    assert reason(health) is None


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        pytest.param(Kind.SUSPENDED, "suspended", id="suspended"),
        pytest.param(Kind.LOGIN_REQUIRED, "auth_failed", id="login required"),
        pytest.param(Kind.TOKEN_EXPIRED, "auth_failed", id="token expired"),
        pytest.param(Kind.QUOTA_EXHAUSTED, "exhausted", id="quota"),
        pytest.param(Kind.RATE_LIMITED, "cooling", id="rate limit"),
        pytest.param(Kind.MODEL_NOT_FOUND, "ready", id="a model that is gone does not harm the account"),
        pytest.param(Kind.INVALID_REQUEST, "ready", id="the client's fault"),
    ],
)
def test_account_states(health: Health, kind: Kind, state: str) -> None:
    health.failed("p", "a", "m", Verdict(kind))
    assert health.account_state("p", "a") == state


def test_a_reload_forgets_what_is_no_longer_configured(health: Health) -> None:
    health.failed("p", "a", "m", Verdict(Kind.SUSPENDED))
    health.failed("p", "b", "m", Verdict(Kind.SUSPENDED))
    health.keep({("p", "b")})
    assert reason(health) is None
    assert reason(health, account="b") == "suspended"

"""Cooldowns, breakers and accounts that are out, on a fake clock (faults U3, U10, A7)."""

from __future__ import annotations

import pytest

from switchgear import Kind, Verdict
from switchgear.health import ACCOUNT_FAILURES, BREAKER_FAILURES, BREAKER_FIRST_S, Health


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
    began = health.begin("p", "a", "m")
    assert reason(health) == "breaker_open", "others wait for the probe"
    health.succeeded("p", "a", "m", clock.now)
    health.end("p", "a", "m", began)
    assert reason(health) is None


def test_a_failed_probe_opens_the_breaker_for_longer(health: Health, clock: Clock) -> None:
    trip(health)
    clock.now += BREAKER_FIRST_S + 0.1
    began = health.begin("p", "a", "m")
    health.failed("p", "a", "m", Verdict(Kind.TIMEOUT))
    health.end("p", "a", "m", began)
    clock.now += BREAKER_FIRST_S + 0.1
    assert reason(health) == "breaker_open"
    clock.now += BREAKER_FIRST_S
    assert reason(health) is None


def test_a_success_between_failures_keeps_the_breaker_closed(health: Health) -> None:
    for _ in range(BREAKER_FAILURES * 3):
        health.failed("p", "a", "m", Verdict(Kind.SERVER_ERROR))
        health.succeeded("p", "a", "m", 1e9)
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


# -- half open: one finds out for all ----------------------------------------------------------------------


def test_after_a_cooldown_one_call_finds_out_for_all(health: Health, clock: Clock) -> None:
    health.failed("p", "a", "m", Verdict(Kind.RATE_LIMITED, retry_after=20))
    clock.now += 21
    began = health.begin("p", "a", "m")
    assert reason(health) == "rate_limited"
    health.answered("p", "a", "m", began)  # the first byte, not the end
    assert reason(health) is None


def test_a_probe_that_was_cancelled_lets_the_next_one_try(health: Health, clock: Clock) -> None:
    health.failed("p", "a", "m", Verdict(Kind.QUOTA_EXHAUSTED, retry_after=20))
    clock.now += 21
    began = health.begin("p", "a", "m")
    assert reason(health, model="other") == "quota_exhausted"
    health.end("p", "a", "m", began)
    assert reason(health) is None


def test_a_call_from_before_the_block_ends_and_the_probe_goes_on(health: Health, clock: Clock) -> None:
    earlier = health.begin("p", "a", "m")
    health.failed("p", "a", "m", Verdict(Kind.RATE_LIMITED, retry_after=20))
    clock.now += 21
    began = health.begin("p", "a", "m")
    health.end("p", "a", "m", earlier)
    assert reason(health) == "rate_limited", "one probe at a time"
    health.end("p", "a", "m", began)
    assert reason(health) is None


@pytest.mark.parametrize(
    ("kind", "over"),
    [
        pytest.param(Kind.TOKEN_EXPIRED, True, id="the old token was refused"),
        pytest.param(Kind.LOGIN_REQUIRED, True, id="a login was wanted"),
        pytest.param(Kind.SUSPENDED, False, id="suspended"),
        pytest.param(Kind.QUOTA_EXHAUSTED, False, id="quota spent"),
        pytest.param(Kind.RATE_LIMITED, False, id="cooling"),
        pytest.param(Kind.FORBIDDEN, False, id="not this model"),
    ],
)
def test_a_refreshed_token_ends_what_stood_against_the_old_one(health: Health, kind: Kind, over: bool) -> None:
    health.failed("p", "a", "m", Verdict(kind))
    assert reason(health) is not None
    health.renewed("p", "a")
    assert (reason(health) is None) is over


def test_who_waits_for_a_probe_does_not_spin(health: Health, clock: Clock) -> None:
    health.failed("p", "a", "m", Verdict(Kind.RATE_LIMITED, retry_after=20))
    clock.now += 21
    health.begin("p", "a", "m")
    block = health.blocked("p", "a", "m")
    assert block is not None
    left = health.seconds_left(block)
    assert left is not None
    assert left > 0.1


def test_u3_an_answer_to_a_call_from_before_the_refusal_ends_no_cooldown(health: Health, clock: Clock) -> None:
    began = health.begin("p", "a", "m")
    clock.now += 1
    health.failed("p", "a", "m", Verdict(Kind.RATE_LIMITED, retry_after=20))
    clock.now += 1
    health.succeeded("p", "a", "m", began)
    assert reason(health) == "rate_limited"


# -- breakers of an account and of a host ------------------------------------------------------------------


def test_an_account_that_fails_for_all_its_models_is_out_as_a_whole(health: Health) -> None:
    for number in range(ACCOUNT_FAILURES):
        health.failed("p", "a", f"m{number}", Verdict(Kind.SERVER_ERROR))
    assert reason(health, model="another") == "breaker_open"
    assert reason(health, account="b") is None


def test_a_host_that_cannot_be_reached_is_out_for_everybody_who_uses_it(health: Health, clock: Clock) -> None:
    for account in ("a", "b", "c", "d", "e"):
        health.failed("p", account, "m", Verdict(Kind.CONNECTION), "api.acme.example:443")
    health.failed("q", "z", "m", Verdict(Kind.CONNECTION), "api.acme.example:443")
    assert reason(health, account="a", model="any") == "breaker_open"
    assert health.blocked("q", "z", "any") is not None
    assert [row[0] for row in health.rows("q")] == ["z"]
    clock.now += BREAKER_FIRST_S * 2 + 0.1
    began = health.begin("q", "z", "m")
    assert reason(health, account="a", model="any") == "breaker_open", "the probe is under way"
    health.answered("q", "z", "m", began)
    assert reason(health, account="a", model="any") is None


def test_the_operator_may_clear_one_model_or_all(health: Health) -> None:
    for model in ("m", "n"):
        health.failed("p", "a", model, Verdict(Kind.RATE_LIMITED))
    assert health.clear("p", "a", "m") == 1
    assert (reason(health), reason(health, model="n")) == (None, "rate_limited")
    assert health.clear("p", "a") == 1
    assert health.clear("p", "a") == 0


def test_each_change_counts_so_that_it_is_saved(health: Health, clock: Clock) -> None:
    before = health.changes
    health.failed("p", "a", "m", Verdict(Kind.RATE_LIMITED, retry_after=20))
    assert health.changes == before + 1
    clock.now += 21
    health.succeeded("p", "a", "m", health.begin("p", "a", "m"))
    assert health.changes == before + 2

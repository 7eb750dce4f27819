"""The policy table (design: failure kinds and what core does) and cooldowns (fault U3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear import Kind, Verdict, retry_hint
from switchgear.policy import RULES, Step, cooldown_s, next_step

TRANSIENT = [Kind.OVERLOADED, Kind.SERVER_ERROR, Kind.TIMEOUT, Kind.CONNECTION, Kind.PROTOCOL]
CLIENTS_OWN = [Kind.INVALID_REQUEST, Kind.CONTEXT_TOO_LONG, Kind.CONTENT_FILTERED, Kind.CANCELLED]


def step(kind: Kind, *, can_refresh: bool = False, may_go_on: bool = True) -> Step:
    return next_step(kind, can_refresh=can_refresh, may_go_on=may_go_on)


def test_every_kind_has_a_rule() -> None:
    assert set(RULES) == set(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_nothing_is_retried_after_the_first_byte_or_beyond_the_budget(kind: Kind) -> None:
    assert step(kind, may_go_on=False) is Step.GIVE_UP


@pytest.mark.parametrize("kind", CLIENTS_OWN)
def test_the_clients_own_faults_are_returned_at_once(kind: Kind) -> None:
    assert step(kind) is Step.GIVE_UP


@pytest.mark.parametrize("kind", TRANSIENT)
def test_what_passes_goes_to_the_next_or_backs_off(kind: Kind) -> None:
    assert step(kind) is Step.NEXT
    assert RULES[kind].alone is Step.BACK_OFF


@pytest.mark.parametrize(
    ("kind", "alone"),
    [
        pytest.param(Kind.RATE_LIMITED, Step.WAIT, id="rate limited: wait for the cooldown"),
        pytest.param(Kind.QUOTA_EXHAUSTED, Step.GIVE_UP, id="quota exhausted"),
        pytest.param(Kind.LOGIN_REQUIRED, Step.GIVE_UP, id="login required"),
        pytest.param(Kind.FORBIDDEN, Step.GIVE_UP, id="forbidden"),
        pytest.param(Kind.MODEL_NOT_FOUND, Step.GIVE_UP, id="model not found"),
    ],
)
def test_what_concerns_the_account_goes_to_the_next(kind: Kind, alone: Step) -> None:
    assert step(kind) is Step.NEXT
    assert RULES[kind].alone is alone


def test_a_refused_token_is_refreshed_even_where_the_request_is_over() -> None:
    assert step(Kind.TOKEN_EXPIRED, can_refresh=True) is Step.REFRESH
    assert step(Kind.TOKEN_EXPIRED, can_refresh=True, may_go_on=False) is Step.REFRESH
    assert step(Kind.TOKEN_EXPIRED) is Step.NEXT


def test_a_suspension_is_never_rotated_around() -> None:
    assert step(Kind.SUSPENDED) is Step.NEXT_PROVIDER


NOW = 1_800_000_000.0
HTTP_NOW = "Fri, 15 Jan 2027 08:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds", "capped"),
    [
        pytest.param({"retry-after": "7"}, 7, False, id="seconds"),
        pytest.param({"retry-after": "0.3"}, 1, False, id="0.3 s is raised to the floor"),
        pytest.param({"retry-after": "864000"}, 600, True, id="10 days are capped"),
        pytest.param({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT", "date": HTTP_NOW}, 30, False, id="date"),
        pytest.param({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30, False, id="date, by our clock"),
        pytest.param({"retry-after": "Thu, 01 Jan 1998 00:00:00 GMT"}, 1, False, id="past date"),
        pytest.param({"retry-after": "soon"}, 30, False, id="garbage: the default"),
        pytest.param({"retry-after": "nan"}, 30, False, id="NaN"),
        pytest.param({"retry-after": "-5"}, 30, False, id="negative"),
        pytest.param({"retry-after-ms": "2500", "retry-after": "9"}, 2.5, False, id="milliseconds first"),
        pytest.param({"retry-after": "1800000045"}, 45, False, id="a point in time"),
        pytest.param({}, 30, False, id="none"),
    ],
)
def test_cooldowns_keep_floor_and_cap(headers: dict[str, str], seconds: float, capped: bool) -> None:
    hint = retry_hint(headers)
    verdict = Verdict(Kind.RATE_LIMITED, retry_after=hint.retry_after, reset_at=hint.reset_at)
    chosen, _, was_capped = cooldown_s(verdict, now=NOW, floor_s=1, cap_s=600)
    assert chosen == pytest.approx(seconds, abs=0.5)
    assert was_capped is capped


@given(st.text(max_size=40))
def test_no_hint_breaks_the_bounds(text: str) -> None:
    hint = retry_hint({"retry-after": text})
    verdict = Verdict(Kind.RATE_LIMITED, retry_after=hint.retry_after, reset_at=hint.reset_at)
    assert 1 <= cooldown_s(verdict, now=NOW, floor_s=1, cap_s=600)[0] <= 600


def test_a_quota_may_take_longer_than_the_cap_but_no_more_than_a_day() -> None:
    week = Verdict(Kind.QUOTA_EXHAUSTED, reset_at=NOW + 7 * 86400)
    assert cooldown_s(week, now=NOW, floor_s=1, cap_s=600)[::2] == (86400, True)
    assert cooldown_s(Verdict(Kind.QUOTA_EXHAUSTED), now=NOW, floor_s=1, cap_s=600)[0] == 3600

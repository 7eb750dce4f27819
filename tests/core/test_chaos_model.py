"""The chaos test's model: it sees each thing that must not be, and nothing in what may."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from switchgear.types import Kind
from tests.chaos_history import Candidate, Event, Setup, Violation
from tests.chaos_model import check

ONE, TWO, OTHER = ("p", "one", "m"), ("p", "two", "m"), ("q", "key", "m")
STEP_S = 0.1

_numbers = count(1)


class History:
    """Events a tenth of a second apart, or as much later as ``then`` says."""

    def __init__(self) -> None:
        self.at = 100.0
        self.events: list[Event] = []

    def note(self, what: Any, **fields: Any) -> None:
        self.at += STEP_S
        self.events.append(Event(self.at, what, **fields))

    def call(self, request: int, candidate: Candidate) -> int:
        number = next(_numbers)
        self.note("called", request=request, call=number, candidate=candidate)
        return number

    def end(self, request: int, call: int, candidate: Candidate, kind: Kind | None = None, **fields: Any) -> None:
        self.note("ended", request=request, call=call, candidate=candidate, kind=kind, **fields)

    def tried(self, request: int, candidate: Candidate, kind: Kind | None = None, **fields: Any) -> None:
        """A call, and its end."""
        self.end(request, self.call(request, candidate), candidate, kind, **fields)

    def asked(self, request: int, candidate: Candidate, kind: Kind | None = None, **fields: Any) -> None:
        """A whole request of one call."""
        self.note("asked", request=request)
        self.tried(request, candidate, kind, **fields)
        self.answered(request, good=kind is None)

    def answered(self, request: int, **fields: Any) -> None:
        self.note("answered", request=request, **fields)

    def token(self, candidate: Candidate, *, good: bool) -> None:
        self.note("token", candidate=candidate, good=good)

    def then(self, seconds: float) -> None:
        self.at += seconds

    def violations(self, *candidates: Candidate, **setup: Any) -> list[Violation]:
        numbers = {event.request for event in self.events if event.request}
        everyone = frozenset(candidates)
        return check(self.events, Setup(dict.fromkeys(numbers, everyone), budget=3, **setup))


def cools(history: History) -> None:
    """A rate limit of seven seconds, and whoever comes too soon."""
    history.asked(1, ONE, Kind.RATE_LIMITED, hint_s=7.0)
    history.then(6.0)
    history.asked(2, ONE)


def cools_and_waits(history: History) -> None:
    history.asked(1, ONE, Kind.RATE_LIMITED, hint_s=7.0)
    history.then(7.0)
    history.asked(2, ONE)
    history.asked(3, ONE)


def is_probed_twice(history: History) -> None:
    history.asked(1, ONE, Kind.QUOTA_EXHAUSTED, hint_s=7.0)
    history.then(7.0)
    for request in (2, 3):
        history.note("asked", request=request)
        history.call(request, ONE)


def is_probed_and_answers(history: History) -> None:
    """Others may come once the probe has brought output."""
    history.asked(1, ONE, Kind.QUOTA_EXHAUSTED, hint_s=7.0)
    history.then(7.0)
    history.note("asked", request=2)
    call = history.call(2, ONE)
    history.note("output", request=2, call=call, candidate=ONE)
    history.asked(3, ONE)


def exceeds_the_budget(history: History) -> None:
    history.note("asked", request=1)
    for candidate in (ONE, TWO, OTHER, ONE):
        history.tried(1, candidate, Kind.OVERLOADED)


def asks_again_after_output(history: History) -> None:
    history.note("asked", request=1)
    history.tried(1, ONE, Kind.CONNECTION, committed=True)
    history.tried(1, TWO)


def rotates_around_a_suspension(history: History) -> None:
    history.note("asked", request=1)
    history.tried(1, ONE, Kind.SUSPENDED)
    history.tried(1, TWO)


def leaves_a_suspension_for_another_provider(history: History) -> None:
    history.note("asked", request=1)
    history.tried(1, ONE, Kind.SUSPENDED)
    history.tried(1, OTHER)
    history.answered(1, good=True)


def asks_the_suspended(history: History) -> None:
    history.asked(1, ONE, Kind.SUSPENDED)
    history.then(100_000.0)
    history.asked(2, ONE)


def asks_the_suspended_once_the_operator_says_so(history: History) -> None:
    history.asked(1, ONE, Kind.SUSPENDED)
    history.note("cleared", candidate=("p", "one", ""))
    history.asked(2, ONE)


def gives_up_too_soon(history: History) -> None:
    history.asked(1, ONE, Kind.OVERLOADED)


def refuses_without_asking(history: History) -> None:
    history.note("asked", request=1)
    history.answered(1)


def gives_up_when_it_should(history: History) -> None:
    """The other account cools down; it comes back only while the answer is on its way."""
    history.asked(1, TWO)
    history.note("asked", request=2)
    history.note("asked", request=3)
    history.tried(2, TWO, Kind.RATE_LIMITED, hint_s=5.0)
    history.tried(3, ONE, Kind.OVERLOADED)
    history.then(5.0)
    history.answered(3)


def gives_a_client_its_own_fault(history: History) -> None:
    history.asked(1, ONE, Kind.INVALID_REQUEST)


def refuses_a_token_twice(history: History) -> None:
    history.note("asked", request=1)
    history.tried(1, ONE, Kind.TOKEN_EXPIRED)
    history.token(ONE, good=True)
    history.tried(1, ONE, Kind.TOKEN_EXPIRED)
    history.tried(1, TWO)
    history.answered(1, good=True)
    history.asked(2, ONE)


def asks_whose_login_is_spent(history: History) -> None:
    history.note("asked", request=1)
    history.tried(1, ONE, Kind.TOKEN_EXPIRED)
    history.token(ONE, good=False)
    history.tried(1, TWO)
    history.answered(1, good=True)
    history.asked(2, ONE)


def asks_whose_login_may_have_been_let_in(history: History) -> None:
    """Whether the operator or the refresh was first cannot be seen from outside."""
    history.note("asked", request=1)
    history.tried(1, ONE, Kind.TOKEN_EXPIRED)
    history.token(ONE, good=False)
    history.note("cleared", candidate=("p", "one", ""))
    history.tried(1, TWO)
    history.answered(1, good=True)
    history.asked(2, ONE)


def asks_too_many_at_once(history: History) -> None:
    for request in (1, 2, 3):
        history.note("asked", request=request)
        history.call(request, (ONE, TWO, ONE)[request - 1])


def asks_a_stranger(history: History) -> None:
    history.asked(1, ("r", "key", "m"))


def trips_the_breaker(history: History) -> None:
    for request in range(1, 7):
        history.note("asked", request=request)
        history.tried(request, ONE, Kind.SERVER_ERROR)
        history.tried(request, TWO)
        history.answered(request, good=True)


def is_unreachable(history: History) -> None:
    """The host is; so both accounts are, once each has seen it."""
    for request, candidate in enumerate((ONE, TWO, ONE, TWO, ONE, TWO), 1):
        history.note("asked", request=request)
        history.tried(request, candidate, Kind.CONNECTION)
        history.tried(request, OTHER)
        history.answered(request, good=True)


EVERYONE = (ONE, TWO, OTHER)
WRONG = [
    pytest.param(cools, (ONE,), "asked although rate_limited", id="a cooling account"),
    pytest.param(is_probed_twice, (ONE,), "a second probe", id="two probes at once"),
    pytest.param(exceeds_the_budget, EVERYONE, "attempt 4 of 3", id="one attempt too many"),
    pytest.param(asks_again_after_output, (ONE, TWO), "after output had reached the client", id="after the first byte"),
    pytest.param(rotates_around_a_suspension, (ONE, TWO), "rotated around", id="around a suspension"),
    pytest.param(asks_the_suspended, (ONE,), "asked although suspended", id="a suspended account"),
    pytest.param(gives_up_too_soon, (ONE, TWO), "although p/two/m could have been asked", id="a healthy one is left"),
    pytest.param(refuses_without_asking, (ONE,), "although p/one/m could have", id="refused without asking"),
    pytest.param(refuses_a_token_twice, (ONE, TWO), "asked although token_expired", id="refused with a new token"),
    pytest.param(asks_whose_login_is_spent, (ONE, TWO), "asked although login_required", id="a spent login"),
    pytest.param(asks_too_many_at_once, (ONE, TWO), "call 3 at once of 2", id="too many at once"),
    pytest.param(asks_a_stranger, (ONE,), "who does not serve the model", id="somebody else"),
    pytest.param(trips_the_breaker, (ONE, TWO), "asked although breaker open", id="an open breaker"),
    pytest.param(is_unreachable, EVERYONE, "asked although breaker open", id="an unreachable host"),
]
RIGHT = [
    pytest.param(cools_and_waits, (ONE,), id="after the cooldown"),
    pytest.param(is_probed_and_answers, (ONE,), id="after the probe's first output"),
    pytest.param(leaves_a_suspension_for_another_provider, EVERYONE, id="another provider after a suspension"),
    pytest.param(asks_the_suspended_once_the_operator_says_so, (ONE,), id="a suspension that is settled"),
    pytest.param(gives_up_when_it_should, (ONE, TWO), id="back too late"),
    pytest.param(gives_a_client_its_own_fault, (ONE, TWO), id="a client's own fault"),
    pytest.param(asks_whose_login_may_have_been_let_in, (ONE, TWO), id="what cannot be told"),
]
LIMITS = {"limits": {"p": 2}, "dead": frozenset({"p"})}


@pytest.mark.parametrize(("play", "candidates", "words"), WRONG)
def test_what_must_not_be_is_seen(play: Any, candidates: tuple[Candidate, ...], words: str) -> None:
    history = History()
    play(history)
    violations = history.violations(*candidates, **LIMITS)
    assert [words in violation.message for violation in violations] == [True]
    [violation] = violations
    assert violation.trace
    assert set(violation.trace) <= set(history.events)
    assert str(violation).count("\n") == len(violation.trace)


@pytest.mark.parametrize(("play", "candidates"), RIGHT)
def test_what_may_be_is_left_alone(play: Any, candidates: tuple[Candidate, ...]) -> None:
    history = History()
    play(history)
    assert history.violations(*candidates, **LIMITS) == []

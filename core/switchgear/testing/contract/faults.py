"""Level 5: every failure is called by its name, and costs what it has to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from switchgear.policy import RULES, Step
from switchgear.testing.contract.base import NotApplicable, check, expect
from switchgear.testing.contract.benched import BenchedContract
from switchgear.testing.contract.tour import Seen
from switchgear.types import Kind

FIRST_BYTE_S = 0.3
LEFT_AFTER_S = 3.0
NOT_THE_CLIENTS = frozenset(Kind) - {
    Kind.INVALID_REQUEST,
    Kind.CONTEXT_TOO_LONG,
    Kind.CONTENT_FILTERED,
    Kind.CANCELLED,
}
RETURNED = tuple(kind for kind, rule in RULES.items() if rule.step is Step.GIVE_UP and kind is not Kind.CANCELLED)
PASSED_ON = (Kind.SERVER_ERROR, Kind.OVERLOADED, Kind.RATE_LIMITED, Kind.QUOTA_EXHAUSTED)


def _told(kind: Kind, what: str) -> Callable[[Any], None]:
    async def told(self: FaultChecks) -> None:
        seen = await self.seen(kind)
        called = seen.attempts[0].kind
        expect(called is kind, f"it is called {called or 'a success'}")

    told.__name__ = f"test_calls_it_{kind}"
    told.__qualname__ = f"FaultChecks.{told.__name__}"
    told.__doc__ = f"{what} is called ``{kind}``."
    return check(5)(told)


class FaultChecks(BenchedContract):
    """Level 5."""

    test_calls_it_token_expired = _told(Kind.TOKEN_EXPIRED, "A token that can be refreshed")
    test_calls_it_login_required = _told(Kind.LOGIN_REQUIRED, "A credential that only the operator can replace")
    test_calls_it_suspended = _told(Kind.SUSPENDED, "An account that the provider has blocked")
    test_calls_it_forbidden = _told(Kind.FORBIDDEN, "A model that this account may not use")
    test_calls_it_rate_limited = _told(Kind.RATE_LIMITED, "A rate limit")
    test_calls_it_quota_exhausted = _told(Kind.QUOTA_EXHAUSTED, "A quota that is used up")
    test_calls_it_model_not_found = _told(Kind.MODEL_NOT_FOUND, "A model that has gone")
    test_calls_it_overloaded = _told(Kind.OVERLOADED, "An upstream that has too much to do")
    test_calls_it_server_error = _told(Kind.SERVER_ERROR, "A failure of the upstream's own")
    test_calls_it_invalid_request = _told(Kind.INVALID_REQUEST, "A request that is wrong")
    test_calls_it_context_too_long = _told(Kind.CONTEXT_TOO_LONG, "A request that is too long for the model")
    test_calls_it_content_filtered = _told(Kind.CONTENT_FILTERED, "A request that the provider's filter refuses")

    @check(5)
    async def test_an_error_inside_a_200_is_a_failure(self) -> None:
        """An error object in a whole answer with status 200 is a failure."""
        await self._is_failure("in_band")

    @check(5)
    async def test_an_error_before_output_is_a_failure(self) -> None:
        """An error event before any output of a stream is a failure, and the client is not given a broken stream."""
        seen = await self._is_failure("in_band_stream")
        expect(seen.got.status != 200 or seen.got.ok, f"the client got {seen.got}")

    @check(5)
    async def test_half_an_answer_is_a_failure(self) -> None:
        """A whole answer that breaks off is a failure."""
        await self._is_failure("cut")

    @check(5)
    async def test_a_broken_connection_is_told(self) -> None:
        """A connection that is reset instead of an answer is called ``connection``."""
        seen = await self._is_failure("cut_before")
        called = seen.attempts[0].kind
        expect(called is Kind.CONNECTION, f"it is called {called}")

    @check(5)
    async def test_a_page_is_no_answer(self) -> None:
        """A web page with status 200 is a failure."""
        await self._is_failure("html")

    @check(5)
    async def test_nothing_is_no_answer(self) -> None:
        """A status of 200 without a body is a failure."""
        await self._is_failure("empty")

    @check(5)
    async def test_an_upstream_that_never_starts_is_left(self) -> None:
        """Where nothing comes, the call ends at its time limit and is called ``timeout``."""
        async with self.bench(first_byte_seconds=FIRST_BYTE_S) as bench:
            await bench.accounts()
            bench.fail("never_starts")
            started = time.monotonic()
            got = await bench.ask()
            called = bench.records[0].kind
            took_s = time.monotonic() - started
            expect(called is Kind.TIMEOUT, f"it is called {called or 'a success'}; the client got {got}")
            expect(took_s < LEFT_AFTER_S, f"it took {took_s:.1f} s with a limit of {FIRST_BYTE_S:g} s")

    @check(5)
    async def test_a_hint_when_to_come_back_is_kept(self) -> None:
        """Where the upstream says when to come back, its account is left alone for so long."""
        seen = await self.seen(Kind.RATE_LIMITED)
        if not seen.asked_to_wait:
            raise NotApplicable("the provider's rate limit comes without Retry-After")
        expect(seen.hint_s is not None, "the Retry-After is lost: give it as the verdict's retry_after or reset_at")

    @check(5)
    async def test_the_clients_mistake_is_returned_once(self) -> None:
        """A request that is wrong is not asked again, and the client is told it is its own mistake."""
        for kind in RETURNED:
            seen = (await self.toured()).faults.get(kind)
            if seen is None:
                continue
            expect(len(seen.attempts) == 1, f"{kind}: it was asked {len(seen.attempts)} times")
            status = seen.got.status or 0
            expect(400 <= status < 500, f"{kind}: the client got {seen.got}")

    @check(5)
    async def test_another_account_takes_over(self) -> None:
        """Where one account fails for a reason of its own, another one answers the same request."""
        tour = await self.toured()
        if tour.accounts < 2:
            raise NotApplicable("the fake has one account only")
        for kind in PASSED_ON:
            seen = tour.faults.get(kind)
            if seen is not None:
                expect(seen.got.ok, f"{kind}: the client got {seen.got}")

    @check(5)
    async def test_a_blocked_account_is_not_passed_over(self) -> None:
        """An account that the provider has blocked is not silently replaced by another one of the same provider."""
        seen = await self.seen(Kind.SUSPENDED)
        expect(len(seen.attempts) == 1, f"{len(seen.attempts)} accounts were asked; the client got {seen.got}")

    @check(5)
    async def test_no_hook_holds_the_event_loop(self) -> None:
        """No hook holds the event loop: whoever waits, waits in an ``await``."""
        held = (await self.toured()).held
        expect(not held, f"it was held in {', '.join(held)}")

    async def seen(self, fault: str) -> Seen:
        """What the fault led to, on the tour."""
        tour = await self.toured()
        seen = tour.faults.get(fault)
        if seen is None:
            problem = tour.missed.get(fault)
            expect(problem is None, f"it could not be seen: {problem}")
            raise NotApplicable(f"the provider has no failure like {fault}")
        expect(seen.attempts, f"the upstream was not asked; the client got {seen.got}")
        return seen

    async def _is_failure(self, fault: str) -> Seen:
        seen = await self.seen(fault)
        called = seen.attempts[0].kind
        expect(called is not None, f"it is called a success; the client got {seen.got}")
        expect(called in NOT_THE_CLIENTS, f"it is called {called}, as if the client were to blame")
        return seen

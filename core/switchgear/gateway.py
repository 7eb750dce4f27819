"""A request's way through: candidates in order, one attempt after another, until one delivers or none is left.

The straight line is :meth:`Gateway.serve`; what a failure means is the plugin's word, what is done about it the policy
table's.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from switchgear.affinity import conversation_key
from switchgear.ask import Ask, ClientSide, Served, Tried
from switchgear.attempt import JSON, Attempt
from switchgear.classify import default_verdict
from switchgear.deadlines import Deadlines
from switchgear.dialects import ErrorDetail
from switchgear.errors import LoginRequired, PluginError, Refusal, UpstreamError
from switchgear.health import Health
from switchgear.metrics import Metrics
from switchgear.plugins import Plugins
from switchgear.policy import RULES, STATUS_WITHOUT_ANSWER, Step, next_step
from switchgear.routing import Candidate, Route, Router
from switchgear.secret import redact
from switchgear.slots import QueueFullError
from switchgear.types import AttemptRecord, Failure, Kind, Verdict

BACK_OFF_FIRST_S = 0.5
BACK_OFF_LONGEST_S = 8.0
LAST_WORD_S = 10.0
"""How long a slow client may take to receive the error event that ends its stream."""
NO_FAILURE = Failure("status")
"""What is given beside no verdict."""

log = structlog.get_logger("switchgear.gateway")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a request is pursued.

    Attributes:
        retries: further attempts after the first.
        max_wait_s: seconds it may wait for an account that cools down.
        max_queue_s: seconds it may stand in line for one that is busy.
    """

    retries: int
    max_wait_s: float
    max_queue_s: float


class Gateway:
    """Serves requests over what the router offers."""

    def __init__(self, router: Router, plugins: Plugins, health: Health, metrics: Metrics, limits: Limits) -> None:
        self.router = router
        self.plugins = plugins
        self.health = health
        self.metrics = metrics
        self.limits = limits
        self._deadlines = Deadlines()

    async def serve(self, ask: Ask, allowed: Callable[[str], bool], client: ClientSide) -> bool:
        """Answer one request. Errors of upstreams reach the client here, in its dialect.

        Args:
            ask: what the client wants.
            allowed: whether a public model name is in the scope of the client's key.
            client: where the answer goes.

        Returns:
            Whether an upstream's answer was delivered, whole.

        Raises:
            Refusal: nothing was sent; the gateway itself says no.
        """
        route = await self.route(ask, allowed)
        wait_until = asyncio.get_running_loop().time() + self.limits.max_wait_s
        attempts_left = self.limits.retries + 1
        candidate = await self._first(ask, route, wait_until)
        refreshed: set[Candidate] = set()
        while True:
            ask.attempts += 1
            attempts_left -= 1
            attempt, verdict, failure = await self._attempt(ask, candidate, client)
            if verdict is None:
                return True
            may_go_on = attempts_left > 0 and not client.committed
            can_refresh = candidate.entry.can_refresh and candidate not in refreshed
            step = next_step(verdict.kind, can_refresh=can_refresh, may_go_on=may_go_on)
            against: Verdict | None = verdict  # what is held against the account
            if step is Step.REFRESH:
                refreshed.add(candidate)
                against = await self._refresh(attempt)
                if against is None and may_go_on and route.retake(candidate):
                    self.metrics.retry(candidate.entry.name)
                    continue
                step = Step.NEXT if may_go_on else Step.GIVE_UP
            if against is not None:
                self._hold_against(candidate, against, failure)
            if step is Step.NEXT_PROVIDER:
                route.leave(candidate.entry.name)
            following = await self._following(route, attempt, step, verdict.kind, wait_until)
            if following is None:
                await self._fail(ask, attempt, verdict, failure, route, client)
                return False
            if following.entry is candidate.entry:
                self.metrics.retry(candidate.entry.name)
            else:
                self.metrics.fallback(candidate.entry.name, following.entry.name, verdict.kind)
            candidate = following

    async def ask_one(self, ask: Ask, candidate: Candidate, client: ClientSide) -> tuple[Verdict | None, Failure]:
        """One attempt at one candidate, recorded as any other; another one only after a refresh of its token.

        Returns:
            What went wrong; the verdict is ``None`` when an answer was delivered.
        """
        can_refresh = candidate.entry.can_refresh
        while True:
            ask.attempts += 1
            attempt, verdict, failure = await self._attempt(ask, candidate, client)
            against = verdict
            if verdict is not None and verdict.kind is Kind.TOKEN_EXPIRED and can_refresh:
                can_refresh = False
                against = await self._refresh(attempt)
                if against is None and not client.committed:
                    continue
            if against is not None:
                self._hold_against(candidate, against, failure)
            return verdict, failure

    def _hold_against(self, candidate: Candidate, verdict: Verdict, failure: Failure) -> None:
        self.health.failed(candidate.entry.name, candidate.account, candidate.model, verdict, failure.host)

    # -- who is asked --------------------------------------------------------------------------------------

    async def route(self, ask: Ask, allowed: Callable[[str], bool]) -> Route:
        """The candidates for the model; a name that nobody lists has the lists fetched anew first."""
        name, dialect = ask.body.model, ask.codec.name
        if self.router.catalog.find(name) is None:
            await self.router.catalog.refresh_for(name)
        conversation = conversation_key(ask.body, ask.headers) if self.router.keeps_conversations else None
        return self.router.route(name, dialect, allowed, conversation)

    async def _first(self, ask: Ask, route: Route, wait_until: float) -> Candidate:
        """The first candidate; waits for a turn, or for a cooling account, as long as the operator allows."""
        while True:
            candidate = route.next() or await self._in_line(ask, route)
            if candidate is not None:
                return candidate
            wait_s = route.recovery_s()
            if wait_s is None or asyncio.get_running_loop().time() + wait_s > wait_until:
                self.metrics.short_circuited(route.target.entry.name, model=route.name)
                raise _nobody_free(route, wait_s)
            await _pause(ask, wait_s)
            route.again()

    async def _in_line(self, ask: Ask, route: Route) -> Candidate | None:
        """The candidate whose turn has come; ``None`` where nobody is merely busy.

        Raises:
            Refusal: 503; the line is too long, or it took too long.
        """
        slots, loop = self.router.slots, asyncio.get_running_loop()
        if not route.full():
            return None
        began = loop.time()
        until = began + self.limits.max_queue_s
        try:
            with slots.line(route.full()) as place:
                while True:
                    candidate = route.next(place)
                    if candidate is not None or not route.full():
                        return candidate
                    await place.wait(max(until - loop.time(), 0.0))
        except QueueFullError:
            self.metrics.short_circuited(route.target.entry.name, model=route.name)
            raise _busy(route, "and too many requests wait already") from None
        except TimeoutError:
            self.metrics.short_circuited(route.target.entry.name, model=route.name)
            raise _busy(route, f"and none became free within {self.limits.max_queue_s:g} s") from None
        finally:
            ask.queued_s += loop.time() - began
            ask.waited_s += loop.time() - began

    async def _following(
        self, route: Route, attempt: Attempt, step: Step, kind: Kind, wait_until: float
    ) -> Candidate | None:
        """Who is asked next; ``None`` when the request is to be given up."""
        if step is Step.GIVE_UP:
            return None
        following = route.next()
        if following is None and route.full():
            with suppress(Refusal):  # the client gets the upstream's own error then
                following = await self._in_line(attempt.ask, route)
        if following is not None:
            return following
        candidate = attempt.candidate
        time_left_s = wait_until - asyncio.get_running_loop().time()
        match RULES[kind].alone:
            case Step.BACK_OFF:
                longest_s = min(BACK_OFF_FIRST_S * 2 ** (attempt.number - 1), BACK_OFF_LONGEST_S)
                pause_s = longest_s * random.random()  # noqa: S311 - jitter, not a secret
                if pause_s <= time_left_s:
                    await _pause(attempt.ask, pause_s)
                    route.again(candidate)
                    return route.next()
            case Step.WAIT:
                wait_s = route.recovery_s()
                if wait_s is not None and wait_s <= time_left_s:
                    await _pause(attempt.ask, wait_s)
                    route.again()
                    return route.next()
        return None

    async def _refresh(self, attempt: Attempt) -> Verdict | None:
        """Refresh the refused token; the verdict is that of a refresh that failed, ``None`` for a fresh token."""
        if attempt.account is None:
            return None
        try:
            await attempt.candidate.entry.refresh(attempt.account)
        except UpstreamError as error:
            return self._judge(attempt.candidate, error)
        except PluginError as error:
            return Verdict(Kind.SERVER_ERROR, message=str(error))
        return None

    # -- one attempt ---------------------------------------------------------------------------------------

    async def _attempt(
        self, ask: Ask, candidate: Candidate, client: ClientSide
    ) -> tuple[Attempt, Verdict | None, Failure]:
        """Run one attempt and take its outcome in; the verdict is ``None`` when it delivered."""
        provider, account, model = candidate.entry.name, candidate.account, candidate.model
        health = self.health
        began = health.begin(provider, account, model)

        def committed() -> None:
            health.answered(provider, account, model, began)

        attempt = Attempt(ask, candidate, ask.attempts, self.plugins, self._deadlines, committed)
        self.router.slots.take(provider, account)
        self.metrics.started(provider)
        try:
            await attempt.run(client)
        except UpstreamError as error:
            failure = error.failure
            verdict = self._judge(candidate, error)
        except PluginError as error:
            failure = Failure("protocol", message=str(error))
            verdict = Verdict(Kind.SERVER_ERROR, message=str(error), code="plugin_error")
        except asyncio.CancelledError:
            self._record(attempt, Verdict(Kind.CANCELLED))
            raise
        else:
            health.succeeded(provider, account, model, began)
            self._record(attempt, None)
            return attempt, None, NO_FAILURE
        finally:
            health.end(provider, account, model, began)
            self.router.slots.give_back(provider, account)
            self.metrics.ended(provider)
        self._record(attempt, verdict, failure.status)
        return attempt, verdict, failure

    def _judge(self, candidate: Candidate, error: UpstreamError) -> Verdict:
        if isinstance(error, LoginRequired):
            return Verdict(Kind.LOGIN_REQUIRED, message=redact(str(error)))
        verdict = self.plugins.classify_error(candidate.entry.provider, error.failure)
        return default_verdict(error.failure) if verdict is None else verdict

    def _record(self, attempt: Attempt, verdict: Verdict | None, refused_with: int | None = None) -> None:
        ask, candidate = attempt.ask, attempt.candidate
        record = AttemptRecord(
            request_id=ask.id,
            provider=candidate.entry.name,
            account=candidate.label,
            model=ask.body.model,
            attempt=attempt.number,
            status=attempt.status,
            kind=None if verdict is None else verdict.kind,
            duration_ms=(time.perf_counter() - attempt.started) * 1000,
            ttft_ms=attempt.ttft_ms,
            input_tokens=attempt.usage.input_tokens,
            output_tokens=attempt.usage.output_tokens,
        )
        self.metrics.attempt(record)
        self.plugins.attempt_finished(record)
        if ask.tried is not None:
            status, message = attempt.status, ""
            if verdict is not None:
                status, message = verdict.status or refused_with or status, redact(verdict.message)
            ask.tried(Tried(record, candidate.model, status, message))
        fields = {
            "request_id": record.request_id,
            "provider": record.provider,
            "account": record.account,
            "model": record.model,
            "upstream_model": candidate.model,
            "attempt": record.attempt,
            "status": record.status,
            "kind": "ok" if record.kind is None else str(record.kind),
            "ms": round(record.duration_ms, 1),
            "input_tokens": record.input_tokens,
            "output_tokens": record.output_tokens,
        }
        if verdict is None:
            log.info("attempt", **fields)
        else:
            log.warning("attempt", **fields, problem=redact(verdict.message))

    # -- the end -------------------------------------------------------------------------------------------

    async def _fail(
        self, ask: Ask, attempt: Attempt, verdict: Verdict, failure: Failure, route: Route, client: ClientSide
    ) -> None:
        """Give the client the last real upstream error, as the first byte or as the stream's last event."""
        status = verdict.status or failure.status
        if status is None or status < 400:
            status = STATUS_WITHOUT_ANSWER.get(verdict.kind, 502)
        error = ErrorDetail(
            status,
            redact(verdict.message or str(failure)),
            redact(verdict.code or str(verdict.kind)),
            None if verdict.type is None else redact(verdict.type),
            None if verdict.param is None else redact(verdict.param),
        )
        if client.committed:
            with suppress(TimeoutError):  # a client that does not read cannot be told
                async with asyncio.timeout(LAST_WORD_S):
                    await client.send(client.error_event(error))
                    await client.end()
            return
        overhead_ms = (time.perf_counter() - ask.received - ask.waited_s) * 1000
        served = Served(attempt.candidate.entry.name, attempt.candidate.label, ask.attempts, max(overhead_ms, 0.0))
        retry_after_s = route.recovery_s() if status in {429, 503} else None
        if retry_after_s is None:
            retry_after_s = verdict.retry_after
        retry_after = None if retry_after_s is None else math.ceil(retry_after_s)
        await client.whole(status, JSON, ask.codec.error_body(error, ask.id), served, retry_after)


async def _pause(ask: Ask, seconds: float) -> None:
    """Wait for an upstream to be ready; it is no overhead of ours."""
    await asyncio.sleep(seconds)
    ask.waited_s += seconds


def _busy(route: Route, why: str) -> Refusal:
    return Refusal(
        503,
        "accounts_busy",
        f"every account that can serve {route.name!r} has as many calls under way as it may, {why}",
        retry_after_s=1.0,
    )


def _nobody_free(route: Route, wait_s: float | None) -> Refusal:
    reasons = sorted({passed.reason for passed in route.passed_over()})
    when = "an operator has to act" if wait_s is None else f"the first is back in {math.ceil(wait_s)} s"
    return Refusal(
        503,
        "no_account_available",
        f"no account can serve {route.name!r} now ({', '.join(reasons)}); {when}",
        retry_after_s=wait_s,
    )

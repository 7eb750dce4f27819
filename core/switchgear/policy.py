"""What core does about each kind of failure: a table, and one pure function that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from switchgear.types import Kind, Verdict

DEFAULT_RATE_LIMIT_S = 30.0
DEFAULT_QUOTA_S = 3600.0
QUOTA_CAP_S = 24 * 3600.0
PAIR_OUT_S = 300.0


class Block(Enum):
    """What a failure does to the account or the (account, model) pair."""

    NONE = auto()
    COUNT = auto()  # the breaker counts it
    COOL = auto()  # out for as long as the upstream says, within the operator's floor and cap
    QUOTA = auto()  # out until the quota is back, a day at most
    PAIR = auto()  # this model on this account is out for a while
    ACCOUNT = auto()  # the account is out until its credential changes, or the operator acts


class Step(Enum):
    """What happens next to the request."""

    REFRESH = auto()  # refresh the token, and ask the same account again if the request may go on
    NEXT = auto()  # ask the next candidate
    NEXT_PROVIDER = auto()  # as NEXT, but no other account of the same provider
    BACK_OFF = auto()  # nobody else is there: ask the same candidate again after a pause
    WAIT = auto()  # nobody else is there: wait until the first account has cooled down
    GIVE_UP = auto()  # the client gets this error


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table."""

    block: Block
    step: Step
    alone: Step = Step.GIVE_UP  # what happens when no other candidate is there


RULES: dict[Kind, Rule] = {
    Kind.TOKEN_EXPIRED: Rule(Block.ACCOUNT, Step.REFRESH),
    Kind.LOGIN_REQUIRED: Rule(Block.ACCOUNT, Step.NEXT),
    Kind.SUSPENDED: Rule(Block.ACCOUNT, Step.NEXT_PROVIDER),
    Kind.FORBIDDEN: Rule(Block.PAIR, Step.NEXT),
    Kind.RATE_LIMITED: Rule(Block.COOL, Step.NEXT, alone=Step.WAIT),
    Kind.QUOTA_EXHAUSTED: Rule(Block.QUOTA, Step.NEXT),
    Kind.MODEL_NOT_FOUND: Rule(Block.PAIR, Step.NEXT),
    Kind.OVERLOADED: Rule(Block.COUNT, Step.NEXT, alone=Step.BACK_OFF),
    Kind.SERVER_ERROR: Rule(Block.COUNT, Step.NEXT, alone=Step.BACK_OFF),
    Kind.TIMEOUT: Rule(Block.COUNT, Step.NEXT, alone=Step.BACK_OFF),
    Kind.CONNECTION: Rule(Block.COUNT, Step.NEXT, alone=Step.BACK_OFF),
    Kind.PROTOCOL: Rule(Block.COUNT, Step.NEXT, alone=Step.BACK_OFF),
    Kind.INVALID_REQUEST: Rule(Block.NONE, Step.GIVE_UP),
    Kind.CONTEXT_TOO_LONG: Rule(Block.NONE, Step.GIVE_UP),
    Kind.CONTENT_FILTERED: Rule(Block.NONE, Step.GIVE_UP),
    Kind.CANCELLED: Rule(Block.NONE, Step.GIVE_UP),
}

STATUS_WITHOUT_ANSWER = {Kind.TIMEOUT: 504}
"""The client's status where the upstream gave none; 502 for every other kind."""


def next_step(kind: Kind, *, can_refresh: bool, may_go_on: bool) -> Step:
    """What happens next to a request whose attempt failed.

    Where it is the next candidate and there is none, the rule's ``alone`` happens instead.

    Args:
        kind: what the failure means.
        can_refresh: the account's token can be refreshed, and was not yet for this request. It is, even where the
            request itself cannot go on: the next one shall find it fresh.
        may_go_on: nothing was sent to the client yet, and there are attempts left.
    """
    step = RULES[kind].step
    if step is Step.REFRESH and can_refresh:
        return Step.REFRESH
    if not may_go_on:
        return Step.GIVE_UP
    return Step.NEXT if step is Step.REFRESH else step


def cooldown_s(verdict: Verdict, *, now: float, floor_s: float, cap_s: float) -> tuple[float, float | None, bool]:
    """How long a rate limit or a spent quota keeps the account out.

    Args:
        verdict: of kind ``rate_limited`` or ``quota_exhausted``.
        now: the wall clock, Unix seconds; a ``reset_at`` is measured from it.
        floor_s: the operator's shortest cooldown.
        cap_s: the operator's longest; a quota may take a day.

    Returns:
        Seconds, the upstream's own hint in seconds (``None`` when it gave none), and whether it was capped.
    """
    hint = verdict.retry_after
    if hint is None and verdict.reset_at is not None:
        hint = verdict.reset_at - now
    quota = verdict.kind is Kind.QUOTA_EXHAUSTED
    wanted = hint if hint is not None else (DEFAULT_QUOTA_S if quota else DEFAULT_RATE_LIMIT_S)
    cap = max(cap_s, QUOTA_CAP_S) if quota else cap_s
    return min(max(wanted, floor_s), cap), hint, wanted > cap

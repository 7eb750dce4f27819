"""Which accounts may be asked now: cooldowns, breakers, accounts that are out, and calls in flight.

Keys are ``(provider name, account id, model)``; the model ``*`` stands for the whole account. All of it is bounded by
what is configured and listed. Logic runs on the monotonic clock, so a jump of the wall clock changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from dataclasses import dataclass

from switchgear.policy import PAIR_OUT_S, RULES, Block, cooldown_s
from switchgear.types import Kind, Verdict

ANY_MODEL = "*"
BREAKER_FAILURES = 5
"""So many failures in a row open the breaker."""
BREAKER_FIRST_S = 5.0
BREAKER_LONGEST_S = 120.0

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why an account is not asked now.

    ``since`` and ``until`` are on the monotonic clock; ``until`` is ``None`` when only the operator (or a new
    credential) ends it. ``hint_s`` is what the upstream asked for; ``capped`` that it asked for more than the cap.
    """

    reason: str
    since: float
    until: float | None
    hint_s: float | None = None
    capped: bool = False
    message: str = ""


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    pause_s: float = BREAKER_FIRST_S
    probing: bool = False


class Health:
    """What is known of every account. ``monotonic`` and ``wall`` are clocks in seconds."""

    def __init__(
        self,
        floor_s: float,
        cap_s: float,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.floor_s = floor_s
        self.cap_s = cap_s
        self._now = monotonic
        self._wall = wall
        self._blocked: dict[Key, Blocked] = {}
        self._breakers: dict[Key, _Breaker] = {}

    def blocked(self, provider: str, account: str, model: str) -> Blocked | None:
        """Why this account is not to be asked for this model now; ``None`` when it may be."""
        if not self._blocked:
            return None
        return self._look((provider, account, ANY_MODEL)) or self._look((provider, account, model))

    def _look(self, key: Key) -> Blocked | None:
        block = self._blocked.get(key)
        if block is None or block.until is None:
            return block
        if self._now() < block.until:
            return block
        breaker = self._breakers.get(key)
        if breaker is None or block.reason != "breaker_open":
            del self._blocked[key]
            return None
        # Half open: one request finds out for all whether the upstream is back.
        return block if breaker.probing else None

    def begin(self, provider: str, account: str, model: str) -> None:
        """A call starts. Behind an open breaker that has run out, it is the probe."""
        if self._breakers:
            breaker = self._breakers.get((provider, account, model))
            if breaker is not None and breaker.failures >= BREAKER_FAILURES:
                breaker.probing = True

    def end(self, provider: str, account: str, model: str) -> None:
        """A call ended, however it did."""
        if self._breakers:
            breaker = self._breakers.get((provider, account, model))
            if breaker is not None:
                breaker.probing = False

    def succeeded(self, provider: str, account: str, model: str) -> None:
        """The upstream answered: what stood against the pair is over."""
        if self._blocked or self._breakers:
            key = (provider, account, model)
            self._breakers.pop(key, None)
            self._blocked.pop(key, None)

    def failed(self, provider: str, account: str, model: str, verdict: Verdict) -> None:
        """Take a failure in, by the policy table."""
        block = RULES[verdict.kind].block
        pair: Key = (provider, account, model)
        whole: Key = (provider, account, ANY_MODEL)
        now = self._now()
        reason = str(verdict.kind)
        match block:
            case Block.NONE:
                return
            case Block.COUNT:
                self._count(pair, now, reason)
            case Block.COOL | Block.QUOTA:
                default = whole if block is Block.QUOTA else pair
                key = pair if verdict.scope == "model" else whole if verdict.scope is not None else default
                seconds, hint, capped = cooldown_s(verdict, now=self._wall(), floor_s=self.floor_s, cap_s=self.cap_s)
                self._set(key, Blocked(reason, now, now + seconds, hint, capped, verdict.message))
            case Block.PAIR:
                key = pair if verdict.scope in {None, "model"} else whole
                self._set(key, Blocked(reason, now, now + PAIR_OUT_S, message=verdict.message))
            case Block.ACCOUNT:
                self._set(whole, Blocked(reason, now, None, message=verdict.message))

    def _set(self, key: Key, block: Blocked) -> None:
        old = self._blocked.get(key)
        if old is None or (old.until is not None and (block.until is None or block.until >= old.until)):
            self._blocked[key] = block

    def _count(self, key: Key, now: float, reason: str) -> None:
        breaker = self._breakers.setdefault(key, _Breaker())
        breaker.failures += 1
        if breaker.failures >= BREAKER_FAILURES:
            if breaker.failures > BREAKER_FAILURES:
                breaker.pause_s = min(breaker.pause_s * 2, BREAKER_LONGEST_S)
            message = f"{breaker.failures} failures in a row, the last: {reason}"
            self._set(key, Blocked("breaker_open", now, now + breaker.pause_s, message=message))

    def clear(self, provider: str, account: str) -> None:
        """The account's credential changed: what stood against the old one is over."""
        for key in [key for key in self._blocked if key[:2] == (provider, account)]:
            del self._blocked[key]
        for key in [key for key in self._breakers if key[:2] == (provider, account)]:
            del self._breakers[key]

    def keep(self, accounts: Container[tuple[str, str]]) -> None:
        """After a reload: forget every account that is no longer configured."""
        for mapping in (self._blocked, self._breakers):
            for key in [key for key in mapping if key[:2] not in accounts]:
                del mapping[key]

    def rows(self, provider: str) -> list[tuple[str, str, Blocked]]:
        """What stands against the provider's accounts: account id, model (``*`` for all), and why."""
        now = self._now()
        return [
            (account, model, block)
            for (name, account, model), block in self._blocked.items()
            if name == provider and (block.until is None or block.until > now)
        ]

    def account_state(self, provider: str, account: str) -> str:
        """``ready``, ``cooling``, ``exhausted``, ``auth_failed`` or ``suspended``."""
        block = self._look((provider, account, ANY_MODEL))
        if block is not None:
            return _STATES.get(block.reason, "cooling")
        pairs = [row[2].reason for row in self.rows(provider) if row[0] == account]
        return "cooling" if any(reason in _PASSING for reason in pairs) else "ready"

    def seconds_left(self, block: Blocked) -> float | None:
        """How long the block lasts; ``None`` when it does not end by itself."""
        return None if block.until is None else max(0.0, block.until - self._now())


_STATES: dict[str, str] = {
    Kind.SUSPENDED: "suspended",
    Kind.LOGIN_REQUIRED: "auth_failed",
    Kind.TOKEN_EXPIRED: "auth_failed",
    Kind.QUOTA_EXHAUSTED: "exhausted",
}
_PASSING: frozenset[str] = frozenset({Kind.RATE_LIMITED, "breaker_open"})

"""Which accounts may be asked now: cooldowns, breakers, and accounts that are out.

Keys are ``(provider name, account id, model)``; the model ``*`` stands for the whole account, and a host has a key of
its own. All of it is bounded by what is configured and listed. Logic runs on the monotonic clock, so a jump of the wall
clock changes nothing.

A block that has run out is *half open*: one request finds out for all whether the upstream is back, and the first byte
of its answer tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass

from switchgear.policy import PAIR_OUT_S, RULES, Block, cooldown_s
from switchgear.types import Kind, Verdict

ANY_MODEL = "*"
BREAKER_FAILURES = 5
"""So many failures in a row open the breaker of a pair, and of a host that cannot be reached."""
ACCOUNT_FAILURES = 10
"""So many in a row, over all its models, that of an account."""
BREAKER_FIRST_S = 5.0
BREAKER_LONGEST_S = 120.0
PROBE_LOOK_S = 0.25
"""How soon those who wait for a probe look again."""

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
    pause_s: float
    failures: int = 0


class Health:
    """What is known of every account. ``monotonic`` and ``wall`` are clocks in seconds.

    Attributes:
        changes: how often a block was set or taken away; tells whether there is something new to save.
    """

    def __init__(
        self,
        floor_s: float,
        cap_s: float,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.floor_s = floor_s
        self.cap_s = cap_s
        self.changes = 0
        self._now = monotonic
        self._wall = wall
        self._blocked: dict[Key, Blocked] = {}
        self._breakers: dict[Key, _Breaker] = {}
        self._probing: dict[Key, float] = {}  # and when the probe began
        self._hosts: dict[tuple[str, str], str] = {}

    # -- asking --------------------------------------------------------------------------------------------

    def blocked(self, provider: str, account: str, model: str) -> Blocked | None:
        """Why this account is not to be asked for this model now; ``None`` when it may be."""
        if not self._blocked:
            return None
        for key in self._keys(provider, account, model):
            block = self._blocked.get(key)
            if block is not None and not self._half_open(key, block):
                return block
        return None

    def _keys(self, provider: str, account: str, model: str) -> Iterator[Key]:
        """Whatever can stand against a pair."""
        yield provider, account, ANY_MODEL
        yield provider, account, model
        host = self._hosts.get((provider, account))
        if host is not None:
            yield _of_host(host)

    def _half_open(self, key: Key, block: Blocked) -> bool:
        """Whether the block has run out and nobody probes yet."""
        return block.until is not None and self._now() >= block.until and key not in self._probing

    def seconds_left(self, block: Blocked) -> float | None:
        """How long the block lasts; ``None`` when it does not end by itself."""
        return None if block.until is None else max(PROBE_LOOK_S, block.until - self._now())

    # -- a call, from its begin to its end -----------------------------------------------------------------

    def begin(self, provider: str, account: str, model: str) -> float:
        """A call starts; behind blocks that have run out, it is the probe. Gives the moment, for :meth:`succeeded`."""
        began = self._now()
        if self._blocked:
            for key in self._keys(provider, account, model):
                if key in self._blocked:
                    self._probing.setdefault(key, began)
        return began

    def answered(self, provider: str, account: str, model: str, began: float) -> None:
        """The first byte came: what stood against the pair when the call began is over."""
        if self._blocked:
            for key in list(self._keys(provider, account, model)):
                block = self._blocked.get(key)
                if block is not None and block.since <= began and block.until is not None:
                    self._drop(key)

    def succeeded(self, provider: str, account: str, model: str, began: float) -> None:
        """The answer is complete: failures are no longer in a row. A refusal that came meanwhile stands."""
        self.answered(provider, account, model, began)
        if self._breakers:
            for key in self._keys(provider, account, model):
                self._breakers.pop(key, None)

    def end(self, provider: str, account: str, model: str, began: float) -> None:
        """A call ended, however it did; where it was the probe and told nothing, the next one may be."""
        if self._probing:
            for key in [key for key in self._keys(provider, account, model) if self._probing.get(key) == began]:
                del self._probing[key]

    def failed(self, provider: str, account: str, model: str, verdict: Verdict, host: str = "") -> None:
        """Take a failure in, by the policy table.

        Args:
            host: the host that could not be reached, where that is what happened.
        """
        pair: Key = (provider, account, model)
        whole: Key = (provider, account, ANY_MODEL)
        now = self._now()
        reason = str(verdict.kind)
        match RULES[verdict.kind].block:
            case Block.NONE:
                return
            case Block.COUNT:
                self._count(pair, BREAKER_FAILURES, now, reason)
                self._count(whole, ACCOUNT_FAILURES, now, reason)
                if verdict.kind is Kind.CONNECTION and host:
                    self._hosts[provider, account] = host
                    self._count(_of_host(host), BREAKER_FAILURES, now, f"{host} cannot be reached")
            case Block.COOL | Block.QUOTA as block:
                default = whole if block is Block.QUOTA else pair
                key = pair if verdict.scope == "model" else whole if verdict.scope is not None else default
                seconds, hint, capped = cooldown_s(verdict, now=self._wall(), floor_s=self.floor_s, cap_s=self.cap_s)
                self._set(key, Blocked(reason, now, now + seconds, hint, capped, verdict.message))
            case Block.PAIR:
                key = pair if verdict.scope in {None, "model"} else whole
                self._set(key, Blocked(reason, now, now + PAIR_OUT_S, message=verdict.message))
            case Block.ACCOUNT:
                self._set(whole, Blocked(reason, now, None, message=verdict.message))

    def _count(self, key: Key, most: int, now: float, reason: str) -> None:
        breaker = self._breakers.setdefault(key, _Breaker(BREAKER_FIRST_S))
        breaker.failures += 1
        if breaker.failures >= most:
            if breaker.failures > most:
                breaker.pause_s = min(breaker.pause_s * 2, BREAKER_LONGEST_S)
            message = f"{breaker.failures} failures in a row, the last: {reason}"
            self._set(key, Blocked("breaker_open", now, now + breaker.pause_s, message=message))

    def _set(self, key: Key, block: Blocked) -> None:
        old = self._blocked.get(key)
        if old is None or (old.until is not None and (block.until is None or block.until >= old.until)):
            self._blocked[key] = block
            self.changes += 1

    def _drop(self, key: Key) -> None:
        if self._blocked.pop(key, None) is not None:
            self.changes += 1
        self._probing.pop(key, None)

    # -- the operator, and a new credential ----------------------------------------------------------------

    def clear(self, provider: str, account: str, model: str | None = None) -> int:
        """What stands against the account (or one of its models) is over; gives how much that was."""
        found = [key for key in self._blocked if key[:2] == (provider, account) and model in {None, key[2]}]
        host = self._hosts.pop((provider, account), None)
        if host is not None and model is None and _of_host(host) in self._blocked:
            found.append(_of_host(host))
        for key in found:
            self._drop(key)
        stale = [key for key in self._breakers if key[:2] == (provider, account) and model in {None, key[2]}]
        for key in (*stale, *found):
            self._breakers.pop(key, None)
        return len(found)

    def renewed(self, provider: str, account: str) -> None:
        """The account's token was refreshed: what stood against the old one is over, and nothing else is."""
        key = (provider, account, ANY_MODEL)
        block = self._blocked.get(key)
        if block is not None and block.reason in _OF_THE_TOKEN:
            self._drop(key)

    def restore(self, provider: str, account: str, model: str, block: Blocked) -> None:
        """A block from before a restart, its times on this process's monotonic clock."""
        self._set((provider, account, model), block)

    def keep(self, accounts: Container[tuple[str, str]]) -> None:
        """After a reload: forget every account that is no longer configured."""
        for pair in [pair for pair in self._hosts if pair not in accounts]:
            del self._hosts[pair]
        hosts = {_of_host(host) for host in self._hosts.values()}
        for mapping in (self._blocked, self._breakers):
            for key in [key for key in mapping if key[:2] not in accounts and key not in hosts]:
                del mapping[key]
                self.changes += 1
        self._probing = {key: began for key, began in self._probing.items() if key in self._blocked}

    # -- what others are told ------------------------------------------------------------------------------

    def rows(self, provider: str) -> list[tuple[str, str, Blocked]]:
        """What stands against the provider's accounts: account id, model (``*`` for all), and why."""
        now = self._now()
        found = [
            (account, model, block)
            for (name, account, model), block in self._blocked.items()
            if name == provider and (block.until is None or block.until > now)
        ]
        for (name, account), host in self._hosts.items():
            block = self._blocked.get(_of_host(host))
            if name == provider and block is not None and block.until is not None and block.until > now:
                found.append((account, ANY_MODEL, block))
        return found

    def account_state(self, provider: str, account: str) -> str:
        """``ready``, ``cooling``, ``exhausted``, ``auth_failed`` or ``suspended``."""
        block = self.blocked(provider, account, ANY_MODEL)
        if block is not None:
            return _STATES.get(block.reason, "cooling")
        pairs = [row[2].reason for row in self.rows(provider) if row[0] == account]
        return "cooling" if any(reason in _PASSING for reason in pairs) else "ready"


def _of_host(host: str) -> Key:
    return "", host, ""


_STATES: dict[str, str] = {
    Kind.SUSPENDED: "suspended",
    Kind.LOGIN_REQUIRED: "auth_failed",
    Kind.TOKEN_EXPIRED: "auth_failed",
    Kind.QUOTA_EXHAUSTED: "exhausted",
}
_OF_THE_TOKEN: frozenset[str] = frozenset({Kind.TOKEN_EXPIRED, Kind.LOGIN_REQUIRED})
_PASSING: frozenset[str] = frozenset({Kind.RATE_LIMITED, "breaker_open"})

"""What must hold of a gateway under faults: its history, held against a model of its own.

The history is what upstreams saw, what clients got, and the gateway's word on each attempt. The model knows the policy
(:mod:`switchgear.policy` says what a failure costs) and nothing of the code that keeps it. Where the order of things
cannot be seen from outside it gives the gateway the benefit of the doubt, never the other way round.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from switchgear.health import (
    ACCOUNT_FAILURES,
    ANY_MODEL,
    BREAKER_FAILURES,
    BREAKER_FIRST_S,
    BREAKER_LONGEST_S,
)
from switchgear.policy import DEFAULT_QUOTA_S, DEFAULT_RATE_LIMIT_S, PAIR_OUT_S, QUOTA_CAP_S, RULES, Block
from switchgear.types import Kind
from tests.chaos_history import Account, Candidate, Event, Setup, Violation

A_MOMENT_S = 0.01
"""The clock moves a little with each look at it."""
AUTH: frozenset[Kind] = frozenset({Kind.TOKEN_EXPIRED, Kind.LOGIN_REQUIRED})


@dataclass(slots=True)
class _Block:
    """``sure``: it stands for certain; ``released``: output of a later call may have ended it already."""

    reason: str
    since: float
    until: float | None
    sure: bool = True
    released: bool = False


@dataclass(slots=True)
class _Call:
    event: Event
    output: bool = False


@dataclass(slots=True)
class _Request:
    """``open``: who could have been asked ever since the last thing that happened to the request."""

    calls: list[_Call] = field(default_factory=list)
    open: set[Candidate] = field(default_factory=set)
    without: set[str] = field(default_factory=set)
    refreshed: set[Candidate] = field(default_factory=set)
    committed: bool = False
    last: Kind | None = None


@dataclass(slots=True)
class _Refused:
    """A request whose token was refused, until it goes on: where in the history, and whether an operator cut in."""

    account: Account
    at: int
    tainted: bool = False


def check(events: Sequence[Event], setup: Setup) -> list[Violation]:
    """Everything that does not hold of this history."""
    model = _Model(events, setup)
    for number, event in enumerate(events):
        model.take(number, event)
    return model.violations


class _Model:
    def __init__(self, events: Sequence[Event], setup: Setup) -> None:
        self._events = events
        self._setup = setup
        self._blocks: dict[Candidate, _Block] = {}
        self._failures: Counter[Candidate] = Counter()
        self._pauses: dict[Candidate, float] = {}
        self._probes: dict[Candidate, int] = {}
        self._hosts: set[Account] = set()
        self._busy: Counter[str] = Counter()
        self._calls: dict[int, _Call] = {}
        self._requests: dict[int, _Request] = {}
        self._waiting: set[int] = set()
        self._refused: dict[int, _Refused] = {}
        self._tokens: defaultdict[Account, list[tuple[int, bool]]] = defaultdict(list)
        self._known: defaultdict[str, set[Candidate]] = defaultdict(set)
        for candidate in frozenset().union(*setup.candidates.values()):
            self._known[candidate[0]].add(candidate)
        self.violations: list[Violation] = []

    def take(self, number: int, event: Event) -> None:
        """Take in the history's next event."""
        if event.request in self._refused and event.what in {"called", "answered"}:
            self._go_on(event)
        match event.what:
            case "asked":
                request = self._requests[event.request] = _Request()
                request.open = self._eligible(self._setup.candidates[event.request], event.at)
                self._waiting.add(event.request)
            case "called":
                self._called(number, event)
            case "output":
                self._output(self._calls[event.call])
            case "ended":
                self._ended(number, event)
            case "token":
                self._token(number, event)
            case "cleared":
                self._cleared(event)
            case "answered":
                self._answered(number, event)
        shut = {c for c in self._known[event.candidate[0]] if not self._is_eligible(c, event.at)}
        if shut:
            for asked in self._waiting:
                self._requests[asked].open -= shut

    # -- who may be asked ------------------------------------------------------------------------------------

    def _keys(self, candidate: Candidate) -> Iterator[Candidate]:
        provider, account, _ = candidate
        yield provider, account, ANY_MODEL
        yield candidate
        if (provider, account) in self._hosts:
            yield provider, "", ""

    def _eligible(self, candidates: frozenset[Candidate], at: float) -> set[Candidate]:
        return {candidate for candidate in candidates if self._is_eligible(candidate, at)}

    def _is_eligible(self, candidate: Candidate, at: float) -> bool:
        """Whether the gateway may ask this one, beyond doubt."""
        if candidate[0] in self._setup.limits and self._busy[candidate[0]]:
            return False
        if any(refused.account == candidate[:2] for refused in self._refused.values()):
            return False
        for key in self._keys(candidate):
            block = self._blocks.get(key)
            if block is not None and (block.until is None or at < block.until + A_MOMENT_S or key in self._probes):
                return False
        return True

    # -- what happens to them --------------------------------------------------------------------------------

    def _called(self, number: int, event: Event) -> None:
        request, candidate = self._requests[event.request], event.candidate
        if candidate not in self._setup.candidates[event.request]:
            self._wrong(number, event, "somebody was asked who does not serve the model")
        if len(request.calls) >= self._setup.budget:
            self._wrong(number, event, f"attempt {len(request.calls) + 1} of {self._setup.budget}")
        if request.committed:
            self._wrong(number, event, "asked again after output had reached the client")
        if candidate[0] in request.without:
            self._wrong(number, event, "a suspended account is rotated around")
        for key in self._keys(candidate):
            block = self._blocks.get(key)
            if block is None:
                continue
            if block.sure and not block.released:
                if block.until is None or event.at < block.until:
                    self._wrong(number, event, f"asked although {block.reason} until {block.until}")
                elif self._probed(key, block):
                    self._wrong(number, event, f"a second probe, beside call {self._probes[key]}")
            self._probes[key] = event.call
        provider = candidate[0]
        self._busy[provider] += 1
        if self._busy[provider] > self._setup.limits.get(provider, self._busy[provider]):
            self._wrong(number, event, f"call {self._busy[provider]} at once of {self._setup.limits[provider]}")
        call = self._calls[event.call] = _Call(event)
        request.calls.append(call)

    def _probed(self, key: Candidate, block: _Block) -> bool:
        """Whether somebody is finding out, beyond doubt, if the block is over."""
        call = self._calls.get(self._probes.get(key, 0))
        return call is not None and not call.output and call.event.at >= block.since

    def _output(self, call: _Call) -> None:
        call.output = True
        for key in self._keys(call.event.candidate):
            block = self._blocks.get(key)
            if block is not None and block.since <= call.event.at and block.until is not None:
                block.released = True

    def _unprobe(self, call: _Call) -> None:
        for key in [key for key, number in self._probes.items() if number == call.event.call]:
            del self._probes[key]

    def _ended(self, number: int, event: Event) -> None:
        call, request = self._calls[event.call], self._requests[event.request]
        candidate, kind = call.event.candidate, event.kind
        self._busy[candidate[0]] -= 1
        self._unprobe(call)
        request.committed = request.committed or event.committed
        request.last = kind
        if kind is None or event.committed:
            for key in list(self._keys(candidate)):
                block = self._blocks.get(key)
                if block is not None and block.since <= call.event.at and (block.until is not None or not block.sure):
                    del self._blocks[key]
        if kind is None:
            for key in self._keys(candidate):
                self._failures.pop(key, None)
                self._pauses.pop(key, None)
        else:
            self._hold_against(number, event, candidate, kind)
        if kind is Kind.SUSPENDED:
            request.without.add(candidate[0])
        request.open = self._eligible(self._setup.candidates[event.request], event.at)

    def _hold_against(self, number: int, event: Event, candidate: Candidate, kind: Kind) -> None:
        provider, account, _ = candidate
        whole = (provider, account, ANY_MODEL)
        match RULES[kind].block:
            case Block.COUNT:
                self._count(candidate, BREAKER_FAILURES, event.at)
                self._count(whole, ACCOUNT_FAILURES, event.at)
                if kind is Kind.CONNECTION and provider in self._setup.dead:
                    self._hosts.add((provider, account))
                    self._count((provider, "", ""), BREAKER_FAILURES, event.at)
            case Block.COOL:
                seconds = DEFAULT_RATE_LIMIT_S if event.hint_s is None else event.hint_s
                self._set(candidate, kind, event.at, min(max(seconds, self._setup.floor_s), self._setup.cap_s))
            case Block.QUOTA:
                seconds = DEFAULT_QUOTA_S if event.hint_s is None else event.hint_s
                longest_s = max(self._setup.cap_s, QUOTA_CAP_S)
                self._set(whole, kind, event.at, min(max(seconds, self._setup.floor_s), longest_s))
            case Block.PAIR:
                self._set(candidate, kind, event.at, PAIR_OUT_S)
            case Block.ACCOUNT if kind is Kind.TOKEN_EXPIRED:
                request = self._requests[event.request]
                if candidate in request.refreshed:
                    self._set(whole, kind, event.at, None, sure=not self._refreshing(candidate[:2]))
                else:
                    request.refreshed.add(candidate)
                    self._refused[event.request] = _Refused(candidate[:2], number)
            case Block.ACCOUNT:
                self._set(whole, kind, event.at, None)

    def _count(self, key: Candidate, most: int, at: float) -> None:
        self._failures[key] += 1
        pause_s = self._pauses.setdefault(key, BREAKER_FIRST_S)
        if self._failures[key] >= most:
            if self._failures[key] > most:
                pause_s = self._pauses[key] = min(pause_s * 2, BREAKER_LONGEST_S)
            self._set(key, "breaker open", at, pause_s)

    def _set(self, key: Candidate, reason: str, at: float, seconds: float | None, *, sure: bool = True) -> None:
        """A block; the longer one stands."""
        until = None if seconds is None else at + seconds
        old = self._blocks.get(key)
        if old is None:
            self._blocks[key] = _Block(str(reason), at, until, sure)
        elif old.released and old.until is not None and until is not None:
            self._blocks[key] = _Block(str(reason), at, max(until, old.until), sure=until >= old.until and sure)
        elif old.until is None and not old.sure:
            self._blocks[key] = _Block(str(reason), at, None, sure=sure and until is None)
        elif old.until is not None and (until is None or until >= old.until):
            self._blocks[key] = _Block(str(reason), at, until, sure)

    # -- tokens ----------------------------------------------------------------------------------------------

    def _refreshing(self, account: Account) -> bool:
        return any(refused.account == account for refused in self._refused.values())

    def _token(self, number: int, event: Event) -> None:
        provider, account, _ = event.candidate
        self._tokens[provider, account].append((number, event.good))
        block = self._blocks.get((provider, account, ANY_MODEL))
        if event.good and block is not None and block.reason in AUTH:
            block.sure = False  # it ends in a moment

    def _go_on(self, event: Event) -> None:
        """A request whose token was refused goes on: what had become of the token?"""
        refused = self._refused.pop(event.request)
        answers = [good for number, good in self._tokens[refused.account] if number > refused.at]
        if not all(answers):
            sure = not any(answers) and not refused.tainted and not self._refreshing(refused.account)
            self._set((*refused.account, ANY_MODEL), Kind.LOGIN_REQUIRED, event.at, None, sure=sure)

    # -- the operator, and the client ------------------------------------------------------------------------

    def _cleared(self, event: Event) -> None:
        account = event.candidate[:2]
        keys = [key for key in (*self._blocks, *self._failures) if key[:2] == account]
        if account in self._hosts:
            self._hosts.remove(account)
            host = (account[0], "", "")
            keys += [host] if host in self._blocks else []
        for key in keys:
            self._blocks.pop(key, None)
            self._failures.pop(key, None)
            self._pauses.pop(key, None)
            self._probes.pop(key, None)
        for refused in self._refused.values():
            refused.tainted = refused.tainted or refused.account == account

    def _answered(self, number: int, event: Event) -> None:
        request = self._requests[event.request]  # a call of one who left may still be under way
        self._waiting.remove(event.request)
        if event.left or event.good or request.committed or len(request.calls) >= self._setup.budget:
            return
        if request.last is not None and RULES[request.last].block is Block.NONE:
            return
        called = {call.event.candidate for call in request.calls}
        could = {c for c in request.open - called if c[0] not in request.without}
        if could:
            names = ", ".join(sorted("/".join(candidate) for candidate in could))
            self._wrong(number, event, f"it failed although {names} could have been asked", next(iter(could))[:2])

    def _wrong(self, number: int, event: Event, message: str, about: Account | None = None) -> None:
        accounts = {about or event.candidate[:2]}
        told = [
            each
            for each in self._events[: number + 1]
            if (event.request and each.request == event.request) or each.candidate[:2] in accounts
        ]
        start = next((i for i in range(len(told) - 1, -1, -1) if told[i].what == "cleared"), 0)
        own = next((i for i, each in enumerate(told) if each.request == event.request), 0)
        self.violations.append(Violation(f"request {event.request}: {message}", tuple(told[min(start, own) :][-40:])))

"""A model name becomes candidates in order, each with the reason it is there or was passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from switchgear.accounts import Entry
from switchgear.catalog import RELIST_ON_DEMAND_S, Catalog, Target
from switchgear.dialects import CODECS
from switchgear.errors import Refusal
from switchgear.health import Blocked, Health
from switchgear.secret import redact
from switchgear.shifts import Shifts
from switchgear.slots import Place, Slots
from switchgear.strategies import MAX_REMEMBERED, Ordering, Pair
from switchgear.types import Account, Dialect


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One (account, upstream model) to ask.

    Attributes:
        entry: whose account it is.
        account: its id.
        label: its name for people.
        model: the upstream's name of the model.
        why: how it came into the order.
    """

    entry: Entry
    account: str
    label: str
    model: str
    why: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """One that is not asked now. ``seconds`` until it may be; ``None`` when that does not come by itself."""

    candidate: Candidate
    reason: str
    seconds: float | None
    message: str = ""


class Route:
    """The candidates of one request, tried in order. Each is looked at when its turn comes, not before."""

    __slots__ = ("_health", "_order", "_slots", "_tried", "_without", "name", "target")

    def __init__(self, name: str, target: Target, order: Sequence[Candidate], health: Health, slots: Slots) -> None:
        self.name = name
        self.target = target
        self._order = order
        self._health = health
        self._slots = slots
        self._tried: set[Candidate] = set()
        self._without: set[str] = set()

    def next(self, place: Place | None = None) -> Candidate | None:
        """The next candidate that may be asked now; ``None`` when there is none. ``place`` is the request's in line."""
        for candidate in self._order:
            if self._open(candidate) and self._slots.free(candidate.entry.name, candidate.account, place):
                self._tried.add(candidate)
                return candidate
        return None

    def retake(self, candidate: Candidate) -> bool:
        """Whether ``candidate``, with its new token, may be asked again at once; else it is one of those to come.

        The refresh took its time: others may have found out what stands against the account, or be calling it.
        """
        self._tried.discard(candidate)
        if not (self._open(candidate) and self._slots.free(candidate.entry.name, candidate.account)):
            return False
        self._tried.add(candidate)
        return True

    def full(self) -> set[str]:
        """The providers that have a candidate which could be asked, but for the calls it has under way."""
        return {
            candidate.entry.name
            for candidate in self._order
            if self._open(candidate) and not self._slots.free(candidate.entry.name, candidate.account)
        }

    def _open(self, candidate: Candidate) -> bool:
        tried = candidate in self._tried or candidate.entry.name in self._without
        return not tried and self._block(candidate) is None

    def leave(self, provider: str) -> None:
        """Ask no further account of this provider for this request."""
        self._without.add(provider)

    def again(self, candidate: Candidate | None = None) -> None:
        """After a wait: ``candidate`` may be asked again, or every one."""
        if candidate is None:
            self._tried.clear()
        else:
            self._tried.discard(candidate)

    def recovery_s(self) -> float | None:
        """Seconds until the first blocked candidate may be asked; ``None`` when none comes back by itself."""
        waits = [passed.seconds for passed in self.passed_over() if passed.seconds is not None]
        return min(waits) if waits else None

    def passed_over(self) -> list[PassedOver]:
        """The candidates that are blocked now, and why."""
        passed = []
        for candidate in self._order:
            block = self._block(candidate)
            if block is not None:
                seconds = self._health.seconds_left(block)
                passed.append(PassedOver(candidate, block.reason, seconds, block.message))
        return passed

    def eligible(self) -> list[Candidate]:
        """The candidates that would be asked, in order."""
        return [candidate for candidate in self._order if self._block(candidate) is None]

    def _block(self, candidate: Candidate) -> Blocked | None:
        return self._health.blocked(candidate.entry.name, candidate.account, candidate.model)


class _Offer(NamedTuple):
    """What there is to ask for a target. It is good as long as target and accounts are the very same."""

    target: Target
    accounts: tuple[Account, ...]
    candidates: dict[Pair, Candidate]


class Router:
    """Turns names into routes.

    Args:
        ordering: the operator's strategy.
        fallbacks: prefix to the prefixes tried after it.
        shifts: traffic that is moved at run time.
        keeps_conversations: a conversation stays on one account while it can be asked.
    """

    def __init__(
        self,
        catalog: Catalog,
        health: Health,
        slots: Slots,
        ordering: Ordering,
        fallbacks: Mapping[str, Sequence[str]],
        shifts: Shifts,
        *,
        keeps_conversations: bool = False,
    ) -> None:
        self.catalog = catalog
        self.slots = slots
        self.shifts = shifts
        self.keeps_conversations = keeps_conversations
        self._health = health
        self._ordering = ordering
        self.fallbacks = fallbacks
        self._offers: dict[tuple[str, str], _Offer] = {}

    def route(
        self, name: str, dialect: Dialect, allowed: Callable[[str], bool], conversation: str | None = None
    ) -> Route:
        """The candidates for ``name``.

        Args:
            name: the model as the client wrote it.
            dialect: what the client speaks.
            allowed: whether a public name is in the scope of the client's key.
            conversation: the digest of the conversation it belongs to; ``None`` where that does not matter.

        Raises:
            Refusal: 404, nobody (or nobody in scope) lists the name; 400, its provider does not speak the dialect.
        """
        target = self.catalog.find(name)
        if target is None or not allowed(target.id):
            raise self._unknown(name, allowed)
        order: list[Candidate] = []
        for reached, why in self._reached(target):
            if (reached is target or allowed(reached.id)) and upstream_dialect(reached.entry, dialect) is not None:
                order += self._ordered(reached, why, conversation)
        if not order:
            raise self._nobody(name, target, dialect)
        return Route(name, target, order, self._health, self.slots)

    def looking(self) -> Router:
        """The same router for who only looks: its routes take nobody's turn, and no share of a shift."""
        return Router(
            self.catalog,
            self._health,
            self.slots,
            self._ordering.copy(),
            self.fallbacks,
            self.shifts.copy(),
            keeps_conversations=self.keeps_conversations,
        )

    def _reached(self, target: Target) -> list[tuple[Target, str]]:
        """The name itself and what it falls back to; before them, where its traffic is moved to."""
        reached = [(target, "lists the name")]
        prefix, _, model = target.id.partition("/")
        if not target.entry.provider.prefix:
            return reached
        for fallback in self.fallbacks.get(prefix, ()):
            other = self.catalog.find(f"{fallback}/{model}")
            if other is not None:
                reached.append((other, f"fallback from {prefix} to {fallback}"))
        shift = self.shifts.of(prefix)
        moved = None if shift is None else self.catalog.find(f"{shift.target}/{model}")
        if shift is not None and moved is not None and self.shifts.moves(shift):
            why = f"shifted from {prefix} to {shift.target} by {shift.by}"
            reached = [(moved, why), *(other for other in reached if other[0] is not moved)]
        return reached

    def _ordered(self, target: Target, why: str, conversation: str | None) -> Iterable[Candidate]:
        offer = self._offers.get((target.id, why))
        if offer is None or offer.target is not target or offer.accounts is not target.entry.accounts:
            offer = self._offer(target, why)
        candidates = offer.candidates
        if len(candidates) < 2:
            return candidates.values()
        slots, name = self.slots, target.entry.name
        ordered = self._ordering.order(
            target.id, list(candidates), lambda account: slots.busy(name, account), conversation
        )
        return [candidates[pair] for pair in ordered]

    def _offer(self, target: Target, why: str) -> _Offer:
        """Make the candidates; they are kept for the requests to come."""
        entry = target.entry
        listed = self.catalog.listings[entry.name].by_account
        candidates = {
            Pair(account.id, model, account.priority, account.weight): Candidate(
                entry, account.id, account.label, model, why
            )
            for account in entry.accounts
            if account.may_be_asked
            for model in target.models
            if not listed or model in listed.get(account.id, (model,))
        }
        if len(self._offers) >= MAX_REMEMBERED:
            self._offers.clear()
        offer = self._offers[target.id, why] = _Offer(target, entry.accounts, candidates)
        return offer

    def _unknown(self, name: str, allowed: Callable[[str], bool]) -> Refusal:
        entry = self.catalog.unknowable(name)
        if entry is not None and self.catalog.find(name) is None:
            return Refusal(
                503,
                "models_unavailable",
                f"nobody lists {name[:100]!r}, but the model list of {entry.name!r} could not be had: "
                f"{redact(self.catalog.listings[entry.name].problem)}",
                retry_after_s=RELIST_ON_DEMAND_S,
            )
        return self.catalog.unknown(name, allowed)

    def _nobody(self, name: str, target: Target, dialect: Dialect) -> Refusal:
        if upstream_dialect(target.entry, dialect) is None:
            return Refusal(
                400,
                "unsupported_dialect",
                f"the model {name!r} is served by {target.entry.name!r}, which does not speak {dialect}",
                param="model",
            )
        reason = target.entry.problem or "it has no account that lists the model"
        return Refusal(
            503, "no_account_available", f"the provider {target.entry.name!r} cannot serve {name!r}: {reason}"
        )


def upstream_dialect(entry: Entry, client: Dialect) -> Dialect | None:
    """What the entry is asked in by a client that speaks ``client``; ``None`` when it cannot serve it.

    The client's own dialect where the entry speaks it; else the first that can be converted. An entry that speaks none
    yields events: it gets the client's, and core renders.
    """
    if client in entry.dialects:
        return client
    if not CODECS[client].converts:
        return None
    if not entry.dialects:
        return client
    return next((dialect for dialect in entry.dialects if CODECS[dialect].converts), None)

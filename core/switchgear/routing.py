"""A model name becomes candidates in order, each with the reason it is there or was passed over."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from switchgear.accounts import Entry
from switchgear.catalog import RELIST_ON_DEMAND_S, Catalog, Target
from switchgear.dialects import CODECS
from switchgear.errors import Refusal
from switchgear.health import Blocked, Health
from switchgear.secret import redact
from switchgear.types import Dialect

Strategy = Literal["round-robin", "fill-first"]
MAX_TURNS = 10_000
"""Public names whose turn is remembered; the counters start anew beyond it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One (account, upstream model) to ask. ``why`` says how it came into the order."""

    entry: Entry
    account: str
    model: str
    why: str

    @property
    def label(self) -> str:
        """The account's name for people."""
        return self.entry.label(self.account)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """One that is not asked now. ``seconds`` until it may be; ``None`` when that does not come by itself."""

    candidate: Candidate
    reason: str
    seconds: float | None
    message: str = ""


class Route:
    """The candidates of one request, tried in order. Each is looked at when its turn comes, not before."""

    def __init__(self, name: str, target: Target, order: Sequence[Candidate], health: Health) -> None:
        self.name = name
        self.target = target
        self._order = order
        self._health = health
        self._tried: set[Candidate] = set()
        self._without: set[str] = set()

    def next(self) -> Candidate | None:
        """The next candidate that may be asked now; ``None`` when there is none."""
        for candidate in self._order:
            if (
                candidate not in self._tried
                and candidate.entry.name not in self._without
                and not self._block(candidate)
            ):
                self._tried.add(candidate)
                return candidate
        return None

    def has_next(self) -> bool:
        """Whether :meth:`next` would give one."""
        return self._first_free() is not None

    def _first_free(self) -> Candidate | None:
        for candidate in self._order:
            if candidate in self._tried or candidate.entry.name in self._without:
                continue
            if self._block(candidate) is None:
                return candidate
        return None

    def leave(self, provider: str) -> None:
        """Ask no further account of this provider for this request."""
        self._without.add(provider)

    def again(self) -> None:
        """After a wait: every candidate may be asked again."""
        self._tried.clear()

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


class Router:
    """Turns names into routes. It remembers only whose turn it is."""

    def __init__(
        self, catalog: Catalog, health: Health, strategy: Strategy, fallbacks: Mapping[str, Sequence[str]]
    ) -> None:
        self.catalog = catalog
        self._health = health
        self._strategy = strategy
        self._fallbacks = fallbacks
        self._turns: dict[str, itertools.count[int]] = {}

    def route(self, name: str, dialect: Dialect, allowed: Callable[[str], bool]) -> Route:
        """The candidates for ``name``.

        Args:
            name: the model as the client wrote it.
            dialect: what the client speaks.
            allowed: whether a public name is in the scope of the client's key.

        Raises:
            Refusal: 404, nobody (or nobody in scope) lists the name; 400, its provider does not speak the dialect.
        """
        target = self.catalog.find(name)
        if target is None or not allowed(target.id):
            raise self._unknown(name, allowed)
        order: list[Candidate] = []
        for reached, why in self._reached(target):
            if allowed(reached.id) and upstream_dialect(reached.entry, dialect) is not None:
                order += self._ordered(reached, why)
        if not order:
            raise self._nobody(name, target, dialect)
        return Route(name, target, order, self._health)

    def _reached(self, target: Target) -> list[tuple[Target, str]]:
        reached = [(target, "lists the name")]
        prefix, _, model = target.id.partition("/")
        for fallback in self._fallbacks.get(prefix, ()) if target.entry.provider.prefix else ():
            other = self.catalog.find(f"{fallback}/{model}")
            if other is not None:
                reached.append((other, f"fallback from {prefix} to {fallback}"))
        return reached

    def _ordered(self, target: Target, why: str) -> list[Candidate]:
        listed = self.catalog.listings[target.entry.name].by_account
        pairs = [
            Candidate(target.entry, account.id, model, why)
            for account in target.entry.accounts
            if not account.disabled
            for model in target.models
            if not listed or model in listed.get(account.id, (model,))
        ]
        if self._strategy == "fill-first" or len(pairs) < 2:
            return pairs
        if len(self._turns) > MAX_TURNS:
            self._turns.clear()
        start = next(self._turns.setdefault(target.id, itertools.count())) % len(pairs)
        return pairs[start:] + pairs[:start]

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

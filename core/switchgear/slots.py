"""How many calls may be under way, for an account and for a provider entry; and the line of requests that wait.

A limit is the provider's or the operator's. A request that finds every candidate full stands in line, first come first
served; the line has an end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

AccountKey = tuple[str, str]
"""A provider entry's name, and an account's id."""


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """The most calls at once, by provider and by account; what is not named has no limit."""

    providers: Mapping[str, int] = field(default_factory=dict)
    accounts: Mapping[AccountKey, int] = field(default_factory=dict)


class QueueFullError(Exception):
    """As many requests stand in line as the operator allows."""


class Place:
    """A place in line, kept until a call of its own begins."""

    def __init__(self, providers: frozenset[str]) -> None:
        self.providers = providers
        self._look = asyncio.Event()

    def wake(self) -> None:
        """Something changed: look whether it is your turn."""
        self._look.set()

    async def wait(self, timeout_s: float) -> None:
        """Wait until there is something to look at.

        Raises:
            TimeoutError: nothing changed within ``timeout_s``.
        """
        async with asyncio.timeout(timeout_s):
            await self._look.wait()
        self._look.clear()


class Slots:
    """The calls under way, and the line. ``most_waiting`` and ``limits`` may be replaced at any time."""

    def __init__(self, most_waiting: int) -> None:
        self.most_waiting = most_waiting
        self.limits = SlotLimits()
        self._accounts: dict[AccountKey, int] = {}
        self._providers: dict[str, int] = {}
        self._line: list[Place] = []

    def busy(self, provider: str, account: str) -> int:
        """The calls the account has under way."""
        return self._accounts.get((provider, account), 0)

    def free(self, provider: str, account: str, place: Place | None = None) -> bool:
        """Whether a call may begin now, by somebody at ``place`` in line, or by one who has just come."""
        limits = self.limits
        most = limits.accounts.get((provider, account))
        total = limits.providers.get(provider)
        if most is None and total is None:
            return True
        if most is not None and self.busy(provider, account) >= most:
            return False
        if total is not None and self._providers.get(provider, 0) >= total:
            return False
        return place is not None or not self.waiting(provider)

    def take(self, provider: str, account: str) -> None:
        """A call begins."""
        key = (provider, account)
        self._accounts[key] = self._accounts.get(key, 0) + 1
        self._providers[provider] = self._providers.get(provider, 0) + 1

    def give_back(self, provider: str, account: str) -> None:
        """It ended: those in line may look, the first one first."""
        key = (provider, account)
        self._accounts[key] -= 1
        if not self._accounts[key]:
            del self._accounts[key]
        self._providers[provider] -= 1
        if not self._providers[provider]:
            del self._providers[provider]
        for place in self._line:
            if provider in place.providers:
                place.wake()

    def waiting(self, provider: str) -> int:
        """How many stand in line for this provider, among others perhaps."""
        return sum(provider in place.providers for place in self._line)

    @contextmanager
    def line(self, providers: Iterable[str]) -> Iterator[Place]:
        """Stand in line.

        Raises:
            QueueFullError: the line is too long.
        """
        if len(self._line) >= self.most_waiting:
            raise QueueFullError
        place = Place(frozenset(providers))
        self._line.append(place)
        try:
            yield place
        finally:
            self._line.remove(place)
            for behind in self._line:  # what it leaves unused is for those behind it
                if behind.providers & place.providers:
                    behind.wake()

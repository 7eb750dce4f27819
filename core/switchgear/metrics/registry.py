"""Everything counted about the providers of one process: the windows, and the totals since the start.

An object, not a global: the application makes one and hands it round. For one event loop, not for threads. Names must
come from the configuration; account labels and model names are bounded here whatever they are.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from switchgear.alert_rules import LOW_TRAFFIC_ATTEMPTS
from switchgear.metrics.clients import Clients
from switchgear.metrics.summary import UNRATED, count
from switchgear.metrics.totals import Totals
from switchgear.metrics.windows import Ring
from switchgear.types import AttemptRecord, Kind

MOST_LABELS: Final = 256
"""Accounts, and models, of one provider that are told apart; further ones count as :data:`OTHER`."""
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class LastError:
    """The latest failure. ``at`` is Unix seconds; ``status`` is ``None`` when there was no answer."""

    at: float
    kind: Kind
    status: int | None
    request_id: str


class ProviderMetrics:
    """One provider's counts. ``since`` and ``last_success_at`` are Unix seconds.

    ``latest`` are the kinds of the last attempts, ``None`` for a success, the newest at the end.
    """

    __slots__ = (
        "_clock", "accounts", "last_error", "last_success_at", "latest", "models", "ring", "since", "totals",
    )  # fmt: skip

    def __init__(self, clock: Callable[[], float], since: float) -> None:
        self._clock = clock
        self.ring = Ring(clock)
        self.accounts: dict[str, Ring] = {}
        self.models: dict[str, Ring] = {}
        self.totals = Totals()
        self.latest: deque[Kind | None] = deque(maxlen=LOW_TRAFFIC_ATTEMPTS)
        self.since = since
        self.last_success_at: float | None = None
        self.last_error: LastError | None = None

    def attempt(self, record: AttemptRecord, at: float) -> None:
        """Count one finished upstream call that ended at ``at``, Unix seconds."""
        account, model = self.ring_of(self.accounts, record.account), self.ring_of(self.models, record.model)
        now = self._clock()
        count(record, (self.ring.bucket(now), account.bucket(now), model.bucket(now)))
        self.totals.attempt(record)
        if record.kind is None:
            self.last_success_at = at
            self.latest.append(None)
        elif record.kind not in UNRATED:
            self.latest.append(record.kind)
            self.last_error = LastError(at, record.kind, record.status, record.request_id)

    @property
    def successes(self) -> int:
        """How many attempts delivered, since ``since``."""
        return sum(row.attempts for (_, kind, _), row in self.totals.rows.items() if kind is None)

    @property
    def failures(self) -> int:
        """How many failed, likewise; calls that say nothing about the provider are in neither."""
        rows = self.totals.rows.items()
        return sum(row.attempts for (_, kind, _), row in rows if kind is not None and kind not in UNRATED)

    @property
    def tokens(self) -> int:
        """All that were spent, in whatever call."""
        return sum(row.input_tokens + row.output_tokens for row in self.totals.rows.values())

    def ring_of(self, rings: dict[str, Ring], label: str) -> Ring:
        """The label's ring among ``accounts`` or ``models``, made when first asked for; the common one when full."""
        ring = rings.get(label)
        if ring is None:
            name = label if len(rings) < MOST_LABELS else OTHER
            ring = rings.setdefault(name, Ring(self._clock))
        return ring

    def last_failed(self) -> bool:
        """Whether the latest attempts all failed, however long ago. It shows an outage under little traffic."""
        return len(self.latest) == LOW_TRAFFIC_ATTEMPTS and None not in self.latest

    def drop_idle(self) -> None:
        """Let go of the accounts and models of which nothing was heard for a ring's length."""
        for rings in (self.accounts, self.models):
            for label in [label for label, ring in rings.items() if ring.idle()]:
                del rings[label]


class Metrics:
    """What one process counts.

    Args:
        clock: monotonic seconds, for the windows.
        wall: Unix seconds, for display.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.wall = wall
        self.started_at = wall()
        self._providers: dict[str, ProviderMetrics] = {}
        self._in_flight: defaultdict[str, int] = defaultdict(int)
        self.clients = Clients(clock)
        self.config_reloads = {"ok": 0, "rejected": 0}

    # -- what is recorded --------------------------------------------------------------------------------------

    def attempt(self, record: AttemptRecord) -> None:
        """Count one finished upstream call for its provider, its account and its model."""
        self.provider(record.provider).attempt(record, self.wall())

    def short_circuited(self, provider: str, *, account: str | None = None, model: str | None = None) -> None:
        """Count a call we refused to make, because of a cooldown or a limit of ours. It is never a 429."""
        counted = self.provider(provider)
        counted.ring.short_circuited()
        counted.totals.short_circuited += 1
        if account is not None:
            counted.ring_of(counted.accounts, account).short_circuited()
        if model is not None:
            counted.ring_of(counted.models, model).short_circuited()

    def retry(self, provider: str) -> None:
        """Count a further attempt at this provider, after one that failed."""
        counted = self.provider(provider)
        counted.ring.retry()
        counted.totals.retries += 1

    def fallback(self, provider_from: str, provider_to: str, reason: Kind) -> None:
        """Count a request that one provider could not serve and another is asked to; the first one's window has it."""
        if provider_from != provider_to:
            counted = self.provider(provider_from)
            counted.ring.fallback_out()
            counted.totals.fallback(provider_to, reason.value)

    def sample_availability(self, provider: str, eligible: bool) -> None:
        """Note whether the provider has an account to try. Call it every ten seconds or oftener."""
        self.provider(provider).ring.sample_availability(eligible)

    def request(self, route: str, outcome: str, status: int | None = None) -> None:
        """Count one client request as the client felt it: after retries and fallbacks, and with the status it got."""
        self.clients.request(route, outcome, status)

    def started(self, provider: str) -> None:
        """Note that an upstream call begins; :meth:`ended` must follow, however it goes."""
        self._in_flight[provider] += 1

    def ended(self, provider: str) -> None:
        """Note that an upstream call is over."""
        left = self._in_flight.pop(provider, 0) - 1
        if left > 0:
            self._in_flight[provider] = left

    # -- what is read ------------------------------------------------------------------------------------------

    def provider(self, name: str) -> ProviderMetrics:
        """One provider's counts, begun when first asked for."""
        counted = self._providers.get(name)
        if counted is None:
            counted = self._providers[name] = ProviderMetrics(self._clock, self.wall())
        return counted

    def in_flight(self, provider: str) -> int:
        """How many upstream calls are under way."""
        return self._in_flight.get(provider, 0)

    @property
    def requests(self) -> Mapping[tuple[str, str], int]:
        """Client requests since the start, by (route, outcome)."""
        return self.clients.outcomes

    @property
    def now(self) -> float:
        """Monotonic seconds, on the clock of the windows."""
        return self._clock()

    # -- reloads -----------------------------------------------------------------------------------------------

    def forget(self, provider: str) -> None:
        """Drop a provider's counts. Calls still under way stay in flight, and count anew when they end."""
        self._providers.pop(provider, None)

    def keep(self, names: Collection[str]) -> None:
        """Hold exactly these providers: forget the others, begin the new ones, and drop what has long been idle.

        Call it at the start and after each reload.
        """
        for gone in self._providers.keys() - set(names):
            self.forget(gone)
        for name in names:
            self.provider(name).drop_idle()

"""Providers, clocks and traffic for the alert rules: each rule driven over its threshold and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from switchgear.alert_rules import EVALUATION_S, RULES, Rule
from switchgear.metrics import AccountCounts, Alerts, AuthFacts, Metrics, ModelFacts, PluginFacts, ProviderSnapshot
from switchgear.metrics.alert_facts import read_facts
from switchgear.metrics.alerts import AlertRow
from switchgear.metrics.prometheus import Scrape
from switchgear.metrics.status import QuotaRow
from switchgear.types import AttemptRecord, Kind

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z
HEALTHY = ProviderSnapshot(
    name="acme",
    enabled=True,
    eligible=True,
    plugin=PluginFacts("acme", "1", "active"),
    accounts=AccountCounts(total=2, ready=2),
    models=ModelFacts(listed=8, before=8, after=8),
)


@dataclass
class World:
    """One provider over time. Each step is ten seconds: traffic in its middle, a look and an evaluation at its end."""

    rules: Sequence[Rule] = RULES
    seconds: float = NOON
    snapshot: ProviderSnapshot = HEALTHY
    alerts: Alerts = field(default_factory=Alerts)
    changes: list[tuple[float, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.now, self.now)
        self.look()

    def now(self) -> float:
        return self.seconds

    def attempt(self, kind: Kind | None = None, times: int = 1, ms: float = 900.0, ttft_ms: float = 300.0) -> None:
        for _ in range(times):
            self.metrics.attempt(AttemptRecord("req_1", "acme", "a", "m", 1, 200, kind, ms, ttft_ms, 3, 5))

    def look(self) -> None:
        if self.snapshot.enabled:
            self.metrics.sample_availability("acme", self.snapshot.accounts.ready > 0)

    def step(self, traffic: Callable[[World], None] | None = None) -> list[AlertRow]:
        """Ten seconds with this traffic; what changed at their end."""
        self.seconds += EVALUATION_S / 2
        if traffic is not None:
            traffic(self)
        self.seconds += EVALUATION_S / 2
        self.look()
        return self.evaluate()

    def evaluate(self) -> list[AlertRow]:
        facts = read_facts(self.metrics, [self.snapshot], self.rules, self.now())
        changed = self.alerts.evaluate(facts, self.rules, self.seconds, self.now())
        self.changes += [(self.seconds, row.rule.name, row.state) for row in changed]
        return changed

    def states(self) -> dict[tuple[str, str], str]:
        """What fires and what is pending."""
        rows = self.alerts.rows()
        return {(row.rule.name, row.provider): row.state for row in rows if row.state != "resolved"}

    def scrape(self) -> Scrape:
        return Scrape(self.metrics, [self.snapshot], self.alerts.rows(), {}, {}, with_accounts=False)


def good(world: World) -> None:
    world.attempt(times=10)


def mixed(*bad: tuple[Kind, int], ms: float = 900.0, ttft_ms: float = 300.0) -> Callable[[World], None]:
    """Ten attempts, of which these fail; the others take so long."""

    def traffic(world: World) -> None:
        for kind, count in bad:
            world.attempt(kind, count)
        world.attempt(times=10 - sum(count for _, count in bad), ms=ms, ttft_ms=ttft_ms)

    return traffic


def wanted(world: World) -> None:
    world.metrics.short_circuited("acme")


def out(snapshot: ProviderSnapshot) -> ProviderSnapshot:
    return replace(snapshot, eligible=False, accounts=AccountCounts(total=2, cooling=2))


def exhausted(snapshot: ProviderSnapshot) -> ProviderSnapshot:
    return replace(snapshot, accounts=AccountCounts(total=2, ready=1, exhausted=1))


def nearly_spent(snapshot: ProviderSnapshot) -> ProviderSnapshot:
    return replace(snapshot, quota=(QuotaRow("a", "credits", 1000.0, 950.0, None, "reported", NOON),))


def refreshed(snapshot: ProviderSnapshot) -> ProviderSnapshot:
    return replace(snapshot, quota=(QuotaRow("a", "credits", 1000.0, 10.0, None, "reported", NOON),))


def expiring(snapshot: ProviderSnapshot) -> ProviderSnapshot:
    """A token that expires 1000 seconds after the history's end, and could not be refreshed."""
    at = NOON + HISTORY * EVALUATION_S + 1000
    return replace(snapshot, auth=AuthFacts(next_expiry_at=at, unrefreshed_expiry_at=at))


def failing(snapshot: ProviderSnapshot) -> ProviderSnapshot:
    return replace(snapshot, auth=AuthFacts(refresh_failures_in_a_row=3))


def lost(snapshot: ProviderSnapshot) -> ProviderSnapshot:
    return replace(snapshot, models=ModelFacts(listed=8, removed=1, missing=1, before=8, after=7))


def same(snapshot: ProviderSnapshot) -> ProviderSnapshot:
    return snapshot


HISTORY = 60
"""Steps of good traffic before anything happens: more than the longest window."""


@dataclass(frozen=True)
class Drive:
    """A rule driven over its threshold and back.

    ``fires_at`` and ``resolved_at`` are seconds after the bad time began, which lasts ``steps`` steps.
    """

    rule: str
    steps: int
    fires_at: int
    resolved_at: int
    traffic: Callable[[World], None] = good
    fact: Callable[[ProviderSnapshot], ProviderSnapshot] = same
    back: Callable[[ProviderSnapshot], ProviderSnapshot] | None = None

    def run(self, world: World, each: Callable[[], None] = lambda: None) -> float:
        """Play it; ``each`` is called after every step. Gives when the bad time began."""
        for _ in range(HISTORY):
            world.step(good)
            each()
        began = world.seconds
        healthy = world.snapshot
        world.snapshot = self.fact(healthy)
        for _ in range(self.steps):
            world.step(self.traffic)
            each()
        world.snapshot = healthy if self.back is None else self.back(healthy)
        while world.seconds < began + self.resolved_at + 60:
            world.step(good)
            each()
        return began


DRIVES = (
    # A window of n minutes holds 6n - 1 whole buckets and the one that begins: 590 attempts of ten minutes.
    # 30/590 > 5 % after 3 buckets, held 30 s. Of 6 bad buckets, 2 are left at 630 s (20/590 < 4 %), held 20 s.
    Drive("provider-success", 6, 60, 650, mixed((Kind.SERVER_ERROR, 10))),
    # 6/290 > 2 % after 6. Of 9, 4 are left at 340 s (4/290 < 1.6 %).
    Drive("provider-auth", 9, 90, 360, mixed((Kind.FORBIDDEN, 1))),
    # 16/290 > 5 % after 8. Of 11, 5 are left at 350 s (10/290 < 4 %).
    Drive("provider-429", 11, 110, 370, mixed((Kind.RATE_LIMITED, 2))),
    # 60/590 > 10 % after 12. Of 15, 9 are left at 650 s (45/590 < 8 %).
    Drive("provider-429-critical", 15, 150, 670, mixed((Kind.QUOTA_EXHAUSTED, 5))),
    # Out at every look from 10 s on; the last good one, at 0 s, is out of the minute at 60 s. Back at the look of 110 s.
    Drive("provider-down", 10, 60, 130, wanted, out),
    Drive("quota-low", 10, 10, 130, fact=nearly_spent, back=refreshed),
    Drive("quota-out", 10, 10, 130, fact=exhausted),
    # 1000 s are left at the beginning, under 900 after the tenth step.
    Drive("token-expiring", 20, 110, 230, fact=expiring),
    Drive("refresh-failing", 10, 10, 130, fact=failing),
    # The 95th percentile of 590 is the 561st: slow when 30 are. Held 60 s. Of 9 slow buckets, 2 are left at 660 s.
    Drive("latency-p95", 9, 90, 680, mixed(ms=100_000.0)),
    Drive("ttft-p95", 9, 90, 680, mixed(ttft_ms=30_000.0)),
    Drive("model-drift", 10, 10, 130, fact=lost),
    # 60/110 > 50 % after 6. Of 6, 4 are left at 130 s (40/110 < 40 %).
    Drive("burst-401-403-429", 6, 60, 150, mixed((Kind.TOKEN_EXPIRED, 5), (Kind.RATE_LIMITED, 5))),
)

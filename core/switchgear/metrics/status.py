"""What the rest of the gateway knows of a provider, and the one word it and the counts come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from switchgear.metrics.registry import ProviderMetrics
from switchgear.types import Kind

Status = Literal["ok", "degraded", "down", "disabled", "broken"]

STATUS_WINDOW_S: Final = 300
SUCCESS_TARGET: Final = 0.95
_MOST_KINDS: Final = 3
_OF_A_MODEL: Final = frozenset({Kind.FORBIDDEN.value, Kind.MODEL_NOT_FOUND.value})


@dataclass(frozen=True, slots=True)
class PluginFacts:
    """The plugin behind the provider. ``state`` is ``active``, or ``broken`` when it cannot be used."""

    name: str
    version: str
    state: str


@dataclass(frozen=True, slots=True)
class AccountCounts:
    """Accounts by state; each is in exactly one. Disabled ones are the operator's wish, and no fault."""

    total: int = 0
    ready: int = 0
    cooling: int = 0
    exhausted: int = 0
    auth_failed: int = 0
    suspended: int = 0
    disabled: int = 0


@dataclass(frozen=True, slots=True)
class Cooldown:
    """Why an account is not asked now. Times are Unix seconds; an ``until`` of ``None`` waits for the operator.

    Attributes:
        account: the account's label, never its id.
        model: the upstream's name, ``*`` for all.
        reason: a kind of failure, or ``breaker_open``.
        hint_seconds: what the upstream asked for; ``None`` when it did not.
        capped: it asked for more than the operator allows.
        next_probe_at: when one request is let through to see.
    """

    account: str
    model: str
    reason: str
    since: float
    until: float | None
    hint_seconds: float | None = None
    capped: bool = False
    next_probe_at: float | None = None


@dataclass(frozen=True, slots=True)
class AuthFacts:
    """The accounts' credentials. Times are Unix seconds; ``None`` where nothing expires or was refreshed.

    Attributes:
        refresh_failures_in_a_row: of the account with most.
        unrefreshed_expiry_at: the first expiry among the accounts whose last refresh failed.
        refreshed: refreshes since the start that succeeded. ``not_refreshed``: those that did not.
        logins: each account's label, and when its sign-in itself ends; only of accounts of which that is known.
    """

    next_expiry_at: float | None = None
    last_refresh_at: float | None = None
    last_refresh_result: str | None = None
    refresh_failures_1h: int = 0
    refresh_failures_in_a_row: int = 0
    unrefreshed_expiry_at: float | None = None
    refreshed: int = 0
    not_refreshed: int = 0
    logins: tuple[tuple[str, float], ...] = ()

    @property
    def next_login_expiry_at(self) -> float | None:
        """When the first sign-in ends; ``None`` when none does."""
        return min((at for _, at in self.logins), default=None)


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """One limit of one account, as last read. ``resets_at`` and ``observed_at`` are Unix seconds.

    ``account`` is the label; ``account_id`` tells two of one label apart, and is shown to nobody. ``limit`` and
    ``used`` are in ``unit``; each ``None`` where the provider does not say. ``name`` is the pool's, see
    :class:`~switchgear.types.Quota`.
    """

    account: str
    unit: str
    limit: float | None
    used: float | None
    resets_at: float | None
    source: str
    observed_at: float
    name: str = ""
    plan: str = ""
    account_id: str = ""

    @property
    def used_ratio(self) -> float | None:
        """The used share; ``None`` when unknown, and 1 of a limit of nothing."""
        if self.limit is None or self.used is None:
            return None
        return round(self.used / self.limit, 6) if self.limit > 0 else 1.0

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left."""
        return self.used_ratio is not None and self.used_ratio >= 1


def quota_totals(rows: Iterable[QuotaRow]) -> dict[tuple[str, str, str], float]:
    """The used share of what each account has, by its label, its id and the unit.

    Limits of one account in one unit are pools that add up: a plan's credits, a trial's and a bonus. One whose limit or
    use is not known is left out.
    """
    sums: dict[tuple[str, str, str], tuple[float, float]] = {}
    for row in rows:
        if row.limit is not None and row.used is not None:
            key = (row.account, row.account_id, row.unit)
            limit, used = sums.get(key, (0.0, 0.0))
            sums[key] = (limit + row.limit, used + row.used)
    return {key: round(used / limit, 6) if limit > 0 else 1.0 for key, (limit, used) in sums.items()}


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The models that are served, and how what the upstream lists now differs from what was served until then.

    Attributes:
        listed: how many clients see, those that are missing too.
        hidden: how many ``excluded-models`` hides.
        last_sync_at: when the last list came, Unix seconds; ``None`` while none has.
        added: how many models the last list brought.
        removed: how many it lacked; those that are missing since an earlier list count on.
        source: where the models come from, see :data:`switchgear.listing.Source`.
        missing: how many of those served the upstream does not list any more.
        before: how many were served until the last list.
        after: how many it named.
        added_names: their names, at most twenty; likewise ``removed_names``.
    """

    listed: int = 0
    hidden: int = 0
    last_sync_at: float | None = None
    added: int = 0
    removed: int = 0
    source: str = "none"
    missing: int = 0
    before: int = 0
    after: int = 0
    added_names: tuple[str, ...] = ()
    removed_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderSnapshot:
    """One provider as plugins, health, accounts and catalog see it now.

    Attributes:
        name: the configured entry's name.
        enabled: the operator did not switch it off.
        eligible: at least one account may be asked now, for some model.
        account_states: each account's label and state.
        quota: every limit of every account, as last read.
        queue_depth: requests that wait for a cooling account.
        retired: when and why the service ended; ``None`` while it lives.
    """

    name: str
    enabled: bool
    eligible: bool
    plugin: PluginFacts
    accounts: AccountCounts
    cooldowns: tuple[Cooldown, ...] = ()
    auth: AuthFacts = AuthFacts()
    models: ModelFacts = ModelFacts()
    account_states: tuple[tuple[str, str], ...] = ()
    quota: tuple[QuotaRow, ...] = ()
    queue_depth: int = 0
    retired: str | None = None


def provider_status(snapshot: ProviderSnapshot, counted: ProviderMetrics) -> tuple[Status, list[str]]:
    """The provider's status, and the reasons: kinds of failure, or one of the words below.

    ``disabled`` by the operator; ``broken``: its plugin cannot be used; ``down``: no account may be asked;
    ``degraded``: accounts are out, or under 95 % of the last five minutes' attempts succeeded (of 20 at least), or the
    last five attempts all failed, however few there were.
    """
    if not snapshot.enabled:
        return "disabled", []
    if snapshot.plugin.state == "broken":
        return "broken", ["plugin_broken"]
    reasons = dict.fromkeys((*_accounts_out(snapshot), *_attempts_failing(counted)))
    if snapshot.eligible:
        accounts = snapshot.accounts
        degraded = reasons or accounts.ready + accounts.disabled < accounts.total
        return "degraded" if degraded else "ok", list(reasons)
    if snapshot.accounts.total == snapshot.accounts.disabled:
        return "down", ["accounts_disabled" if snapshot.accounts.total else "no_accounts"]
    return "down", list(reasons) or ([] if snapshot.models.listed else ["no_models"])


def _accounts_out(snapshot: ProviderSnapshot) -> Iterator[str]:
    accounts = snapshot.accounts
    if accounts.suspended:
        yield Kind.SUSPENDED.value
    if accounts.auth_failed:
        yield Kind.LOGIN_REQUIRED.value
    if accounts.exhausted:
        yield Kind.QUOTA_EXHAUSTED.value
    if accounts.cooling:
        for row in snapshot.cooldowns:
            # A model that an account may not use, or that is gone, takes nothing from the account's health.
            if row.model == "*" or row.reason not in _OF_A_MODEL:
                yield str(row.reason)


def _attempts_failing(counted: ProviderMetrics) -> Iterator[str]:
    ring = counted.ring
    window = ring.summary(STATUS_WINDOW_S)
    success_ratio = window["success_ratio"]
    if window["sufficient"] and success_ratio is not None and success_ratio < SUCCESS_TARGET:
        for kind, _ in ring.failures(STATUS_WINDOW_S)[:_MOST_KINDS]:
            yield kind.value
    if counted.last_failed() and counted.last_error is not None:
        yield counted.last_error.kind.value

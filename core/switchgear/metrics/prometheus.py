"""What ``GET /metrics`` shows, family by family.

Labels are bounded: providers, plugins and hooks come from the configuration, models from what was listed when they were
asked for (the first 256 of a provider, then ``other``), routes and outcomes from the code. No key, user, address or
free text is a label. Families about accounts name them only to a reader who may see labels; for others there is one
series a provider.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from math import inf
from typing import Final, Literal

from switchgear.metrics.alert_facts import failures_in_a_row, models_drifted
from switchgear.metrics.alerts import AlertRow
from switchgear.metrics.exposition import Family
from switchgear.metrics.registry import Metrics, ProviderMetrics
from switchgear.metrics.status import ProviderSnapshot, quota_totals
from switchgear.metrics.totals import outcome, status_label

PREFIX: Final = "switchgear"
SLOW_WINDOW_S: Final = 600
"""The window of the percentiles, which is that of the rules that look at them."""

_Row = tuple[ProviderSnapshot, ProviderMetrics]


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one scrape shows.

    Attributes:
        alerts: those that are not inactive.
        plugin_errors: by plugin and hook.
        deliveries: of alerts, by ``delivered``, ``failed`` and ``dropped``.
        with_accounts: whether the reader may see account labels.
        shifts: the percentage of a prefix's traffic that is moved, by where from and where to.
    """

    metrics: Metrics
    snapshots: Sequence[ProviderSnapshot]
    alerts: Sequence[AlertRow]
    plugin_errors: Mapping[tuple[str, str], int]
    deliveries: Mapping[str, int]
    with_accounts: bool
    shifts: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def families(self) -> list[Family]:
        """Every family, each with all its series."""
        rows = [(snapshot, self.metrics.provider(snapshot.name)) for snapshot in self.snapshots]
        return [
            *_attempts(rows),
            *_times(rows, self.metrics),
            *_providers(rows, self.metrics),
            *_accounts(self.snapshots, with_labels=self.with_accounts),
            *_gateway(self),
        ]


def _family(name: str, kind: Literal["counter", "gauge", "histogram"], help_: str) -> Family:
    return Family(f"{PREFIX}_{name}", kind, help_)


def _attempts(rows: Iterable[_Row]) -> Iterator[Family]:
    attempts = _family("provider_attempts", "counter", "Upstream calls that ended, one for each attempt.")
    outcomes = _family("provider_outcomes", "counter", "Attempts that say something about the provider, by what.")
    short = _family("short_circuited", "counter", "Calls not made, because every account was out or busy.")
    retries = _family("retries", "counter", "Further attempts at the same provider.")
    fallbacks = _family("fallbacks", "counter", "Requests that went on to another provider.")
    tokens = _family("tokens", "counter", "Tokens as upstreams report them.")
    for snapshot, counted in rows:
        name, totals = snapshot.name, counted.totals
        for (model, kind, status), row in totals.rows.items():
            attempts.add(
                row.attempts,
                provider=name,
                model=model,
                outcome=outcome(kind),
                error_class=kind.value if kind is not None else "",
                status_code=status_label(status),
            )
        for class_, count in totals.classes().items():
            outcomes.add(count, provider=name, outcome=class_)
        short.add(totals.short_circuited, provider=name)
        retries.add(totals.retries, provider=name)
        for (to, reason), count in totals.fallbacks.items():
            fallbacks.add(count, from_=name, to=to, reason=reason)
        for (model, type_), count in totals.tokens().items():
            tokens.add(count, provider=name, model=model, type=type_)
    yield from (attempts, outcomes, short, retries, fallbacks, tokens)


def _times(rows: Iterable[_Row], metrics: Metrics) -> Iterator[Family]:
    whole = _family("provider_request_duration_seconds", "histogram", "Successful upstream calls, from call to end.")
    first = _family("provider_time_to_first_token_seconds", "histogram", "Upstream calls, to the first byte passed on.")
    slow = _family("provider_latency_p95_seconds", "gauge", "The 95th percentile of the last ten minutes' successes.")
    slow_first = _family("provider_ttft_p95_seconds", "gauge", "The same of the time to the first token.")
    for snapshot, counted in rows:
        whole.add_buckets(counted.totals.durations, provider=snapshot.name)
        first.add_buckets(counted.totals.first_tokens, provider=snapshot.name)
        window = counted.ring.summary(SLOW_WINDOW_S)
        for family, p95 in ((slow, window["latency_ms"]["p95"]), (slow_first, window["ttft_ms"]["p95"])):
            if p95 is not None:
                family.add(p95 / 1000, provider=snapshot.name)
    overhead = _family("overhead_seconds", "histogram", "What the gateway itself added to a request.")
    overhead.add_buckets(metrics.clients.overhead)
    waits = _family("queue_wait_seconds", "histogram", "How long a request waited for a turn.")
    waits.add_buckets(metrics.clients.queue_wait)
    yield from (whole, first, slow, slow_first, overhead, waits)


def _providers(rows: Iterable[_Row], metrics: Metrics) -> Iterator[Family]:
    in_flight = _family("inflight_requests", "gauge", "Upstream calls under way.")
    available = _family("provider_available", "gauge", "1 while at least one account may be asked.")
    in_a_row = _family(
        "provider_failures_in_a_row", "gauge", "Latest attempts that all failed in this way, up to five."
    )
    models = _family("provider_models", "gauge", "Models listed.")
    drifted = _family("provider_models_drifted", "gauge", "Models that came or went unexpectedly.")
    refreshes = _family("auth_refresh", "counter", "Refreshes of tokens.")
    for snapshot, counted in rows:
        name = snapshot.name
        in_flight.add(metrics.in_flight(name), provider=name)
        models.add(snapshot.models.listed, provider=name)
        refreshes.add(snapshot.auth.refreshed, provider=name, result="ok")
        refreshes.add(snapshot.auth.not_refreshed, provider=name, result="failed")
        if snapshot.enabled:
            available.add(snapshot.accounts.ready > 0, provider=name)
            drifted.add(models_drifted(snapshot), provider=name)
            in_a_row.add(failures_in_a_row(counted, "any"), provider=name, class_="any")
            in_a_row.add(failures_in_a_row(counted, "auth"), provider=name, class_="auth")
            in_a_row.add(failures_in_a_row(counted, "rate_limit"), provider=name, class_="rate_limit")
    yield from (in_flight, available, in_a_row, models, drifted, refreshes)


def _accounts(snapshots: Iterable[ProviderSnapshot], *, with_labels: bool) -> Iterator[Family]:
    accounts = _family("accounts", "gauge", "Accounts by state.")
    state = _family("account_state", "gauge", "1 for the state each account is in.")
    cooldown = _family(
        "cooldown_until_timestamp_seconds",
        "gauge",
        "When an account may be asked again; infinite while that is the operator's.",
    )
    used = _family("quota_used_ratio", "gauge", "The used share of a quota, an account's pools of one unit together.")
    pools = _family("quota_pool_used_ratio", "gauge", "The used share of one pool of a quota.")
    resets = _family("quota_reset_timestamp_seconds", "gauge", "When a quota comes back.")
    logins = _family("login_expiry_timestamp_seconds", "gauge", "When a sign-in ends, and has to be made anew.")
    expiry = _family("token_expiry_timestamp_seconds", "gauge", "When the first token expires.")
    at_risk = _family("unrefreshed_token_expiry_timestamp_seconds", "gauge", "The same, of those not refreshed last.")
    failing = _family("auth_refresh_failures_in_a_row", "gauge", "Of the account with most.")
    for snapshot in snapshots:
        name, auth = snapshot.name, snapshot.auth
        counts = snapshot.accounts
        for word in ("ready", "cooling", "exhausted", "auth_failed", "suspended", "disabled"):
            accounts.add(getattr(counts, word), provider=name, state=word)
        if with_labels:
            for (label, word), count in Counter(snapshot.account_states).items():
                state.add(count, provider=name, account=label, state=word)
        cooldowns = [
            (
                {"account": row.account, "model": row.model, "reason": row.reason},
                inf if row.until is None else row.until,
            )
            for row in snapshot.cooldowns
        ]
        totals = quota_totals(snapshot.quota).items()
        ratios = [({"account": label, "unit": unit}, ratio) for (label, _, unit), ratio in totals]
        shares = [
            ({"account": row.account, "unit": row.unit, "pool": row.name, "plan": row.plan}, row.used_ratio)
            for row in snapshot.quota
            if row.name or row.plan
        ]
        ends = [({"account": row.account, "unit": row.unit}, row.resets_at) for row in snapshot.quota]
        signed_in = [({"account": label}, at) for label, at in auth.logins]
        for family, series, worst in (
            (cooldown, cooldowns, max),
            (used, ratios, max),
            (pools, shares, max),
            (resets, ends, min),
            (logins, signed_in, min),
        ):
            for labels, value in _merged(series, worst, with_labels=with_labels):
                family.add(value, provider=name, **labels)
        failing.add(auth.refresh_failures_in_a_row, provider=name)
        for gauge, moment in ((expiry, auth.next_expiry_at), (at_risk, auth.unrefreshed_expiry_at)):
            if moment is not None:
                gauge.add(moment, provider=name)
    yield from (accounts, state, cooldown, used, pools, resets, logins, expiry, at_risk, failing)


def _merged(
    series: Iterable[tuple[dict[str, str], float | None]],
    worst: Callable[[float, float], float],
    *,
    with_labels: bool,
) -> Iterator[tuple[dict[str, str], float]]:
    """Each combination of labels once, with the worst of its values: a scrape may not hold a series twice."""
    found: dict[tuple[tuple[str, str], ...], float] = {}
    for labels, value in series:
        if value is not None:
            key = tuple(item for item in labels.items() if with_labels or item[0] != "account")
            found[key] = value if key not in found else worst(found[key], value)
    for key, value in found.items():
        yield dict(key), value


def _gateway(scrape: Scrape) -> Iterator[Family]:
    metrics = scrape.metrics
    requests = _family("client_requests", "counter", "Requests of clients, by how they ended after retries.")
    for (route, end), count in metrics.clients.outcomes.items():
        requests.add(count, route=route, outcome=end)
    errors = _family("plugin_errors", "counter", "Faults of plugins that were contained.")
    for (plugin, hook), count in scrape.plugin_errors.items():
        errors.add(count, provider=plugin, hook=hook)
    reloads = _family("config_reloads", "counter", "Reloads of the configuration.")
    for result, count in metrics.config_reloads.items():
        reloads.add(count, result=result)
    firing = _family("alert_firing", "gauge", "1 while a built-in rule fires; 0 while it is pending or just resolved.")
    for row in scrape.alerts:
        firing.add(row.state == "firing", rule=row.rule.name, provider=row.provider)
    deliveries = _family("alert_deliveries", "counter", "Alerts for the webhook.")
    for result, count in scrape.deliveries.items():
        deliveries.add(count, result=result)
    moved = _family("shift_share", "gauge", "The share of a prefix's traffic that is moved at run time, 0 to 1.")
    for (source, target), share in scrape.shifts.items():
        moved.add(share / 100, from_=source, to=target)
    build = _family("build_info", "gauge", "Always 1; the version is a label.")
    build.add(1, version=version("switchgear"))
    started = _family("start_time_seconds", "gauge", "When this process began to count.")
    started.add(metrics.started_at)
    yield from (requests, errors, reloads, firing, deliveries, moved, build, started)

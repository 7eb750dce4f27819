"""What the gateway knows of each provider now, gathered for the reports."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from switchgear.accounts import Entry
from switchgear.assembly import Runtime, Service
from switchgear.drift import shown
from switchgear.health import ANY_MODEL
from switchgear.metrics.status import (
    AccountCounts,
    AuthFacts,
    Cooldown,
    ModelFacts,
    PluginFacts,
    ProviderSnapshot,
    QuotaRow,
)
from switchgear.secret import redact

HOUR_S = 3600.0


def snapshots(service: Service) -> list[ProviderSnapshot]:
    """One snapshot a provider entry, in the operator's order; then the blocks whose plugin is broken."""
    runtime = service.current
    working = [_snapshot(service, runtime, entry) for entry in runtime.entries]
    broken = [ProviderSnapshot(key, True, False, _plugin(runtime, key), AccountCounts()) for key in runtime.broken]
    return working + broken


def problems(runtime: Runtime) -> dict[str, str]:
    """Why a provider serves nothing, or not all it should, by its name; a block's key where its plugin is broken."""
    lists = {
        name: f"its model list could not be had: {redact(listing.problem)}"
        for name, listing in runtime.catalog.listings.items()
        if listing.problem
    }
    entries = {entry.name: redact(entry.problem) for entry in runtime.entries if entry.problem}
    return lists | {key: redact(problem) for key, problem in runtime.broken.items()} | entries


def plugin_errors(runtime: Runtime) -> list[dict[str, Any]]:
    """The faults of plugins that were contained, as JSON."""
    plugins = runtime.plugins
    return [
        {"plugin": plugin, "hook": hook, "count": count, "last": plugins.last_error.get(plugin)}
        for (plugin, hook), count in plugins.errors.items()
    ]


def _plugin(runtime: Runtime, key: str) -> PluginFacts:
    status = runtime.plugins.statuses[key]
    return PluginFacts(key, status.version, status.state)


def _snapshot(service: Service, runtime: Runtime, entry: Entry) -> ProviderSnapshot:
    listed = len(runtime.catalog.models_of(entry.name))
    return ProviderSnapshot(
        name=entry.name,
        enabled=not entry.provider.settings.disabled,
        eligible=service.eligible(entry) and listed > 0,
        plugin=_plugin(runtime, entry.provider.key),
        accounts=_accounts(service, entry),
        cooldowns=_cooldowns(service, entry),
        auth=_auth(entry),
        models=_models(runtime, entry),
        account_states=tuple((a.label, service.account_state(entry, a)) for a in entry.accounts),
        quota=quota_rows(service, entry),
        queue_depth=service.slots.waiting(entry.name),
        retired=entry.info.retired,
    )


def _auth(entry: Entry) -> AuthFacts:
    known, failing = entry.refreshes, entry.refresh_failures()
    expiries = [(account.id, account.expires_at) for account in entry.accounts if account.expires_at is not None]
    return AuthFacts(
        next_expiry_at=min((at for _, at in expiries), default=None),
        last_refresh_at=known.last_at,
        last_refresh_result=known.last_result,
        refresh_failures_1h=sum(at > time.time() - HOUR_S for at in known.failed_at),
        refresh_failures_in_a_row=max(failing.values(), default=0),
        unrefreshed_expiry_at=min((at for account_id, at in expiries if account_id in failing), default=None),
        refreshed=known.succeeded,
        not_refreshed=known.failed,
        logins=tuple(
            (account.label, account.login_expires_at)
            for account in entry.accounts
            if account.login_expires_at is not None and not account.disabled
        ),
    )


def quota_rows(service: Service, entry: Entry) -> tuple[QuotaRow, ...]:
    """Every limit of every account, as last read."""
    return tuple(
        QuotaRow(
            account.label,
            row.unit,
            row.limit,
            row.used,
            row.resets_at,
            row.source,
            row.observed_at,
            row.name,
            row.plan,
            account.id,
        )
        for account in entry.accounts
        for row in service.quotas.of(entry.name, account.id)
    )


def _models(runtime: Runtime, entry: Entry) -> ModelFacts:
    listing = runtime.catalog.listings[entry.name]
    hidden = len(listing.hidden)
    drift = listing.drift
    removed = tuple(dict.fromkeys((*drift.removed, *listing.missing)))
    return ModelFacts(
        listed=len({model.public for model in listing.models}) - hidden,
        hidden=hidden,
        last_sync_at=listing.synced_at,
        added=len(drift.added),
        removed=len(removed),
        source=listing.source,
        missing=len(listing.missing),
        before=drift.before,
        after=drift.after,
        added_names=tuple(shown(drift.added)),
        removed_names=tuple(shown(removed)),
    )


def _accounts(service: Service, entry: Entry) -> AccountCounts:
    states = Counter(service.account_state(entry, account) for account in entry.accounts)
    return AccountCounts(
        total=len(entry.accounts),
        ready=states["ready"],
        cooling=states["cooling"],
        exhausted=states["exhausted"],
        auth_failed=states["auth_failed"],
        suspended=states["suspended"],
        disabled=states["disabled"],
    )


def _cooldowns(service: Service, entry: Entry) -> tuple[Cooldown, ...]:
    offset = time.time() - time.monotonic()
    rows = []
    for account, model, block in service.health.rows(entry.name):
        until = None if block.until is None else block.until + offset
        rows.append(
            Cooldown(
                account=entry.label(account),
                model=model or ANY_MODEL,
                reason=block.reason,
                since=block.since + offset,
                until=until,
                hint_seconds=block.hint_s,
                capped=block.capped,
                next_probe_at=until,
            )
        )
    return tuple(rows)

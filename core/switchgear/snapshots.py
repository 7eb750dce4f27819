"""What the gateway knows of each provider now, gathered for the reports."""

from __future__ import annotations

import time
from collections import Counter

from switchgear.accounts import Entry
from switchgear.assembly import Runtime, Service
from switchgear.health import ANY_MODEL
from switchgear.metrics.status import (
    AccountCounts,
    AuthFacts,
    Cooldown,
    ModelFacts,
    PluginFacts,
    ProviderSnapshot,
)

HOUR_S = 3600.0


def snapshots(service: Service) -> list[ProviderSnapshot]:
    """One snapshot a provider entry, in the operator's order; then the blocks whose plugin is broken."""
    runtime = service.current
    working = [_snapshot(service, runtime, entry) for entry in runtime.entries]
    broken = [ProviderSnapshot(key, True, False, _plugin(runtime, key), AccountCounts()) for key in runtime.broken]
    return working + broken


def _plugin(runtime: Runtime, key: str) -> PluginFacts:
    status = runtime.plugins.statuses[key]
    return PluginFacts(key, status.version, status.state)


def _snapshot(service: Service, runtime: Runtime, entry: Entry) -> ProviderSnapshot:
    listing = runtime.catalog.listings[entry.name]
    hidden = len(listing.hidden)
    listed = len(runtime.catalog.models_of(entry.name))
    now = time.time()
    return ProviderSnapshot(
        name=entry.name,
        enabled=not entry.provider.settings.disabled,
        eligible=service.eligible(entry) and listed > 0,
        plugin=_plugin(runtime, entry.provider.key),
        accounts=_accounts(service, entry),
        cooldowns=_cooldowns(service, entry),
        auth=AuthFacts(
            next_expiry_at=min((a.expires_at for a in entry.accounts if a.expires_at is not None), default=None),
            last_refresh_at=entry.refreshes.last_at,
            last_refresh_result=entry.refreshes.last_result,
            refresh_failures_1h=sum(at > now - HOUR_S for at in entry.refreshes.failed_at),
        ),
        models=ModelFacts(
            listed=len({model.public for model in listing.models}) - hidden,
            hidden=hidden,
            last_sync_at=listing.synced_at,
            added=listing.added,
            removed=listing.removed,
        ),
        retired=entry.info.retired,
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

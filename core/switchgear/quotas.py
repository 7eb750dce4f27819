"""What is left of each account's quota, as its provider says, asked for now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import structlog

from switchgear.accounts import Entry
from switchgear.errors import PluginError, UpstreamError
from switchgear.plugins import Plugins
from switchgear.types import Account, Quota

CONCURRENT_READS = 4

log = structlog.get_logger("switchgear.quotas")


class Quotas:
    """The last reading of each account; it stays while a later one cannot be had."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Sequence[Quota]] = {}
        self._problems: dict[tuple[str, str], str] = {}

    def of(self, provider: str, account: str) -> Sequence[Quota]:
        """The account's limits; empty while none is known."""
        return self._rows.get((provider, account), ())

    def problem(self, provider: str, account: str) -> str:
        """Why the account's latest reading could not be had; empty when it could, or was never tried."""
        return self._problems.get((provider, account), "")

    def unread(self, provider: str, account: str) -> bool:
        """Whether the account was never asked: it is new."""
        return (provider, account) not in self._rows and (provider, account) not in self._problems

    async def read(self, entries: Iterable[Entry], plugins: Plugins) -> None:
        """Ask every account whose plugin can tell, and forget the accounts that are gone."""
        accounts = _enabled(entries)
        known = {(entry.name, account.id) for entry, account in accounts}
        self._rows = {key: rows for key, rows in self._rows.items() if key in known}
        self._problems = {key: problem for key, problem in self._problems.items() if key in known}
        await self._ask(accounts, plugins)

    async def read_again(self, entries: Iterable[Entry], plugins: Plugins) -> None:
        """Ask the accounts of these entries now; what is known of others stays."""
        await self._ask(_enabled(entries), plugins)

    async def _ask(self, accounts: Iterable[tuple[Entry, Account]], plugins: Plugins) -> None:
        slots = asyncio.Semaphore(CONCURRENT_READS)
        await asyncio.gather(*(self._read(entry, account, plugins, slots) for entry, account in accounts))

    async def _read(self, entry: Entry, account: Account, plugins: Plugins, slots: asyncio.Semaphore) -> None:
        if not plugins.implements(entry.provider.key, "read_quota"):
            return
        async with slots:
            try:
                fresh = await entry.fresh(account.id)
                rows = await plugins.read_quota(entry.provider, fresh, entry.client(fresh))
            except (UpstreamError, PluginError) as error:
                self._problems[entry.name, account.id] = str(error)
                log.warning("quota_not_read", provider=entry.name, account=account.label, problem=str(error))
            else:
                self._problems.pop((entry.name, account.id), None)
                self._rows[entry.name, account.id] = tuple(rows)


def _enabled(entries: Iterable[Entry]) -> list[tuple[Entry, Account]]:
    return [(entry, account) for entry in entries for account in entry.accounts if account.may_be_asked]

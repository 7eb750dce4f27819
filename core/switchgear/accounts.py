"""The accounts of one provider entry: loading them, and refreshing a credential once however many need it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from switchgear.errors import PluginError, UpstreamError
from switchgear.health import Health
from switchgear.plugins import Plugins
from switchgear.types import Account, AuthStore, Dialect, Provider, ProviderInfo
from switchgear.upstream import UpstreamClient, UpstreamClients

REFRESH_AHEAD_S = 60.0
"""A credential with less than this left is refreshed before it is used."""
FAILURES_REMEMBERED = 100

log = structlog.get_logger("switchgear.accounts")


@dataclass(slots=True)
class RefreshFacts:
    """What is known of the refreshes so far. Times are Unix seconds; ``None`` before the first."""

    last_at: float | None = None
    last_result: str | None = None
    failed_at: tuple[float, ...] = ()


class Entry:
    """One configured provider entry with its accounts.

    ``problem`` says why the entry serves nothing (a broken plugin, accounts that cannot be loaded); empty when it does.
    """

    def __init__(
        self,
        provider: Provider,
        info: ProviderInfo,
        plugins: Plugins,
        store: AuthStore,
        clients: UpstreamClients,
        health: Health,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.provider = provider
        self.name = provider.name
        self.info = info
        self.problem = ""
        native: tuple[Dialect, ...] | None = provider.settings.native_dialects
        self.dialects = info.dialects if native is None else native
        self.timeouts = provider.settings.timeouts.timeouts()
        self.accounts: tuple[Account, ...] = ()
        self.refreshes = RefreshFacts()
        self.can_refresh = provider.key in plugins and plugins.implements(provider.key, "refresh_token")
        self._plugins = plugins
        self._store = store
        self._clients = clients
        self._health = health
        self._wall = wall
        self._by_id: dict[str, Account] = {}
        self._refreshing: dict[str, asyncio.Task[Account]] = {}

    async def load(self) -> None:
        """Load the accounts anew; one whose credential changed is no longer held against."""
        try:
            accounts = await self._plugins.load_accounts(self.provider, self._store)
        except (PluginError, UpstreamError) as error:
            self.problem = f"its accounts cannot be loaded: {error}"
            log.error("accounts_not_loaded", provider=self.name, problem=str(error))
            return
        self.problem = "" if accounts else "it has no account"
        for account in accounts:
            old = self._by_id.get(account.id)
            if old is not None and old.secrets != account.secrets:
                self._health.clear(self.name, account.id)
        self.accounts = tuple(accounts)
        self._by_id = {account.id: account for account in accounts}

    def client(self, account: Account) -> UpstreamClient:
        """The upstream client for this account's proxy."""
        return self._clients.through(account.proxy_url)

    def label(self, account_id: str) -> str:
        """The account's name for people."""
        account = self._by_id.get(account_id)
        return account.label if account is not None else "?"

    async def fresh(self, account_id: str) -> Account:
        """The account with a credential that is good for at least a minute, refreshed if need be.

        Raises:
            UpstreamError: it expired and could not be refreshed.
        """
        account = self._by_id[account_id]
        if account.expires_at is None or not self.can_refresh:
            return account
        left_s = account.expires_at - self._wall()
        if left_s > REFRESH_AHEAD_S:
            return account
        try:
            return await self.refresh(account)
        except (UpstreamError, PluginError):
            if left_s > 0:
                return account
            raise

    async def refresh(self, refused: Account) -> Account:
        """Replace the credential that was refused; concurrent callers share one refresh.

        The refresh runs in a task of its own: a client that hangs up does not interrupt it half-way, where a rotated
        token could be lost.
        """
        current = self._by_id.get(refused.id, refused)
        if current is not refused:
            return current
        task = self._refreshing.get(refused.id)
        if task is None:
            task = asyncio.create_task(self._refresh(refused), name=f"refresh {refused.label}")
            self._refreshing[refused.id] = task
            task.add_done_callback(lambda done: self._refreshed(refused.id, done))
        return await asyncio.shield(task)

    async def _refresh(self, account: Account) -> Account:
        fresh = await self._plugins.refresh_token(self.provider, account, self._store, self.client(account))
        self._by_id[account.id] = fresh
        self.accounts = tuple(self._by_id[old.id] for old in self.accounts)
        return fresh

    def _refreshed(self, account_id: str, task: asyncio.Task[Account]) -> None:
        del self._refreshing[account_id]
        now = self._wall()
        error = None if task.cancelled() else task.exception()
        ok = not task.cancelled() and error is None
        self.refreshes.last_at = now
        self.refreshes.last_result = "ok" if ok else "failed"
        if ok:
            self._health.clear(self.name, account_id)
            log.info("token_refreshed", provider=self.name, account=self.label(account_id))
        else:
            self.refreshes.failed_at = (*self.refreshes.failed_at[-FAILURES_REMEMBERED:], now)
            log.error("token_not_refreshed", provider=self.name, account=self.label(account_id), problem=str(error))

    async def aclose(self) -> None:
        """Let refreshes under way end: a rotated token must be saved."""
        if self._refreshing:
            await asyncio.wait(set(self._refreshing.values()))

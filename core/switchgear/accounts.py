"""The accounts of one provider entry: loading them, and keeping their credentials fresh."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from switchgear import refreshing
from switchgear.account_settings import AccountSettingsFolder
from switchgear.authfile import DirectoryStore
from switchgear.errors import AuthFileError, LoginRequired, PluginError, UpstreamError
from switchgear.health import ANY_MODEL, Health
from switchgear.plugins import Plugins
from switchgear.refreshing import Standing
from switchgear.types import Account, AuthStore, Dialect, Failure, Kind, Provider, ProviderInfo, Verdict
from switchgear.upstream import UpstreamClient, UpstreamClients

FAILURES_REMEMBERED = 100
CONCURRENT_REFRESHES = 4

log = structlog.get_logger("switchgear.accounts")


@dataclass(slots=True)
class RefreshFacts:
    """What is known of the refreshes so far. Times are Unix seconds; ``None`` before the first.

    ``succeeded`` and ``failed`` count them all; ``failed_at`` has the latest failures.
    """

    last_at: float | None = None
    last_result: str | None = None
    failed_at: tuple[float, ...] = ()
    succeeded: int = 0
    failed: int = 0


class Entry:
    """One configured provider entry with its accounts.

    Attributes:
        accounts: in the order they are asked, as the operator wants them.
        problem: why the entry serves nothing (a broken plugin, accounts that cannot be loaded); empty when it does.
    """

    def __init__(
        self,
        provider: Provider,
        info: ProviderInfo,
        plugins: Plugins,
        store: DirectoryStore,
        settings: AccountSettingsFolder,
        clients: UpstreamClients,
        health: Health,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
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
        self.store = store
        self.settings = settings
        self._plugins = plugins
        self._clients = clients
        self._health = health
        self._wall = wall
        self._monotonic = monotonic
        self._standing: dict[str, Standing] = {}
        self._by_id: dict[str, Account] = {}
        self._refreshing: dict[str, asyncio.Task[None]] = {}
        self._ahead = asyncio.Semaphore(CONCURRENT_REFRESHES)

    # -- loading -------------------------------------------------------------------------------------------

    def adopt(self, old: Entry) -> None:
        """Take over, before the first load, what an earlier configuration's entry knew of its accounts."""
        if old.provider.key == self.provider.key:
            self._standing = dict(old._standing)
            self.refreshes = old.refreshes

    async def load(self) -> None:
        """Load the accounts anew; one whose credential changed is no longer held against."""
        try:
            accounts = await self._plugins.load_accounts(self.provider, self.store)
        except (PluginError, UpstreamError) as error:
            self.problem = f"its accounts cannot be loaded: {error}"
            log.error("accounts_not_loaded", provider=self.name, problem=str(error))
            return
        standing: dict[str, Standing] = {}
        for account in accounts:
            known = self._standing.get(account.id)
            if account.problem and (known is None or known.saved.problem != account.problem):
                log.error("account_not_usable", provider=self.name, account=account.label, problem=account.problem)
            if known is None:
                known = Standing(account, account)
            elif known.read_again(account):
                await self._credential_changed(account.id)
            standing[account.id] = known
        self._standing = standing
        await self._apply_settings()
        self.problem = self._why_empty()

    async def _credential_changed(self, account_id: str) -> None:
        """After a new sign-in nothing stands against the account; another process's refresh lifts the token's only."""
        note = await asyncio.to_thread(self.store.note, account_id)
        if note is not None and note.result == "ok":
            self._health.renewed(self.name, account_id)
        else:
            self._health.clear(self.name, account_id)

    def _why_empty(self) -> str:
        if self.accounts:
            return ""
        unused = "; ".join(f"{name}: {problem}" for name, problem in self.store.problems.items())
        login = f"; sign in with: switchgear login {self.name}" if self.info.login_methods else ""
        return f"it has no account{login}" if not unused else f"it has no usable account: {unused}"

    async def _apply_settings(self) -> None:
        """Show the accounts as the operator wants them: named, ordered, some switched off."""
        self._by_id = await asyncio.to_thread(
            lambda: {id_: self._with_settings(known.current) for id_, known in self._standing.items()}
        )
        self.accounts = tuple(sorted(self._by_id.values(), key=lambda account: -account.priority))

    def _with_settings(self, account: Account) -> Account:
        try:
            return self.settings.read(account.id).on(account)
        except ValueError as error:  # its proxy, say, cannot be had: a direct connection is not what was asked for
            log.error("account_left_out", provider=self.name, account=account.label, problem=str(error))
            return replace(account, disabled=True)

    # -- asking --------------------------------------------------------------------------------------------

    def client(self, account: Account) -> UpstreamClient:
        """The upstream client for this account's proxy."""
        return self._clients.through(account.proxy_url)

    def label(self, account_id: str) -> str:
        """The account's name for people."""
        account = self._by_id.get(account_id)
        return account.label if account is not None else "?"

    def credential(self, account_id: str) -> str:
        """A fingerprint of the account's saved credential; empty where there is none. It tells a new sign-in."""
        standing = self._standing.get(account_id)
        if standing is None:
            return ""
        secrets = sorted((name, secret.fingerprint()) for name, secret in standing.saved.secrets.items())
        return hashlib.sha256(repr(secrets).encode()).hexdigest()[:16]

    # -- keeping credentials fresh -------------------------------------------------------------------------

    async def fresh(self, account_id: str) -> Account:
        """The account with a credential that is good for ten seconds at least, refreshed if need be.

        Raises:
            UpstreamError: it expired and could not be refreshed.
            PluginError: the plugin failed at it.
        """
        account = self._by_id.get(account_id)
        if account is None:
            raise LoginRequired(_gone())
        if account.problem:
            raise LoginRequired(Failure("protocol", message=account.problem))
        if not self.can_refresh or not refreshing.expired(account, self._wall()):
            return account
        if self._standing[account_id].just_refreshed(self._monotonic()):
            return account  # one of the two clocks is wrong; whether the token is good is for the upstream to say
        try:
            return await self.refresh(account)
        except (UpstreamError, PluginError):
            if account.expires_at is not None and account.expires_at > self._wall():
                return account
            raise

    async def refresh(self, refused: Account) -> Account:
        """Replace the credential that was refused; concurrent callers share one refresh.

        The refresh runs in a task of its own: a client that hangs up does not interrupt it half-way, where a rotated
        token could be lost.

        Raises:
            LoginRequired: the credential is spent; only the operator can help.
            UpstreamError: it could not be refreshed now.
            PluginError: the plugin failed at it.
        """
        account_id = refused.id
        current = self._by_id.get(account_id)
        if current is None:
            raise LoginRequired(_gone())
        if current.secrets != refused.secrets:
            return current
        await asyncio.shield(self._refresh_task(account_id))
        return self._by_id[account_id]

    async def refresh_due(self) -> None:
        """Refresh every account whose time has come, whether or not it cools down; failures are logged and counted."""
        if not self.can_refresh:
            return
        due = []
        for account_id, standing in self._standing.items():
            if not self._by_id[account_id].may_be_asked:
                continue
            if standing.unsaved or standing.due(self._wall(), self._monotonic()):
                due.append(account_id)
        await asyncio.gather(*(self._refresh_ahead(account_id) for account_id in due))

    async def _refresh_ahead(self, account_id: str) -> None:
        async with self._ahead:
            try:
                standing = self._standing[account_id]
                if standing.unsaved:
                    await refreshing.save_at_last(standing, self.store)
                else:
                    await asyncio.shield(self._refresh_task(account_id))
            except LoginRequired as error:
                verdict = Verdict(Kind.LOGIN_REQUIRED, message=str(error))
                self._health.failed(self.name, account_id, ANY_MODEL, verdict)
            except (UpstreamError, PluginError, AuthFileError, KeyError):
                pass  # logged where it happened; tried again when it is due next

    def _refresh_task(self, account_id: str) -> asyncio.Task[None]:
        task = self._refreshing.get(account_id)
        if task is None:
            task = asyncio.create_task(self._refresh(account_id), name=f"refresh {self.label(account_id)}")
            self._refreshing[account_id] = task
            task.add_done_callback(lambda done: self._refreshed(account_id, done))
        return task

    async def _refresh(self, account_id: str) -> None:
        standing = self._standing[account_id]
        proxy = self._by_id[account_id].proxy_url

        async def reload() -> Account | None:
            accounts = await self._plugins.load_accounts(self.provider, self.store)
            return next((account for account in accounts if account.id == account_id), None)

        async def hook(account: Account, store: AuthStore) -> Account:
            return await self._plugins.refresh_token(self.provider, account, store, self._clients.through(proxy))

        await refreshing.refresh(standing, self.store, reload, hook)
        if self._standing.get(account_id) is standing:
            await self._apply_settings()

    def _refreshed(self, account_id: str, task: asyncio.Task[None]) -> None:
        del self._refreshing[account_id]
        now = self._wall()
        error = None if task.cancelled() else task.exception()
        ok = not task.cancelled() and error is None
        self.refreshes.last_at = now
        self.refreshes.last_result = "ok" if ok else "failed"
        if ok:
            self.refreshes.succeeded += 1
            if account_id in self._standing:
                self._standing[account_id].refreshed_at = self._monotonic()
            self._health.renewed(self.name, account_id)
            log.info("token_refreshed", provider=self.name, account=self.label(account_id))
            return
        self.refreshes.failed += 1
        self.refreshes.failed_at = (*self.refreshes.failed_at[-FAILURES_REMEMBERED:], now)
        if account_id in self._standing:
            self._standing[account_id].failed(self._monotonic())
        log.error("token_not_refreshed", provider=self.name, account=self.label(account_id), problem=str(error))

    def refresh_failures(self) -> dict[str, int]:
        """How often in a row the refresh failed, by account id; only of those whose last one did."""
        return {account_id: known.failures for account_id, known in self._standing.items() if known.failures}

    async def aclose(self) -> None:
        """Let refreshes under way end: a rotated token must be saved."""
        if self._refreshing:
            await asyncio.wait(set(self._refreshing.values()))
        for standing in self._standing.values():
            if standing.unsaved:
                try:
                    await refreshing.save_at_last(standing, self.store)
                except AuthFileError as error:
                    log.critical("token_lost", account=standing.current.label, problem=str(error))


def _gone() -> Failure:
    return Failure("protocol", message="the account was removed while it was about to be asked")

"""Refreshing one account's credential: once, however many need it, in this process and in others.

Under the account's lock the file is read again: where another process was faster, its token is the result. A plugin
saves a new token before it is used; one that cannot be saved is kept in memory and tried again, for the old one may be
spent.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from switchgear.authfile import DirectoryStore, HeldStore, refreshed_now
from switchgear.errors import AuthFileError, LoginRequired, PluginError, UpstreamError
from switchgear.secret import redact
from switchgear.types import Account, AuthStore, Failure

AHEAD_S = 300.0
"""How long before its expiry a credential is refreshed, unless the account says otherwise."""
SPREAD_S = 30.0
"""Accounts that expire together are refreshed up to so much earlier, each by another amount."""
MARGIN_S = 10.0
"""A credential with less than this left is refreshed before it is used."""
LEAST_INTERVAL_S = 30.0
"""A clock that is wrong, here or there, makes every token look expired; it is not refreshed more often than this."""
SPENT = "login required"
"""How the note on a credential begins that no refresh will bring back."""
BACK_OFF_FIRST_S = 30.0
BACK_OFF_LONGEST_S = 300.0

log = structlog.get_logger("switchgear.refreshing")

Reload = Callable[[], Awaitable[Account | None]]
"""Reads the account anew, as it is saved; ``None`` when it is gone."""
Hook = Callable[[Account, AuthStore], Awaitable[Account]]
"""The plugin's ``refresh_token``."""


@dataclass(slots=True)
class Standing:
    """One account between refreshes. Times are on the monotonic clock.

    Attributes:
        saved: the account as its file had it when it was last read.
        current: the account with the credential in use, which may be newer than what could be saved.
        spent: the credential with which a refresh ended for good; ``None`` while there is hope.
        failures: refreshes that failed in a row.
        not_before: no refresh ahead of need before this.
        refreshed_at: the last refresh that succeeded.
        unsaved: ``current`` still has to be written.
    """

    saved: Account
    current: Account
    spent: Account | None = None
    failures: int = 0
    not_before: float = -math.inf
    refreshed_at: float = -math.inf
    unsaved: bool = False
    spread: float = field(default_factory=random.random)

    def due(self, wall: float, monotonic: float) -> bool:
        """Whether the credential is to be refreshed ahead of need. ``wall`` is Unix seconds."""
        account = self.current
        if monotonic < self.not_before or self.just_refreshed(monotonic):
            return False
        if self.spent is not None and self.spent.secrets == account.secrets:
            return False
        when = account.refresh_at
        if when is None:
            if account.expires_at is None:
                return False
            when = account.expires_at - AHEAD_S
        return wall >= when - self.spread * SPREAD_S

    def just_refreshed(self, monotonic: float) -> bool:
        """Whether a refresh succeeded moments ago, so that another for the expiry's sake would not help."""
        return monotonic - self.refreshed_at < LEAST_INTERVAL_S

    def read_again(self, saved: Account) -> bool:
        """Take in what the file holds now; gives whether its credential is another than before."""
        changed = saved.secrets != self.saved.secrets
        self.saved = saved
        if changed:
            self.current, self.spent, self.failures, self.unsaved = saved, None, 0, False
        return changed

    def failed(self, monotonic: float) -> None:
        """A refresh failed: wait longer each time before the next one ahead of need."""
        longest_s = min(BACK_OFF_FIRST_S * 2.0**self.failures, BACK_OFF_LONGEST_S)
        self.failures = min(self.failures + 1, 16)
        self.not_before = monotonic + longest_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


async def refresh(standing: Standing, store: DirectoryStore, reload: Reload, hook: Hook) -> None:
    """Refresh the account, or take the token that another process got meanwhile; the result is ``standing.current``.

    Raises:
        LoginRequired: the credential is spent for good.
        UpstreamError: it could not be refreshed now, or not be written; the account is as it was.
        PluginError: the plugin failed.
    """
    account_id = standing.current.id
    try:
        async with store.lock(account_id) as held:
            if await _winner(standing, reload) and not expired(standing.current, time.time()):
                return
            await _save_at_last(standing, held)
            await asyncio.to_thread(store.reserve)
            try:
                fresh = await hook(standing.current, held)
            except AuthFileError:
                if held.unsaved is None:
                    raise
                _keep_unsaved(standing, held.unsaved)
                return
            except (UpstreamError, PluginError) as error:
                if held.has_saved:  # it came half-way: what it saved is the credential now, and the error stands
                    await _winner(standing, reload)
                elif isinstance(error, LoginRequired) and await _winner(standing, reload):
                    return
                await _note(store, account_id, error)
                if isinstance(error, LoginRequired):
                    standing.spent = standing.current
                raise
            await _take(standing, fresh, held, store, reload)
    except AuthFileError as error:
        # Not asked for: an answer that cannot be saved would cost the account.
        raise UpstreamError(Failure("protocol", message=f"not refreshed: {error}")) from error


async def save_at_last(standing: Standing, store: DirectoryStore) -> None:
    """Try again to write a token that could not be written.

    Raises:
        AuthFileError: it still cannot.
    """
    async with store.lock(standing.current.id) as held:
        await _save_at_last(standing, held)


def expired(account: Account, wall: float) -> bool:
    """Whether the credential is good for less than ten seconds more. ``wall`` is Unix seconds."""
    return account.expires_at is not None and account.expires_at - wall < MARGIN_S


async def _save_at_last(standing: Standing, held: HeldStore) -> None:
    if standing.unsaved:
        await held.save(standing.current, refreshed_now("ok"))
        standing.unsaved = False
        log.info("token_saved", account=standing.current.label)


async def _winner(standing: Standing, reload: Reload) -> bool:
    """Whether the file holds a newer credential, of another process as a rule; it is taken."""
    saved = await reload()
    if saved is None:
        raise LoginRequired(Failure("protocol", message="the account was removed; sign in again"))
    changed = standing.read_again(saved)
    if saved.problem:
        raise LoginRequired(Failure("protocol", message=saved.problem))
    if not changed:
        return False
    log.info("token_taken_over", account=saved.label)
    return True


async def _take(standing: Standing, fresh: Account, held: HeldStore, store: DirectoryStore, reload: Reload) -> None:
    standing.current, standing.spent, standing.failures = fresh, None, 0
    standing.unsaved = held.unsaved is not None
    saved = await reload()
    if saved is not None:
        standing.saved = saved
    await asyncio.to_thread(_write_note, store, fresh.id, "ok")


def _keep_unsaved(standing: Standing, account: Account) -> None:
    standing.current, standing.spent, standing.failures, standing.unsaved = account, None, 0, True
    standing.not_before = time.monotonic() + 1.0
    log.error(
        "token_not_saved",
        account=account.label,
        problem="the new token could not be written and is in memory only",
        advice="make room in the auth directory before the gateway stops; writing is tried again until then",
    )


async def _note(store: DirectoryStore, account_id: str, error: Exception) -> None:
    what = f"{SPENT}: " if isinstance(error, LoginRequired) else ""
    await asyncio.to_thread(_write_note, store, account_id, redact(f"{what}{error}")[:300])


def _write_note(store: DirectoryStore, account_id: str, result: str) -> None:
    """Metadata for people; a disk that does not take it costs nothing."""
    try:
        if store.path(account_id).exists():
            store.write_note(account_id, refreshed_now(result))
    except (AuthFileError, OSError, ValueError) as error:
        log.warning("refresh_not_noted", problem=str(error)[:200])

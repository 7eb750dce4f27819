"""Asking upstreams for their lists: each account once, one round an entry at a time, and what a failure means."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from switchgear.accounts import Entry
from switchgear.classify import default_verdict
from switchgear.drift import Drift, shown
from switchgear.errors import LoginRequired, PluginError, UpstreamError
from switchgear.health import ANY_MODEL, Health
from switchgear.listing import Listing
from switchgear.plugins import Plugins
from switchgear.secret import redact
from switchgear.types import Account, Kind, Model, Verdict

CONCURRENT_LISTS = 8

OUT = frozenset({Kind.TOKEN_EXPIRED, Kind.LOGIN_REQUIRED, Kind.SUSPENDED})
"""A refusal that is about the account, whatever it was asked for."""

WHILE_LISTING = "while its models were listed: "
"""How the message of a block begins that came of it; it is told again by this, after a restart too."""

log = structlog.get_logger("switchgear.catalog")


@dataclass(slots=True)
class Round:
    """The accounts of an entry, each asked once: the lists that came, and what kept the others, by account id."""

    lists: dict[str, Sequence[Model]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


class Lister:
    """Asks the upstreams of entries for their models. ``wall`` and ``monotonic`` are clocks in seconds."""

    def __init__(
        self,
        plugins: Plugins,
        health: Health,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plugins = plugins
        self._health = health
        self._wall = wall
        self._monotonic = monotonic
        self._slots = asyncio.Semaphore(CONCURRENT_LISTS)
        self._rounds: dict[str, asyncio.Task[None]] = {}

    def asks(self, entry: Entry) -> bool:
        """Whether the entry's models are an upstream's to name, and not the plugin's own."""
        return self._plugins.implements(entry.provider.key, "list_models")

    def may_ask(self, entry: Entry) -> bool:
        """Whether there is anybody to ask for the entry's models."""
        return not entry.provider.settings.disabled and any(account.may_be_asked for account in entry.accounts)

    def is_asking(self, entry: Entry) -> bool:
        """Whether a round is under way."""
        return entry.name in self._rounds

    async def renew(
        self, entry: Entry, listing: Listing, renewed: Callable[[Entry], None], *, join: bool = False
    ) -> None:
        """Bring ``listing`` up to date; what cannot be listed keeps its last good list.

        A round goes on when its caller is cancelled, as others may wait for it.

        Args:
            renewed: called with the entry when the round is over.
            join: a round that is under way is good enough; else a new one follows it, as it may not know of an
                account that has just come.
        """
        while (running := self._rounds.get(entry.name)) is not None:
            await asyncio.wait({running})
            if join:
                return
        if listing.source == "configured" or not self.may_ask(entry):
            return
        task = asyncio.create_task(self._renew(entry, listing, renewed), name=f"models of {entry.name}")
        self._rounds[entry.name] = task
        task.add_done_callback(lambda _: self._rounds.pop(entry.name, None))
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    async def aclose(self) -> None:
        """End the rounds that are under way."""
        for task in self._rounds.values():
            task.cancel()
        await asyncio.gather(*self._rounds.values(), return_exceptions=True)

    async def _renew(self, entry: Entry, listing: Listing, renewed: Callable[[Entry], None]) -> None:
        listing.tried_at = self._monotonic()
        came = await self.ask(entry)
        if came.lists:
            told = set(listing.drift.removed)
            dropped = listing.take(came.lists, self._wall())
            if listing.drift.added or set(listing.drift.removed) - told:
                self._say(entry, listing.drift)
            if dropped:
                log.warning("models_dropped", provider=entry.name, models=", ".join(shown(dropped)))
        listing.problem = "; ".join(dict.fromkeys(came.problems.values()))
        if came.problems and not listing.accounts:
            listing.stand_ins = entry.info.fallback_models
        renewed(entry)

    @staticmethod
    def _say(entry: Entry, drift: Drift) -> None:
        log.warning(
            "model_drift",
            provider=entry.name,
            before=drift.before,
            after=drift.after,
            added=", ".join(shown(drift.added)),
            removed=", ".join(shown(drift.removed)),
            suspicious=drift.suspicious,
        )

    # -- one round -----------------------------------------------------------------------------------------

    async def ask(self, entry: Entry) -> Round:
        """Ask every account that may be asked, one after the other. A list that cannot be had raises nothing."""
        came = Round()
        async with self._slots:
            for account in entry.accounts:
                if not account.may_be_asked:
                    continue
                try:
                    came.lists[account.id] = await self._list(entry, account)
                except (UpstreamError, PluginError) as error:
                    problem = came.problems[account.id] = self._refused(entry, account, error)
                    log.warning("models_not_listed", provider=entry.name, account=account.label, problem=problem)
                else:
                    self._accepted(entry, account)
        return came

    async def _list(self, entry: Entry, account: Account) -> Sequence[Model]:
        if not self.asks(entry):
            return entry.info.fallback_models
        account = await entry.fresh(account.id)
        try:
            return await self._plugins.list_models(entry.provider, account, entry.client(account)) or ()
        except UpstreamError as error:
            if not entry.can_refresh or self._verdict(entry, error).kind is not Kind.TOKEN_EXPIRED:
                raise
        await entry.refresh(account)
        account = await entry.fresh(account.id)
        return await self._plugins.list_models(entry.provider, account, entry.client(account)) or ()

    def _verdict(self, entry: Entry, error: UpstreamError) -> Verdict:
        if isinstance(error, LoginRequired):
            return Verdict(Kind.LOGIN_REQUIRED, message=str(error))
        return self._plugins.classify_error(entry.provider, error.failure) or default_verdict(error.failure)

    def _refused(self, entry: Entry, account: Account, error: UpstreamError | PluginError) -> str:
        """What is wrong, in words. A credential that is refused is out for requests too, and says nothing of models."""
        if isinstance(error, PluginError):
            return redact(str(error))
        verdict = self._verdict(entry, error)
        message = redact(verdict.message or str(error))
        if verdict.kind in OUT:
            against = replace(verdict, message=f"{WHILE_LISTING}{message}")
            self._health.failed(entry.name, account.id, ANY_MODEL, against)
            return f"an account was refused ({verdict.kind}: {message}); see to its credential, not to the models"
        if verdict.kind is Kind.FORBIDDEN:
            return f"an account may not list models (forbidden: {message}); see to its rights, not to the models"
        return message

    def _accepted(self, entry: Entry, account: Account) -> None:
        """What was held against the account because it could not list is over when it can.

        What a request found out stands: some upstreams list their models to everybody.
        """
        for account_id, model, block in self._health.rows(entry.name):
            if (account_id, model) == (account.id, ANY_MODEL) and block.message.startswith(WHILE_LISTING):
                self._health.clear(entry.name, account.id, ANY_MODEL)

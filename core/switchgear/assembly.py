"""From a configuration file to a running gateway, and from one configuration to the next without dropping a request."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from switchgear.account_settings import FOLDER, AccountSettingsFolder
from switchgear.accounts import Entry
from switchgear.authfile import DirectoryStore
from switchgear.catalog import Catalog
from switchgear.config import Config
from switchgear.config.diff import DOCUMENT as LOADED
from switchgear.config.diff import LoadedOutline, compare, new_salt
from switchgear.configured import Loaded as Loaded
from switchgear.configured import load as load
from switchgear.configured import outline_of as outline_of
from switchgear.drift import shown
from switchgear.errors import ConfigError
from switchgear.gateway import Gateway, Limits
from switchgear.health import Health
from switchgear.kept_lists import DOCUMENT as LISTS
from switchgear.loading import Installed
from switchgear.login_expiry import Reminders
from switchgear.metrics import Alerts, Metrics
from switchgear.plugins import Plugins
from switchgear.quotas import Quotas
from switchgear.remembering import DOCUMENT as STANDING
from switchgear.remembering import recall, remembered
from switchgear.routing import Router
from switchgear.sealing import Sealer
from switchgear.shifts import Shifts
from switchgear.slots import SlotLimits, Slots
from switchgear.state import StateStore
from switchgear.strategies import Ordering
from switchgear.types import Account
from switchgear.upstream import UpstreamClients
from switchgear.watchdog import Watchdog

AVAILABILITY_SAMPLE_S = 1.0
ACCOUNTS_LOOK_S = 1.0
"""How soon a sign-in, an edit or a removal in the auth directory is seen; it is looked for, as network file systems and
container mounts report no changes."""
REFRESH_LOOK_S = 5.0
STANDING_LOOK_S = 1.0
QUOTA_READ_S = 300.0
LIST_JITTER = (0.9, 1.1)
"""Shares of ``models-ttl-seconds`` after which lists are asked for anew: gateways that started together drift apart."""
PATHS_SHOWN = 50

log = structlog.get_logger("switchgear.service")


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Runtime:
    """One configuration at work. A reload makes another; requests in flight end on the one they began with."""

    config: Config
    plugins: Plugins
    entries: tuple[Entry, ...]
    catalog: Catalog
    router: Router
    gateway: Gateway
    broken: Mapping[str, str]
    loaded_at: float


class Service:
    """The gateway as a whole. What must survive a reload lives here: health, metrics, alerts, connections.

    Attributes:
        state: what outlives a restart; ``None`` in demo mode, which writes nothing.
        background: further work, begun at the start and cancelled at the end.
    """

    def __init__(
        self,
        path: Path,
        loaded: Loaded,
        text: str | None = None,
        available: Mapping[str, Installed] | None = None,
        clients: UpstreamClients | None = None,
    ) -> None:
        self.path = path
        self._available = available
        self._text = text
        self.in_memory = text is not None
        self.digest = loaded.digest
        self.started_at = int(time.time())
        self.draining = False
        self.reload_problem = ""
        self.state = None if self.in_memory else StateStore(loaded.config.state_dir)
        self._outline = outline_of(loaded, new_salt())
        self.metrics = Metrics()
        self.alerts = Alerts()
        self.quotas = Quotas()
        self.reminders = Reminders()
        self.background: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self.clients = clients or UpstreamClients()
        routing = loaded.config.routing
        self.health = Health(routing.cooldown_floor_seconds, routing.cooldown_cap_seconds)
        self.slots = Slots(routing.queue_size)
        self.shifts = Shifts()
        self.current = self._assemble(loaded)
        self._tasks: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()

    def _assemble(self, loaded: Loaded) -> Runtime:
        config, plugins = loaded.config, loaded.plugins
        sealer = Sealer(config.auth_key_file, require_keyring=config.secrets == "require-keyring")
        entries = tuple(
            Entry(
                provider,
                plugins.info(provider.key),
                plugins,
                DirectoryStore(config.auth_dir, provider.name, provider.key, sealer, config.auth_file_permissions),
                AccountSettingsFolder(config.auth_dir, provider.name),
                self.clients,
                self.health,
            )
            for provider, _ in loaded.entries
        )
        catalog = Catalog(entries, plugins, self.health, force_prefix=config.force_model_prefix)
        router = Router(
            catalog,
            self.health,
            self.slots,
            Ordering(config.routing.strategy),
            config.routing.fallbacks,
            self.shifts,
            keeps_conversations=config.routing.keep_conversations,
        )
        limits = Limits(config.request_retry, config.max_retry_interval, config.routing.queue_seconds)
        gateway = Gateway(router, plugins, self.health, self.metrics, limits)
        return Runtime(config, plugins, entries, catalog, router, gateway, loaded.broken, time.time())

    # -- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Load the accounts and begin the work in the background; upstreams are asked there, not here."""
        self.metrics.keep([entry.name for entry in self.current.entries])
        await self.load_accounts(self.current)
        await self._recall_standing()
        await self.recall_models()
        await self._keep_outline()
        self._spawn(self._keep_models())
        self._spawn(self._keep_accounts())
        self._spawn(self._keep_tokens_fresh())
        self._spawn(self._keep_standing())
        self._spawn(self._keep_quotas())
        self._spawn(self._sample_availability())
        for work in self.background:
            self._spawn(work())
        self._spawn(Watchdog(self._plugin_sources, self._plugin_blocked).run())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background_work_failed", exc_info=error)

    async def aclose(self) -> None:
        """End the work in the background, and close every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.current.catalog.aclose()
        await asyncio.gather(*(entry.aclose() for entry in self.current.entries))
        await self.clients.aclose()

    async def load_accounts(self, runtime: Runtime) -> None:
        """Load every entry's accounts, and name their models."""
        await asyncio.gather(*(entry.load() for entry in runtime.entries if not entry.provider.settings.disabled))
        runtime.catalog.rebuild()
        entries = [entry for entry in runtime.entries if entry.accounts]
        self.slots.limits = SlotLimits(
            {e.name: most for e in entries if (most := e.provider.settings.max_concurrency) is not None},
            {(e.name, a.id): most for e in entries for a in e.accounts if (most := a.max_concurrency) is not None},
        )

    async def _recall_standing(self) -> None:
        document = None if self.state is None else await asyncio.to_thread(self.state.read, STANDING)
        if document is not None:
            recall(document, self.current.entries, self.health, self.shifts)

    async def _keep_standing(self) -> None:
        """Write what stands against accounts, and the shifts, whenever that has changed; and at the end."""
        seen = (self.health.changes, self.shifts.changes)
        try:
            while True:
                await asyncio.sleep(STANDING_LOOK_S)
                now = (self.health.changes, self.shifts.changes)
                if now != seen:
                    seen = now
                    await self.save_standing()
        finally:
            if (self.health.changes, self.shifts.changes) != seen:
                await self.save_standing()

    async def save_standing(self) -> None:
        """Write what stands against accounts, and the shifts, for the next start."""
        if self.state is not None:
            document = remembered(self.current.entries, self.health, self.shifts)
            await asyncio.to_thread(self.state.write, STANDING, document)

    async def recall_models(self) -> None:
        """Take in the model lists that an earlier run kept; they serve until the upstreams have answered."""
        document = None if self.state is None else await asyncio.to_thread(self.state.read, LISTS)
        if document is not None:
            self.current.catalog.recall(document)

    async def list_models(self) -> None:
        """Ask the upstreams for their models, and keep the lists over a restart."""
        catalog = self.current.catalog
        await catalog.refresh()
        if self.state is not None and catalog is self.current.catalog:
            await asyncio.to_thread(self.state.write, LISTS, catalog.document())

    async def _keep_models(self) -> None:
        while True:
            await self.list_models()
            await asyncio.sleep(self.current.config.models_ttl_seconds * random.uniform(*LIST_JITTER))  # noqa: S311

    async def _keep_accounts(self) -> None:
        seen = await asyncio.to_thread(_account_files, self.current)
        while True:
            await asyncio.sleep(ACCOUNTS_LOOK_S)
            found = await asyncio.to_thread(_account_files, self.current)
            if found != seen:
                seen = found
                await self.reload_accounts(self.current)

    async def reload_accounts(self, runtime: Runtime) -> None:
        """Take in what changed in the auth directory; models are listed anew where an account came or went."""
        before = _served(runtime)
        await self.load_accounts(runtime)
        self.keep_known(runtime)
        if _served(runtime) != before:
            log.info("accounts_changed", before=len(before), now=len(_served(runtime)))
            await self.list_models()

    def keep_known(self, runtime: Runtime) -> None:
        """Forget what stands against accounts that are gone."""
        self.health.keep({(entry.name, account.id) for entry in runtime.entries for account in entry.accounts})

    async def _keep_tokens_fresh(self) -> None:
        while True:
            await asyncio.gather(*(entry.refresh_due() for entry in self.current.entries))
            self.reminders.look(self.current.entries, time.time())
            await asyncio.sleep(REFRESH_LOOK_S)

    async def _keep_quotas(self) -> None:
        while True:
            await self.quotas.read(self.current.entries, self.current.plugins)
            await asyncio.sleep(QUOTA_READ_S)

    async def _sample_availability(self) -> None:
        while True:
            for entry in self.current.entries:
                self.metrics.sample_availability(entry.name, self.eligible(entry))
            await asyncio.sleep(AVAILABILITY_SAMPLE_S)

    def eligible(self, entry: Entry) -> bool:
        """Whether at least one account of the entry may be asked now, for at least one model."""
        return any(self.account_state(entry, account) == "ready" for account in entry.accounts)

    def account_state(self, entry: Entry, account: Account) -> str:
        """The account's state: one that cools for some of its models only is ``ready``."""
        if account.disabled:
            return "disabled"
        if account.problem:
            return "auth_failed"
        state = self.health.account_state(entry.name, account.id)
        models = self.current.catalog.models_of(entry.name)
        if state != "cooling":
            return state
        free = any(self.health.blocked(entry.name, account.id, model) is None for model in models)
        return "ready" if free or not models else "cooling"

    # -- plugins that block --------------------------------------------------------------------------------

    def _plugin_sources(self) -> dict[str, str]:
        sources = {}
        plugins = self.current.plugins
        for name in plugins.statuses:
            if name in plugins:
                module = sys.modules.get(getattr(plugins.module(name), "__name__", ""))
                file = getattr(module, "__file__", None)
                if file is not None:
                    package = getattr(module, "__package__", "")
                    sources[str(Path(file).parent) if package else file] = name
        return sources

    def _plugin_blocked(self, plugin: str | None, where: str, seconds: float) -> None:
        if plugin is not None:
            self.current.plugins.blocked(plugin, where, seconds)

    # -- reload --------------------------------------------------------------------------------------------

    async def reload(self) -> None:
        """Take the file's new content in, or keep the last good one and say why. Never raises."""
        async with self._reloading:
            try:
                loaded = await asyncio.to_thread(load, self.path, self._text, self._available)
            except ConfigError as error:
                self.reload_problem = str(error)
                self.metrics.config_reloads["rejected"] += 1
                log.error("config_rejected", file=self.path.name, problem=str(error))
                return
            self._take_note(loaded)
            runtime = self._assemble(loaded)
            known = {entry.name: entry for entry in self.current.entries}
            for entry in runtime.entries:
                if entry.name in known:
                    entry.adopt(known[entry.name])
            await self.load_accounts(runtime)
            runtime.catalog.adopt(self.current.catalog)
            await runtime.catalog.complete()  # a name must not be missing in between, only because its provider is new
            self.current = runtime
            self.reload_problem = ""
            self.metrics.config_reloads["ok"] += 1
            routing = loaded.config.routing
            self.slots.most_waiting = routing.queue_size
            self.health.floor_s, self.health.cap_s = routing.cooldown_floor_seconds, routing.cooldown_cap_seconds
            self.keep_known(runtime)
            self.metrics.keep([entry.name for entry in runtime.entries])
            log.info("config_loaded", file=self.path.name, providers=len(runtime.entries))
            await self._keep_outline()
            del runtime, known  # those of the next reload are not held up by these
        await self.list_models()

    def _take_note(self, loaded: Loaded) -> None:
        """Say what a new configuration changes; where it changes providers, they get new connections.

        The old ones close when nobody uses them any more: with the last stream of the old configuration.
        """
        found = outline_of(loaded, self._outline.salt)
        changes = compare(self._outline, found)
        if changes:
            log.info(
                "config_changed", **{how: ", ".join(shown(paths, PATHS_SHOWN)) for how, paths in changes.by_kind()}
            )
        if changes.at_start:
            log.warning("restart_needed", keys=", ".join(changes.at_start))
        if changes.touches(found.providers | self._outline.providers):
            self.clients.close_when_unused()
            self.clients = UpstreamClients()
        self._outline = found

    async def _keep_outline(self) -> None:
        if self.state is not None:
            loaded = LoadedOutline(str(self.path.absolute()), self.current.loaded_at, self._outline)
            await asyncio.to_thread(self.state.write, LOADED, loaded.document())


def _served(runtime: Runtime) -> set[tuple[str, str]]:
    return {(entry.name, account.id) for entry in runtime.entries for account in entry.accounts if account.may_be_asked}


def _account_files(runtime: Runtime) -> frozenset[tuple[str, int, int]]:
    """The files that accounts live in, in the auth directory and elsewhere: names, times and sizes."""
    found = set()
    for folder in (runtime.config.auth_dir, runtime.config.auth_dir / FOLDER):
        with suppress(OSError), os.scandir(folder) as files:
            for file in files:
                if file.name.endswith(".json"):
                    facts = file.stat()
                    found.add((file.path, facts.st_mtime_ns, facts.st_size))
    for path in {path for entry in runtime.entries for path in entry.provider.settings.account_files}:
        with suppress(OSError):
            facts = path.stat()
            found.add((str(path), facts.st_mtime_ns, facts.st_size))
    return frozenset(found)

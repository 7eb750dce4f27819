"""From a configuration file to a running gateway, and from one configuration to the next without dropping a request."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from switchgear.account_settings import FOLDER, AccountSettingsFolder
from switchgear.accounts import Entry
from switchgear.authfile import DirectoryStore
from switchgear.catalog import Catalog
from switchgear.config import Config, ProviderEntry, check_names, read_config, validate_entries
from switchgear.errors import ConfigError
from switchgear.gateway import Gateway, Limits
from switchgear.health import Health
from switchgear.loading import Installed, installed
from switchgear.metrics import Metrics
from switchgear.plugins import Plugins
from switchgear.routing import Router
from switchgear.sealing import Sealer
from switchgear.settings import ProviderSettings
from switchgear.types import Account, Provider
from switchgear.upstream import UpstreamClients
from switchgear.watchdog import Watchdog

AVAILABILITY_SAMPLE_S = 1.0
ACCOUNTS_LOOK_S = 1.0
"""How soon a sign-in, an edit or a removal in the auth directory is seen; it is looked for, as network file systems and
container mounts report no changes."""
REFRESH_LOOK_S = 5.0

log = structlog.get_logger("switchgear.service")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration with its plugins; nothing was asked of any upstream yet.

    Attributes:
        entries: each provider with the entry of the file it stands for.
        broken: the key of each block whose plugin cannot be used, and why; its entries are not in ``entries``.
        digest: of the file as it was read, for :func:`~switchgear.config.watch`.
    """

    config: Config
    plugins: Plugins
    entries: tuple[tuple[Provider, ProviderEntry], ...]
    broken: Mapping[str, str]
    digest: str


def load(path: Path, text: str | None = None, available: Mapping[str, Installed] | None = None) -> Loaded:
    """Read and check ``path`` (or ``text``, as if it stood there), and import the plugins it names.

    It blocks (files, imports, keyring), so call it in a thread where an event loop runs.

    Raises:
        ConfigError: the file is wrong. A plugin that is wrong does not raise: see ``Loaded.broken``.
    """
    found = installed() if available is None else available
    raw = read_config(path, text, installed=found.keys())
    plugins = Plugins.load(raw.blocks.keys(), found)
    models = {key: plugins.info(key).settings or ProviderSettings for key in raw.blocks if key in plugins}
    entries = validate_entries(raw, models)
    providers = tuple((_provider(entry, plugins), entry) for entry in entries)
    check_names(raw, [(entry, provider.prefix) for provider, entry in providers])
    broken = {key: plugins.statuses[key].problem for key in raw.blocks if key not in plugins}
    return Loaded(raw.config, plugins, providers, broken, raw.digest)


def _provider(entry: ProviderEntry, plugins: Plugins) -> Provider:
    prefix = entry.settings.prefix
    if prefix is None:
        prefix = entry.key if plugins.info(entry.key).login_methods else ""
    return Provider(entry.name, entry.key, prefix, entry.settings)


@dataclass(frozen=True, slots=True)
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
    """The gateway as a whole. What must survive a reload lives here: health, metrics, connections."""

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
        self.metrics = Metrics()
        self.clients = clients or UpstreamClients()
        routing = loaded.config.routing
        self.health = Health(routing.cooldown_floor_seconds, routing.cooldown_cap_seconds)
        self.current = self._assemble(loaded)
        self._tasks: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()

    def _assemble(self, loaded: Loaded) -> Runtime:
        config, plugins = loaded.config, loaded.plugins
        key_file = config.auth_dir.parent / f"{config.auth_dir.name}.key"
        sealer = Sealer(key_file, require_keyring=config.secrets == "require-keyring")
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
        catalog = Catalog(entries, plugins, force_prefix=config.force_model_prefix)
        router = Router(catalog, self.health, config.routing.strategy, config.routing.fallbacks)
        limits = Limits(config.request_retry, config.max_retry_interval)
        gateway = Gateway(router, plugins, self.health, self.metrics, limits)
        return Runtime(config, plugins, entries, catalog, router, gateway, loaded.broken, time.time())

    # -- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Load the accounts and begin the work in the background; upstreams are asked there, not here."""
        self.metrics.keep([entry.name for entry in self.current.entries])
        await self.load_accounts(self.current)
        self._spawn(self._keep_models())
        self._spawn(self._keep_accounts())
        self._spawn(self._keep_tokens_fresh())
        self._spawn(self._sample_availability())
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
        await asyncio.gather(*(entry.aclose() for entry in self.current.entries))
        await self.clients.aclose()

    async def load_accounts(self, runtime: Runtime) -> None:
        """Load every entry's accounts, and name their models."""
        await asyncio.gather(*(entry.load() for entry in runtime.entries if not entry.provider.settings.disabled))
        runtime.catalog.rebuild()

    async def _keep_models(self) -> None:
        while True:
            runtime = self.current
            await runtime.catalog.refresh()
            await asyncio.sleep(runtime.config.models_ttl_seconds)

    async def _keep_accounts(self) -> None:
        seen = await asyncio.to_thread(_auth_files, self.current.config.auth_dir)
        while True:
            await asyncio.sleep(ACCOUNTS_LOOK_S)
            runtime = self.current
            found = await asyncio.to_thread(_auth_files, runtime.config.auth_dir)
            if found != seen:
                seen = found
                await self.reload_accounts(runtime)

    async def reload_accounts(self, runtime: Runtime) -> None:
        """Take in what changed in the auth directory; models are listed anew where an account came or went."""
        before = _served(runtime)
        await self.load_accounts(runtime)
        self.keep_known(runtime)
        if _served(runtime) != before:
            log.info("accounts_changed", before=len(before), now=len(_served(runtime)))
            await runtime.catalog.refresh()

    def keep_known(self, runtime: Runtime) -> None:
        """Forget what stands against accounts that are gone."""
        self.health.keep({(entry.name, account.id) for entry in runtime.entries for account in entry.accounts})

    async def _keep_tokens_fresh(self) -> None:
        while True:
            await asyncio.gather(*(entry.refresh_due() for entry in self.current.entries))
            await asyncio.sleep(REFRESH_LOOK_S)

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
                log.error("config_rejected", file=self.path.name, problem=str(error))
                return
            runtime = self._assemble(loaded)
            known = {entry.name: entry for entry in self.current.entries}
            for entry in runtime.entries:
                if entry.name in known:
                    entry.adopt(known[entry.name])
            await self.load_accounts(runtime)
            for name, listing in self.current.catalog.listings.items():
                runtime.catalog.adopt(name, listing)
            self._say_what_waits(self.current.config, runtime.config)
            self.current = runtime
            self.reload_problem = ""
            routing = loaded.config.routing
            self.health.floor_s, self.health.cap_s = routing.cooldown_floor_seconds, routing.cooldown_cap_seconds
            self.keep_known(runtime)
            self.metrics.keep([entry.name for entry in runtime.entries])
            log.info("config_loaded", file=self.path.name, providers=len(runtime.entries))
        await runtime.catalog.refresh()

    @staticmethod
    def _say_what_waits(old: Config, new: Config) -> None:
        """Some keys are read at start only."""
        waiting = [name for name in ("host", "port", "log") if getattr(old, name) != getattr(new, name)]
        if waiting:
            log.warning("restart_needed", keys=", ".join(waiting))


def _served(runtime: Runtime) -> set[tuple[str, str]]:
    return {(entry.name, account.id) for entry in runtime.entries for account in entry.accounts if not account.disabled}


def _auth_files(auth_dir: Path) -> frozenset[tuple[str, int, int]]:
    """What lies in the auth directory: names, times and sizes."""
    found = set()
    for folder in (auth_dir, auth_dir / FOLDER):
        with suppress(OSError), os.scandir(folder) as files:
            for file in files:
                if file.name.endswith(".json"):
                    facts = file.stat()
                    found.add((file.path, facts.st_mtime_ns, facts.st_size))
    return frozenset(found)

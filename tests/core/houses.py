"""A catalog over providers whose lists a test can change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from switchgear import (
    Account,
    Failure,
    Model,
    Provider,
    ProviderInfo,
    ProviderSettings,
    Secret,
    UpstreamError,
    hookimpl,
)
from switchgear.account_settings import AccountSettings, AccountSettingsFolder
from switchgear.accounts import Entry
from switchgear.catalog import Catalog
from switchgear.health import Health
from switchgear.plugins import Plugins
from switchgear.upstream import UpstreamClients
from tests.stores import store


class House:
    """Providers whose lists a test can change.

    Attributes:
        lists_of: by account id; an exception is raised.
        models_of: likewise, where more than the names counts.
        asked: the accounts that were asked, in order.
        gate: while it is cleared, upstreams do not answer.
        now: every clock, in seconds.
        lists_itself: the plugin can list; with ``refreshable`` its tokens can be refreshed, see ``on_refresh``. Both
            are for before the first catalog.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lists_of: dict[str, Sequence[str] | Exception] = {}
        self.models_of: dict[str, Sequence[Model]] = {}
        self.accounts: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.refreshes = 0
        self.on_refresh: Callable[[], None] = lambda: None
        self.lists_itself = True
        self.refreshable = False
        self.now = 0.0
        self.health = Health(1, 600)
        self.plugins = Plugins()
        self.clients = UpstreamClients()
        self.gate = asyncio.Event()
        self.gate.set()

    def _plugin(self) -> ModuleType:
        @hookimpl
        def provider_info() -> ProviderInfo:
            return ProviderInfo(dialects=("openai-chat",), fallback_models=(Model("known-good"),))

        @hookimpl
        async def list_models(account: Account) -> list[Model]:
            self.asked.append(account.id)
            await self.gate.wait()
            found = self.lists_of.get(account.id, ())
            if isinstance(found, Exception):
                raise found
            return [*self.models_of.get(account.id, ()), *(Model(name) for name in found)]

        @hookimpl
        async def load_accounts(provider: Provider) -> list[Account]:
            return [Account(name, label=name) for name in self.accounts[provider.name]]

        @hookimpl
        async def refresh_token(account: Account) -> Account:
            self.refreshes += 1
            self.on_refresh()
            return replace(account, secrets={"token": Secret(f"token-{self.refreshes}-of-a-test")})

        hooks: list[Any] = [provider_info, load_accounts]
        hooks += [list_models] if self.lists_itself else []
        hooks += [refresh_token] if self.refreshable else []
        module = ModuleType("listing")
        module.__dict__.update({hook.__name__: hook for hook in hooks})
        return module

    def switch_off(self, provider: str, account: str) -> None:
        """As an operator does; the entry's next load takes it in."""
        AccountSettingsFolder(self.folder, provider).write(account, AccountSettings(disabled=True))

    async def catalog(self, *blocks: Mapping[str, Any], force_prefix: bool = False, ask: bool = True) -> Catalog:
        if "listing" not in self.plugins:
            self.plugins.register("listing", self._plugin())
        entries = []
        for block in blocks:
            fields = {key: value for key, value in block.items() if key != "accounts"}
            settings = ProviderSettings.model_validate(fields)
            name = settings.name or "p"
            self.accounts[name] = list(block.get("accounts", ["one"]))
            provider = Provider(name, "listing", settings.prefix or "", settings)
            info = self.plugins.info("listing")
            settings_folder = AccountSettingsFolder(self.folder, name)
            files = store(self.folder, name, "listing")
            entries.append(Entry(provider, info, self.plugins, files, settings_folder, self.clients, self.health))
            await entries[-1].load()
        catalog = Catalog(
            entries,
            self.plugins,
            self.health,
            force_prefix=force_prefix,
            wall=lambda: self.now,
            monotonic=lambda: self.now,
        )
        if ask:
            await catalog.refresh()
        return catalog

    async def lists(
        self, catalog: Catalog, *names: str | Exception, account: str = "one", after_s: float = 600
    ) -> None:
        """The next round, ``after_s`` later: the account's list has these names, or fails."""
        self.now += after_s
        failing = next((name for name in names if isinstance(name, Exception)), None)
        self.lists_of[account] = failing or [str(name) for name in names]
        await catalog.refresh()


def listed(catalog: Catalog) -> list[str]:
    return [name for name, _ in catalog.names()]


def failing(status: int) -> UpstreamError:
    return UpstreamError(Failure("status", status, message="down" if status >= 500 else "no"))


REFUSED = failing(503)

"""What all levels' checks share: the plugin, a bench for one check, and the tour that several of them look back on."""

from __future__ import annotations

import asyncio
import functools
from contextlib import AbstractAsyncContextManager
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any, cast
from weakref import WeakKeyDictionary

from switchgear.loading import Installed, installed
from switchgear.plugins import Plugins
from switchgear.testing.contract.base import CheckFailed, ContractBase
from switchgear.testing.contract.bench import Bench, bench
from switchgear.testing.contract.tour import Tour, toured

_tours: WeakKeyDictionary[type, Tour] = WeakKeyDictionary()
_all_installed = functools.cache(installed)


class BenchedContract(ContractBase):
    """A contract whose checks have a bench."""

    def bench(self, **timeouts: float) -> AbstractAsyncContextManager[Bench]:
        """A fresh fake with a gateway over it; ``timeouts`` are the entry's, in seconds."""
        return bench(self.fake(), self._installed(), timeouts=timeouts)

    async def loaded(self) -> Plugins:
        """The plugin alone, imported and held to the contract.

        Raises:
            CheckFailed: it cannot be used.
        """
        plugins = await asyncio.to_thread(Plugins.load, {self.plugin}, {self.plugin: self._installed()})
        if self.plugin not in plugins:
            raise CheckFailed(f"it {plugins.statuses[self.plugin].problem}")
        return plugins

    async def toured(self) -> Tour:
        """What was seen on the tour; it is made once for all checks of a class that look back on it.

        Raises:
            CheckFailed: no gateway started.
        """
        known = _tours.get(type(self))
        if known is None:
            known = _tours[type(self)] = await toured(self.fake, self._installed())
        if "the gateway" in known.missed:
            raise CheckFailed(f"there was no tour: {known.missed['the gateway']}")
        return known

    def _installed(self) -> Installed:
        if self.module is not None:
            return self._given()
        found = _all_installed().get(self.plugin)
        if found is None:
            raise CheckFailed(f"no plugin {self.plugin!r} is installed: is its entry point in the group switchgear?")
        return found

    def _given(self) -> Installed:
        """The plugin that is not installed, as if it were."""
        value = self.module.__name__ if isinstance(self.module, ModuleType) else type(self.module).__module__
        point = _Given(self.plugin, value, "switchgear")
        vars(point)["plugin"] = self.module
        return Installed(self.plugin, "?", "?", (cast("EntryPoint", point),))


class _Given(EntryPoint):
    """An entry point that has already been followed."""

    def load(self) -> Any:
        return vars(self)["plugin"]

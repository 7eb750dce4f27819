"""A configuration opened for a command about accounts: no server, no background work, and no upstream is asked."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from switchgear.cli.no_config import NoConfigError
from switchgear.errors import SwitchgearError

if TYPE_CHECKING:
    from switchgear.accounts import Entry
    from switchgear.assembly import Loaded, Service
    from switchgear.audit import AuditLog

T = TypeVar("T")


class ProviderError(SwitchgearError):
    """The provider that was named cannot be used; the message says what to write where."""


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Service]:
    """The service of ``path``; its accounts are not loaded yet."""
    from switchgear.assembly import Service  # what is imported in functions here, `--help` does without

    service = Service(path, await asyncio.to_thread(_load, path))
    try:
        yield service
    finally:
        await service.aclose()


def _load(path: Path) -> Loaded:
    if not path.exists():
        raise NoConfigError(f"there is no {path}; name the file with --config")
    from switchgear.assembly import load

    return load(path)


def with_accounts(path: Path, action: Callable[[Service], Coroutine[None, None, T]]) -> T:
    """Run ``action`` on the service of ``path``, the accounts of every entry loaded."""
    from switchgear import logs

    logs.configure("text", "critical")  # what is wrong with a file stands in the command's own output

    async def run() -> T:
        async with opened(path) as service:
            await asyncio.gather(*(entry.load() for entry in service.current.entries))
            return await action(service)

    return asyncio.run(run())


def audit_of(service: Service) -> AuditLog:
    """Where changes are written down."""
    from switchgear.audit import AuditLog

    return AuditLog(lambda: service.current.config.state_dir)


def entry_named(service: Service, name: str) -> Entry:
    """The entry called ``name``, or the only one of the block with this key.

    Raises:
        ProviderError: there is none.
    """
    runtime = service.current
    for entry in runtime.entries:
        if entry.name == name:
            return entry
    of_block = [entry for entry in runtime.entries if entry.provider.key == name]
    if len(of_block) == 1:
        return of_block[0]
    if of_block:
        raise ProviderError(f"{name} has several entries: {', '.join(entry.name for entry in of_block)}; name one")
    if name in runtime.broken:
        raise ProviderError(f"the plugin of {name} cannot be used: {runtime.broken[name]}")
    if name in runtime.plugins.statuses:
        raise ProviderError(_not_configured(service, name))
    known = [entry.name for entry in runtime.entries]
    near = difflib.get_close_matches(name, [*known, *runtime.plugins.statuses], 1)
    hint = f"did you mean {near[0]}?" if near else f"configured are {', '.join(known) or 'none'}"
    raise ProviderError(
        f"no provider is called {name[:64]!r}; {hint}; installed ones are shown by: switchgear plugins list"
    )


def _not_configured(service: Service, name: str) -> str:
    from switchgear.plugins import Plugins

    loaded = Plugins.load({name})
    if name not in loaded:
        return f"the plugin of {name} cannot be used: {loaded.statuses[name].problem}"
    if not loaded.info(name).login_methods:
        return f"{name} has no sign-in, and no entry in {service.path}: its keys are written there"
    lines = f"{name}:\n  - name: {name}\n"
    return f"{name} is installed, but not in {service.path}. Add these two lines to it, and try again:\n\n{lines}"

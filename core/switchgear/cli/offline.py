"""A configuration assembled for one command: no server, no background work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from switchgear.cli.no_config import NoConfigError
from switchgear.cli.options import config_option as config_option
from switchgear.cli.options import json_option as json_option
from switchgear.cli.options import print_json as print_json

if TYPE_CHECKING:
    from switchgear.assembly import Runtime

T = TypeVar("T")


@asynccontextmanager
async def assembled(path: Path, *, ask_upstreams: bool = True) -> AsyncIterator[Runtime]:
    """The runtime of ``path``: its accounts, and the model lists as last kept, then fetched from the upstreams."""
    from switchgear import logs  # only a command that is run pays for these
    from switchgear.assembly import Service, load

    logs.configure("text", "error")
    service = Service(path, await asyncio.to_thread(load, path))
    try:
        await service.load_accounts(service.current)
        await service.recall_models()
        if ask_upstreams:
            await service.current.catalog.refresh()
        yield service.current
    finally:
        await service.aclose()


def with_runtime(path: Path, action: Callable[[Runtime], Coroutine[Any, Any, T]], *, ask_upstreams: bool = True) -> T:
    """Run ``action`` on the assembled runtime."""
    if not path.exists():
        raise NoConfigError(f"there is no {path}; name the file with --config")

    async def run() -> T:
        async with assembled(path, ask_upstreams=ask_upstreams) as runtime:
            return await action(runtime)

    return asyncio.run(run())

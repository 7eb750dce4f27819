"""A configuration assembled for one command: no server, no background work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from switchgear import logs
from switchgear.assembly import Runtime, Service, load
from switchgear.cli.no_config import NoConfigError

T = TypeVar("T")

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("config.yaml"),
    show_default=True,
    help="The configuration file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@asynccontextmanager
async def assembled(path: Path) -> AsyncIterator[Runtime]:
    """The runtime of ``path``, its accounts loaded and its model lists fetched from the upstreams."""
    logs.configure("text", "error")
    service = Service(path, await asyncio.to_thread(load, path))
    try:
        await service.load_accounts(service.current)
        await service.current.catalog.refresh()
        yield service.current
    finally:
        await service.aclose()


def with_runtime(path: Path, action: Callable[[Runtime], Coroutine[Any, Any, T]]) -> T:
    """Run ``action`` on the assembled runtime."""
    if not path.exists():
        raise NoConfigError(f"there is no {path}; name the file with --config")

    async def run() -> T:
        async with assembled(path) as runtime:
            return await action(runtime)

    return asyncio.run(run())


def print_json(value: Any) -> None:
    """Print ``value`` as indented JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())

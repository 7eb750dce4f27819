"""``switchgear models``: what clients can ask for, and why something is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from switchgear.assembly import Runtime
from switchgear.cli.offline import config_option, json_option, print_json, with_runtime
from switchgear.cli.tables import print_table


@click.command()
@click.option("--why", "name", metavar="NAME", help="Say why NAME is, or is not, listed.")
@config_option
@json_option
def models(name: str | None, config_path: Path, as_json: bool) -> None:
    """List the models that clients see. Upstreams that list their own models are asked."""

    async def read(runtime: Runtime) -> dict[str, Any]:
        return _why(runtime, name) if name is not None else _all(runtime)

    result = with_runtime(config_path, read)
    if as_json:
        print_json(result)
    elif name is None:
        _print_all(result)
    else:
        click.echo(f"{name}: {'listed' if result['listed'] else 'not listed'}")
        for line in result["reasons"]:
            click.echo(f"  {line}")
        if result["near"]:
            click.echo(f"  near: {', '.join(result['near'])}")
    if name is not None and not result["listed"]:
        raise SystemExit(1)


def _all(runtime: Runtime) -> dict[str, Any]:
    rows = [
        {
            "id": public,
            "provider": target.entry.name,
            "upstream_models": list(target.models),
            "source": runtime.catalog.listings[target.entry.name].source,
        }
        for public, target in runtime.catalog.names()
    ]
    problems = {name: listing.problem for name, listing in runtime.catalog.listings.items() if listing.problem} | {
        entry.name: entry.problem for entry in runtime.entries if entry.problem
    }
    return {"models": rows, "problems": problems | dict(runtime.broken)}


def _print_all(result: dict[str, Any]) -> None:
    rows = [(row["id"], row["provider"], ", ".join(row["upstream_models"]), row["source"]) for row in result["models"]]
    print_table(("model", "provider", "upstream model", "from"), rows)
    click.echo(f"{len(rows)} models")
    for provider, problem in result["problems"].items():
        click.echo(f"{provider}: {problem}", err=True)


def _why(runtime: Runtime, name: str) -> dict[str, Any]:
    target = runtime.catalog.find(name)
    if target is not None:
        source = runtime.catalog.listings[target.entry.name].source
        pool = ", ".join(target.models)
        reasons = [f"{target.entry.name}: serves it as {pool} (from {source}); its full name is {target.id}"]
        return {"model": name, "listed": True, "reasons": reasons, "near": []}
    reasons = runtime.catalog.why_missing(name)
    reasons += [f"{key}: its plugin is broken: {problem}" for key, problem in runtime.broken.items()]
    near = runtime.catalog.near(name, lambda _: True)
    return {"model": name, "listed": False, "reasons": reasons, "near": near}

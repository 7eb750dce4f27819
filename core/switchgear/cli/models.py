"""``switchgear models``: what clients can ask for, why something is missing, and what upstreams changed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from switchgear.cli.offline import config_option, json_option, print_json, with_runtime
from switchgear.cli.tables import print_table

if TYPE_CHECKING:
    from switchgear.accounts import Entry
    from switchgear.assembly import Runtime
    from switchgear.catalog import Target

DIFFERS, TROUBLE = 1, 2


@click.group(invoke_without_command=True)
@click.option("--why", "name", metavar="NAME", help="Say why NAME is, or is not, listed.")
@config_option
@json_option
@click.pass_context
def models(context: click.Context, name: str | None, config_path: Path, as_json: bool) -> None:
    """List the models that clients see. Upstreams that list their own models are asked.

    FROM says where a name comes from: the configuration, the upstream, the plugin (which names its models itself), the
    last list that a gateway kept (snapshot), or the plugin's stand-ins (fallback), as no list could be had.
    """
    if context.invoked_subcommand is not None:
        return

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
    from switchgear.metrics.report import rfc3339  # imported where used, so that `--help` is quick

    rows = []
    for public, target in runtime.catalog.names():
        listing = runtime.catalog.listings[target.entry.name]
        missing = [listing.missing[model] for model in target.models if model in listing.missing]
        rows.append(
            {
                "id": public,
                "provider": target.entry.name,
                "upstream_models": list(target.models),
                "source": listing.source_of(target.models[0]),
                "missing_since": rfc3339(min(missing, default=None)),
            }
        )
    problems = {name: listing.problem for name, listing in runtime.catalog.listings.items() if listing.problem} | {
        entry.name: entry.problem for entry in runtime.entries if entry.problem
    }
    return {"models": rows, "problems": problems | dict(runtime.broken)}


def _print_all(result: dict[str, Any]) -> None:
    rows = [
        (
            row["id"],
            row["provider"],
            ", ".join(row["upstream_models"]),
            row["source"],
            f"missing since {row['missing_since']}" if row["missing_since"] else "",
        )
        for row in result["models"]
    ]
    print_table(("model", "provider", "upstream model", "from", ""), rows)
    click.echo(f"{len(rows)} models")
    for provider, problem in result["problems"].items():
        click.echo(f"{provider}: {problem}", err=True)


def _why(runtime: Runtime, name: str) -> dict[str, Any]:
    target = runtime.catalog.find(name)
    if target is not None:
        return {"model": name, "listed": True, "reasons": [_how(runtime, target)], "near": []}
    reasons = runtime.catalog.why_missing(name)
    reasons += [f"{key}: its plugin is broken: {problem}" for key, problem in runtime.broken.items()]
    near = runtime.catalog.near(name, lambda _: True)
    return {"model": name, "listed": False, "reasons": reasons, "near": near}


def _how(runtime: Runtime, target: Target) -> str:
    from switchgear.metrics.report import rfc3339

    listing = runtime.catalog.listings[target.entry.name]
    source, pool = listing.source_of(target.models[0]), ", ".join(target.models)
    said = f"{target.entry.name}: serves it as {pool} (from {source}); its full name is {target.id}"
    since = [listing.missing[model] for model in target.models if model in listing.missing]
    return said + (f"; its upstream does not list it since {rfc3339(min(since))}" if since else "")


@models.command()
@click.argument("provider", required=False)
@config_option
@json_option
def diff(provider: str | None, config_path: Path, as_json: bool) -> None:
    """Compare what is served with what upstreams list at this moment.

    Served is what a gateway with this state-dir kept of its last lists. Of a provider whose models are configured it is
    these, and then only what its upstream lacks counts. The exit code is 0 when nothing differs, 1 when something does,
    and 2 when a provider could not be compared.
    """

    async def read(runtime: Runtime) -> dict[str, Any]:
        wanted = [entry for entry in runtime.entries if provider in {None, entry.name}]
        if not wanted:
            names = ", ".join(entry.name for entry in runtime.entries)
            raise click.BadParameter(f"no provider is named {provider!r}; there are: {names or 'none'}")
        lister = runtime.catalog.lister
        asked = [entry for entry in wanted if lister.asks(entry) and not entry.provider.settings.disabled]
        return {"providers": {entry.name: await _differs(runtime, entry) for entry in asked}}

    result = with_runtime(config_path, read, ask_upstreams=False)
    if as_json:
        print_json(result)
    else:
        for name, row in result["providers"].items():
            _print_difference(name, row)
    rows = result["providers"].values()
    if any(row["problem"] for row in rows):
        raise SystemExit(TROUBLE)
    if any(row["added"] or row["removed"] for row in rows):
        raise SystemExit(DIFFERS)


async def _differs(runtime: Runtime, entry: Entry) -> dict[str, Any]:
    """How the entry's lists differ; accounts whose list cannot be had are left out of both sides, and named."""
    from switchgear.drift import compare

    listing = runtime.catalog.listings[entry.name]
    came = await runtime.catalog.lister.ask(entry)
    listed = dict.fromkeys(model.id for models in came.lists.values() for model in models)
    problem = entry.problem or "; ".join(dict.fromkeys(came.problems.values()))
    if listing.source == "configured":
        served = [model.name for model in listing.models] if came.lists else []
        listed = {name: None for name in served if name in listed}
    else:
        known = [listing.accounts[id_] for id_ in came.lists if id_ in listing.accounts]
        served = [name for each in known for name in each.infos]
        if came.lists and not known:
            problem = problem or "no gateway has kept a list of it in its state-dir"
            listed = {}
    return {"source": listing.source, **asdict(compare(served, listed)), "problem": problem}


def _print_difference(name: str, row: dict[str, Any]) -> None:
    click.echo(f"{name}: {row['before']} served, {row['after']} listed now")
    for mark, names in (("+", row["added"]), ("-", row["removed"])):
        for each in names:
            click.echo(f"  {mark} {each}")
    if row["problem"]:
        click.echo(f"{name}: not compared in full: {row['problem']}", err=True)

"""``switchgear quota``: what is left of each account's quota."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from switchgear.cli.amounts import seconds_until, spoken
from switchgear.cli.options import json_option, print_json
from switchgear.cli.running import Running, gateway_options
from switchgear.cli.tables import plain, print_table


@click.command()
@click.argument("provider", required=False)
@click.option("--fresh", is_flag=True, help="Ask the providers now; else what the gateway read last.")
@gateway_options
@json_option
def quota(provider: str | None, fresh: bool, config_path: Path, url: str | None, as_json: bool) -> None:
    """See what is left of each account's quota, as far as providers tell; of one PROVIDER, or of all.

    Pools of one account in one unit add up (a plan's, a trial's, a bonus): ALL POOLS is what is left of them together.
    """
    query = {} if provider is None else {"provider": provider}
    with Running.open(config_path, url) as running:
        answer = running.get("/quota", **query, fresh=str(int(fresh)))
    if as_json:
        print_json(answer)
        return
    if answer["quota"]:
        rows = [HEAD, *(_cells(row, answer["generated_at"]) for row in answer["quota"])]
        # A column of SOMETIMES that has nothing in it is left out.
        shown = [column for column in zip(*rows, strict=True) if column[0] not in SOMETIMES or any(column[1:])]
        head, *cells = zip(*shown, strict=True)
        print_table(head, cells)
    else:
        click.echo("no quota is known")
    for row in answer["problems"]:
        click.echo(f"{row['provider']} {row['account']}: not read: {plain(row['problem'])}", err=True)
    if answer["unread"]:
        new = ", ".join(f"{row['provider']} {row['account']}" for row in answer["unread"])
        click.echo(f"not read yet: {new}; ask now with: switchgear quota --fresh")
    if answer["untold"]:
        click.echo(f"cannot tell: {', '.join(answer['untold'])}")


HEAD = ("provider", "account", "plan", "pool", "unit", "left", "of", "", "all pools", "comes back", "source", "read")
SOMETIMES = frozenset({"plan", "pool", "all pools"})


def _cells(row: dict[str, Any], now: str) -> tuple[str, ...]:
    ratio, total = row["used_ratio"], row["total_used_ratio"]
    back, read = seconds_until(row["resets_at"], now), seconds_until(now, row["observed_at"])
    return (
        row["provider"],
        row["account"],
        plain(row["plan"]),
        plain(row["name"]),
        row["unit"],
        _number(row["remaining"]),
        _number(row["limit"]),
        "" if ratio is None else _left(ratio),
        "" if total is None or total == ratio else _left(total),
        "" if back is None else f"in {spoken(back)}",
        row["source"],
        "" if read is None else f"{spoken(read)} ago",
    )


def _left(used_ratio: float) -> str:
    return f"{max(0.0, 1 - used_ratio):.0%}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:,.10g}"

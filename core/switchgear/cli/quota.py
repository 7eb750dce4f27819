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
    """See what is left of each account's quota, as far as providers tell; of one PROVIDER, or of all."""
    query = {} if provider is None else {"provider": provider}
    with Running.open(config_path, url) as running:
        answer = running.get("/quota", **query, fresh=str(int(fresh)))
    if as_json:
        print_json(answer)
        return
    if answer["quota"]:
        rows = [_cells(row, answer["generated_at"]) for row in answer["quota"]]
        print_table(("provider", "account", "unit", "left", "of", "", "comes back", "source", "read"), rows)
    else:
        click.echo("no quota is known")
    for row in answer["problems"]:
        click.echo(f"{row['provider']} {row['account']}: not read: {plain(row['problem'])}", err=True)
    if answer["untold"]:
        click.echo(f"cannot tell: {', '.join(answer['untold'])}")


def _cells(row: dict[str, Any], now: str) -> tuple[str, ...]:
    ratio = row["used_ratio"]
    back, read = seconds_until(row["resets_at"], now), seconds_until(now, row["observed_at"])
    return (
        row["provider"],
        row["account"],
        row["unit"],
        _number(row["remaining"]),
        _number(row["limit"]),
        "" if ratio is None else f"{max(0.0, 1 - ratio):.0%}",
        "" if back is None else f"in {spoken(back)}",
        row["source"],
        "" if read is None else f"{spoken(read)} ago",
    )


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:,.10g}"

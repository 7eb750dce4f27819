"""``switchgear shift``: move a prefix's traffic to another one, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from switchgear.cli.amounts import percent_of, read_as, seconds_of, seconds_until, spoken
from switchgear.cli.options import json_option, print_json
from switchgear.cli.running import Running, gateway_options
from switchgear.cli.tables import print_table

MODELS_SHOWN = 10


@click.command()
@click.argument("source", metavar="[FROM]", required=False)
@click.option("--to", "target", metavar="PREFIX", help="The prefix that is asked first instead.")
@click.option(
    "--share", callback=read_as(percent_of), metavar="PERCENT", help="How much of it moves; all unless given."
)
@click.option(
    "--for",
    "for_s",
    callback=read_as(seconds_of),
    metavar="DURATION",
    help="How long (90s, 30m, 2h); no end unless given.",
)
@click.option("--back", is_flag=True, help="Move it back.")
@gateway_options
@json_option
def shift(
    source: str | None,
    target: str | None,
    share: int | None,
    for_s: int | None,
    back: bool,
    config_path: Path,
    url: str | None,
    as_json: bool,
) -> None:
    """Move the traffic of the prefix FROM to another one, and back; without FROM, list what is moved.

    \b
      switchgear shift kilo --to lima --share 50% --for 30m
      switchgear shift kilo --back

    A request for kilo/MODEL is then one for lima/MODEL first, and for kilo/MODEL if that fails. Models that the
    other prefix does not list stay. It holds at once, and over restarts.
    """  # noqa: D301 - the backspace is click's mark for text that keeps its lines
    if source is None and (target is not None or back):
        raise click.UsageError("say whose traffic: switchgear shift FROM --to PREFIX, or switchgear shift FROM --back")
    if source is not None and (target is not None) == back:
        raise click.UsageError(
            f"say where to: switchgear shift {source} --to PREFIX, or switchgear shift {source} --back"
        )
    if target is None and (share is not None or for_s is not None):
        raise click.UsageError("--share and --for go with --to")
    with Running.open(config_path, url) as running:
        if source is None:
            answer = running.get("/shifts")
        elif target is None:
            answer = running.delete(f"/shifts/{quote(source, safe='')}")
        else:
            body = {"from": source, "to": target, "share": share, "for-seconds": for_s}
            answer = running.post("/shifts", {name: value for name, value in body.items() if value is not None})
    if as_json:
        print_json(answer)
    elif source is None:
        _print_all(answer)
    elif target is None:
        click.echo(f"{source} is back from {answer['to']}")
    else:
        _print_made(answer)


def _print_all(answer: dict[str, Any]) -> None:
    if not answer["shifts"]:
        click.echo("nothing is shifted")
        return
    now = answer["generated_at"]
    rows = [
        (row["from"], row["to"], f"{row['share']} %", _age(row, now), ends(row, now), row["by"])
        for row in answer["shifts"]
    ]
    print_table(("from", "to", "share", "since", "ends", "by"), rows)


def _age(row: dict[str, Any], now: str) -> str:
    return f"{spoken(seconds_until(now, row['since']) or 0.0)} ago"


def ends(row: dict[str, Any], now: str) -> str:
    """When a shift ends, in words."""
    left = seconds_until(row["until"], now)
    return "when moved back" if left is None else f"in {spoken(left)}"


def _print_made(answer: dict[str, Any]) -> None:
    models, source, target = answer["models"], answer["from"], answer["to"]
    click.echo(f"{answer['share']} % of {source} goes to {target}, {_length(answer)}")
    click.echo(f"{models['moving']} of {models['listed']} models move")
    if models["staying"]:
        shown = ", ".join(models["staying"][:MODELS_SHOWN])
        more = len(models["staying"]) - MODELS_SHOWN
        click.echo(f"{target} does not list, so they stay: {shown}{f' and {more} more' if more > 0 else ''}", err=True)
    click.echo(f"back with: switchgear shift {source} --back")


def _length(answer: dict[str, Any]) -> str:
    left = seconds_until(answer["until"], answer["since"])
    return "until it is moved back" if left is None else f"for {spoken(left)}"

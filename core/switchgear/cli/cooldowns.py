"""``switchgear cooldowns``: what stands against accounts, and how to end it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from switchgear.cli.amounts import seconds_until, spoken
from switchgear.cli.options import json_option, print_json
from switchgear.cli.running import Running, gateway_options
from switchgear.cli.tables import print_table


@click.group(invoke_without_command=True)
@gateway_options
@json_option
@click.pass_context
def cooldowns(context: click.Context, config_path: Path, url: str | None, as_json: bool) -> None:
    """See which accounts are not asked now, why, and for how long; and end it."""
    if context.invoked_subcommand is not None:
        return
    with Running.open(config_path, url) as running:
        answer = running.get("/cooldowns")
    if as_json:
        print_json(answer)
    elif answer["cooldowns"]:
        head = ("provider", "account", "model", "reason", "since", "left", "says")
        print_table(head, [_cells(row, answer["generated_at"]) for row in answer["cooldowns"]])
    else:
        click.echo("nothing cools down")


@cooldowns.command()
@click.argument("provider", required=False)
@click.argument("account", required=False)
@click.option("--model", metavar="MODEL", help="Only what stands against this model, by the upstream's name or ours.")
@click.option("--all", "everything", is_flag=True, help="Of every provider.")
@gateway_options
@json_option
def clear(
    provider: str | None,
    account: str | None,
    model: str | None,
    everything: bool,
    config_path: Path,
    url: str | None,
    as_json: bool,
) -> None:
    """Ask again at once: end the cooldowns of PROVIDER, of one ACCOUNT of it, or of all with --all.

    ACCOUNT is a label, an id, a file name, or an unambiguous beginning of one. An account that is suspended or needs
    a new sign-in is let in again too, until its upstream refuses it anew.
    """
    if everything == (provider is not None):
        raise click.UsageError("name one PROVIDER, or all with --all")
    if everything and model is not None:
        raise click.UsageError("--model goes with a PROVIDER")
    narrowed = {name: value for name, value in (("account", account), ("model", model)) if value is not None}
    with Running.open(config_path, url) as running:
        if provider is not None:
            answer = running.delete("/cooldowns", provider=provider, **narrowed)
        else:
            providers = dict.fromkeys(row["provider"] for row in running.get("/cooldowns")["cooldowns"])
            answers = [running.delete("/cooldowns", provider=name) for name in providers]
            answer = {name: [row for each in answers for row in each[name]] for name in ("cleared", "left")}
    if as_json:
        print_json(answer)
        return
    for word in ("cleared", "left"):
        for row in answer[word]:
            click.echo(f"{word}: {row['provider']} {row['account']} {row['model']}: {row['reason']}")
    if not answer["cleared"]:
        click.echo("there was nothing to clear")


def _cells(row: dict[str, Any], now: str) -> tuple[str, ...]:
    left = seconds_until(row["until"], now)
    until = "until you act" if left is None else spoken(left)
    says = f"{row['message']} (capped)" if row["capped"] else row["message"]
    since = seconds_until(now, row["since"]) or 0.0
    return (row["provider"], row["account"], row["model"], row["reason"], f"{spoken(since)} ago", until, says)

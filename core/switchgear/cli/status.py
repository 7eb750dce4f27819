"""``switchgear status``: the gateway in one look."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from switchgear.cli.amounts import seconds_until, spoken
from switchgear.cli.options import json_option, print_json
from switchgear.cli.running import GatewayError, Running, gateway_options
from switchgear.cli.shift import ends
from switchgear.cli.tables import console_of, plain, table_of

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

REDRAW_S = 2.0
HEAD = (
    "provider",
    "state",
    "accounts",
    "success",
    "p95",
    "in flight",
    "cooldowns",
    "quota left",
    "token",
    "sign-in",
    "alerts",
)
ALWAYS = 6
"""Columns that are shown also where there is nothing in them."""
COLOURS = {"ok": "green", "degraded": "yellow", "down": "red", "broken": "red", "disabled": "dim"}


@click.command()
@click.option("--watch", is_flag=True, help="Draw it anew every two seconds, until Ctrl-C.")
@gateway_options
@json_option
def status(watch: bool, config_path: Path, url: str | None, as_json: bool) -> None:
    """See the providers with their ratios, cooldowns, quotas and tokens; and what is shifted or alerts.

    ACCOUNTS are those that can be asked, and all. SUCCESS is the share of the last five minutes' attempts, P95 the
    time within which 95 % of the successful ones ended. COOLDOWNS: how many, and when the first ends; each with its
    reason by `switchgear cooldowns`. TOKEN is when the first one expires, SIGN-IN when the first account has
    to be signed in again. A column with nothing in it is left out.
    """
    if watch and as_json:
        raise click.UsageError("--watch draws for people; for programs ask again with --json")
    with Running.open(config_path, url) as running:
        if watch:
            follow(running, console_of())
        elif as_json:
            print_json(running.get("/status"))
        else:
            console = console_of()
            console.print(drawn(running.get("/status"), console))


def follow(running: Running, console: Console, wait: Callable[[float], object] = time.sleep) -> None:
    """Draw until Ctrl-C. A gateway that is away for a while (a restart) is said so, and looked for again."""
    from rich.live import Live
    from rich.text import Text

    def look() -> RenderableType:
        try:
            return drawn(running.get("/status"), console)
        except GatewayError as error:
            return Text(str(error), style="red")

    try:
        if not console.is_terminal:
            while True:
                console.print(look())
                wait(REDRAW_S)
        with Live(look(), console=console, auto_refresh=False) as live:
            while True:
                wait(REDRAW_S)
                live.update(look(), refresh=True)
    except KeyboardInterrupt:
        pass


def drawn(answer: dict[str, Any], console: Console) -> RenderableType:
    """The table, and the lines around it."""
    from rich.console import Group
    from rich.text import Text

    now = answer["generated_at"]
    firing = [row for row in answer["alerts"] if row["state"] == "firing"]
    cells = [HEAD, *(_cells(name, row, firing, now) for name, row in answer["providers"].items())]
    shown = [column for at, column in enumerate(zip(*cells, strict=True)) if at < ALWAYS or {*column[1:]} != {"-"}]
    head, *rows = zip(*shown, strict=True)
    table = table_of(head, rows, console)
    up = "draining" if answer["draining"] else f"up {spoken(answer['uptime_seconds'])}"
    lines = [Text(f"switchgear {answer['version']}, {up}, {answer['config']['file']}")]
    if answer["config"]["rejected"]:
        lines.append(Text(f"config.yaml was changed and refused: {answer['config']['rejected']}", style="red"))
    below = [
        Text(f"shift: {row['share']} % of {row['from']} to {row['to']}, by {row['by']}; ends {ends(row, now)}")
        for row in answer["shifts"]
    ]
    below += [
        Text(f"{name}: {plain(row['problem'])}", style="red")
        for name, row in answer["providers"].items()
        if row["problem"] is not None
    ]
    below += [Text(f"alert: {row['rule']} of {row['provider']}: {row['summary']}", style="red") for row in firing]
    return Group(*lines, table if answer["providers"] else Text("no provider is configured"), *below)


def _cells(name: str, row: dict[str, Any], firing: list[dict[str, Any]], now: str) -> tuple[Any, ...]:
    from rich.text import Text

    window = row["windows"]["5m"]
    ratio, p95 = window["success_ratio"], window["latency_ms"]["p95"]
    reasons = f": {', '.join(row['status_reasons'])}" if row["status_reasons"] else ""
    return (
        name,
        Text(f"{row['status']}{reasons}", style=COLOURS[row["status"]]),
        f"{row['accounts']['ready']}/{row['accounts']['total']}",
        "-" if ratio is None else f"{ratio:.1%}",
        "-" if p95 is None else f"{p95}ms" if p95 < 1000 else f"{p95 / 1000:.1f}s",
        f"{row['in_flight']}" + (f", {row['queue_depth']} wait" if row["queue_depth"] else ""),
        _cooldowns(row["cooldowns"], now),
        _quota(row["quota"]),
        _ends(row["auth"]["next_expiry_at"], now),
        _ends(row["auth"]["next_login_expiry_at"], now),
        ", ".join(alert["rule"] for alert in firing if alert["provider"] == name) or "-",
    )


def _ends(moment: str | None, now: str) -> str:
    left = seconds_until(moment, now)
    return "-" if left is None else "expired" if left <= 0 else f"in {spoken(left)}"


def _cooldowns(rows: list[dict[str, Any]], now: str) -> str:
    left = [seconds for row in rows if (seconds := seconds_until(row["until"], now)) is not None]
    return f"{len(rows)}{f', {spoken(min(left))}' if left else ''}" if rows else "-"


def _quota(rows: list[dict[str, Any]]) -> str:
    """Of the account and unit with the least, its pools together."""
    known = [(row["total_used_ratio"], row["unit"]) for row in rows if row["total_used_ratio"] is not None]
    if not known:
        return "-"
    used, unit = max(known)
    return f"{max(0.0, 1 - used):.0%} of {unit}"

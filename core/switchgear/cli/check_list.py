"""An examination for people: a line for each check, and what to do about those that are not ok."""

from __future__ import annotations

from collections.abc import Sequence

import click

from switchgear.checks import Check, State, worst
from switchgear.cli.tables import plain

COLOURS: dict[State, str] = {"ok": "green", "attention": "yellow", "failed": "red", "skipped": "bright_black"}


def print_checks(checks: Sequence[Check]) -> None:
    """Print each check with its advice below it, and what all come to."""
    width = max(len(check.name) for check in checks)
    for check in checks:
        state = click.style(f"{check.state:<9}", fg=COLOURS[check.state])
        click.echo(f"{state}  {check.name:<{width}}  {plain(check.detail)}")
        if check.advice:
            click.echo(f"{'':9}  {'':{width}}  -> {plain(check.advice)}")
    counts = {state: sum(check.state == state for check in checks) for state in COLOURS}
    click.echo(", ".join(f"{count} {state}" for state, count in counts.items() if count))


def exit_code(checks: Sequence[Check]) -> int:
    """1 when something failed."""
    return int(worst(check.state for check in checks) == "failed")

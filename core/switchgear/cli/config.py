"""``switchgear config``: hold a configuration file to its schema, without starting anything."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from switchgear import logs
from switchgear.assembly import Loaded, load
from switchgear.cli.offline import config_option, json_option, print_json
from switchgear.config.excerpt import excerpt
from switchgear.errors import ConfigError, Problem


@click.group()
def config() -> None:
    """Check config.yaml."""


@config.command()
@config_option
@json_option
def check(config_path: Path, as_json: bool) -> None:
    """Check the file and the plugins it names; no upstream is asked, nothing is started.

    Every problem is one line: FILE:LINE:COLUMN: KEY: what is wrong. The exit code is 1 when there is any.
    A plugin that cannot be used is a warning: the gateway would serve the others.
    """
    logs.configure("text", "critical")
    try:
        loaded = load(config_path)
    except ConfigError as error:
        if as_json:
            print_json({"valid": False, "problems": [asdict(problem) for problem in error.problems], "warnings": []})
        else:
            _show(error.problems, config_path)
        sys.exit(1)
    warnings = [f"{key}: its plugin cannot be used: {problem}" for key, problem in loaded.broken.items()]
    if as_json:
        print_json({"valid": True, "problems": [], "warnings": warnings})
        return
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{config_path} is valid: {_summary(loaded)}")


def _show(problems: Sequence[Problem], path: Path) -> None:
    """Print the problems; to a person, each with the line it is about."""
    text = ""
    if _has_terminal() and any(problem.line for problem in problems):
        text = path.read_text("utf-8", errors="replace")
    for problem in problems:
        click.echo(str(problem), err=True)
        if text and problem.line and problem.column and (lines := excerpt(text, problem.line, problem.column)):
            click.echo(lines, err=True)


def _has_terminal() -> bool:
    return sys.stderr.isatty()


def _summary(loaded: Loaded) -> str:
    settings = [entry.settings for _, entry in loaded.entries]
    models = sum(len({model.public for model in each.models}) for each in settings)
    disabled = sum(each.disabled for each in settings)
    listing = sum(not each.models and not each.disabled for each in settings)
    parts = [_count(len(settings), "provider"), _count(models, "model")]
    if disabled:
        parts[0] += f" ({disabled} disabled)"
    if listing:
        parts[1] += f" (and what {_count(listing, 'upstream')} will list)"
    return ", ".join([*parts, _count(len(loaded.config.api_keys), "client key")])


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"

"""``switchgear config``: hold a configuration file to its schema, or beside another, without starting anything."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from switchgear.cli.offline import config_option, json_option, print_json
from switchgear.errors import ConfigError, Problem

if TYPE_CHECKING:
    from switchgear.config.diff import LoadedOutline
    from switchgear.configured import Loaded

DIFFERS, TROUBLE = 1, 2


@click.group()
def config() -> None:
    """Check config.yaml, and see what it would change."""


@config.command()
@config_option
@json_option
def check(config_path: Path, as_json: bool) -> None:
    """Check the file and the plugins it names; no upstream is asked, nothing is started.

    Every problem is one line: FILE:LINE:COLUMN: KEY: what is wrong. The exit code is 1 when there is any.
    A plugin that cannot be used is a warning: the gateway would serve the others.
    """
    from switchgear import logs  # what is imported in functions here, `--help` does without
    from switchgear.configured import load

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


@config.command()
@config_option
@click.option("--against", type=click.Path(path_type=Path), help="Compare with this file, not with what was loaded.")
@json_option
def diff(config_path: Path, against: Path | None, as_json: bool) -> None:
    """Say which keys the file would change against what a gateway with its state-dir last loaded.

    Values are not shown, so no secret is; one that changed behind its reference counts. The exit code is 0 when nothing
    differs, 1 when something does, and 2 when it cannot be compared.
    """
    from switchgear import logs
    from switchgear.config.diff import compare, new_salt
    from switchgear.configured import outline_of
    from switchgear.metrics.report import rfc3339

    logs.configure("text", "critical")
    loaded = _loaded(config_path)
    if against is not None:
        salt, than = new_salt(), str(against)
        old = outline_of(_loaded(against), salt)
    else:
        kept = _last_loaded(loaded.config.state_dir)
        old, than = kept.outline, f"{kept.file}, loaded {rfc3339(kept.loaded_at)}"
    changes = compare(old, outline_of(loaded, old.salt))
    if as_json:
        print_json({"file": str(config_path), "against": than, **asdict(changes), "restart_needed": changes.at_start})
    else:
        click.echo(f"{config_path} against {than}{'' if changes else ': no difference'}")
        for mark, paths in (("+", changes.added), ("-", changes.removed), ("~", changes.changed)):
            for path in paths:
                click.echo(f"  {mark} {path}{' (takes a restart)' if path in changes.at_start else ''}")
    if changes:
        sys.exit(DIFFERS)


def _loaded(path: Path) -> Loaded:
    from switchgear.configured import load

    try:
        return load(path)
    except ConfigError as error:
        _show(error.problems, path)
        sys.exit(TROUBLE)


def _last_loaded(state_dir: Path) -> LoadedOutline:
    from switchgear.config.diff import DOCUMENT, LoadedOutline
    from switchgear.state import StateStore

    document = StateStore(state_dir).read(DOCUMENT)
    kept = None if document is None else LoadedOutline.read(document)
    if kept is None:
        click.echo(f"no gateway has kept in {state_dir} what it loaded; compare with a file: --against FILE", err=True)
        sys.exit(TROUBLE)
    return kept


def _show(problems: Sequence[Problem], path: Path) -> None:
    """Print the problems; to a person, each with the line it is about."""
    from switchgear.config.excerpt import excerpt

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

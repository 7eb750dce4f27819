"""``switchgear plugins``: what is installed, and in which state."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from switchgear import logs
from switchgear.assembly import load
from switchgear.cli.offline import config_option, json_option, print_json
from switchgear.cli.tables import print_table
from switchgear.plugins import Plugins


@click.group()
def plugins() -> None:
    """See the installed plugins."""


@plugins.command("list")
@click.option("--all", "load_all", is_flag=True, help="Import and check every installed plugin, configured or not.")
@config_option
@json_option
def list_(load_all: bool, config_path: Path, as_json: bool) -> None:
    """List every installed plugin. Those that the configuration names are imported and checked."""
    logs.configure("text", "critical")
    if load_all:
        from switchgear.loading import installed

        loaded = Plugins.load(installed().keys())
    elif config_path.exists():
        loaded = load(config_path).plugins
    else:
        loaded = Plugins.load(())
    statuses = list(loaded.statuses.values())
    if as_json:
        print_json({"plugins": [asdict(status) for status in statuses]})
        return
    rows = []
    for status in statuses:
        title = loaded.info(status.name).title if status.name in loaded else ""
        rows.append((status.name, status.state, f"{status.distribution} {status.version}", status.problem or title))
    print_table(("plugin", "state", "package", ""), rows)
    if not rows:
        click.echo("no plugin is installed")

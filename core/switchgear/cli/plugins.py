"""``switchgear plugins``: what is installed, in which state, and what it is proved to do."""

from __future__ import annotations

import sys
from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from switchgear.cli.new_plugin import new
from switchgear.cli.offline import config_option, json_option, print_json
from switchgear.cli.tables import print_table
from switchgear.errors import SwitchgearError

if TYPE_CHECKING:
    from switchgear.plugins import Plugins

CONTRACT_GROUP = "switchgear.contract"
"""Entry points to the conformance contracts that plugins ship, by the plugins' names."""


class NoContractError(SwitchgearError):
    """There is nothing to check a plugin with."""


@click.group()
def plugins() -> None:
    """See the installed plugins, and check them."""


plugins.add_command(new)


@plugins.command("list")
@click.option("--all", "load_all", is_flag=True, help="Import and check every installed plugin, configured or not.")
@config_option
@json_option
def list_(load_all: bool, config_path: Path, as_json: bool) -> None:
    """List every installed plugin. Those that the configuration names are imported and checked."""
    from switchgear import logs  # imported here, so that `--help` is quick
    from switchgear.configured import load
    from switchgear.loading import installed
    from switchgear.plugins import Plugins

    logs.configure("text", "critical")
    if load_all:
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
        said = status.problem or _title(loaded, status.name)
        rows.append((status.name, status.state, f"{status.distribution} {status.version}", said))
    print_table(("plugin", "state", "package", ""), rows)
    if not rows:
        click.echo("no plugin is installed")


def _title(loaded: Plugins, name: str) -> str:
    if name not in loaded:
        return ""
    info = loaded.info(name)
    return f"{info.title} (retired: {info.retired})" if info.retired else info.title


@plugins.command()
@click.argument("name")
@json_option
def check(name: str, as_json: bool) -> None:
    """Run the conformance kit over the plugin NAME and the fake it ships. Nothing leaves this machine."""
    from switchgear import logs

    logs.configure("text", "critical")
    report: dict[str, Any] = _contract(name)().report().as_json()
    failed = [found for level in report["levels"] for found in level["checks"] if found["result"] == "failed"]
    if as_json:
        print_json(report)
    else:
        rows = [
            (str(level["level"]), found["name"].removeprefix("test_"), found["result"], found["reason"])
            for level in report["levels"]
            for found in level["checks"]
        ]
        print_table(("level", "check", "result", "reason"), rows)
        reached = next((level["title"] for level in report["levels"] if level["level"] == report["level"]), "none")
        click.echo(f"\n{name} {report['version']}: level {report['level']} of {len(report['levels'])} ({reached})")
        for found in failed:
            click.echo(f"{found['name']} failed, so this is not proved: {found['proves']}")
    if failed:
        sys.exit(1)


def _contract(name: str) -> Any:
    """The contract class that the plugin ships. It is found by its entry point: the kit is no part of the gateway."""
    points = {point.name: point for point in entry_points(group=CONTRACT_GROUP)}
    if name not in points:
        there = f"; there is one for {', '.join(sorted(points))}" if points else ""
        raise NoContractError(f"no entry point in the group {CONTRACT_GROUP!r} gives a contract for {name!r}{there}")
    return points[name].load()

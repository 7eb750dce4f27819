"""``switchgear runbook daily``: the runbook's daily checks, done."""

from __future__ import annotations

import time
from pathlib import Path

import click

from switchgear.cli.check_list import exit_code, print_checks
from switchgear.cli.options import json_option, print_json
from switchgear.cli.running import Running, gateway_options


@click.group()
def runbook() -> None:
    """Go through the checks of the runbook."""


@runbook.command()
@gateway_options
@json_option
def daily(config_path: Path, url: str | None, as_json: bool) -> None:
    """Do the daily checks on the running gateway: health, models, metrics, bursts of refusals, sign-ins that end.

    Models are compared with the last run, which state-dir remembers; ratios with the thresholds of the alert rules. No
    upstream is asked. The exit code is 1 when a check failed; attention alone leaves it at 0.
    """
    from switchgear import logs  # imported here, so that `--help` is quick
    from switchgear.checks import examination
    from switchgear.config import read_config
    from switchgear.config.alert_settings import AlertsSettings
    from switchgear.daily import DOCUMENT, Inventory, checks, inventory
    from switchgear.loading import installed
    from switchgear.state import StateStore

    logs.configure("text", "error")
    with Running.open(config_path, url) as running:
        health, status, where = running.client_get("/health"), running.get("/status"), running.url
    config = read_config(config_path, installed=installed().keys()).config if config_path.exists() else None
    rules = (config.alerts if config is not None else AlertsSettings()).built
    # Another gateway's models are not this one's.
    store = StateStore(config.state_dir) if config is not None and url is None else None
    before = None if store is None else Inventory.read(store.read(DOCUMENT))
    found = checks(health, status, rules, before)
    if store is not None:
        store.write(DOCUMENT, inventory(status, time.time()).document())
    if as_json:
        print_json({"gateway": where, **examination(found)})
    else:
        click.echo(f"the gateway at {where}")
        print_checks(found)
    raise SystemExit(exit_code(found))

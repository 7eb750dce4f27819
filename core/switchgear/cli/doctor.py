"""``switchgear doctor``: what is wrong on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from switchgear.cli.check_list import exit_code, print_checks
from switchgear.cli.options import config_option, json_option, print_json


@click.command()
@config_option
@json_option
def doctor(config_path: Path, as_json: bool) -> None:
    """Look at everything a gateway needs here, and say what is wrong and what to do about it.

    The configuration and who may read it, accounts and the key that seals them, keyring, clock, certificates, the port,
    the ways to the upstreams. Nothing is changed, no credential is sent, and no secret is shown. No gateway has to run,
    and no configuration to be there. The exit code is 1 when something failed.
    """
    from switchgear import logs  # imported here, so that `--help` is quick
    from switchgear.checks import examination
    from switchgear.doctor import examine

    logs.configure("text", "critical")  # what is wrong stands in the checks
    found = asyncio.run(examine(config_path))
    if as_json:
        print_json(examination(found))
    else:
        print_checks(found)
    raise SystemExit(exit_code(found))

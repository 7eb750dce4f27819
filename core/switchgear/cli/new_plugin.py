"""``switchgear plugins new``: the beginning of a plugin of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from switchgear.scaffold import AUTHS, Auth, write_package


@click.command("new")
@click.argument("name")
@click.option(
    "--auth",
    type=click.Choice(AUTHS),
    default="api-key",
    show_default=True,
    help="How its accounts sign in: with a key, a code entered elsewhere, or the browser.",
)
@click.option("--into", type=click.Path(path_type=Path), help="The package's folder; switchgear-NAME here if absent.")
def new(name: str, auth: str, into: Path | None) -> None:
    """Write an installable package for a provider called NAME.

    It has an entry point, settings, a fake of the provider, and the conformance tests, which
    pass as it stands.
    """
    folder = into or Path(f"switchgear-{name}")
    written = write_package(name, cast("Auth", auth), folder)
    click.echo(f"wrote {len(written)} files into {folder}. Next:")
    click.echo(f"""
    cd {folder}
    python3 -m venv .venv && .venv/bin/pip install -e '.[test]'
    .venv/bin/pytest
    .venv/bin/switchgear plugins check {name}
""")

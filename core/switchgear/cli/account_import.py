"""``switchgear accounts import``: another program's credential files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from switchgear.cli.entries import audit_of, entry_named, with_accounts
from switchgear.cli.offline import config_option, json_option, print_json
from switchgear.cli.tables import plain, print_table

if TYPE_CHECKING:
    from switchgear.assembly import Service

SOURCES = ("cliproxyapi", "vendor")
"""Programs that write credential files; ``vendor`` is the provider's own client."""


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "source",
    type=click.Choice(SOURCES),
    required=True,
    help="Who wrote them; vendor: the provider's own client.",
)
@click.option("--provider", help="Only offer the files to this entry.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@click.option("--replace", is_flag=True, help="Take a file's credential also where the one here is newer.")
@config_option
@json_option
def import_(
    path: Path, source: str, provider: str | None, dry_run: bool, replace: bool, config_path: Path, as_json: bool
) -> None:
    """Take in another program's credentials from PATH, a file or a directory of files; they stay as they are.

    Stop the other program first: two that refresh one account lose it.
    """

    async def run(service: Service) -> list[dict[str, str]]:
        from switchgear.audit import Deed  # imported where used, so that `--help` is quick
        from switchgear.importing import import_folder

        runtime = service.current
        entries = list(runtime.entries) if provider is None else [entry_named(service, provider)]
        found = await import_folder(runtime, entries, source, path, dry_run=dry_run, replace=replace)
        for each in found:
            if each.outcome in {"imported", "updated"} and not dry_run:
                await audit_of(service).record(
                    Deed("cli", "import", each.outcome, each.provider, Path(each.detail).stem)
                )
        names = ("file", "outcome", "provider", "account", "detail", "warning")
        return [{name: getattr(each, name) for name in names} for each in found]

    rows = with_accounts(config_path, run)
    if as_json:
        print_json({"dry-run": dry_run, "files": rows})
    else:
        columns = ("file", "outcome", "provider", "account", "detail")
        head = ("file", "would be" if dry_run else "result", *columns[2:])
        print_table(head, [[plain(row[column]) for column in columns] for row in rows])
        for row in rows:
            if row["warning"]:
                click.echo(f"warning: {row['file']}: {row['warning']}", err=True)
        if dry_run:
            click.echo("nothing was written")
    if any(row["outcome"] == "failed" for row in rows):
        raise SystemExit(1)

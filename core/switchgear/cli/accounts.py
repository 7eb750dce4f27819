"""``switchgear accounts`` and ``switchgear logout``: they work on the files, beside a gateway or without one."""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from switchgear.cli.account_import import import_
from switchgear.cli.entries import audit_of, entry_named, with_accounts
from switchgear.cli.offline import config_option, json_option, print_json
from switchgear.cli.tables import plain, print_table
from switchgear.errors import SwitchgearError

if TYPE_CHECKING:
    from switchgear.account_list import Row
    from switchgear.accounts import Entry
    from switchgear.assembly import Service
    from switchgear.types import Account

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400

Command = Callable[..., Any]


class NoAccountThereError(SwitchgearError):
    """What was named is no account that can be used."""


def account_arguments(command: Command) -> Command:
    """PROVIDER and ACCOUNT, the configuration, and JSON."""
    for decorate in (
        json_option,
        config_option,
        click.argument("account"),
        click.argument("provider"),
    ):
        command = decorate(command)
    return command


@click.group()
def accounts() -> None:
    """See the signed-in accounts, and change them.

    PROVIDER is an entry of config.yaml. ACCOUNT is a label, an id, a file name, or the beginning of one. No gateway has
    to run; one that does sees every change within a second or two.
    """


@accounts.command("list")
@click.option("--provider", help="Only the accounts of this one.")
@config_option
@json_option
def list_(provider: str | None, config_path: Path, as_json: bool) -> None:
    """List every account and its state, and the files that are not used, with the reason."""

    async def read(service: Service) -> list[Row]:
        from switchgear import account_list  # what is imported in functions here, `--help` does without

        if provider is not None:
            return await account_list.rows(service, [entry_named(service, provider)])
        known = await account_list.rows(service, service.current.entries)
        return [*known, *await account_list.strangers(service)]

    found = with_accounts(config_path, read)
    if as_json:
        print_json({"accounts": [row.fields() for row in found]})
        return
    head = ("provider", "account", "state", "method", "expires", "sign-in ends", "last refresh", "file")
    cells = [head, *(_cells(row) for row in found)]
    if all(row.login_expires_at is None for row in found):
        cells = [(*row[:5], *row[6:]) for row in cells]
    print_table(cells[0], cells[1:])
    for row in found:
        if row.problem:
            click.echo(f"{plain(row.file or row.label)}: {plain(row.problem)}", err=True)
    if not found:
        click.echo("there is no account; sign in with: switchgear login PROVIDER", err=True)


def _cells(row: Row) -> tuple[str, ...]:
    note = row.last_refresh
    return (
        row.provider,
        plain(row.label),
        row.state,
        plain(row.method or "-"),
        "never" if row.expires_at is None and not row.problem else _span(row.expires_at),
        _span(row.login_expires_at),
        "-" if note is None else f"{_span(note.at)}: {plain(note.result)[:60]}",
        row.file or "in config.yaml",
    )


def _span(moment: float | None) -> str:
    """How far away a moment is, as a person says it."""
    if moment is None or math.isinf(moment):
        return "-"
    away = moment - time.time()
    size = abs(away)
    units = ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min"), (1, "s"))
    unit, name = next(((unit, name) for unit, name in units if size >= 2 * unit), units[-1])
    return f"in {size / unit:.0f} {name}" if away >= 0 else f"{size / unit:.0f} {name} ago"


@accounts.command()
@account_arguments
def show(provider: str, account: str, config_path: Path, as_json: bool) -> None:
    """Show all that may be seen of an account. Its secrets are not; compare them by their fingerprints."""

    async def read(service: Service) -> dict[str, Any]:
        from switchgear import account_list

        entry, found = _find(service, provider, account)
        return await asyncio.to_thread(account_list.shown, service, entry, found)

    fields = with_accounts(config_path, read)
    if as_json:
        print_json(fields)
        return
    rows = [(name, _shown(value)) for name, value in fields.items() if not isinstance(value, Mapping)]
    for name, value in fields.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}.{inner}", _shown(each)) for inner, each in value.items()]
    print_table(("", ""), rows)


def _shown(value: Any) -> str:
    return "-" if value is None or value == "" else plain(value)


@accounts.command()
@account_arguments
def refresh(provider: str, account: str, config_path: Path, as_json: bool) -> None:
    """Refresh an account's credential now, whether or not it is due."""

    async def run(service: Service) -> dict[str, Any]:
        from switchgear import account_edits, account_list

        entry, found = _find(service, provider, account)
        try:
            fresh = await account_edits.refresh(service, entry, found)
        except account_edits.EditError:
            await _audit(service, entry, found, "refresh", "failed")
            raise
        await _audit(service, entry, found, "refresh")
        return await asyncio.to_thread(account_list.shown, service, entry, fresh)

    fields = with_accounts(config_path, run)
    if as_json:
        print_json(fields)
    else:
        expires = fields["expires-in-seconds"]
        until = "it does not expire" if expires is None else f"it expires {_span(time.time() + expires)}"
        click.echo(f"{fields['provider']}, {plain(fields['label'])}: refreshed; {until}")


def _remove(provider: str, account: str, config_path: Path, as_json: bool, yes: bool) -> None:
    async def run(service: Service) -> dict[str, Any]:
        from switchgear import account_edits, account_list
        from switchgear.audit import Deed

        entry = entry_named(service, provider)
        found = account_list.find(entry, account)
        name = found.file if found.account is None else found.account.label
        if not yes:
            _confirm(f"Take {plain(name)} ({found.file}) away from {entry.name}? It can be signed in again later")
        await account_edits.remove(entry, found)
        await audit_of(service).record(Deed("cli", "remove", "ok", entry.name, Path(found.file).stem))
        return {"provider": entry.name, "account": Path(found.file).stem, "label": name, "removed": True}

    fields = with_accounts(config_path, run)
    if as_json:
        print_json(fields)
    else:
        click.echo(
            f"Removed {plain(fields['label'])} from {fields['provider']}. Withdraw its access at the provider too."
        )


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise SwitchgearError("this takes an account away; say --yes to do it without being asked")
    if not click.confirm(question):
        raise SystemExit(1)


yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@accounts.command()
@account_arguments
@yes_option
def remove(provider: str, account: str, config_path: Path, as_json: bool, yes: bool) -> None:
    """Take an account away: its file, and what you decided about it."""
    _remove(provider, account, config_path, as_json, yes)


@click.command()
@account_arguments
@yes_option
def logout(provider: str, account: str, config_path: Path, as_json: bool, yes: bool) -> None:
    """Take an account of PROVIDER away, as 'switchgear accounts remove' does."""
    _remove(provider, account, config_path, as_json, yes)


def _edit(
    provider: str, account: str, config_path: Path, as_json: bool, action: str, said: str, changes: Mapping[str, Any]
) -> None:
    async def run(service: Service) -> dict[str, Any]:
        from switchgear import account_edits, account_list

        entry, found = _find(service, provider, account)
        edited = await account_edits.edit(entry, found, changes)
        await _audit(service, entry, found, action)
        return await asyncio.to_thread(account_list.shown, service, entry, edited)

    fields = with_accounts(config_path, run)
    if as_json:
        print_json(fields)
    else:
        click.echo(f"{fields['provider']}, {plain(fields['label'])}: {said}")


@accounts.command()
@account_arguments
@click.argument("label", required=False)
def label(provider: str, account: str, label: str | None, config_path: Path, as_json: bool) -> None:
    """Call an account LABEL; without it, as its plugin does."""
    _edit(provider, account, config_path, as_json, "label", "this is its name now", {"label": label})


@accounts.command()
@account_arguments
def enable(provider: str, account: str, config_path: Path, as_json: bool) -> None:
    """Put an account back into service."""
    _edit(provider, account, config_path, as_json, "enable", "in service", {"disabled": False})


@accounts.command()
@account_arguments
def disable(provider: str, account: str, config_path: Path, as_json: bool) -> None:
    """Take an account out of service, and keep it."""
    _edit(provider, account, config_path, as_json, "disable", "out of service", {"disabled": True})


@accounts.command(context_settings={"ignore_unknown_options": True})
@account_arguments
@click.argument("number", type=int, required=False)
def priority(provider: str, account: str, number: int | None, config_path: Path, as_json: bool) -> None:
    """Accounts with a higher NUMBER are asked first; without it, 0 again."""
    _edit(provider, account, config_path, as_json, "priority", f"its priority is {number or 0}", {"priority": number})


@accounts.command()
@account_arguments
@click.argument("number", type=click.IntRange(0, 1000), required=False)
def weight(provider: str, account: str, number: int | None, config_path: Path, as_json: bool) -> None:
    """With the strategy weighted, an account gets NUMBER parts of the requests; 0: only when no other can be asked."""
    said = "its weight is 1" if number is None else f"its weight is {number}"
    _edit(provider, account, config_path, as_json, "weight", said, {"weight": number})


@accounts.command()
@account_arguments
@click.argument("url", required=False)
def proxy(provider: str, account: str, url: str | None, config_path: Path, as_json: bool) -> None:
    """Send an account's calls through the proxy URL; without it, directly.

    A proxy with a password is better given as env:NAME, file:PATH or keyring:NAME: other users of the machine see a
    command line.
    """
    said = "its calls go directly" if url is None else "its calls go through the proxy"
    _edit(provider, account, config_path, as_json, "proxy", said, {"proxy_url": url})


accounts.add_command(import_)


def _find(service: Service, provider: str, account: str) -> tuple[Entry, Account]:
    from switchgear import account_list

    entry = entry_named(service, provider)
    found = account_list.find(entry, account)
    if found.account is None:
        raise NoAccountThereError(f"{found.file} cannot be used: {entry.store.problems[found.file]}")
    return entry, found.account


async def _audit(service: Service, entry: Entry, account: Account, action: str, result: str = "ok") -> None:
    from switchgear.audit import Deed

    await audit_of(service).record(Deed("cli", action, result, entry.name, entry.store.path(account.id).stem))

"""``switchgear login``: sign an account in, at a terminal or by a script."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from switchgear.cli.entries import ProviderError, audit_of, entry_named, opened
from switchgear.cli.offline import config_option
from switchgear.cli.tables import plain

if TYPE_CHECKING:
    from switchgear.accounts import Entry
    from switchgear.assembly import Service
    from switchgear.audit import Deed
    from switchgear.cli.person import Person
    from switchgear.signin import Dialog

OK, FAILED, SAVED_NOT_SERVED, INTERRUPTED = 0, 1, 2, 130
STOPPED = "stopped by a signal"


def _label(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    from switchgear.account_settings import LABEL  # what is imported in functions here, `--help` does without

    if not LABEL.fullmatch(value):
        raise click.BadParameter("use letters, digits, spaces and . _ @ + -; 64 at most")
    return value


@click.command()
@click.argument("provider")
@click.option("--method", help="How to sign in; without it, the provider's first method.")
@click.option("--label", callback=_label, help="What to call the account.")
@click.option("--no-browser", is_flag=True, help="Only print the address; never open a browser.")
@click.option("--no-canary", is_flag=True, help="Do not ask the new account one small question.")
@click.option("--json", "as_json", is_flag=True, help="Speak JSON lines, so that a program can play the person.")
@config_option
def login(
    provider: str,
    method: str | None,
    label: str | None,
    no_browser: bool,
    no_canary: bool,
    as_json: bool,
    config_path: Path,
) -> None:
    """Sign an account in to PROVIDER, an entry of config.yaml, and check that it works.

    No gateway has to run; one that does takes the account up by itself. Ctrl-C gives up. The exit code is 0 when the
    account is saved and works, 2 when it is saved and a check failed, 1 when it is not saved, 130 after Ctrl-C.
    """
    from switchgear import logs
    from switchgear.signin import Dialog

    logs.configure("text", "warning")

    async def run() -> int:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        try:
            async with opened(config_path) as service:
                entry = entry_named(service, provider)
                dialog = Dialog(_method(entry, method), label)
                await entry.load()
                return await _sign_in(service, entry, dialog, as_json, no_browser, with_canary=not no_canary)
        except asyncio.CancelledError:
            click.echo(f"{STOPPED}; nothing was saved", err=True)
            return INTERRUPTED

    raise SystemExit(asyncio.run(run()))


def _method(entry: Entry, wanted: str | None) -> str:
    methods = entry.info.login_methods
    if not methods:
        raise ProviderError(
            f"{entry.name} has no sign-in: its keys are written into its entry in config.yaml, as env:NAME, file:PATH "
            "or keyring:NAME (stored with: switchgear secrets set NAME)"
        )
    if wanted is not None and wanted not in methods:
        raise ProviderError(f"{entry.name} has no method {wanted[:40]!r}; it has: {', '.join(methods)}")
    return wanted or methods[0]


async def _sign_in(
    service: Service, entry: Entry, dialog: Dialog, as_json: bool, no_browser: bool, *, with_canary: bool
) -> int:
    from switchgear.signin import sign_in

    signing = asyncio.create_task(sign_in(service, entry, dialog, with_canary=with_canary), name="sign-in")
    person = _person(entry, dialog, signing.cancel, as_json, no_browser)
    talking = asyncio.create_task(person.converse(), name="the person")
    interrupted = False
    try:
        await asyncio.wait({signing, talking}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        interrupted = True
    if not signing.done():
        signing.cancel()
        await asyncio.wait({signing})
    dialog.end(STOPPED if interrupted else "given up")
    await asyncio.wait({talking})
    last = dialog.events[-1]
    await audit_of(service).record(_deed(entry, dialog))
    for task in (signing, talking):
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
    if not as_json:
        _conclude(entry, dialog)
    if interrupted:
        return INTERRUPTED
    return FAILED if last["event"] == "failed" else OK if last["ok"] else SAVED_NOT_SERVED


def _person(entry: Entry, dialog: Dialog, give_up: Callable[[], object], as_json: bool, no_browser: bool) -> Person:
    from switchgear.cli.person import Script, Terminal

    if as_json:
        return Script(dialog, give_up)
    others = [method for method in entry.info.login_methods if method != dialog.method]
    more = f" (others: --method {', '.join(others)})" if others else ""
    click.echo(f"Signing in to {plain(entry.info.title or entry.name)} by {dialog.method}{more}.")
    return Terminal(dialog, entry.info.title or entry.name, with_browser=not no_browser)


def _deed(entry: Entry, dialog: Dialog) -> Deed:
    from switchgear.audit import Deed

    last = dialog.events[-1]
    account = None if dialog.saved is None else entry.store.path(dialog.saved.id).stem
    if last["event"] == "failed":
        result = "cancelled" if last["cancelled"] else "failed"
    else:
        result = "ok" if last["ok"] else "saved, a check failed"
    return Deed("cli", "login", result, entry.name, account)


def _conclude(entry: Entry, dialog: Dialog) -> None:
    """The last words to a person."""
    last = dialog.events[-1]
    if last["event"] == "failed":
        click.echo(f"Not signed in: {plain(last['message'])}", err=True)
        return
    what = "Signed in" if last["new"] else "Signed in again"
    click.echo(f"{what}: {entry.name}, account {plain(last['account'])}.")
    if last["ok"]:
        click.echo("A gateway that runs takes it up within a second or two.")
    else:
        click.echo(
            "The account is saved, but a check failed: see above. Put that right, then look with "
            f"'switchgear accounts list' and 'switchgear models'; or take it away again with "
            f"'switchgear logout {entry.name} {plain(last['account'])}'.",
            err=True,
        )

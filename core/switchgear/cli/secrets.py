"""``switchgear secrets``: keep provider keys in the operating system's keyring, where ``keyring:NAME`` finds them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TypeVar

import click

from switchgear.errors import SwitchgearError
from switchgear.references import (
    KEYRING_NAME,
    KEYRING_SERVICE,
    LONGEST_SECRET_BYTES,
    UnsafeKeyring,
    accept,
    system_keyring,
    with_keyring,
)

INDEX = ":names"
"""A keyring cannot list what it holds; this entry names the others. No secret can have this name."""

T = TypeVar("T")


class SecretsError(SwitchgearError):
    """The keyring did not do what was asked."""


def _name(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not KEYRING_NAME.fullmatch(value):
        raise click.BadParameter("use letters, digits, '.', '_' and '-'; 64 at most")
    return value


name_argument = click.argument("name", callback=_name)


@click.group()
def secrets() -> None:
    """Keep provider keys in the system keyring.

    config.yaml then says keyring:NAME instead of the key.
    """


@secrets.command("set")
@name_argument
def set_(name: str) -> None:
    """Store a secret under NAME; it is asked for, or read from standard input.

    It never stands on the command line, where other users of the machine and the shell's history would see it.
    """
    text = _ask(name) if _has_terminal() else sys.stdin.read(LONGEST_SECRET_BYTES)
    try:
        value = accept(text)
    except ValueError as error:
        raise SecretsError(f"the secret {error}; nothing was stored") from None
    _keyring(lambda: _store(name, value))
    click.echo(f"Stored. In config.yaml write: keyring:{name}")


@secrets.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def list_(as_json: bool) -> None:
    """List the names of the stored secrets, never their values."""
    names = _keyring(_names)
    if as_json:
        click.echo(json.dumps({"names": names}))
    elif names:
        click.echo("\n".join(names))
    else:
        click.echo("No secrets are stored; store one with: switchgear secrets set NAME", err=True)


@secrets.command()
@name_argument
def remove(name: str) -> None:
    """Remove the secret NAME."""
    if not _keyring(lambda: _remove(name)):
        raise SecretsError(f"the keyring has no secret {name!r}; see: switchgear secrets list")
    click.echo(f"Removed {name}.")


def _has_terminal() -> bool:
    return sys.stdin.isatty()


def _ask(name: str) -> str:
    text: str = click.prompt(f"Secret for {name}", hide_input=True)
    return text


def _keyring(action: Callable[[], T]) -> T:
    try:
        return with_keyring(action)
    except ValueError as error:
        raise SecretsError(str(error)) from None


def _names() -> list[str]:
    index = system_keyring().get_password(KEYRING_SERVICE, INDEX)
    return [] if not index else index.split()


def _write_names(names: set[str]) -> None:
    system_keyring().set_password(KEYRING_SERVICE, INDEX, " ".join(sorted(names)))


def _store(name: str, value: str) -> None:
    keyring = system_keyring()
    keyring.set_password(KEYRING_SERVICE, name, value)
    if keyring.get_password(KEYRING_SERVICE, name) != value:
        raise UnsafeKeyring("the keyring did not give back what was stored; use env:NAME or file:PATH")
    _write_names({*_names(), name})


def _remove(name: str) -> bool:
    keyring = system_keyring()
    existed = keyring.get_password(KEYRING_SERVICE, name) is not None
    if existed:
        keyring.delete_password(KEYRING_SERVICE, name)
    _write_names({*_names()} - {name})
    return existed

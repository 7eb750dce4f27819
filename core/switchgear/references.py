"""Secret references of ``config.yaml``: ``env:NAME``, ``file:PATH``, ``keyring:NAME``, or a literal.

A reference that cannot be resolved is an error that names the reference and never a value.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

KEYRING_SERVICE = "switchgear"
KEYRING_LIMIT_S = 3.0
"""A locked or prompting keyring is given up after this long (it may block for ever)."""
LONGEST_SECRET_BYTES = 64 * 1024
SAFE_PRIORITY = 1
"""Keyring backends that are recommended have at least this priority."""
KEYRING_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

LONGEST_NAME = 48
"""What is longer is no name that anyone chose."""
_SWITCH = re.compile(r"[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9])")

T = TypeVar("T")

_TEMPLATE = re.compile(
    r"""^(
        <.*> | \$\{.*\} | \{\{.*\}\} | \.{3,} | x{3,} | \*{3,}
        | .*\.\.\.$ | (sk|key|sg)-?(x+|\*+|\.+|1234.*|test|example)$
        | (your|my|the|insert|enter|put|paste|add)[-_ ].*(key|token|secret|password).*
        | (change|replace)[-_ ]?me.* | (api|secret)[-_ ]?key | secret | password | token | todo | example | dummy
    )$""",
    re.IGNORECASE | re.VERBOSE,
)


def resolve(reference: object) -> str:
    """The text that ``reference`` names.

    Raises:
        ValueError: it is no text, cannot be had, is empty, or is an unedited template value.
    """
    if reference is None:
        raise ValueError("is empty")
    if isinstance(reference, int | float):
        raise ValueError("must be a text; put it in quotes (a number loses its leading zeros)")
    if not isinstance(reference, str):
        raise ValueError("must be a text")
    scheme, colon, rest = reference.partition(":")
    if colon and scheme == "env":
        value = _from_environment(rest)
    elif colon and scheme == "file":
        value = _from_file(rest)
    elif colon and scheme == "keyring":
        value = _from_keyring(rest)
    elif colon and scheme == "sha256":
        raise ValueError(
            "sha256: is for client keys only; this one must be sent, so write it, or env:, file: or keyring:"
        )
    else:
        value = reference
    return accept(value)


def accept(value: str) -> str:
    """``value`` as a secret, without the white space around it.

    Raises:
        ValueError: it is empty, holds a control character, or is an unedited template value.
    """
    value = value.strip()
    if not value:
        raise ValueError("is empty")
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in value):
        raise ValueError("holds a line break or another control character")
    if _TEMPLATE.match(value):
        raise ValueError("is still the example's value; write the real one, or env:NAME, file:PATH or keyring:NAME")
    return value


def looks_secret(word: str) -> bool:
    """Whether somebody may have written a secret where a name belongs; then messages do not repeat it.

    >>> looks_secret("acme-key-2"), looks_secret("sk-proj-9f8e7d6c5b4a")
    (False, True)
    """
    if len(word) > LONGEST_NAME:
        return True
    parts = [part for part in re.split(r"[-_.\s]", word) if _SWITCH.search(part)]
    return any(len(part) >= 16 or len(_SWITCH.findall(part)) >= 4 for part in parts)


def _from_environment(name: str) -> str:
    value = os.environ.get(name) if _VARIABLE.fullmatch(name) else None
    if value is None and (looks_secret(name) or not _VARIABLE.fullmatch(name)):
        raise ValueError("env: takes the name of an environment variable; to write the secret itself, leave env: out")
    if value is None:
        raise ValueError(f"environment variable {name} is not set")
    if not value.strip():
        raise ValueError(f"environment variable {name} is empty")
    return value


def _from_file(name: str) -> str:
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_SECRET_BYTES + 1)
    except OSError as error:
        raise ValueError(f"file {path} cannot be read: {error.strerror}") from None
    if len(data) > LONGEST_SECRET_BYTES:
        raise ValueError(f"file {path} is larger than {LONGEST_SECRET_BYTES} bytes; it should hold the secret alone")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ValueError(f"file {path} is not a UTF-8 text") from None


def _from_keyring(name: str) -> str:
    if not KEYRING_NAME.fullmatch(name):
        raise ValueError("keyring: takes the name of a secret (letters, digits, '.', '_', '-'; 64 at most)")
    value = with_keyring(lambda: _keyring_get(name))
    if value is None and looks_secret(name):
        raise ValueError("keyring: takes the name of a secret, and this looks like a secret itself")
    if value is None:
        raise ValueError(f"keyring has no entry {name!r}; store it with: switchgear secrets set {name}")
    return value


def _keyring_get(name: str) -> str | None:
    return system_keyring().get_password(KEYRING_SERVICE, name)


class UnsafeKeyring(ValueError):
    """The keyring that was found does not keep secrets."""


def system_keyring() -> KeyringBackend:
    """The operating system's keyring; call it inside :func:`with_keyring`.

    Some package that happens to be installed can bring a keyring that writes plain text, or one that forgets: neither
    is taken (they have a priority below 1).

    Raises:
        UnsafeKeyring: there is none, or none that keeps secrets.
    """
    import keyring
    from keyring.backends import chainer, fail

    found = keyring.get_keyring()
    if isinstance(found, chainer.ChainerBackend) and found.backends:
        found = found.backends[0]
    if isinstance(found, fail.Keyring):
        raise UnsafeKeyring("this machine has no keyring; use env:NAME or file:PATH")
    if type(found).priority < SAFE_PRIORITY:
        kind = f"{type(found).__module__}.{type(found).__qualname__}"
        raise UnsafeKeyring(f"the keyring here ({kind}) does not keep secrets safe; use env:NAME or file:PATH")
    return found


def with_keyring(action: Callable[[], T]) -> T:
    """Run ``action``, which uses the operating system's keyring, with a time limit.

    Raises:
        ValueError: there is no keyring, it is locked, or it did not answer in time.
    """
    outcome: list[T] = []
    problem: list[Exception] = []

    def run() -> None:
        try:
            outcome.append(action())
        except Exception as error:
            problem.append(error)

    thread = threading.Thread(target=run, name="keyring", daemon=True)
    thread.start()
    thread.join(KEYRING_LIMIT_S)
    if problem and isinstance(problem[0], UnsafeKeyring):
        raise problem[0]
    if problem:
        raise ValueError(
            f"the keyring cannot be used ({type(problem[0]).__name__}); on a machine without one use env: or file:"
        )
    if not outcome:
        raise ValueError(f"the keyring did not answer within {KEYRING_LIMIT_S:g} s; is it locked?")
    return outcome[0]

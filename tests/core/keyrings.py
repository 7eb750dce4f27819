"""Keyrings for tests: one with a memory, and the kinds that must be refused or given up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import InitError, PasswordDeleteError


class MemoryKeyring(KeyringBackend):
    """Keeps what it is given, as a desktop's keyring does."""

    priority: float = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own lack
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError("no such password")


class PlaintextKeyring(MemoryKeyring):
    """What an installed package can bring along unasked."""

    priority = 0.5


class ForgetfulKeyring(MemoryKeyring):
    """Takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        return


class LockedKeyring(MemoryKeyring):
    """Viable, and locked: its error quotes what it was asked for."""

    def get_password(self, service: str, username: str) -> str | None:
        raise InitError(f"cannot unlock for {username}")


class PromptingKeyring(MemoryKeyring):
    """Waits for a person who is not there."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.answered.wait()
        return None


def new(backend: Callable[[], KeyringBackend]) -> KeyringBackend:
    """One of keyring's own backends, which are not typed."""
    return backend()


@contextmanager
def using(backend: KeyringBackend) -> Iterator[KeyringBackend]:
    """Make ``backend`` the machine's keyring."""
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield backend
    finally:
        keyring.set_keyring(before)

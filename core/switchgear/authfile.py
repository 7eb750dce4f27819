"""One account's file: a name of its own, written whole or not at all, readable by its owner alone."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import structlog

from switchgear.secret import Secret
from switchgear.types import Account

VERSION = 1
MAX_FILE_BYTES = 1024 * 1024
log = structlog.get_logger("switchgear.authfile")


def authfile_name(provider: str, account_id: str) -> str:
    """Name one account's auth file: readable, and different for every different ``account_id``.

    >>> authfile_name("acme", "a.b@x.io") == authfile_name("acme", "a-b@x.io")
    False
    """
    slug = re.sub(r"[^a-z0-9]+", "-", account_id.lower())[:24].strip("-") or "account"
    return f"{provider}-{slug}-{hashlib.sha256(account_id.encode()).hexdigest()[:12]}.json"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace ``path`` durably, mode 0600: after a crash the old or the new file is there, whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class DirectoryStore:
    """The auth files of one provider in a directory: ``store`` in the hooks. No other provider's is reachable."""

    def __init__(self, directory: Path, provider: str) -> None:
        self._directory = directory
        self._provider = provider

    def load(self) -> list[Account]:
        """See :class:`~switchgear.types.AuthStore`."""
        accounts = []
        for path in sorted(self._directory.glob(f"{self._provider}-*.json")):
            try:
                account = _read(path, self._provider)
            except (OSError, ValueError, TypeError, KeyError) as error:
                log.error("auth_file_unusable", file=path.name, problem=f"{type(error).__name__}: {error}"[:200])
                continue
            if account is not None:
                accounts.append(account)
        return accounts

    async def save(self, account: Account) -> None:
        """See :class:`~switchgear.types.AuthStore`."""
        content = json.dumps(_fields(account, self._provider), indent=2).encode()
        await asyncio.to_thread(write_atomically, self._path(account), content)

    async def remove(self, account: Account) -> None:
        """See :class:`~switchgear.types.AuthStore`."""
        await asyncio.to_thread(self._path(account).unlink, missing_ok=True)

    def _path(self, account: Account) -> Path:
        return self._directory / authfile_name(self._provider, account.id)


def _fields(account: Account, provider: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "provider": provider,
        "id": account.id,
        "label": account.label,
        "expires_at": account.expires_at,
        "details": dict(account.details),
        "secrets": {name: secret.reveal() for name, secret in account.secrets.items()},
    }


def _read(path: Path, provider: str) -> Account | None:
    """One file's account; ``None`` when it is another provider's, whose name begins alike."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError("too large for an auth file")
    fields = json.loads(content)
    if fields["version"] != VERSION:
        raise ValueError(f"unknown version {fields['version']!r}")
    if fields["provider"] != provider:
        return None
    return Account(
        id=fields["id"],
        label=fields["label"],
        secrets={name: Secret(value) for name, value in fields["secrets"].items()},
        details=fields["details"],
        expires_at=fields["expires_at"],
    )

"""One account's file: a name of its own, written whole or not at all, its secrets sealed, locked between processes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import structlog

from switchgear.authrecord import ForeignFileError, RefreshNote, account_of, fields_of, refresh_note, with_note
from switchgear.durable import make_private, write_atomically
from switchgear.errors import AuthFileError
from switchgear.sealing import Sealer, UnknownKeyError
from switchgear.types import Account

MAX_FILE_BYTES = 1024 * 1024
LOCK_LIMIT_S = 90.0
"""Longer than a refresh may take: whoever holds the lock for so long has died without the system noticing."""
RESERVED_BYTES = 64 * 1024
LEFT_BEHIND_S = 3600.0
LOCKS = ".locks"
QUARANTINE = "quarantine"
OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO

log = structlog.get_logger("switchgear.authfile")


def authfile_name(provider: str, account_id: str) -> str:
    """Name one account's auth file: readable, and different for every different account, case-folded too.

    >>> authfile_name("acme", "a.b@x.io") == authfile_name("acme", "a-b@x.io")
    False
    """
    slug = re.sub(r"[^a-z0-9]+", "-", account_id.lower())[:24].strip("-") or "account"
    digest = hashlib.sha256(f"{provider}\0{account_id}".encode(errors="surrogatepass")).hexdigest()
    return f"{provider.lower()}-{slug}-{digest[:16]}.json"


class DirectoryStore:
    """The auth files of one provider entry in a directory: ``store`` in the hooks. No other's is reachable.

    Args:
        directory: where the files are; made when one is written.
        provider: the entry's name.
        plugin: the key of its block: an entry of the same name of another plugin's does not get these files.
        sealer: seals the secrets.
        permissions: what to do about a file that others may read: ``fix`` takes their rights away, ``refuse`` leaves
            the account out. With ``look`` loading touches no file at all.

    Attributes:
        problems: the files that are not used, and why, by file name; as of the last :meth:`load`.
    """

    def __init__(
        self,
        directory: Path,
        provider: str,
        plugin: str,
        sealer: Sealer,
        permissions: Literal["fix", "refuse", "look"] = "fix",
    ) -> None:
        self._directory = directory
        self._provider = provider
        self._plugin = plugin
        self._sealer = sealer
        self._permissions = permissions
        self.problems: Mapping[str, str] = {}

    # -- what a plugin uses --------------------------------------------------------------------------------

    def load(self) -> list[Account]:
        """See :class:`~switchgear.types.AuthStore`. A file that cannot be used is copied aside, and named."""
        if self._permissions != "look":
            self._sweep()
        accounts: list[Account] = []
        problems: dict[str, str] = {}
        for path in sorted(self._directory.glob(f"{self._provider.lower()}-*.json")):
            try:
                fields = self._fields(path)
                if fields is not None:
                    accounts.append(account_of(fields, self._sealer))
            except (UnknownKeyError, PermissionError, AuthFileError) as error:  # nothing is wrong with the file itself
                problems[path.name] = str(error)
            except (OSError, ValueError, TypeError, KeyError) as error:
                copied = "" if self._permissions == "look" else f"; a copy is in {self._quarantine(path)}"
                problems[path.name] = f"{error}{copied}"
        for name, problem in problems.items():
            if self.problems.get(name) != problem:
                log.error("auth_file_not_used", provider=self._provider, file=name, problem=problem)
        self.problems = problems
        return accounts

    async def save(self, account: Account) -> None:
        """See :class:`~switchgear.types.AuthStore`."""
        async with self.lock(account.id) as held:
            await held.save(account)

    async def remove(self, account: Account) -> None:
        """See :class:`~switchgear.types.AuthStore`."""
        async with self.lock(account.id) as held:
            await held.remove(account)

    # -- what core uses ------------------------------------------------------------------------------------

    @asynccontextmanager
    async def lock(self, account_id: str) -> AsyncIterator[HeldStore]:
        """Hold the account's lock between processes; the store that is given writes under it.

        Raises:
            AuthFileError: the directory cannot be written, or the lock is not to be had.
        """
        from filelock import AsyncFileLock, Timeout  # it brings much: only for those who change an account

        name = authfile_name(self._provider, account_id)
        lock = self._directory / LOCKS / f"{name}.lock"
        try:
            await asyncio.to_thread(make_private, lock.parent)
            holding = AsyncFileLock(lock, timeout=LOCK_LIMIT_S, mode=0o600)
            await holding.acquire()
        except Timeout:
            raise AuthFileError(f"{name} is locked by another process for more than {LOCK_LIMIT_S:g} s") from None
        except OSError as error:
            raise AuthFileError(f"{self._directory} cannot be written: {error.strerror}") from None
        try:
            yield HeldStore(self, account_id)
        finally:
            await holding.release()

    def path(self, account_id: str) -> Path:
        """Where the account's file is, or would be."""
        return self._directory / authfile_name(self._provider, account_id)

    def note(self, account_id: str) -> RefreshNote | None:
        """How the account's last refresh ended, as its file says; ``None`` when there was none."""
        try:
            fields = self._fields(self.path(account_id))
        except (OSError, ValueError):
            return None
        return None if fields is None else refresh_note(fields)

    def write(self, account: Account, note: RefreshNote | None = None) -> None:
        """Write the account's file, or take ``note`` in too. Blocks; the caller holds the lock."""
        path = self.path(account.id)
        try:
            fields = fields_of(account, self._provider, self._plugin, self._sealer)
            old = refresh_note(self._fields(path) or {}) if path.exists() else None
            self._write(path, with_note(fields, note or old))
        except ValueError:  # the old file is damaged; the new one does not need it
            self._write(path, with_note(fields, note))

    def write_note(self, account_id: str, note: RefreshNote) -> None:
        """Say in the account's file how its refresh ended, and leave all else as it is. Blocks; under the lock."""
        fields = self._fields(self.path(account_id))
        if fields is not None:
            self._write(self.path(account_id), with_note(fields, note))

    def reserve(self) -> None:
        """See whether a file can be written at all, before a single-use token is spent. Blocks.

        Raises:
            AuthFileError: it cannot.
        """
        try:
            self._sealer.sealing_key()
            with tempfile.NamedTemporaryFile(dir=self._directory, prefix=".reserve.") as file:
                file.write(b"\0" * RESERVED_BYTES)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise AuthFileError(f"{self._directory} cannot be written: {error.strerror}") from None

    # -- files ---------------------------------------------------------------------------------------------

    def _write(self, path: Path, fields: Mapping[str, Any]) -> None:
        try:
            write_atomically(path, json.dumps(fields, indent=2).encode() + b"\n")
        except OSError as error:
            raise AuthFileError(
                f"{path} cannot be written: {error.strerror}; what was there before is still there"
            ) from None

    def _fields(self, path: Path) -> dict[str, Any] | None:
        """What the file holds; ``None`` when it is another entry's, whose name begins alike."""
        with path.open("rb") as file:
            self._check_permissions(path, file.fileno())
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ValueError("it is too large for an auth file")
        try:
            fields = json.loads(content)
        except (ValueError, RecursionError):
            raise ValueError("it is empty" if not content.strip() else "it is damaged: no JSON") from None
        if not isinstance(fields, dict) or "sealed" not in fields:
            raise ForeignFileError
        if (fields.get("provider"), fields.get("plugin")) != (self._provider, self._plugin):
            return None
        return fields

    def _sweep(self) -> None:
        """Remove what a process that was killed in the middle of a save left behind."""
        for left in self._directory.glob(f".{self._provider.lower()}-*.json.*"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > LEFT_BEHIND_S:
                    left.unlink()

    def _check_permissions(self, path: Path, descriptor: int) -> None:
        mode = os.fstat(descriptor).st_mode
        if not mode & OTHERS_MAY or self._permissions == "look":
            return
        if self._permissions == "refuse":
            raise PermissionError(f"others may read it (mode {stat.S_IMODE(mode):04o}); run: chmod 600 {path}")
        os.fchmod(descriptor, 0o600)
        log.warning("auth_file_was_open", file=path.name, mode=f"{stat.S_IMODE(mode):04o}", now="0600")

    def _quarantine(self, path: Path) -> str:
        """Keep a copy of a damaged file, once for each content: what comes next may write over it."""
        try:
            content = path.read_bytes()[: MAX_FILE_BYTES + 1]
            copy = path.parent / QUARANTINE / f"{path.stem}-{hashlib.sha256(content).hexdigest()[:8]}.json"
            if not copy.exists():
                write_atomically(copy, content)
        except OSError as error:
            return f"no place ({error.strerror})"
        return f"{QUARANTINE}/{copy.name}"


class HeldStore:
    """``store`` in a hook that runs under one account's lock; another account is locked on its own.

    Attributes:
        unsaved: an account that could not be written: its tokens are worth keeping in memory. ``None`` for none.
        has_saved: the account was written under this lock.
    """

    def __init__(self, store: DirectoryStore, account_id: str) -> None:
        self._store = store
        self._account_id = account_id
        self.unsaved: Account | None = None
        self.has_saved = False

    def load(self) -> list[Account]:
        """See :class:`~switchgear.types.AuthStore`."""
        return self._store.load()

    async def save(self, account: Account, note: RefreshNote | None = None) -> None:
        """See :class:`~switchgear.types.AuthStore`."""
        if account.id != self._account_id:
            await self._store.save(account)
            return
        try:
            # To its end, even where the caller is cancelled: the lock is held until the file is whole.
            await _to_the_end(self._store.write, account, note)
            self.has_saved = True
        except AuthFileError:
            self.unsaved = account
            raise

    async def remove(self, account: Account) -> None:
        """See :class:`~switchgear.types.AuthStore`."""
        if account.id != self._account_id:
            await self._store.remove(account)
            return
        try:
            await asyncio.to_thread(self._store.path(account.id).unlink, missing_ok=True)
        except OSError as error:
            raise AuthFileError(f"{self._store.path(account.id)} cannot be removed: {error.strerror}") from None


async def _to_the_end(function: Any, *arguments: Any) -> None:
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        raise


def refreshed_now(result: str) -> RefreshNote:
    """A note of a refresh that ended just now."""
    return RefreshNote(time.time(), result)

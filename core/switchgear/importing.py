"""Taking in the credential files of another program. They are read and never touched."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from switchgear.accounts import Entry
from switchgear.assembly import Runtime
from switchgear.authfile import MAX_FILE_BYTES, OTHERS_MAY, refreshed_now
from switchgear.errors import AuthFileError, LoginFailed, PluginError, SwitchgearError
from switchgear.secret import redact
from switchgear.types import Account

IMPORTED = "imported"

Outcome = Literal["imported", "updated", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one file. ``provider`` and ``account`` are empty where it led to none."""

    file: str
    outcome: Outcome
    detail: str = ""
    provider: str = ""
    account: str = ""
    warning: str = ""


class NoFolderError(SwitchgearError):
    """There is nothing to import from."""


async def import_folder(
    runtime: Runtime, entries: Sequence[Entry], source: str, place: Path, *, dry_run: bool, replace: bool = False
) -> list[Taken]:
    """Offer a JSON file, or each one of a folder, to the entries' plugins, one after the other; the first takes it.

    An account that is here already is kept where the file's credential is not newer: a refresh token that was used is
    worth nothing.

    Args:
        dry_run: says what would be done, and writes nothing.
        replace: the file's credential is taken in any case.

    Raises:
        NoFolderError: ``place`` cannot be read.
    """
    try:
        paths = await asyncio.to_thread(lambda: [place] if place.is_file() else _names(place))
    except OSError as error:
        raise NoFolderError(f"{place} cannot be read: {error.strerror}") from None
    if not paths:
        raise NoFolderError(f"there is no .json file in {place}")
    return [await _take(runtime, entries, source, path, dry_run=dry_run, replace=replace) for path in paths]


async def _take(
    runtime: Runtime, entries: Sequence[Entry], source: str, path: Path, *, dry_run: bool, replace: bool
) -> Taken:
    try:
        document, warning = await asyncio.to_thread(_read, path)
    except ValueError as error:
        return Taken(path.name, "skipped", str(error))
    for entry in entries:
        try:
            account = runtime.plugins.import_account(entry.provider, source, document, Beside(path))
        except LoginFailed as error:
            return Taken(path.name, "skipped", redact(str(error)), entry.name, warning=warning)
        except PluginError as error:
            return Taken(path.name, "failed", redact(str(error)), entry.name, warning=warning)
        if account is not None:
            try:
                outcome, detail = await _save(entry, account, dry_run=dry_run, replace=replace)
            except AuthFileError as error:
                outcome, detail = "failed", str(error)
            return Taken(path.name, outcome, detail, entry.name, account.label, warning)
    return Taken(path.name, "skipped", _nobodys(runtime, document), warning=warning)


class Beside(Mapping[str, Mapping[str, Any]]):
    """The JSON objects of the other files in a file's folder, by name. A file is read when it is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        if name not in self._others():
            raise KeyError(name)
        try:
            return _read(self._path.with_name(name))[0]
        except ValueError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._others())

    def __len__(self) -> int:
        return len(self._others())

    def _others(self) -> list[str]:
        try:
            return [path.name for path in _names(self._path.parent) if path.name != self._path.name]
        except OSError:
            return []


def _names(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix == ".json")


def _read(path: Path) -> tuple[Mapping[str, Any], str]:
    """The file's JSON object, and what to warn of.

    Raises:
        ValueError: there is none in it.
    """
    try:
        facts = path.stat()
        usable = stat.S_ISREG(facts.st_mode) and facts.st_size <= MAX_FILE_BYTES
        content = path.read_bytes() if usable else b""
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if not usable:
        raise ValueError("no credential file: too large, or no file at all")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("damaged: no JSON") from None
    if not isinstance(document, dict):
        raise ValueError("no JSON object")
    if not facts.st_mode & OTHERS_MAY:
        return document, ""
    mode = f"{stat.S_IMODE(facts.st_mode):04o}"
    return document, f"others may read it (mode {mode}); what it holds may be known: chmod 600 {path}"


def _nobodys(runtime: Runtime, document: Mapping[str, Any]) -> str:
    kind = document.get("type")
    if not isinstance(kind, str):
        return "not a credential file that any configured provider knows"
    status = runtime.plugins.statuses.get(kind)
    if status is not None and status.state == "not configured":
        return f"not configured: add {kind} to config.yaml first"
    if status is not None and status.state == "broken":
        return f"its plugin cannot be used: {status.problem}"
    return f"no configured provider takes files of type {kind[:40]!r}"


async def _save(entry: Entry, account: Account, *, dry_run: bool, replace: bool) -> tuple[Outcome, str]:
    if dry_run:
        return await asyncio.to_thread(_decide, entry, account, replace)
    async with entry.store.lock(account.id) as held:
        outcome, detail = await asyncio.to_thread(_decide, entry, account, replace)
        if outcome != "skipped":
            await held.save(account, refreshed_now(IMPORTED))
    return outcome, detail


def _decide(entry: Entry, account: Account, replace: bool) -> tuple[Outcome, str]:
    here = next((known for known in entry.store.load() if known.id == account.id), None)
    if here is None:
        return "imported", entry.store.path(account.id).name
    if here.secrets == account.secrets:
        return "skipped", "already here, and the same"
    newer = account.expires_at is None or here.expires_at is None or account.expires_at > here.expires_at
    if not newer and not replace:
        return "skipped", "already here, with a newer credential; --replace takes this one all the same"
    return "updated", entry.store.path(account.id).name

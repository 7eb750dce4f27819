"""Every account there is, as the operator sees them; and the files that hold none, with the reason."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from switchgear.accounts import Entry
from switchgear.assembly import Service
from switchgear.authfile import MAX_FILE_BYTES, QUARANTINE
from switchgear.authrecord import RefreshNote
from switchgear.errors import SwitchgearError
from switchgear.refreshing import SPENT
from switchgear.secret import redact
from switchgear.types import Account

State = Literal[
    "ready",
    "cooling",
    "exhausted",
    "suspended",
    "disabled",
    "expired",
    "login required",
    "quarantined",
    "not usable",
    "not configured",
]


class NoAccountError(SwitchgearError):
    """Nothing has this name."""


class SeveralAccountsError(SwitchgearError):
    """More than one account has this name, or a name that begins so."""


@dataclass(frozen=True, slots=True)
class Row:
    """One account, or one file that holds none that can be used.

    Attributes:
        account: names it in a path and on the command line: its file's name without ``.json``, had it one or not.
        label: its name for people; empty for a file that cannot be used.
        problem: why the file is not used; empty for an account.
        method: how it was signed in, where its plugin says so.
        expires_at: Unix seconds; ``None`` when the credential does not expire.
        login_expires_at: when the sign-in itself ends, Unix seconds; ``None`` when it does not, as far as is known.
        last_refresh: ``None`` when there was none.
        file: ``None`` for a key that stands in the configuration.
    """

    provider: str
    account: str
    label: str
    state: State
    problem: str = ""
    method: str | None = None
    expires_at: float | None = None
    login_expires_at: float | None = None
    last_refresh: RefreshNote | None = None
    file: str | None = None
    priority: int = 0

    def fields(self, wall: float | None = None) -> dict[str, Any]:
        """For a program, in the words of auth files."""
        now = time.time() if wall is None else wall
        note = self.last_refresh
        return {
            "provider": self.provider,
            "account": self.account,
            "label": self.label,
            "state": self.state,
            "problem": self.problem,
            "method": self.method,
            "expires-at": _moment(self.expires_at),
            "expires-in-seconds": _seconds(self.expires_at, now),
            "login-expires-at": _moment(self.login_expires_at),
            "login-expires-in-seconds": _seconds(self.login_expires_at, now),
            "last-refresh": None if note is None else {"at": _moment(note.at), "result": note.result},
            "priority": self.priority,
            "file": self.file,
        }


async def rows(service: Service, entries: Iterable[Entry]) -> list[Row]:
    """The accounts of ``entries``, which are loaded, in the order they are asked; and the files that are not used."""
    found: list[Row] = []
    for entry in entries:
        found += await asyncio.to_thread(_rows, service, entry)
    return found


async def strangers(service: Service) -> list[Row]:
    """The files in the auth directory that belong to no entry of the configuration."""
    runtime = service.current
    return await asyncio.to_thread(_strangers, runtime.config.auth_dir, runtime.entries)


def row(service: Service, entry: Entry, account: Account) -> Row:
    """One account. Reads its file, so call it in a thread."""
    path = entry.store.path(account.id)
    stored = path.exists()
    note = entry.store.note(account.id) if stored else None
    return Row(
        provider=entry.name,
        account=path.stem,
        label=account.label,
        state=_state(service, entry, account, note),
        problem=redact(account.problem),
        method=account.details.get("method"),
        expires_at=account.expires_at,
        login_expires_at=account.login_expires_at,
        last_refresh=note,
        file=path.name if stored else None,
        priority=account.priority,
    )


def shown(service: Service, entry: Entry, account: Account) -> dict[str, Any]:
    """All that may be seen of an account: never a secret, but fingerprints to compare. Reads files."""
    settings = entry.settings.read(account.id)
    return {
        **row(service, entry, account).fields(),
        "id": account.id,
        "details": {name: redact(value) for name, value in account.details.items()},
        "fingerprints": {name: secret.fingerprint() for name, secret in account.secrets.items()},
        "refresh-at": _moment(account.refresh_at),
        "max-concurrency": account.max_concurrency,
        "settings": {
            "label": settings.label,
            "disabled": settings.disabled,
            "priority": settings.priority,
            "weight": settings.weight,
            "proxy-url": None if settings.proxy_url is None else _without_password(settings.proxy_url),
        },
    }


def _rows(service: Service, entry: Entry) -> list[Row]:
    found = [row(service, entry, account) for account in entry.accounts]
    for name, problem in entry.store.problems.items():
        copied = any((service.current.config.auth_dir / QUARANTINE).glob(f"{Path(name).stem}-*.json"))
        state: State = "quarantined" if copied else "not usable"
        found.append(Row(entry.name, Path(name).stem, "", state, redact(problem), file=name))
    return found


def _state(service: Service, entry: Entry, account: Account, note: RefreshNote | None) -> State:
    if entry.provider.settings.disabled:
        return "disabled"
    if account.problem and not account.disabled:
        return "not usable"
    match service.account_state(entry, account):
        case "disabled":
            return "disabled"
        case "auth_failed":
            return "login required"
        case "suspended":
            return "suspended"
        case "exhausted":
            return "exhausted"
        case "cooling":
            return "cooling"
    if note is not None and note.result.startswith(SPENT):
        return "login required"
    expired = account.expires_at is not None and account.expires_at <= time.time()
    return "expired" if expired and not entry.can_refresh else "ready"


def _strangers(auth_dir: Path, entries: Sequence[Entry]) -> list[Row]:
    found = []
    known = {(entry.name, entry.provider.key) for entry in entries}
    mine = tuple(f"{entry.name.lower()}-" for entry in entries)
    for path in sorted(auth_dir.glob("*.json")):
        owner = _owner(path)
        if owner is None:
            if not path.name.startswith(mine):
                problem = "no file of this program, or a damaged one; take others' files in with: accounts import"
                found.append(Row("?", path.stem, "", "not usable", problem, file=path.name))
        elif (owner["provider"], owner["plugin"]) not in known:
            problem = f"config.yaml has no entry {owner['provider']!r} of {owner['plugin']}"
            label = str(owner.get("label") or "")
            found.append(Row(str(owner["provider"]), path.stem, label, "not configured", problem, file=path.name))
    return found


def _owner(path: Path) -> Mapping[str, Any] | None:
    try:
        with path.open("rb") as file:
            fields = json.loads(file.read(MAX_FILE_BYTES))
        return fields if {"provider", "plugin", "sealed"} <= fields.keys() else None
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


def _moment(moment: float | None) -> str | None:
    """Unix seconds as a person reads them, UTC; one that never comes is ``never``."""
    if moment is None:
        return None
    return "never" if moment == float("inf") else datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _seconds(moment: float | None, now: float) -> int | None:
    """How far away a moment is; ``None`` for one that never comes."""
    return None if moment is None or moment == float("inf") else round(moment - now)


def _without_password(reference: str) -> str:
    """A proxy's URL without its user and password; a reference to one as it is."""
    parts = urlsplit(reference)
    return reference if not parts.netloc else f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


# -- finding one -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """What a name led to: an account, or a file that holds none that can be used (then ``account`` is ``None``)."""

    account: Account | None
    file: str


def find(entry: Entry, name: str) -> Found:
    """The account that ``name`` stands for: its label, id or file name, or an unambiguous beginning of one.

    Raises:
        NoAccountError: there is none.
        SeveralAccountsError: there are several.
    """
    names: list[tuple[Found, tuple[str, ...]]] = []
    for account in entry.accounts:
        path = entry.store.path(account.id)
        names.append((Found(account, path.name), (account.label, account.id, path.name, path.stem)))
    names += [(Found(None, file), (file, Path(file).stem)) for file in entry.store.problems]
    hits = [found for found, own in names if name in own]
    hits = hits or [found for found, own in names if name and any(each.startswith(name) for each in own)]
    if len(hits) == 1:
        return hits[0]
    shown = [_called(found) for found in (hits or [found for found, _ in names])]
    if hits:
        raise SeveralAccountsError(f"{name!r} may be any of: {', '.join(shown)}; name one by its file")
    there = f"it has {', '.join(shown)}" if shown else f"it has none; sign in with: switchgear login {entry.name}"
    raise NoAccountError(f"{entry.name} has no account {name[:100]!r}; {there}")


def _called(found: Found) -> str:
    return found.file if found.account is None else f"{found.account.label} ({found.file})"

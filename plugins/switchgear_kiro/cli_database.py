"""The SQLite database of kiro-cli and of Amazon Q: where it is, and which sign-in is in it. It is only ever read.

Traps (kirodotdev/Kiro #4847, lidge-jun/opencodex #4482, read 2026-11): kiro-cli may renew a token without writing the
new one down, so the one that is written down can be spent; and the row with the profile outlives the sign-in it came
from.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from switchgear import LoginFailed
from switchgear_kiro.account import Credential, Method
from switchgear_kiro.aws_sign_in import BUILDER_ID_START_URL
from switchgear_kiro.credential_fields import Document, credential_of, text

MAGIC = b"SQLite format 3\0"
BUSY_S = 0.5
MOST_ROWS = 100
OWNERS = ("kirocli", "codewhisperer")
"""Who wrote a key, the newer first."""
OIDC = ("odic", "oidc")
"""The vendor's spelling first."""
SIMPLE: tuple[Method, ...] = ("social", "external-idp")
"""Those that need no registration."""
WAL_VERSION = 2
"""Byte 18 of a database that keeps its latest changes in a file beside it (SQLite's file format, 1.3.3)."""


def places(platform: str, home: Path, environ: Mapping[str, str]) -> list[tuple[str, Path]]:
    """Where the databases would be: the program's name and the path.

    Args:
        platform: ``sys.platform``.
    """
    if platform == "win32":
        local = Path(environ.get("LOCALAPPDATA") or home / "AppData/Local")
        roaming = Path(environ.get("APPDATA") or home / "AppData/Roaming")
        found = [("kiro-cli", local / "Kiro-Cli"), ("kiro-cli", roaming / "Kiro-Cli"), ("Amazon Q", local / "amazon-q")]
    else:
        base = home / ("Library/Application Support" if platform == "darwin" else ".local/share")
        found = [("kiro-cli", base / "kiro-cli"), ("Amazon Q", base / "amazon-q")]
    return [(program, folder / "data.sqlite3") for program, folder in found]


def is_database(path: Path) -> bool:
    """Whether the file is an SQLite database. Blocks."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read(path: Path) -> Credential:
    """The sign-in in the database: of several, the one whose token lasts longest. Blocks.

    Raises:
        LoginFailed: there is none, or it cannot be read.
    """
    if not path.exists():
        raise LoginFailed("there is no such file")
    try:
        with _opened(path) as database:
            secrets, state = _rows(database, "auth_kv"), _rows(database, "state")
    except (sqlite3.Error, OSError) as error:
        raise LoginFailed(f"the database cannot be read: {error}") from None
    found: list[Credential] = []
    problems: list[str] = []
    for make in _sign_ins(secrets, state):
        try:
            found.append(make())
        except LoginFailed as error:
            problems.append(str(error))
    if not found:
        raise LoginFailed(problems[0] if problems else "nobody is signed in there")
    return max(found, key=lambda credential: credential.expires_at or 0.0)


def _sign_ins(secrets: Mapping[str, Any], state: Mapping[str, Any]) -> Iterator[Callable[[], Credential]]:
    """Every sign-in, unread. Of equals the first counts, so OIDC stands before social."""
    for owner in OWNERS:
        for name in OIDC:
            token = secrets.get(f"{owner}:{name}:token")
            if isinstance(token, dict):
                registrations = (secrets.get(f"{owner}:{each}:device-registration") for each in (name, *OIDC))
                registration = next((each for each in registrations if isinstance(each, dict)), {})
                yield partial(_oidc, token, registration, state)
        for kind in SIMPLE:
            token = secrets.get(f"{owner}:{kind}:token")
            if isinstance(token, dict):
                yield partial(credential_of, token, method=kind)


def _oidc(token: Document, registration: Document, state: Mapping[str, Any]) -> Credential:
    start_url = text(token, "start_url").rstrip("/")
    method: Method = "builder-id" if start_url in {"", BUILDER_ID_START_URL} else "idc"
    regions = {region for each in (token, registration) if (region := text(each, "region"))}
    if len(regions) > 1:
        raise LoginFailed("its client registration is of another region than its token")
    credential = credential_of(token, registration, method=method)
    profile = state.get("api.codewhisperer.profile")
    if method == "idc" and isinstance(profile, dict) and _same(state.get("auth.idc.start-url"), start_url):
        return replace(credential, profile_arn=credential.profile_arn or text(profile, "arn"))
    return credential


def _same(told: Any, start_url: str) -> bool:
    return isinstance(told, str) and told.rstrip("/") == start_url


def _rows(database: sqlite3.Connection, table: str) -> dict[str, Any]:
    """The keys that may be of use, with their JSON; what is none is kept as the text it is."""
    if database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone() is None:
        return {}
    rows = database.execute(
        f"SELECT key, value FROM {table} WHERE key LIKE '%:token' OR key LIKE '%:device-registration' "  # noqa: S608
        "OR key IN ('api.codewhisperer.profile', 'auth.idc.start-url') LIMIT ?",
        (MOST_ROWS,),
    )
    found = {}
    for key, value in rows:
        try:
            found[key] = json.loads(value)
        except (ValueError, TypeError, RecursionError):
            found[key] = value
    return found


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, in a way that leaves nothing behind in its folder, not even the files that reading may need."""
    with path.open("rb") as file:
        keeps_wal = file.read(20)[18:19] == bytes([WAL_VERSION])
    wal, shared_memory = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    if not keeps_wal or (wal.exists() and shared_memory.exists()):
        with closing(_connected(path, "mode=ro")) as database:
            yield database
    elif not wal.exists():  # whoever writes now writes beside it
        with closing(_connected(path, "immutable=1")) as database:
            yield database
    else:  # its writer died: the changes can be read only where a file for them can be made
        with tempfile.TemporaryDirectory(prefix="switchgear-") as folder:
            copy = Path(folder) / "copy"
            shutil.copyfile(path, copy)
            shutil.copyfile(wal, copy.with_name("copy-wal"))
            with closing(_connected(copy, "mode=ro")) as database:
                yield database


def _connected(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?{how}", uri=True, timeout=BUSY_S)

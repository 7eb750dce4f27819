"""The SQLite database in which the IDE keeps its sign-in. It is only ever read, and nothing is left beside it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from switchgear import LoginFailed

EDITIONS = ("Cursor", "Cursor - Insiders")
PLACE = "User/globalStorage/state.vscdb"
BUSY_S = 0.5
KEY_PREFIX = "cursorAuth/"
WAL_VERSION = 2
"""Byte 18 of a database that keeps its latest changes in a file beside it (SQLite's file format, 1.3.3)."""


def places(platform: str, home: Path, environ: Mapping[str, str]) -> list[Path]:
    """Where the databases would be.

    Args:
        platform: ``sys.platform``.
    """
    match platform:
        case "win32":
            base = Path(environ.get("APPDATA") or home / "AppData/Roaming")
        case "darwin":
            base = home / "Library/Application Support"
        case _:
            base = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return [base / edition / PLACE for edition in EDITIONS]


def read(path: Path) -> dict[str, str]:
    """What the database says of the sign-in: ``accessToken``, ``refreshToken``, ``cachedEmail``. Blocks.

    Raises:
        LoginFailed: nobody is signed in there, or it cannot be read.
    """
    if not path.is_file():
        raise LoginFailed("there is no such file")
    try:
        with _opened(path) as database:
            rows = database.execute(
                "SELECT key, value FROM ItemTable WHERE key LIKE ? LIMIT 100", (f"{KEY_PREFIX}%",)
            ).fetchall()
    except (sqlite3.Error, OSError) as error:
        raise LoginFailed(f"the database cannot be read: {error}") from None
    found = {str(key).removeprefix(KEY_PREFIX): text for key, value in rows if (text := _text(value))}
    if "accessToken" not in found:
        raise LoginFailed("nobody is signed in there")
    return found


def _text(value: Any) -> str:
    """A value, which may be a quoted JSON string, or bytes."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()
    return decoded.strip() if isinstance(decoded, str) else text.strip()


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database as it is now. The IDE holds it open, so what it wrote last may stand in a file beside it."""
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

"""The machine that people sign in on, as far as Cursor's own programs left their sign-ins there."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest.mock import patch

from switchgear_cursor.fake.people import EMAIL, People

DATABASE = Path("config/Cursor/User/globalStorage/state.vscdb")
COMMAND_LINE = Path("config/cursor/auth.json")
OWNERS = ("ada", "ben")
"""Whose sign-in is found, in the order in which they are offered."""


@contextmanager
def machine(people: People) -> Iterator[Path]:
    """A Linux home directory, the process's meanwhile: the IDE has ada's session there, and the command line ben's."""
    with tempfile.TemporaryDirectory(prefix="switchgear-home-") as folder:
        home = Path(folder)
        for place in (DATABASE, COMMAND_LINE):
            (home / place).parent.mkdir(parents=True)
        ada, ben = (people.session(people.user(name)) for name in OWNERS)
        rows = {"accessToken": ada, "refreshToken": ada, "cachedEmail": EMAIL, "stripeMembershipType": "pro"}
        with closing(sqlite3.connect(home / DATABASE)) as database:
            database.execute("CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
            values = [(f"cursorAuth/{name}", value) for name, value in rows.items()]
            database.executemany("INSERT INTO ItemTable VALUES (?, ?)", values)
            database.commit()
        (home / COMMAND_LINE).write_text(json.dumps({"accessToken": ben, "refreshToken": ben}))
        with patch.dict(os.environ, {"HOME": folder, "XDG_CONFIG_HOME": str(home / "config")}):
            yield home

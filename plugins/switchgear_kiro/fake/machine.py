"""The machine that people sign in on, as far as other programs left credentials there."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from switchgear_kiro.fake.people import SHARED_ARN, People

IDE_FILE = Path(".aws/sso/cache/kiro-auth-token.json")
DATABASE = Path(".local/share/kiro-cli/data.sqlite3")
GOOD_UNTIL = "2099-01-01T00:00:00.000Z"
OWNERS = ("ada", "ben")
"""Whose sign-in is found, in the order in which they are offered."""


@contextmanager
def machine(people: People) -> Iterator[Path]:
    """A home directory, the process's meanwhile: the Kiro IDE has ada's Google account there, and kiro-cli ben's."""
    with tempfile.TemporaryDirectory(prefix="switchgear-home-") as folder:
        home = Path(folder)
        for place in (IDE_FILE, DATABASE):
            (home / place).parent.mkdir(parents=True)
        ada, ben = (_tokens(people, name) for name in OWNERS)
        document = {
            **ada,
            "expiresAt": GOOD_UNTIL,
            "authMethod": "social",
            "provider": "Google",
            "profileArn": SHARED_ARN,
        }
        (home / IDE_FILE).write_text(json.dumps(document))
        row = {
            "access_token": ben["accessToken"],
            "refresh_token": ben["refreshToken"],
            "expires_at": GOOD_UNTIL,
            "provider": "google",
            "profile_arn": SHARED_ARN,
        }
        with closing(sqlite3.connect(home / DATABASE)) as database:
            database.execute("CREATE TABLE auth_kv (key TEXT PRIMARY KEY, value TEXT)")
            database.execute("INSERT INTO auth_kv VALUES (?, ?)", ("kirocli:social:token", json.dumps(row)))
            database.commit()
        with patch.dict(os.environ, {"HOME": folder}):
            yield home


def _tokens(people: People, name: str) -> dict[str, Any]:
    return people.issue(people.begin(people.user(name, "Google")))

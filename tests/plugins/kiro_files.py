"""Other programs' credential files, as they write them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START_URL = "https://d-1234567890.awsapps.com/start"
BUILDER_HASH = "e909a0580879b06ece1202964fbe9dda95ea4ce3"
ARN = "arn:aws:codewhisperer:eu-central-1:111122223333:profile/ABCDEFGHIJKL"
ISSUER = "https://login.company.example/tenant/v2.0"


def token(kind: str, name: str) -> str:
    """An opaque token of about the real ones' length."""
    return f"{kind}-{name}-".ljust(120, "x")


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ide(name: str, lasts_s: float = 3600.0, **fields: Any) -> dict[str, Any]:
    """The token file of a Google sign-in; ``fields`` replace its own, and ``None`` leaves one out."""
    document = {
        "accessToken": token("aoa", name),
        "refreshToken": token("aor", name),
        "expiresAt": iso(time.time() + lasts_s),
        "authMethod": "social",
        "provider": "Google",
        "profileArn": "arn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA3GRVQMUK",
        **fields,
    }
    return {name: value for name, value in document.items() if value is not None}


def ide_oidc(name: str, hash_: str = BUILDER_HASH, **fields: Any) -> dict[str, Any]:
    """The token file of a Builder ID, or with other ``fields`` of an organisation's member."""
    aws = {"authMethod": "IdC", "provider": "BuilderId", "clientIdHash": hash_, "region": "us-east-1"}
    return ide(name, **{"profileArn": None, **aws, **fields})


def registration(name: str = "client") -> dict[str, Any]:
    return {"clientId": name, "clientSecret": f"{name}-secret".ljust(400, "s"), "expiresAt": "2027-02-01T00:00:00.000"}


def snake(name: str, lasts_s: float = 3600.0, **fields: Any) -> dict[str, Any]:
    """A token as the command lines write it, with nine digits of a second."""
    document = {
        "access_token": token("aoa", name),
        "refresh_token": token("aor", name),
        "expires_at": iso(time.time() + lasts_s).replace("Z", "123456Z"),
        **fields,
    }
    return {name: value for name, value in document.items() if value is not None}


def oidc_token(name: str, **fields: Any) -> dict[str, Any]:
    device = {
        "region": "us-east-1",
        "start_url": None,
        "oauth_flow": "DeviceCode",
        "scopes": ["codewhisperer:analysis"],
    }
    return snake(name, **{**device, **fields})


def device_registration(name: str = "client", region: str = "us-east-1") -> dict[str, Any]:
    ends = "2027-02-01T00:00:00.123456789Z"
    secret = f"{name}-secret".ljust(400, "s")
    return {"client_id": name, "client_secret": secret, "client_secret_expires_at": ends, "region": region}


def put(path: Path, document: Mapping[str, Any] | str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    path.chmod(mode)
    return path


def database(
    path: Path, secrets: Mapping[str, Any], state: Mapping[str, Any] | None = None, *, wal: bool = False
) -> sqlite3.Connection:
    """A command line's database, still open; close it as the program does when it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
    for table, rows in (("auth_kv", secrets), ("state", state or {})):
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} (key TEXT PRIMARY KEY, value TEXT)")
        written = [(key, value if isinstance(value, str) else json.dumps(value)) for key, value in rows.items()]
        connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", written)
    connection.commit()
    return connection


def closed_database(path: Path, secrets: Mapping[str, Any], state: Mapping[str, Any] | None = None) -> Path:
    with closing(database(path, secrets, state)):
        return path

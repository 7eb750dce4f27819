"""What stands in an auth file: metadata that may be read, and the secrets, sealed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from switchgear.sealing import Sealer
from switchgear.secret import Secret
from switchgear.types import Account

VERSION = 1
NEVER = "never"


class ForeignFileError(ValueError):
    """The file was written by another program."""

    def __str__(self) -> str:
        return "it was written by another program; take it in with: switchgear accounts import"


@dataclass(frozen=True, slots=True)
class RefreshNote:
    """How the last refresh ended. ``at`` is Unix seconds; ``result`` is ``ok`` or what went wrong.

    For a credential that no refresh has touched yet it says where it came from: ``signed in``, ``imported``.
    """

    at: float
    result: str


def fields_of(account: Account, provider: str, plugin: str, sealer: Sealer) -> dict[str, Any]:
    """The file's JSON object. What the operator decides about the account is not in it."""
    secrets = json.dumps({name: secret.reveal() for name, secret in account.secrets.items()})
    return {
        "version": VERSION,
        "provider": provider,
        "plugin": plugin,
        "id": account.id,
        "label": account.label,
        "expires-at": _written(account.expires_at),
        "refresh-at": _written(account.refresh_at),
        "login-expires-at": _written(account.login_expires_at),
        "max-concurrency": account.max_concurrency,
        "details": dict(account.details),
        "sealed": dict(sealer.seal(secrets, _owner(provider, account.id))),
    }


def account_of(fields: Mapping[str, Any], sealer: Sealer) -> Account:
    """The account of a file.

    Raises:
        UnknownKeyError: the key that sealed it is not here.
        ValueError: the file is damaged, or newer than this program.
    """
    if fields.get("version") != VERSION:
        raise ValueError(f"it has the unknown version {fields.get('version')!r}; update switchgear")
    try:
        secrets = json.loads(sealer.open(fields["sealed"], _owner(fields["provider"], fields["id"])))
        return Account(
            id=fields["id"],
            label=fields["label"],
            secrets={name: Secret(value) for name, value in secrets.items()},
            details=dict(fields["details"]),
            expires_at=_read(fields["expires-at"]),
            refresh_at=_read(fields["refresh-at"]),
            login_expires_at=_read(fields.get("login-expires-at")),  # a file of an earlier version lacks it
            max_concurrency=fields["max-concurrency"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is damaged: {type(error).__name__} {error}") from None


def refresh_note(fields: Mapping[str, Any]) -> RefreshNote | None:
    """How the last refresh ended; ``None`` when the file says nothing."""
    note = fields.get("last-refresh")
    if not isinstance(note, dict):
        return None
    at = _read(note.get("at"))
    return None if at is None else RefreshNote(at, str(note.get("result")))


def with_note(fields: Mapping[str, Any], note: RefreshNote | None) -> Mapping[str, Any]:
    """``fields`` with the note, where there is one."""
    if note is None:
        return fields
    sealed = fields["sealed"]
    rest = {name: value for name, value in fields.items() if name not in {"sealed", "last-refresh"}}
    return {**rest, "last-refresh": {"at": _written(note.at), "result": note.result}, "sealed": sealed}


def _owner(provider: str, account_id: str) -> str:
    return f"{provider}|{account_id}"


def _written(moment: float | None) -> str | None:
    """Unix seconds as a person reads them, UTC; a moment that never comes is ``never``."""
    if moment is None:
        return None
    if math.isinf(moment):
        return NEVER
    return datetime.fromtimestamp(moment, UTC).isoformat()


def _read(text: Any) -> float | None:
    if text is None:
        return None
    if text == NEVER:
        return math.inf
    return datetime.fromisoformat(text).timestamp()

"""Accounts out of other programs' files: those of CLIProxyAPI, and the vendor client's ``oauth_creds.json``.

Source: router-for-me/CLIProxyAPI before f5dc6483d and the vendor's client 0.5, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from switchgear import Account, LoginFailed, Secret
from switchgear_iflow.accounts import (
    Identity,
    cookie_account,
    key_account,
    local_time,
    oauth_account,
    text,
)
from switchgear_iflow.platform_keys import session_cookie

CLIPROXYAPI = "cliproxyapi"
VENDOR_FIELDS = frozenset({"apiKey", "access_token", "refresh_token"})
"""Of the vendor client's file, which names no program: it is known by its fields, wherever it was found."""

Document = Mapping[str, Any]


def imported(source: str, document: Document) -> Account | None:
    """The account in the file; ``None`` when it is none of iFlow's.

    Raises:
        LoginFailed: it is one, and lacks what an account needs.
    """
    if source == CLIPROXYAPI and document.get("type") == "iflow":
        return _account(document, text(document, "api_key"), "api_key", _moment(document.get("expired")))
    if "type" not in document and document.keys() >= VENDOR_FIELDS:
        milliseconds = document.get("expiry_date")
        expires_at = milliseconds / 1000 if isinstance(milliseconds, int | float) else None
        return _account(document, text(document, "apiKey"), "apiKey", expires_at)
    return None


def _account(document: Document, api_key: str, field: str, expires_at: float | None) -> Account:
    if not api_key:
        raise LoginFailed(f"the file has no {field}, without which iFlow serves nothing")
    identity = Identity(
        text(document, "user_id", "userId"),
        text(document, "email"),
        text(document, "phone"),
        text(document, "user_name", "userName"),
    )
    cookie = session_cookie(text(document, "cookie"))
    if cookie is not None and not text(document, "refresh_token"):
        # In a cookie's file the key's name stands where others have the e-mail address.
        name = identity.name or identity.email
        if not name:
            raise LoginFailed("the file has a cookie, but no email: the name of the key that the cookie renews")
        return cookie_account(name, cookie, api_key, expires_at)
    if not text(document, "refresh_token"):
        return key_account(Secret(api_key))
    if not text(document, "access_token"):
        raise LoginFailed("the file has a refresh_token, but no access_token")
    details = {name: said for name in ("token_type", "scope") if (said := text(document, name))}
    account = oauth_account(
        identity,
        api_key,
        Secret(text(document, "access_token")),
        Secret(text(document, "refresh_token")),
        expires_at or 0.0,
        **details,
    )
    return account if expires_at is not None else replace(account, refresh_at=0.0)


def _moment(value: object) -> float | None:
    """RFC 3339, or a key page's local time, as Unix seconds; ``None`` for anything else."""
    local = local_time(value)
    if local is not None or not isinstance(value, str):
        return local
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None

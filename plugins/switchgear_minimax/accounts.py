"""Which account a credential is, and what is kept of it. Pure.

A token response says neither who signed in nor what account it is, unless it has an ``id_token``, which nobody has seen
yet (2026-10). So an account is, in this order: the subject of an ``id_token``; the name the person gave it; a digest of
its first refresh token, which recognises no second sign-in. A key is its own digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from switchgear import Account, LoginFailed, Secret
from switchgear_minimax.settings import OAuthClient, Region, Settings
from switchgear_minimax.tokens import Tokens
from switchgear_minimax.wire import (
    ACCESS_TOKEN,
    API_KEY,
    CLIENT_ID,
    METHOD,
    REFRESH_TOKEN,
    REGION,
    RESOURCE,
    SCOPE,
    resource_origin,
)

LONGEST_NAME_CHARS = 100
TYPES: dict[str, Region] = {"minimax": "global", "minimax-cn": "cn"}
"""CLIProxyAPI's ``type`` of each region's files."""


def signed_in(tokens: Tokens, region: Region, name: str, client: OAuthClient) -> Account:
    """The account of a sign-in; ``name`` is what the person calls it, empty where they do not.

    Raises:
        LoginFailed: there is no refresh token.
    """
    if tokens.refresh_token is None:
        raise LoginFailed("MiniMax gave no refresh token, so the sign-in would not last; start again")
    return Account(
        _id(region, tokens.subject, name, tokens.refresh_token),
        label=name,
        secrets={ACCESS_TOKEN: tokens.access_token, REFRESH_TOKEN: tokens.refresh_token},
        details={
            METHOD: "oauth",
            REGION: region,
            CLIENT_ID: client.client_id,
            SCOPE: tokens.scope or client.scope,
            RESOURCE: tokens.resource_url,
        },
        expires_at=tokens.expires_at,
    )


def refreshed(account: Account, tokens: Tokens) -> Account:
    """The same account with new tokens; what the answer leaves out stays as it was."""
    secrets = {**account.secrets, ACCESS_TOKEN: tokens.access_token}
    if tokens.refresh_token is not None:
        secrets[REFRESH_TOKEN] = tokens.refresh_token
    told = {SCOPE: tokens.scope, RESOURCE: tokens.resource_url}
    details = {**account.details, **{name: value for name, value in told.items() if value}}
    return replace(account, secrets=secrets, details=details, expires_at=tokens.expires_at)


def key_account(key: Secret, region: Region, label: str = "") -> Account:
    """The account of a key."""
    digest = key.fingerprint()
    return Account(
        f"{region}-key-{digest}",
        label=label or f"key-{digest[:6]}",
        secrets={API_KEY: key},
        details={METHOD: "api-key", REGION: region},
    )


def inline_accounts(settings: Settings) -> list[Account]:
    """The accounts of the keys written in the configuration, in its order."""
    return [key_account(key, settings.region) for key in settings.api_keys]


def imported(document: Mapping[str, Any], client: OAuthClient) -> Account | None:
    """The account of a CLIProxyAPI file; ``None`` where it is another provider's.

    Source: CLIProxyAPI v8's ``internal/auth/minimax``, read 2026-11. Its files lack the client's id: the default one.

    Raises:
        LoginFailed: a field that is needed is missing.
    """
    region = TYPES.get(str(document.get("type")))
    if region is None:
        return None
    if document.get("region") in TYPES.values():
        region = "cn" if document["region"] == "cn" else "global"
    access, refresh = _field(document, "access_token"), _field(document, "refresh_token")
    missing = [name for name, value in (("access_token", access), ("refresh_token", refresh)) if not value]
    if missing:
        raise LoginFailed(f"the file lacks {' and '.join(missing)}; sign in with: switchgear login minimax")
    name, refresh_token = _field(document, "label"), Secret(refresh)
    given = next((url for key in ("resource_url", "base_url") if (url := _field(document, key))), "")
    return Account(
        _id(region, None, name, refresh_token),
        label=name,
        secrets={ACCESS_TOKEN: Secret(access), REFRESH_TOKEN: refresh_token},
        details={
            METHOD: "oauth",
            REGION: region,
            CLIENT_ID: _field(document, "client_id") or client.client_id,
            SCOPE: _field(document, "scope"),
            RESOURCE: given if resource_origin(given, region) else "",
        },
        expires_at=_expiry(_field(document, "expired")),
    )


def _id(region: Region, subject: str | None, name: str, first_refresh_token: Secret) -> str:
    if subject is not None:
        return f"{region}-sub-{subject}"
    return f"{region}-name-{name}" if name else f"{region}-{first_refresh_token.fingerprint()}"


def _field(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value.strip()[: 16 * 1024] if isinstance(value, str) else ""


def _expiry(text: str) -> float:
    """RFC 3339 as Unix seconds; a time that cannot be read is past, so that a refresh comes first."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return moment.timestamp() if moment.tzinfo is not None else 0.0


def name_of(given: str) -> str:
    """A name as it is kept: one line, 100 characters at most.

    Raises:
        LoginFailed: it holds control characters.
    """
    name = given.strip()
    if not name.isprintable() or len(name) > LONGEST_NAME_CHARS:
        raise LoginFailed(f"a name is one line of at most {LONGEST_NAME_CHARS} characters; start again with another")
    return name

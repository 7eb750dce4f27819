"""What an account is made of: its identity, its secrets, and when it is to be refreshed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from switchgear import Account, LoginFailed, Secret

METHOD = "method"
OAUTH, OAUTH_CODE, COOKIE_METHOD, API_KEY_METHOD = "oauth", "oauth-code", "cookie", "api-key"
OAUTH_METHODS = frozenset({OAUTH, OAUTH_CODE})
METHODS = (OAUTH, OAUTH_CODE, COOKIE_METHOD, API_KEY_METHOD)

API_KEY, ACCESS_TOKEN, REFRESH_TOKEN, COOKIE = "api-key", "access-token", "refresh-token", "cookie"
KEY_NAME = "key-name"

LIFETIME_S = 7 * 86_400.0
"""How long an access token lives where the answer does not say; read 2026-11."""
LONGEST_LIFETIME_S = 10 * 365 * 86_400.0
OAUTH_AHEAD_S = 24 * 3600.0
"""The vendor's client refreshes a day before the end, and never after it."""
COOKIE_AHEAD_S = 48 * 3600.0
AT_ONCE = 1
"""Calls at once: the service answers 449 to a second one (iflow-ai/iflow-cli issue 301, read 2026-11)."""
SHANGHAI = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an account is, as far as the service says; empty for what it does not."""

    user_id: str = ""
    email: str = ""
    phone: str = ""
    name: str = ""

    @property
    def account_id(self) -> str:
        """From what is known to be steadiest: the user id, the e-mail address, the phone, the key's name.

        Raises:
            LoginFailed: nothing is known.
        """
        if self.user_id:
            return f"user:{self.user_id}"
        if self.email:
            return f"email:{self.email.casefold()}"
        if self.phone:
            return f"phone:{self.phone.replace('*', 'x')}"  # masked
        if self.name:
            return f"name:{self.name}"
        raise LoginFailed("iFlow does not say whose account this is, so it cannot be kept apart from others")

    @property
    def details(self) -> dict[str, str]:
        """What is known, by name."""
        known = {"user-id": self.user_id, "email": self.email, "phone": self.phone, "user-name": self.name}
        return {name: value for name, value in known.items() if value}

    def id_among(self, accounts: Sequence[Account], api_key: str) -> str:
        """The id of this person's account: the one it has, where it was made before the user id was known.

        An e-mail address does not tell: colleagues may share one. The key, or the user id learned since, does.
        """
        for account in accounts:
            same_key = API_KEY in account.secrets and account.secrets[API_KEY].reveal() == api_key
            same_user = bool(self.user_id) and account.details.get("user-id") == self.user_id
            if account.details.get(METHOD) in OAUTH_METHODS and (same_key or same_user):
                return account.id
        return self.account_id


def oauth_account(
    identity: Identity, api_key: str, access_token: Secret, refresh_token: Secret, expires_at: float, **details: str
) -> Account:
    """The account of a person who signed in. ``expires_at`` is Unix seconds."""
    return Account(
        identity.account_id,
        secrets={API_KEY: Secret(api_key), ACCESS_TOKEN: access_token, REFRESH_TOKEN: refresh_token},
        details={METHOD: OAUTH, **identity.details, **details},
        expires_at=expires_at,
        refresh_at=expires_at - OAUTH_AHEAD_S,
        max_concurrency=AT_ONCE,
    )


def cookie_account(name: str, cookie: Secret, api_key: str, expires_at: float | None) -> Account:
    """The account of a browser session's key. ``expires_at`` is Unix seconds; ``None`` when it is not known."""
    return Account(
        Identity(name=name).account_id,
        secrets={API_KEY: Secret(api_key), COOKIE: cookie},
        details={METHOD: COOKIE_METHOD, KEY_NAME: name},
        expires_at=expires_at,
        refresh_at=None if expires_at is None else expires_at - COOKIE_AHEAD_S,
        max_concurrency=AT_ONCE,
    )


def key_account(api_key: Secret, label: str = "") -> Account:
    """The account of a key that was pasted or configured: nothing but its digest tells it from others."""
    fingerprint = api_key.fingerprint()
    return Account(
        f"key:{fingerprint}",
        label=label or f"key-{fingerprint[:8]}",
        secrets={API_KEY: api_key},
        details={METHOD: API_KEY_METHOD},
        max_concurrency=AT_ONCE,
    )


def expiry(lifetime_s: object) -> float:
    """When a token of this lifetime, in seconds, expires: Unix seconds. Seven days where it is no number."""
    try:
        seconds = float(lifetime_s) if isinstance(lifetime_s, int | float | str) else LIFETIME_S
    except ValueError:
        seconds = LIFETIME_S
    return float(int(time.time() + (seconds if 0 < seconds < LONGEST_LIFETIME_S else LIFETIME_S)))


def local_time(text: object) -> float | None:
    """``2026-03-01 12:30`` as Unix seconds, ``None`` for anything else.

    The service names no zone. Of the two that were assumed, China's is the earlier moment, hence the safe one.
    """
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M") if isinstance(text, str) else None
    except ValueError:
        return None
    return None if moment is None else moment.replace(tzinfo=SHANGHAI).timestamp()


def text(document: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that holds text (a number counts); empty without one."""
    for name in names:
        value = document.get(name)
        if isinstance(value, int | str) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""

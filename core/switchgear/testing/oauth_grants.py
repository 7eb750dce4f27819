"""What a fake OAuth server remembers: authorisations under way, and the tokens it has given out."""

from __future__ import annotations

import base64
import hashlib
import itertools
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628, section 6.1 (read 2026-11): no vowels, so that no word comes about."""


@dataclass(slots=True)
class Grant:
    """One sign-in of one person, and the family of tokens that came of it.

    Attributes:
        access: the access tokens that are good now.
        refresh: the refresh token that is good now; ``None`` once it is revoked.
        spent: refresh tokens that were traded in: one that comes again costs the whole family (RFC 9700, section 4.14).
    """

    person: str
    access: set[str] = field(default_factory=set)
    refresh: str | None = None
    spent: set[str] = field(default_factory=set)

    def revoke(self) -> None:
        """None of its tokens is good any more."""
        self.access.clear()
        if self.refresh is not None:
            self.spent.add(self.refresh)
        self.refresh = None


@dataclass(slots=True)
class Asked:
    """An authorisation under way. ``person`` is ``None`` until somebody signed in, ``denied`` when they said no."""

    redirect_uri: str = ""
    challenge: str = ""
    person: str | None = None
    denied: bool = False
    expires_at: float = float("inf")
    next_poll_at: float = 0.0
    interval_s: float = 0.0
    grant: Grant | None = None


class Grants:
    """Codes and tokens. Each is new, and long enough not to be met by chance.

    Attributes:
        secrets: every secret it has given out or has been told.
    """

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        self.codes: dict[str, Asked] = {}
        self.devices: dict[str, Asked] = {}
        self.user_codes: dict[str, Asked] = {}
        self._grants: list[Grant] = []
        self._numbers = itertools.count(1)

    def new_secret(self, kind: str) -> str:
        """A secret of its own, which says what it is."""
        value = f"{kind}-{next(self._numbers)}-{secrets.token_hex(12)}"
        self.secrets.add(value)
        return value

    def new_code(self, asked: Asked) -> str:
        """An authorisation code for what was asked."""
        code = self.new_secret("code")
        self.codes[code] = asked
        return code

    def new_device(self, asked: Asked) -> tuple[str, str]:
        """A device code, and the user code that goes with it."""
        device_code = self.new_secret("device")
        letters = "".join(secrets.choice(USER_CODE_LETTERS) for _ in range(8))
        user_code = f"{letters[:4]}-{letters[4:]}"
        self.devices[device_code] = self.user_codes[user_code] = asked
        return device_code, user_code

    def begin(self, person: str) -> Grant:
        """A new family of tokens."""
        grant = Grant(person)
        self._grants.append(grant)
        return grant

    def issue(self, grant: Grant, lifetime_s: float, *, rotate: bool = True, omit: bool = False) -> dict[str, Any]:
        """A token response. ``rotate`` replaces the refresh token; ``omit`` keeps it, and does not say it again."""
        access = self.new_secret("access")
        grant.access.add(access)
        answer: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": lifetime_s}
        if omit:
            return answer
        if rotate or grant.refresh is None:
            if grant.refresh is not None:
                grant.spent.add(grant.refresh)
            grant.refresh = self.new_secret("refresh")
        return {**answer, "refresh_token": grant.refresh}

    def of_access(self, token: str) -> Grant | None:
        """Whose access token it is; ``None`` for one that is not good."""
        return next((grant for grant in self._grants if token in grant.access), None)

    def of_refresh(self, token: str) -> Grant | None:
        """Whose refresh token it is; ``None`` for one that is not good. One that was spent costs its family."""
        for grant in self._grants:
            if token in grant.spent:
                grant.revoke()
                return None
            if token == grant.refresh:
                return grant
        return None

    def expire(self) -> None:
        """The access tokens given out so far are not good any more."""
        for grant in self._grants:
            grant.access.clear()

    def revoke(self) -> None:
        """The refresh tokens given out so far are not good any more; access tokens stay."""
        for grant in self._grants:
            access = set(grant.access)
            grant.revoke()
            grant.access = access


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def now() -> float:
    """Seconds on the monotonic clock."""
    return time.monotonic()

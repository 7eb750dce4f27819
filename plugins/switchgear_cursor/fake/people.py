"""Who the fake services know: people, and every token and key they were ever given."""

from __future__ import annotations

import base64
import itertools
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

EMAIL = "team@example.test"
"""Everybody's: an account is not its e-mail."""
SESSION_S, ACCESS_S = 60 * 86_400.0, 3600.0


@dataclass(slots=True)
class User:
    """One person of the team.

    Attributes:
        subject: what their tokens say.
        may_make_keys: their team lets them.
        suspended: the service has shut them out.
    """

    subject: str
    email: str = EMAIL
    may_make_keys: bool = True
    suspended: bool = False


@dataclass(slots=True)
class Grant:
    """One token. ``kind`` is ``session`` (of a browser) or ``access`` (of a key)."""

    user: User
    kind: str
    is_good: bool = True


@dataclass(slots=True)
class Key:
    """One API key. ``expires_at`` is Unix seconds; ``None`` for one that does not end."""

    user: User
    name: str
    expires_at: float | None = None
    is_good: bool = True


class People:
    """The services' memory.

    Attributes:
        given: every secret that was given out, or was seen of a sign-in.
        keys: by their text.
        session_s: how long a session is good from now on, in seconds.
        access_s: likewise, what a key is exchanged for.
    """

    def __init__(self) -> None:
        self.given: set[str] = set()
        self.keys: dict[str, Key] = {}
        self.session_s, self.access_s = SESSION_S, ACCESS_S
        self._users: dict[str, User] = {}
        self._grants: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._numbers = itertools.count(1)

    def user(self, name: str) -> User:
        """The person; made when first asked for."""
        number = "01J" + name.upper().ljust(23, "X")
        return self._users.setdefault(name, User(f"google-oauth2|user_{number}"))

    def name_of(self, user: User) -> str:
        """What the tests call the person."""
        return next(name for name, known in self._users.items() if known is user)

    # -- tokens --------------------------------------------------------------------------------------------

    def session(self, user: User) -> str:
        """A session's token, which is its refresh token, too."""
        token = self._token(user, "session", self.session_s)
        self._refresh[token] = self._grants[token]
        return token

    def access(self, user: User) -> str:
        """What a key is exchanged for."""
        return self._token(user, "access", self.access_s)

    def bearer(self, authorization: str) -> Grant | None:
        """Whose good access token a header bears; ``None`` for nobody's."""
        scheme, _, token = authorization.partition(" ")
        grant = self._grants.get(token)
        return grant if scheme == "Bearer" and grant is not None and grant.is_good else None

    def was_given(self, authorization: str) -> bool:
        """Whether it bears a token that was good once."""
        return authorization.partition(" ")[2] in self._grants

    def session_of(self, refresh_token: str) -> Grant | None:
        """Whose refresh token it is; ``None`` for one that is revoked or made up."""
        return self._refresh.get(refresh_token)

    # -- keys ----------------------------------------------------------------------------------------------

    def make_key(self, user: User, name: str, expires_at: float | None = None) -> str:
        """A new key."""
        key = f"crsr_{secrets.token_hex(32)}"
        self.given.add(key)
        self.keys[key] = Key(user, name, expires_at)
        return key

    def api_key(self, name: str) -> str:
        """The key that the person made on the website, always the same."""
        user = self.user(name)
        made = (key for key, known in self.keys.items() if known.user is user and known.name == "website")
        return next(made, None) or self.make_key(user, "website")

    def key_owner(self, key: str) -> User | None:
        """Whose good key it is; ``None`` for nobody's."""
        known = self.keys.get(key)
        if known is None or not known.is_good or (known.expires_at or float("inf")) < time.time():
            return None
        return known.user

    # -- endings -------------------------------------------------------------------------------------------

    def expire(self) -> None:
        """The access tokens given out so far are refused from now on; sessions can be renewed, keys exchanged."""
        for grant in self._grants.values():
            grant.is_good = False

    def revoke(self) -> None:
        """Keys and refresh tokens given out so far are refused from now on."""
        self._refresh.clear()
        for key in self.keys.values():
            key.is_good = False

    def _token(self, user: User, kind: str, lifetime_s: float) -> str:
        now = time.time()
        token = jwt({"sub": user.subject, "exp": int(now + lifetime_s), "jti": f"{next(self._numbers)}", "type": kind})
        self.given.add(token)
        self._grants[token] = Grant(user, kind)
        return token


def jwt(claims: Mapping[str, object]) -> str:
    """A token of the service's form; the signature is for show."""
    common = {
        "time": str(int(time.time())),
        "iss": "https://authentication.cursor.sh",
        "scope": "openid profile email offline_access",
        "aud": "https://cursor.com",
    }
    head, body = ({"alg": "HS256", "typ": "JWT"}, {**common, **claims})
    return ".".join((*(_part(json.dumps(part).encode()) for part in (head, body)), _part(secrets.token_bytes(32))))


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

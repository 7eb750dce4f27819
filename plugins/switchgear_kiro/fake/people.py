"""Who the fake services know: people in their directories, and every token and key they were ever given."""

from __future__ import annotations

import itertools
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Literal

from switchgear.testing import Exchange
from switchgear_kiro.arns import SOCIAL_ARN

BUILDER_ID_URL = "https://view.awsapps.com/start"
ORGANISATION_URL = "https://d-1234567890.awsapps.com/start"
OTHER_ORGANISATION_URL = "https://other.awsapps.com/start"
EMAIL = "team@example.test"
"""Everybody's, in every directory: an account is not its e-mail."""
SHARED_ARN = SOCIAL_ARN
"""What every social user is told, whoever they are."""
ORGANISATION_ARN = "arn:aws:codewhisperer:us-east-1:111122223333:profile/ABCDEFGHIJKL"
OTHER_ORGANISATION_ARN = "arn:aws:codewhisperer:eu-central-1:444455556666:profile/MNOPQRSTUVWX"

Kind = Literal["builder-id", "idc", "social", "external-idp", "api-key"]


@dataclass(slots=True)
class User:
    """One person in one directory; the same person elsewhere is somebody else.

    Attributes:
        name: what the tests call the person.
        directory: ``Google``, ``Github``, a start URL, or ``api-key``.
        kind: how they sign in.
        user_id: what the usage call tells.
        profiles: ARN to name, of those that can be asked for.
        suspended: the service has shut them out.
    """

    name: str
    directory: str
    kind: Kind
    user_id: str
    email: str = EMAIL
    profiles: dict[str, str] = field(default_factory=dict)
    suspended: bool = False


@dataclass(slots=True)
class Grant:
    """One sign-in. ``client_id`` is the registration its refresh token is bound to; empty where there is none."""

    user: User
    client_id: str = ""
    access: set[str] = field(default_factory=set)
    refresh: str = ""


class People:
    """The services' memory.

    Attributes:
        given: every secret that was given out.
        keys: API key to its owner.
    """

    def __init__(self) -> None:
        self.given: set[str] = set()
        self.keys: dict[str, User] = {}
        self._users: dict[tuple[str, str], User] = {}
        self._grants: list[Grant] = []
        self._over: set[str] = set()
        self._numbers = itertools.count(1)

    def user(self, name: str, directory: str) -> User:
        """The person in a directory; made when first asked for."""
        known = self._users.get((name, directory))
        if known is None:
            known = self._users[name, directory] = _new_user(name, directory)
        return known

    def new_secret(self, kind: str) -> str:
        """A secret that says what it is, and is no token."""
        value = f"{kind}-{next(self._numbers)}-{secrets.token_hex(16)}"
        self.given.add(value)
        return value

    # -- tokens --------------------------------------------------------------------------------------------

    def begin(self, user: User, client_id: str = "") -> Grant:
        """A new sign-in of the user; earlier ones stay good."""
        grant = Grant(user, client_id)
        self._grants.append(grant)
        return grant

    def issue(self, grant: Grant, *, omit: bool = False) -> dict[str, str]:
        """``accessToken``, and a new ``refreshToken`` in place of the old one; ``omit`` keeps that and is silent."""
        access = self._token("aoa")
        grant.access.add(access)
        if omit and grant.refresh:
            return {"accessToken": access}
        self._over.add(grant.refresh)
        grant.refresh = self._token("aor")
        return {"accessToken": access, "refreshToken": grant.refresh}

    def bearer(self, token: str) -> User | None:
        """Whose good access token or key it is; ``None`` for nobody's."""
        return next((grant.user for grant in self._grants if token in grant.access), None) or self.keys.get(token)

    def bearer_of(self, exchange: Exchange) -> User | None:
        """Whose good token or key a request bears; ``None`` for nobody's."""
        scheme, _, token = exchange.headers.get("authorization", "").partition(" ")
        return self.bearer(token) if scheme.lower() == "bearer" else None

    def had_expired(self, token: str) -> bool:
        """Whether it was a good access token once."""
        return token in self.given and self.bearer(token) is None

    def refreshable(self, refresh_token: str) -> Grant | None:
        """Whose good refresh token it is; ``None`` for one that is spent, revoked or made up."""
        good = refresh_token not in self._over
        return next((grant for grant in self._grants if good and grant.refresh == refresh_token), None)

    def api_key(self, name: str) -> str:
        """The person's key, always the same."""
        user = self.user(name, "api-key")
        for key, owner in self.keys.items():
            if owner is user:
                return key
        key = f"ksk_{secrets.token_hex(24)}"
        self.given.add(key)
        self.keys[key] = user
        return key

    def expire(self) -> None:
        """The access tokens given out so far are not good any more; keys stay."""
        for grant in self._grants:
            grant.access.clear()

    def revoke(self) -> None:
        """The refresh tokens given out so far are not good any more."""
        self._over |= {grant.refresh for grant in self._grants}

    def _token(self, prefix: str) -> str:
        """As the real ones: opaque and long."""
        token = prefix + secrets.token_hex(100)
        self.given.add(token)
        return token


def _new_user(name: str, directory: str) -> User:
    number = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{directory} {name}"))
    match directory:
        case "Google" | "Github":
            return User(name, directory, "social", number)
        case "api-key":
            return User(name, directory, "api-key", number)
        case "https://view.awsapps.com/start":
            return User(name, directory, "builder-id", f"b-{number}")
        case "https://other.awsapps.com/start":
            profiles = {OTHER_ORGANISATION_ARN: "Other"}
            return User(name, directory, "idc", f"d-9999999999.{number}", profiles=profiles)
        case _:
            return User(name, directory, "idc", f"d-1234567890.{number}", profiles={ORGANISATION_ARN: "Engineering"})

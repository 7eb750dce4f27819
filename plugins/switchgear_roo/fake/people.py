"""Who the fake service knows: people, their organisations, and everything it ever gave them to prove it."""

from __future__ import annotations

import base64
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

SESSION_S = 60
CLI_S = 90 * 86_400
EMAIL = "team@example.test"
"""Everybody's: an account is not its e-mail."""


@dataclass(slots=True)
class Person:
    """One person.

    Attributes:
        user_id: Clerk's.
        organizations: id to slug.
        chosen: what the sign-in pages say about the organisation: an id, ``null`` in so many letters, empty, or
            ``None`` to say nothing.
    """

    user_id: str
    organizations: dict[str, str] = field(default_factory=dict)
    chosen: str | None = None


@dataclass(slots=True)
class Session:
    """One Clerk session. ``minted`` holds each ``organization_id`` that was sent, ``None`` where none was."""

    id: str
    person: str
    client_token: str
    over: bool = False
    minted: list[str | None] = field(default_factory=list)


class People:
    """The service's memory.

    Attributes:
        people: by the name the tests use.
        sessions: by id.
        secrets: everything that was given out or sent.
        static_keys: key to person.
    """

    def __init__(self, *names: str) -> None:
        self.people = {name: Person(f"user_{name}") for name in names}
        self.sessions: dict[str, Session] = {}
        self.secrets: set[str] = set()
        self.static_keys = {f"roo-static-key-of-{name}-90f2c1": name for name in names}
        self.secrets |= set(self.static_keys)
        self._tickets: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._session_tokens: dict[str, str] = {}
        self._cli_tokens: dict[str, str] = {}
        self._refused: set[str] = set()

    # -- signing in ----------------------------------------------------------------------------------------

    def ticket(self, person: str) -> str:
        """A ticket for one session. It holds a plus, as real ones may."""
        ticket = self._new(f"ticket+{person}")
        self._tickets[ticket] = person
        return ticket

    def redeem(self, ticket: str) -> Session | None:
        """The session of a ticket, once; ``None`` for one that was used, or never given out."""
        person = self._tickets.pop(ticket, None)
        if person is None:
            return None
        session = Session(f"sess_{next(self._numbers):04}", person, self._new(f"client-token-of-{person}"))
        self.sessions[session.id] = session
        return session

    def session(self, client_token: str, session_id: str | None = None) -> Session | None:
        """The session that is not over and belongs to the client token."""
        for session in self.sessions.values():
            if session.client_token == client_token and session_id in {None, session.id}:
                return None if session.over else session
        return None

    def rotate(self, session: Session) -> None:
        """Give the session another client token; the old one is worth nothing."""
        session.client_token = self._new(f"client-token-of-{session.person}")

    # -- tokens --------------------------------------------------------------------------------------------

    def mint(self, session: Session, organization_id: str | None, lifetime_s: float = SESSION_S) -> str:
        """A session token."""
        session.minted.append(organization_id)
        now = time.time()
        claims = {"iss": "clerk", "sub": self.people[session.person].user_id, "sid": session.id}
        token = self._jwt({**claims, "iat": int(now), "exp": int(now + lifetime_s), "org_id": organization_id})
        self._session_tokens[token] = session.person
        return token

    def cli_token(self, person: str, lifetime_s: float = CLI_S) -> str:
        """A token of the command line, as the sign-in page sends it."""
        known = self.people[person]
        roo = {"u": known.user_id, "t": "auth"}
        if known.chosen not in {None, "", "null"}:
            roo["o"] = str(known.chosen)
        now = int(time.time())
        claims = {"iss": "rcc", "sub": known.user_id, "iat": now, "nbf": now, "exp": int(now + lifetime_s), "v": 1}
        token = self._jwt({**claims, "r": roo})
        self._cli_tokens[token] = person
        return token

    def bearer(self, token: str) -> str | None:
        """Whose token it is; ``None`` for one that is unknown, refused or too old."""
        if token in self._refused or expiry_of(token) <= time.time():
            return None
        return self._session_tokens.get(token) or self._cli_tokens.get(token) or self.static_keys.get(token)

    def expire(self) -> None:
        """Refuse the session tokens given out so far."""
        self._refused |= set(self._session_tokens)

    def refuse_all(self) -> None:
        """Refuse every token and key given out so far."""
        self._refused |= {*self._session_tokens, *self._cli_tokens, *self.static_keys}

    def revoke(self) -> None:
        """End every session."""
        for session in self.sessions.values():
            session.over = True

    def static_key(self, person: str) -> str:
        """The person's key."""
        return next(key for key, owner in self.static_keys.items() if owner == person)

    # -- what Clerk tells --------------------------------------------------------------------------------------

    def me(self, person: str) -> dict[str, Any]:
        """``GET /v1/me``; the primary address is not the first."""
        addresses = [{"id": "idn_1", "email_address": "old@example.test"}, {"id": "idn_2", "email_address": EMAIL}]
        name = {"id": self.people[person].user_id, "first_name": person.title(), "last_name": None, "image_url": ""}
        return {**name, "primary_email_address_id": "idn_2", "email_addresses": addresses, "public_metadata": {}}

    def memberships(self, person: str) -> list[dict[str, Any]]:
        """``GET /v1/me/organization_memberships``; times are milliseconds."""
        return [
            {
                "id": f"orgmem_{org_id}",
                "role": "org:member",
                "permissions": [],
                "created_at": 1_760_000_000_000,
                "updated_at": 1_760_000_000_000,
                "organization": {"id": org_id, "name": slug.title(), "slug": slug, "image_url": "", "has_image": False},
            }
            for org_id, slug in self.people[person].organizations.items()
        ]

    def _new(self, kind: str) -> str:
        secret = f"{kind}-{next(self._numbers):04}-5e7d"
        self.secrets.add(secret)
        return secret

    def _jwt(self, claims: dict[str, Any]) -> str:
        head = {"alg": "RS256", "typ": "JWT"}
        token = f"{_part(head)}.{_part(claims)}.{_part({'signature': next(self._numbers)})}"
        self.secrets.add(token)
        return token


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def expiry_of(token: str) -> float:
    """When a token of the fake's expires, Unix seconds; a key never does."""
    parts = token.split(".")
    if len(parts) != 3:
        return float("inf")
    payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    return float(payload["exp"])

"""The upstream of :mod:`tests.rotating_plugin`: single-use refresh tokens, and a chat that knows its access tokens."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs

from switchgear import Account, Secret
from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import completion

DIST_INFO = "switchgear_rotating-1.dist-info"


class RotatingUpstream:
    """``person`` to their tokens. A refresh token that is used twice revokes the person's whole family of tokens.

    Attributes:
        lifetime_s: of the access tokens it gives out.
        omits_refresh_token: its answers leave the refresh token out, and the old one stays good.
        fault: a status every refresh is answered with; ``None`` for none.
        gate: refreshes wait for it; set at first.
        refreshed: how often each refresh token was used.
    """

    def __init__(self, *people: str) -> None:
        self.server = LoopbackServer(self._answer)
        self.access: dict[str, str] = {}
        self.refresh: dict[str, str] = {}
        self.revoked: set[str] = set()
        self.refreshed: dict[str, int] = {}
        self.lifetime_s = 3600
        self.omits_refresh_token = False
        self.fault: int | None = None
        self.error: Mapping[str, str] = {"error": "invalid_grant"}
        self.gate = asyncio.Event()
        self.gate.set()
        self._numbers = itertools.count(1)
        for person in people:
            self._issue(person)

    def _issue(self, person: str) -> tuple[str, str]:
        number = next(self._numbers)
        access, refresh = f"access-{person}-{number:04}", f"refresh-{person}-{number:04}"
        self.access[person], self.refresh[person] = access, refresh
        return access, refresh

    def account(self, person: str, expires_at: float | None = 0.0) -> Account:
        """The person's account as a sign-in would save it."""
        secrets = {"access": Secret(self.access[person]), "refresh": Secret(self.refresh[person])}
        return Account(person, label=person, secrets=secrets, expires_at=expires_at)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.path == "/token":
            await self._token(exchange)
            return
        sent = exchange.headers.get("authorization", "")
        people = [person for person, token in self.access.items() if sent == f"Bearer {token}"]
        if not people or people[0] in self.revoked:
            await exchange.respond(401, b'{"error": {"message": "the token expired", "code": "token_expired"}}')
            return
        await exchange.respond(200, completion(f"Hello, {people[0]}"))

    async def _token(self, exchange: Exchange) -> None:
        token = parse_qs(exchange.body.decode())["refresh_token"][0]
        self.refreshed[token] = self.refreshed.get(token, 0) + 1
        self.server.notify()
        await self.gate.wait()
        if self.fault is not None:
            await exchange.respond(self.fault, json.dumps(self.error))
            return
        person = token.split("-")[1]
        if self.refresh.get(person) != token or person in self.revoked:
            self.revoked.add(person)
            await exchange.respond(400, b'{"error": "invalid_grant", "error_description": "used twice"}')
            return
        if self.omits_refresh_token:
            access, _ = self._issue(person)
            self.refresh[person] = token
            answer = {"access_token": access, "expires_in": self.lifetime_s}
        else:
            access, refresh = self._issue(person)
            answer = {"access_token": access, "refresh_token": refresh, "expires_in": self.lifetime_s}
        await exchange.respond(200, json.dumps(answer))


def make_findable(folder: Path) -> None:
    """Put the plugin's metadata into ``folder``, for processes that have it on their path."""
    info = folder / DIST_INFO
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: switchgear-rotating\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[switchgear]\nrotating = tests.rotating_plugin\n")

"""Cursor's accounts over the fake services: signing in, renewing and asking, called directly."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from switchgear import Account, AuthStore, Provider, Secret
from switchgear.authfile import DirectoryStore
from switchgear.testing import Exchange, LoopbackServer, Person
from switchgear.upstream import UpstreamClient, UpstreamClients
from switchgear_cursor import auth, renewal
from switchgear_cursor.account import Credential
from switchgear_cursor.fake.services import FakeServices
from switchgear_cursor.settings import CursorSettings
from tests.stores import store as store_in


class Desk:
    """A place to sign in at. ``server`` has all the unary services."""

    def __init__(self, folder: Path, client: UpstreamClient) -> None:
        self.client = client
        self.store: DirectoryStore = store_in(folder / "auth", "cursor")
        self.server = LoopbackServer(self._answer)
        self.services = FakeServices(self.server.notify)
        self.people, self.login = self.services.people, self.services.login
        self.configure()

    def configure(self, **more: Any) -> None:
        """Say something else in the entry."""
        self.settings = CursorSettings.model_validate({**self.services.settings(self.server.url), **more})
        self.provider = Provider("cursor", "cursor", "cursor", self.settings)

    async def _answer(self, exchange: Exchange) -> None:
        if not await self.services.answer(exchange):
            await exchange.respond(404, "no such service", content_type="text/plain")

    def person(self, who: str = "ada", method: str = "browser", *, confirms: bool = True, typed: str = "") -> Person:
        """Somebody who signs in; ``typed`` is what they answer instead of the usual."""

        async def visit(url: str, code: str | None) -> None:
            await self.login.visit(url, who, confirms=confirms)

        return Person(method, visit, lambda question: typed or self.services.typed(question, who))

    async def play(self, person: Person) -> Account:
        async with person:
            return await auth.sign_in(self.settings, person, self.store, self.client)

    async def sign_in(self, who: str = "ada", method: str = "browser", **script: Any) -> Account:
        return await self.play(self.person(who, method, **script))

    async def refresh(self, account: Account, store: AuthStore | None = None) -> Account:
        return await renewal.renewed(self.provider, account, store or self.store, self.client)

    def stored(self) -> list[Credential]:
        """The credentials that are stored."""
        return [Credential.of(account) for account in self.store.load()]

    def account(self, who: str = "ada") -> Account:
        """An account with a good token of a key, without signing in."""
        user = self.people.user(who)
        made = Credential("api-key", api_key=self.people.api_key(who)).with_access(self.people.access(user), 0.0)
        return made.account()

    def bodies(self, call: str) -> list[Any]:
        """What was posted to the calls whose path ends so."""
        return [json.loads(one.body) for one in self.server.requests if one.path.endswith(call) and one.body]

    def key(self, text: str) -> Secret:
        """A key as the configuration has it."""
        return Secret(text)


@asynccontextmanager
async def desk(folder: Path, **settings: Any) -> AsyncIterator[Desk]:
    clients = UpstreamClients()
    here = Desk(folder, clients.through(None))
    async with here.server:
        here.configure(**settings)
        try:
            yield here
        finally:
            await clients.aclose()

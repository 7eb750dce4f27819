"""The kiro plugin's sign-in and refresh over its fake."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from switchgear import Account, AuthStore, Provider
from switchgear.authfile import DirectoryStore
from switchgear.oauth import poll_device
from switchgear.testing import LoopbackServer
from switchgear.testing.clock import FakeClock
from switchgear.testing.person import Person
from switchgear.upstream import UpstreamClient, UpstreamClients
from switchgear_kiro import auth, device, portal, renewal, social
from switchgear_kiro.account import Credential
from switchgear_kiro.fake import FakeKiro
from switchgear_kiro.fake.sign_in import FakeSignIn
from switchgear_kiro.settings import KiroSettings
from tests.stores import store as store_in


class Desk:
    """A place to sign in at. ``fake`` is the part of ``kiro`` that has to do with it."""

    def __init__(self, kiro: FakeKiro, folder: Path, client: UpstreamClient) -> None:
        self.kiro = kiro
        self.client = client
        self.store: DirectoryStore = store_in(folder / "auth", "kiro")
        self.server: LoopbackServer = kiro.server
        self.fake: FakeSignIn = kiro.sign_in
        self.settings = KiroSettings.model_validate(kiro.settings)
        self.provider = Provider("kiro", "kiro", "kiro", self.settings)

    def tell_who_it_is(self, tells: bool) -> None:
        """Whether the usage call says whose account it is."""
        self.kiro.management.hides = set() if tells else {"userId", "email"}

    def person(
        self, who: str = "ada", method: str = "portal", *, confirms: bool = True, typed: dict[str, str] | None = None
    ) -> Person:
        """Somebody who signs in; ``typed`` has the answers to questions with these words in them."""

        async def visit(url: str, code: str | None) -> None:
            await self.fake.visit(url, code, who, confirms=confirms)

        def answer(question: str) -> str:
            given = next((text for words, text in (typed or {}).items() if words in question), None)
            return self.fake.typed(question, who) if given is None else given

        return Person(method, visit, answer)

    async def play(self, person: Person) -> Account:
        async with person:
            return await auth.sign_in(self.provider, person, self.store, self.client)

    async def sign_in(self, who: str = "ada", method: str = "portal", **script: Any) -> Account:
        return await self.play(self.person(who, method, **script))

    async def refresh(self, account: Account, store: AuthStore | None = None) -> Account:
        return await renewal.renewed(self.provider, account, store or self.store, self.client)

    def stored(self) -> list[Account]:
        return self.store.load()

    def credentials(self) -> list[Credential]:
        """Of the accounts that are stored."""
        return [Credential.of(account) for account in self.stored()]

    def bodies(self, call: str) -> list[dict[str, Any]]:
        """What was sent to the calls whose path ends so."""
        return [json.loads(one.body) for one in self.server.requests if one.path.endswith(call)]


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    clients = UpstreamClients()
    async with FakeKiro() as kiro:
        try:
            yield Desk(kiro, folder, clients.through(None))
        finally:
            await clients.aclose()


def any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the portal's browser come back to a free port: tests run side by side."""
    monkeypatch.setattr(portal, "PORTS", (0,))


def moving_clock(monkeypatch: pytest.MonkeyPatch, here: Desk) -> FakeClock:
    """Let both device flows, and what the fakes know of time, go by one clock that passes at once."""
    clock = FakeClock()
    for module in (device, social):
        poll = partial(poll_device, sleep=clock.sleep, monotonic=clock.monotonic)
        monkeypatch.setattr(module, "poll_device", poll)
    for pairings in (here.fake.oidc.pairings, here.fake.social.pairings):
        pairings.monotonic = clock.monotonic
        pairings.interval_s = 5.0
    return clock

"""What a check works with: a fresh fake, a gateway over it, and the people who sign in."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switchgear.accounts import Entry
from switchgear.errors import LoginCancelled, LoginFailed, SwitchgearError
from switchgear.loading import Installed
from switchgear.testing.contract.base import CheckFailed, NotApplicable, expect
from switchgear.testing.contract.clients import CHAT, Answered, ClientDialect
from switchgear.testing.contract.fake import ADA, FakeProvider
from switchgear.testing.gateway import RunningGateway, running_gateway
from switchgear.testing.logbook import Logbook
from switchgear.testing.person import Person
from switchgear.testing.traffic import Traffic, gateway_task
from switchgear.types import Account, AttemptRecord, Model, Quota

TIMEOUTS = {"connect-seconds": 2.0, "first-byte-seconds": 5.0, "idle-seconds": 5.0, "total-seconds": 15.0}
SIGN_IN_LIMIT_S = 10.0


@dataclass(slots=True)
class Bench:
    """One check's fake and gateway.

    Attributes:
        folder: where the gateway's files are; another gateway over the same files is :meth:`restarted`.
        timeouts: of the entry, by their kebab-case keys.
    """

    fake: FakeProvider
    plugin: Installed
    folder: Path
    gateway: RunningGateway
    timeouts: Mapping[str, float]

    @property
    def entry(self) -> Entry:
        """The provider's entry."""
        return self.gateway.entry

    @property
    def methods(self) -> tuple[str, ...]:
        """The sign-in methods the plugin declares."""
        return self.entry.info.login_methods

    @property
    def records(self) -> list[AttemptRecord]:
        """Every attempt so far."""
        return self.gateway.attempts.records

    @property
    def model(self) -> str:
        """The public name of the fake's plain model.

        Raises:
            CheckFailed: it is not listed.
        """
        for name, target in self.gateway.service.current.catalog.names():
            if self.fake.model in target.models:
                return name
        listing = self.gateway.service.current.catalog.listings[self.entry.name]
        listed = ", ".join(model.public for model in listing.models) or "none"
        why = listing.problem or self.entry.problem
        raise CheckFailed(f"the model {self.fake.model!r} is not listed; listed: {listed}{'; ' + why if why else ''}")

    # -- asking --------------------------------------------------------------------------------------------

    async def ask(self, dialect: ClientDialect = CHAT, *, stream: bool = False) -> Answered:
        """One question of a client."""
        return await dialect.ask(self.gateway.client, self.model, stream=stream)

    def fail(self, fault: str) -> None:
        """Let the next call fail so.

        Raises:
            NotApplicable: the provider has no such failure.
        """
        if not self.fake.fail(fault):
            raise NotApplicable(f"the provider has no failure like {fault}")

    async def list_models(self) -> Sequence[Model]:
        """What the plugin lists for the first account, or its fallback where it has no such hook."""
        entry, plugins = self.entry, self.gateway.service.current.plugins
        account = entry.accounts[0]
        listed = await gateway_task(plugins.list_models(entry.provider, account, entry.client(account)))
        return entry.info.fallback_models if listed is None else listed

    async def read_quota(self) -> Sequence[Quota]:
        """The first account's limits; none where the plugin does not read them."""
        entry, plugins = self.entry, self.gateway.service.current.plugins
        account = entry.accounts[0]
        return await gateway_task(plugins.read_quota(entry.provider, account, entry.client(account)))

    # -- accounts ------------------------------------------------------------------------------------------

    async def sign_in(self, who: str = ADA, method: str | None = None, person: Person | None = None) -> Account:
        """Sign ``who`` in, with the default method unless told otherwise, and take the account in.

        Raises:
            CheckFailed: it did not work, though nobody cancelled it.
        """
        chosen = method or self.methods[0]
        played = person or self.person(who, chosen)
        async with played:
            signed_in = await self._signed_in(played)
            expect(played.problem is None, f"{chosen}: the browser failed at the fake: {played.problem!r}")
            try:
                account = signed_in.result()
            except LoginFailed as error:
                raise CheckFailed(f"{chosen}: the sign-in of {who} failed: {error}") from None
            except (LoginCancelled, asyncio.CancelledError):
                raise CheckFailed(f"{chosen}: the sign-in of {who} was cancelled, and nobody gave up") from None
        await self.gateway.reload()
        return account

    async def give_up(self, person: Person) -> Account | None:
        """Run a sign-in that ends without an account; gives the one it gave nevertheless."""
        with suppress(LoginCancelled, LoginFailed, asyncio.CancelledError):
            async with person:
                return (await self._signed_in(person)).result()
        return None

    async def _signed_in(self, person: Person) -> asyncio.Task[Account]:
        """The sign-in's task, at its end.

        Raises:
            CheckFailed: it has none.
        """
        signing_in = gateway_task(self._authenticate(person))
        try:
            _, left = await asyncio.wait({signing_in}, timeout=SIGN_IN_LIMIT_S)
        finally:
            signing_in.cancel()
            await asyncio.wait({signing_in})
        said = f"{person.steps[-1].kind}: {person.steps[-1].text[:80]!r}" if person.steps else "nothing"
        expect(
            not left, f"{person.method}: no end of the sign-in within {SIGN_IN_LIMIT_S:g} s; the last step was {said}"
        )
        return signing_in

    async def _authenticate(self, person: Person) -> Account:
        entry, plugins = self.entry, self.gateway.service.current.plugins
        return await plugins.authenticate(entry.provider, person, entry.store, entry.client(Account("new")))

    def person(self, who: str, method: str, **script: Any) -> Person:
        """``who``, as the fake plays them."""

        async def visit(url: str, code: str | None) -> None:
            await self.fake.visit(url, code, who)

        return Person(method, visit, lambda question: self.fake.answer(question, who), **script)

    async def accounts(self) -> list[Account]:
        """Have accounts to ask: those of the configuration, or else ada is signed in.

        Raises:
            CheckFailed: there is none all the same.
        """
        if not self.entry.accounts and self.methods:
            await self.sign_in(ADA)
        expect(self.entry.accounts, f"there is no account to ask: {self.entry.problem}")
        return list(self.entry.accounts)

    def stored(self) -> list[Account]:
        """The accounts as the auth files hold them now."""
        return self.entry.store.load()

    # -- a life after this one -----------------------------------------------------------------------------

    @asynccontextmanager
    async def restarted(self) -> AsyncIterator[Bench]:
        """Another gateway over the same files and the same fake, as after a restart."""
        logbook = self.gateway.logbook
        settings = _settings(self.fake, self.timeouts)
        async with running_gateway(self.folder, self.plugin, settings, Traffic(), logbook) as gateway:
            yield Bench(self.fake, self.plugin, self.folder, gateway, self.timeouts)


@asynccontextmanager
async def bench(
    fake: AbstractAsyncContextManager[FakeProvider],
    plugin: Installed,
    logbook: Logbook | None = None,
    timeouts: Mapping[str, float] | None = None,
) -> AsyncIterator[Bench]:
    """A fresh fake and a gateway over it. ``timeouts`` are the entry's, in seconds, by their names with underscores.

    Raises:
        CheckFailed: the fake's settings, or the plugin, cannot be used.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="switchgear-")))
        book = logbook or Logbook()
        stack.enter_context(book.open())
        played = await stack.enter_async_context(fake)
        limits = {**TIMEOUTS, **{name.replace("_", "-"): value for name, value in (timeouts or {}).items()}}
        running = running_gateway(folder, plugin, _settings(played, limits), Traffic(), book)
        try:
            gateway = await stack.enter_async_context(running)
        except (SwitchgearError, RuntimeError) as error:
            raise CheckFailed(f"no gateway starts with the fake's settings: {error}") from error
        yield Bench(played, plugin, folder, gateway, limits)


def _settings(fake: FakeProvider, timeouts: Mapping[str, float]) -> dict[str, Any]:
    return {**fake.settings, "timeouts": {**fake.settings.get("timeouts", {}), **timeouts}}

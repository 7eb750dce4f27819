"""A fake of Kiro, all its services on one loopback server, strict about what the real ones refuse.

Every service has a path of its own, with the region in it, so that a call to the wrong host or region is seen. What the
real ones are known to do is in the plugin's modules with its sources; a check that is this fake's own choice says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from switchgear.testing import Exchange, LoopbackServer
from switchgear_kiro.fake.catalogue import PLAIN
from switchgear_kiro.fake.machine import OWNERS
from switchgear_kiro.fake.management import FakeManagement
from switchgear_kiro.fake.runtime import FakeRuntime
from switchgear_kiro.fake.sign_in import FakeSignIn


class FakeKiro:
    """The services, in an ``async with`` block; see the conformance kit's ``FakeProvider``.

    Attributes:
        settings: an entry that leads here; it holds no key.
        model: a model that answers plainly.
        server: everything.
        sign_in: how people sign in, and who they are.
        management: models, profiles and limits.
        runtime: chats.
    """

    def __init__(self) -> None:
        self.model = PLAIN
        self.settings: dict[str, Any] = {}
        self.server = LoopbackServer(self._answer)
        self.sign_in = FakeSignIn(lambda: self.server.url, self.server.notify)
        self.management = FakeManagement(self.sign_in.people)
        self.runtime = FakeRuntime(self.sign_in.people, lambda: self.management.models, self.server.notify)

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        url = self.server.url
        data = {name: f"{url}/{name}/{{region}}" for name in ("runtime", "management", "q")}
        self.settings = {"endpoints": {**self.sign_in.endpoints, **data, "codewhisperer": f"{url}/codewhisperer"}}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.__aexit__(kind, error, trace)

    async def _answer(self, exchange: Exchange) -> None:
        for service in (self.sign_in, self.management, self.runtime):
            if await service.answer(exchange):
                return
        await exchange.respond(404, "no such host", content_type="text/plain")

    # -- what the kit asks for -------------------------------------------------------------------------------

    @property
    def refreshes(self) -> int:
        """How many refreshes were asked for so far."""
        return self.sign_in.refreshes

    def secrets(self) -> set[str]:
        """Everything that nobody may see."""
        return set(self.sign_in.people.given)

    def fail(self, fault: str) -> bool:
        """Let the next call fail so; false where Kiro has no such failure.

        Nothing it says of a chat ends a credential for good: that comes out at the refresh. A filter ends an answer and
        refuses no request.
        """
        match fault:
            case "token_expired":
                self.expire()
            case "refresh_omits_token":
                self.sign_in.omit_token()
            case _:
                return self.runtime.fail(fault)
        return True

    async def visit(self, url: str, code: str | None, person: str) -> None:
        """Sign ``person`` in at the address, and confirm."""
        await self.sign_in.visit(url, code, person)

    async def refuse(self, url: str, code: str | None, person: str) -> None:
        """Sign ``person`` in at the address, and refuse."""
        await self.sign_in.visit(url, code, person, confirms=False)

    def imports(self) -> tuple[str, Mapping[str, Any]]:
        """Ada's file of another gateway, for her social account."""
        people = self.sign_in.people
        user = people.user("ada", "Google")
        tokens = people.issue(people.begin(user))
        return "cliproxyapi", {
            "type": "kiro",
            "auth_method": "social",
            "provider": "Google",
            "access_token": tokens["accessToken"],
            "refresh_token": tokens["refreshToken"],
            "expires_at": "2030-01-01T00:00:00Z",
            "email": user.email,
        }

    def answer(self, question: str, person: str) -> str:
        """What the person types; whose sign-in of another program it is, by its number."""
        if "taken over" in question:
            return str(OWNERS.index(person) + 1)
        return self.sign_in.typed(question, person)

    def expire(self) -> None:
        """Refuse the access tokens that are out."""
        self.sign_in.people.expire()

    def revoke(self) -> None:
        """Refuse the refresh tokens that are out."""
        self.sign_in.people.revoke()

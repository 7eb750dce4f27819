"""Everything of the fake that has to do with signing in and staying so, in one piece."""

from __future__ import annotations

from collections.abc import Callable

from switchgear.testing import Exchange
from switchgear_kiro.fake.browser import visit
from switchgear_kiro.fake.oidc import FakeOidc
from switchgear_kiro.fake.people import ORGANISATION_URL, People
from switchgear_kiro.fake.portal import FakePortal
from switchgear_kiro.fake.social import FakeSocial


class FakeSignIn:
    """The sign-in services, as a part of a server that passes requests on to :meth:`answer`.

    Args:
        url: the server's address, once it is known.
        refresh_asked: called at each refresh.

    Attributes:
        people: who there is, and the tokens and keys they hold.
        oidc: Builder ID and IAM Identity Center.
        social: Google and GitHub.
        portal: the page for all of them.
        refreshes: how many refreshes were asked for.
    """

    def __init__(self, url: Callable[[], str], refresh_asked: Callable[[], None] = lambda: None) -> None:
        self._url = url
        self._refresh_asked = refresh_asked
        self.refreshes = 0
        self.people = People()
        self.oidc = FakeOidc(self.people, url, self._asked)
        self.social = FakeSocial(self.people, url, self._asked)
        self.portal = FakePortal(self.people, self.social)

    def _asked(self) -> None:
        self.refreshes += 1
        self._refresh_asked()

    @property
    def endpoints(self) -> dict[str, str]:
        """What leads here, as it stands under ``endpoints`` of the entry."""
        url = self._url()
        return {"oidc": url + "/oidc/{region}", "auth": url + "/auth/{region}", "portal": f"{url}/portal"}

    async def answer(self, exchange: Exchange) -> bool:
        """Answer one request, if it is for here; whether it was."""
        services = (self.oidc, self.social, self.portal)
        for service in services:
            if await service.answer(exchange):
                return True
        return False

    def omit_token(self) -> None:
        """The next refresh gives no refresh token, the old one staying good."""
        self.oidc.omits_token = self.social.omits_token = True

    async def visit(self, url: str, code: str | None, person: str, *, confirms: bool = True) -> None:
        """Play the person's browser."""
        await visit(url, code, person, confirms=confirms)

    def typed(self, question: str, person: str) -> str:
        """What the person types; empty to leave the question open."""
        lowered = question.lower()
        if "start url" in lowered:
            return ORGANISATION_URL
        if "region" in lowered:
            return "us-east-1"
        return self.people.api_key(person) if "api key" in lowered else ""

"""The portal of the fake: one page, which sends the browser back with whatever the person chose there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from switchgear.testing import Exchange
from switchgear_kiro.fake.browser import PERSON_HEADER
from switchgear_kiro.fake.people import BUILDER_ID_URL, ORGANISATION_URL, People
from switchgear_kiro.fake.social import FakeSocial

OPTIONS: Mapping[str, Mapping[str, str]] = {
    "google": {},
    "github": {},
    "builderid": {"issuer_url": BUILDER_ID_URL, "idc_region": "us-east-1"},
    "awsidc": {"issuer_url": ORGANISATION_URL, "idc_region": "us-east-1"},
    "internal": {"issuer_url": ORGANISATION_URL, "idc_region": "us-east-1"},
    "external_idp": {"issuer_url": "https://login.example.test", "client_id": "client", "scopes": "openid"},
}
"""What each option sends back beside the state."""
SOCIAL = {"google": "Google", "github": "Github"}


class FakePortal:
    """Answers ``/portal/signin``.

    Attributes:
        option: what people choose.
        path: where the browser is sent back to; ``None`` for the usual one of the option.
        sends: what is sent back beside or instead of the option's own; an empty value leaves a member out.
        ports: the ones it sends a browser back to; ``None`` for any.
    """

    def __init__(self, people: People, social: FakeSocial) -> None:
        self._people = people
        self._social = social
        self.option = "google"
        self.path: str | None = None
        self.sends: dict[str, str] = {}
        self.ports: frozenset[int] | None = None

    async def answer(self, exchange: Exchange) -> bool:
        """Answer one request, if it is for here; whether it was."""
        if (exchange.method, exchange.path) != ("GET", "/portal/signin"):
            return False
        query = dict(parse_qsl(exchange.query))
        origin = urlsplit(query.get("redirect_uri", ""))
        right = origin.scheme == "http" and origin.hostname == "localhost" and not origin.path and not origin.query
        if not right or (self.ports is not None and origin.port not in self.ports):
            await exchange.respond(400, "redirect_mismatch", content_type="text/plain")
        elif query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
            await exchange.respond(400, "PKCE with S256 is required", content_type="text/plain")
        elif not query.get("state") or query.get("redirect_from") not in {"KiroIDE", "kirocli"}:
            await exchange.respond(400, "a parameter is missing", content_type="text/plain")
        else:
            await exchange.respond(302, headers={"location": self._back(exchange.headers, query)})
        return True

    def _back(self, headers: Mapping[str, str], query: Mapping[str, Any]) -> str:
        social = SOCIAL.get(self.option)
        path = self.path or ("/oauth/callback" if social else "/signin/callback")
        callback = f"{query['redirect_uri']}{path}"
        back = {"login_option": self.option, **OPTIONS.get(self.option, {}), "state": query["state"]}
        if headers.get("x-answer") == "no":
            back = {"state": query["state"], "error": "access_denied", "error_description": "declined"}
        elif social:
            user = self._people.user(headers[PERSON_HEADER], social)
            back["code"] = self._social.new_code(
                user, f"{callback}?login_option={self.option}", query["code_challenge"]
            )
        back |= self.sends
        return f"{callback}?" + "&".join(f"{name}={quote(text, safe='')}" for name, text in back.items() if text)

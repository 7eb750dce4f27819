"""SSO-OIDC of the fake, in every region: registrations, device codes, authorisation codes, tokens, and its refusals."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from switchgear.testing import Exchange
from switchgear_kiro.fake.browser import PERSON_HEADER
from switchgear_kiro.fake.oidc_refusals import OidcRefusals
from switchgear_kiro.fake.pairing import Pairings
from switchgear_kiro.fake.people import BUILDER_ID_URL, ORGANISATION_URL, OTHER_ORGANISATION_URL, People, User
from switchgear_kiro.fake.proof import fits
from switchgear_kiro.oidc import DEVICE_GRANT

Json = dict[str, Any]

REGISTRATION_S = 90 * 86_400.0
PATH = re.compile(r"/oidc/(?P<region>[a-z0-9-]+)(?P<call>/.+)")


@dataclass(slots=True)
class Client:
    """A registration. ``expires_at`` is Unix seconds; ``start_url`` is that of the code flow, else empty."""

    secret: str
    region: str
    grants: frozenset[str]
    expires_at: float
    start_url: str
    redirects: tuple[str, ...]


@dataclass(slots=True)
class Code:
    """An authorisation code that was given out, once."""

    user: User
    client_id: str
    redirect_uri: str
    challenge: str


class FakeOidc:
    """Answers below ``/oidc/REGION``.

    Attributes:
        clients: the registrations, by client id.
        homes: the region each directory lives in. Elsewhere nobody knows it.
        tells_region: a call in the wrong region is told the right one.
        pairings: the device codes.
        lifetime_s: of access tokens.
        omits_token: the next refresh gives no refresh token, the old one staying good.
        omits_lifetime: refreshes do not say how long the token is good.
        spent_says: the error for a refresh token that is not good (any more).
        refusals: what goes wrong, as it is scripted, and how it is told.
    """

    def __init__(self, people: People, url: Callable[[], str], refresh_asked: Callable[[], None]) -> None:
        self._people = people
        self._url = url
        self._refresh_asked = refresh_asked
        self._codes: dict[str, Code] = {}
        self.clients: dict[str, Client] = {}
        east = "us-east-1"
        self.homes = {BUILDER_ID_URL: east, ORGANISATION_URL: east, OTHER_ORGANISATION_URL: "eu-west-1"}
        self.tells_region = False
        self.pairings = Pairings(people)
        self.refusals = OidcRefusals()
        self.lifetime_s = 3600.0
        self.omits_token = False
        self.omits_lifetime = False
        self.spent_says = "invalid_grant"

    def expire_registrations(self) -> None:
        """The registrations made so far have ended. Only the token call will say so."""
        for client in self.clients.values():
            client.expires_at = time.time() - 1

    async def answer(self, exchange: Exchange) -> bool:
        """Answer one request, if it is for here; whether it was."""
        if exchange.path == "/device" and exchange.method == "POST":
            await self.pairings.confirm(exchange)
            return True
        found = PATH.fullmatch(exchange.path)
        if found is None:
            return False
        region = found["region"]
        match exchange.method, found["call"]:
            case "GET", "/authorize":
                await self._authorize(exchange, region)
            case "POST", "/client/register" | "/device_authorization" | "/token" as call:
                request = _object(exchange)
                if request is None:
                    await self.refusals.refuse(exchange, "invalid_request", "the request is no camelCase JSON object")
                else:
                    await self._call(exchange, region, call, request)
            case _:
                await exchange.respond(404, "nothing is here", content_type="text/plain")
        return True

    async def _call(self, exchange: Exchange, region: str, call: str, request: Json) -> None:
        if call == "/client/register":
            if not await self.refusals.faulty(exchange, "register"):
                await self._register(exchange, region, request)
            return
        client = self.clients.get(str(request.get("clientId")))
        if client is not None and client.region != region and self.tells_region:
            await self.refusals.refuse_region(exchange, client.region)
        elif client is None or client.region != region or client.secret != request.get("clientSecret"):
            await self.refusals.refuse(exchange, "invalid_client", "unknown client")
        elif call == "/device_authorization":
            if not await self.refusals.faulty(exchange, "device"):
                await self._start_device(exchange, region, client, request)
        else:
            await self._token(exchange, client, request)

    async def _register(self, exchange: Exchange, region: str, request: Json) -> None:
        grants = request.get("grantTypes", [DEVICE_GRANT, "refresh_token"])
        by_code = "authorization_code" in grants
        named = isinstance(request.get("clientName"), str) and request.get("clientType") == "public"
        complete = not by_code or (request.get("redirectUris") and request.get("issuerUrl"))
        if not named or not request.get("scopes") or not complete:
            await self.refusals.refuse(exchange, "invalid_request", "a member of the registration is missing")
            return
        start_url = str(request["issuerUrl"]) if by_code else ""
        if by_code and await self._is_elsewhere(exchange, region, start_url):
            return
        client_id = self._people.new_secret("client")
        self._people.given.discard(client_id)  # it is no secret
        secret = self._people.new_secret("client-secret") + "x" * 2000  # a long signed text, as the real one is
        self._people.given.add(secret)
        now = time.time()
        redirects = tuple(request.get("redirectUris", ()))
        self.clients[client_id] = Client(secret, region, frozenset(grants), now + REGISTRATION_S, start_url, redirects)
        answer = {
            "clientId": client_id,
            "clientSecret": secret,
            "clientIdIssuedAt": int(now),
            "clientSecretExpiresAt": int(now + REGISTRATION_S),
            "authorizationEndpoint": None,
        }
        await exchange.respond(200, json.dumps(answer))

    async def _start_device(self, exchange: Exchange, region: str, client: Client, request: Json) -> None:
        """An expired registration is good enough here."""
        start_url = str(request.get("startUrl"))
        if DEVICE_GRANT not in client.grants:
            await self.refusals.refuse(exchange, "unauthorized_client", "the client is not registered for it")
            return
        if await self._is_elsewhere(exchange, region, start_url):
            return
        device_code, user_code = self.pairings.start(start_url, str(request["clientId"]))
        page = f"{self._url()}/device"
        answer = {
            "deviceCode": device_code,
            "userCode": user_code,
            "verificationUri": page,
            "verificationUriComplete": f"{page}?user_code={user_code}",
            "expiresIn": self.pairings.lifetime_s,
            "interval": self.pairings.interval_s,
        }
        await exchange.respond(200, json.dumps(answer))

    async def _is_elsewhere(self, exchange: Exchange, region: str, start_url: str) -> bool:
        home = self.homes.get(start_url)
        if home == region:
            return False
        if home is not None and self.tells_region:
            await self.refusals.refuse_region(exchange, home)
        else:
            await self.refusals.refuse(exchange, "invalid_request", "Invalid start url provided")
        return True

    async def _authorize(self, exchange: Exchange, region: str) -> None:
        query = dict(parse_qsl(exchange.query))
        client = self.clients.get(query.get("client_id", ""))
        redirect_uri, challenge = query.get("redirect_uri", ""), query.get("code_challenge", "")
        problem = ""
        if client is None or client.region != region or "authorization_code" not in client.grants:
            problem = "unknown client"
        elif _without_port(redirect_uri) not in map(_without_port, client.redirects):
            problem = "the redirect_uri is not registered"
        elif query.get("response_type") != "code" or not query.get("state") or not query.get("scopes"):
            problem = "a parameter is missing"
        elif query.get("code_challenge_method") != "S256" or len(challenge) != 43:
            problem = "PKCE with S256 is required"
        if client is None or problem:
            await exchange.respond(400, problem, content_type="text/plain")
            return
        back = {"state": query["state"]}
        if exchange.headers.get("x-answer") == "no":
            back |= {"error": "access_denied", "error_description": "declined"}
        else:
            code = back["code"] = self._people.new_secret("code")
            user = self._people.user(exchange.headers[PERSON_HEADER], client.start_url)
            self._codes[code] = Code(user, query["client_id"], redirect_uri, challenge)
        given = "&".join(f"{name}={quote(value, safe='')}" for name, value in back.items())
        await exchange.respond(302, headers={"location": f"{redirect_uri}?{given}"})

    # -- tokens --------------------------------------------------------------------------------------------

    async def _token(self, exchange: Exchange, client: Client, request: Json) -> None:
        grant_type, client_id = request.get("grantType"), str(request["clientId"])
        if grant_type == "refresh_token":
            self._refresh_asked()
        if client.expires_at <= time.time():
            await self.refusals.refuse(exchange, "invalid_client", "the registration has expired")
        elif grant_type not in client.grants:
            await self.refusals.refuse(exchange, "unauthorized_client", "the client is not registered for it")
        elif grant_type == DEVICE_GRANT:
            await self._poll(exchange, client_id, request)
        elif grant_type == "authorization_code":
            await self._trade_code(exchange, client_id, request)
        elif grant_type == "refresh_token":
            await self._refresh(exchange, client_id, request)

    async def _poll(self, exchange: Exchange, client_id: str, request: Json) -> None:
        device_code = str(request.get("deviceCode"))
        if self.refusals.next_is("poll", "slow_down"):
            self.pairings.slow_down(device_code)
        if await self.refusals.faulty(exchange, "poll"):
            return
        state, user = self.pairings.poll(device_code, client_id)
        if user is None:
            await self.refusals.refuse(exchange, "invalid_grant" if state == "unknown" else state)
        else:
            await self._send_tokens(exchange, user, client_id)

    async def _trade_code(self, exchange: Exchange, client_id: str, request: Json) -> None:
        self._people.given.add(str(request.get("codeVerifier")))
        if await self.refusals.faulty(exchange, "code"):
            return
        code = self._codes.pop(str(request.get("code")), None)
        right = code is not None and (code.client_id, code.redirect_uri) == (client_id, request.get("redirectUri"))
        if code is None or not right or not fits(request.get("codeVerifier"), code.challenge):
            await self.refusals.refuse(exchange, "invalid_grant", "the code is unknown, used or somebody else's")
        else:
            await self._send_tokens(exchange, code.user, client_id)

    async def _send_tokens(self, exchange: Exchange, user: User, client_id: str) -> None:
        tokens = self._people.issue(self._people.begin(user, client_id))
        more = {"expiresIn": self.lifetime_s, "tokenType": "Bearer", "idToken": None, "originSessionId": None}
        await exchange.respond(200, json.dumps({**tokens, **more}))

    async def _refresh(self, exchange: Exchange, client_id: str, request: Json) -> None:
        if await self.refusals.faulty(exchange, "refresh"):
            return
        grant = self._people.refreshable(str(request.get("refreshToken")))
        if grant is None or grant.client_id != client_id:
            await self.refusals.refuse(exchange, self.spent_says, "Invalid refresh token provided")
            return
        tokens: Json = {**self._people.issue(grant, omit=self.omits_token), "tokenType": "Bearer"}
        self.omits_token = False
        lifetime = {} if self.omits_lifetime else {"expiresIn": self.lifetime_s}
        await exchange.respond(200, json.dumps({**tokens, **lifetime}))


def _object(exchange: Exchange) -> Json | None:
    if exchange.headers.get("content-type") != "application/json" or "authorization" in exchange.headers:
        return None
    value = json.loads(exchange.body)
    return value if isinstance(value, dict) and not any("_" in name for name in value) else None


def _without_port(uri: str) -> str:
    """``uri``; without its port where it is 127.0.0.1's, whose port may be any."""
    parts = urlsplit(uri)
    return f"http://127.0.0.1{parts.path}" if parts.hostname == "127.0.0.1" else uri

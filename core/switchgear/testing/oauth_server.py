"""A scriptable OAuth server on loopback: browser and device sign-in, refresh with rotation, and what goes wrong there.

It is strict: PKCE with S256 only, a code once, no poll before its interval, a refresh token once. Sources: RFC 6749,
7636, 8252, 8628, 9207 and 9700, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlsplit

import httpx2

from switchgear.testing.exchange import Exchange
from switchgear.testing.oauth_grants import Asked, now
from switchgear.testing.oauth_tokens import TokenEndpointFake, send_error, send_json
from switchgear.testing.server import LoopbackServer


class OAuthServer(TokenEndpointFake):
    """The server, for as long as its ``async with`` block lasts; or a part of another one, which calls :meth:`answer`.

    Args:
        client_id: the one client it knows.
        client_secret: what that has to send with each form; ``None`` for a public client.
        lifetime_s: of access tokens.
        interval_s: the least pause between two polls of a device flow.
        rotates: whether a refresh gives a new refresh token.

    Attributes:
        people: who can sign in, and what ``/userinfo`` says of them beside ``sub``, their stable id.
        server: the server below; of its own, unless another one lends its own.
        refreshes: how many refreshes were asked for.
        polls: how many polls of device flows.
    """

    def __init__(
        self,
        *,
        client_id: str = "fake-client",
        client_secret: str | None = None,
        lifetime_s: float = 3600,
        interval_s: float = 0.01,
        rotates: bool = True,
        server: LoopbackServer | None = None,
    ) -> None:
        email = "team@example.com"
        self.people: dict[str, dict[str, Any]] = {
            "ada": {"sub": "user-0001", "email": email, "name": "Ada"},
            "ben": {"sub": "user-0002", "email": email, "name": "Ben"},
        }
        super().__init__(client_id, client_secret, lifetime_s, rotates)
        self.interval_s = interval_s
        self.server = server or LoopbackServer(self._alone)

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.__aexit__(kind, error, trace)

    # -- what a test uses ----------------------------------------------------------------------------------

    def notify(self) -> None:
        """Whoever waits for a count looks again."""
        self.server.notify()

    def secrets(self) -> set[str]:
        """Every secret it has given out or has been told: codes, tokens, verifiers, the client's secret."""
        return set(self.grants.secrets)

    def expire(self) -> None:
        """From now on the access tokens given out so far are refused."""
        self.grants.expire()

    def revoke(self) -> None:
        """From now on the refresh tokens given out so far are refused."""
        self.grants.revoke()

    def accepts(self, token: str) -> bool:
        """Whether it is a good access token: what another fake may be told to go by."""
        return self.grants.of_access(token) is not None

    def person_of(self, exchange: Exchange) -> str | None:
        """Whose good access token a request bears; ``None`` for nobody's."""
        scheme, _, token = exchange.headers.get("authorization", "").partition(" ")
        grant = self.grants.of_access(token) if scheme.lower() == "bearer" else None
        return None if grant is None else grant.person

    async def visit(self, url: str, code: str | None, person: str, *, confirms: bool = True) -> None:
        """Play the browser: open the address, sign in as ``person``, enter the code if any; confirm, or refuse."""
        form = {
            "person": person,
            "answer": "yes" if confirms else "no",
            **({} if code is None else {"user_code": code}),
        }
        async with httpx2.AsyncClient(trust_env=False, verify=False) as browser:
            (await browser.get(url)).raise_for_status()
            answer = await browser.post(url, data=form)
            if answer.status_code == 302:
                answer = await browser.get(answer.headers["location"])
            answer.raise_for_status()

    # -- the endpoints -------------------------------------------------------------------------------------

    async def _alone(self, exchange: Exchange) -> None:
        if not await self.answer(exchange):
            await exchange.respond(404, "nothing is here", content_type="text/plain")

    async def answer(self, exchange: Exchange) -> bool:
        """Answer one request, if it is for one of the endpoints; whether it was.

        They are ``/authorize``, ``/device_authorization``, ``/device``, ``/token`` and ``/userinfo``.
        """
        query = dict(parse_qsl(exchange.query))
        form = dict(parse_qsl(exchange.body.decode(errors="replace")))
        match exchange.method, exchange.path:
            case "GET", "/authorize" | "/device":
                await exchange.respond(200, "<form method=post>", content_type="text/html")
            case "POST", "/authorize":
                await self._authorize(exchange, query, form)
            case "POST", "/device":
                await self._confirm_device(exchange, form)
            case "POST", "/device_authorization":
                if not await self.faulty(exchange, "device"):
                    await self._start_device(exchange, form)
            case "POST", "/token":
                await self.token(exchange, form)
            case "GET", "/userinfo":
                person = self.person_of(exchange)
                claims = self.people.get(person or "")
                await send_json(
                    exchange, {"error": "invalid_token"} if claims is None else claims, 401 if claims is None else 200
                )
            case _:
                return False
        return True

    async def _authorize(self, exchange: Exchange, query: Mapping[str, str], form: Mapping[str, str]) -> None:
        redirect_uri, state = query.get("redirect_uri", ""), query.get("state", "")
        problem = self._problem_of(query)
        if problem:
            await exchange.respond(400, problem, content_type="text/plain")
            return
        back = {"state": state, "iss": self.server.url}
        if form.get("answer") != "yes":
            back["error"] = "access_denied"
        else:
            asked = Asked(redirect_uri, query["code_challenge"], form["person"])
            back["code"] = self.grants.new_code(asked)
        given = "&".join(f"{name}={quote(value, safe='')}" for name, value in back.items())
        await exchange.respond(302, headers={"location": f"{redirect_uri}?{given}"})

    def _problem_of(self, query: Mapping[str, str]) -> str:
        """What is wrong with an authorisation request; empty for nothing. It is not sent back: to whom?"""
        target = urlsplit(query.get("redirect_uri", ""))
        if query.get("client_id") != self.client_id:
            return "unknown client"
        if query.get("response_type") != "code":
            return "only response_type=code"
        if target.scheme != "http" or target.hostname not in {"127.0.0.1", "localhost", "::1"} or target.fragment:
            return "the redirect_uri is not on this machine"
        if not query.get("state"):
            return "state is missing"
        if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
            return "PKCE with S256 is required"
        return ""

    async def _confirm_device(self, exchange: Exchange, form: Mapping[str, str]) -> None:
        asked = self.grants.user_codes.get(form.get("user_code", "").strip().upper())
        if asked is None or asked.expires_at <= now():
            await exchange.respond(400, "unknown code", content_type="text/plain")
            return
        asked.person, asked.denied = form["person"], form.get("answer") != "yes"
        await exchange.respond(200, "done", content_type="text/plain")
        self.server.notify()

    async def _start_device(self, exchange: Exchange, form: Mapping[str, str]) -> None:
        if form.get("client_id") != self.client_id:
            await send_error(exchange, "invalid_client", 401)
            return
        asked = Asked(expires_at=now() + 300, next_poll_at=now(), interval_s=self.interval_s)
        device_code, user_code = self.grants.new_device(asked)
        answer = {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": f"{self.server.url}/device",
            "expires_in": 300,
            "interval": self.interval_s,
        }
        await send_json(exchange, answer)

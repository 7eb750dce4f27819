"""A fake of everything there was: Clerk, the web app and the model proxy, each below a path of one server.

It remembers whom it gave what, and refuses what the real services refused.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from switchgear.testing import Exchange, LoopbackServer
from switchgear_roo.fake import browser
from switchgear_roo.fake.answers import LIST, PLAIN
from switchgear_roo.fake.browser import PERSON_HEADER
from switchgear_roo.fake.people import People
from switchgear_roo.fake.proxy import Proxy


class FakeRoo:
    """The service, in an ``async with`` block; a fake for the conformance kit.

    Attributes:
        settings: the entry that leads here.
        model: a plain model.
        server: everything.
        refreshes: session tokens asked for.
        people: the service's memory.
        proxy: the model proxy, and its faults.
        balance: what the credit endpoint says, as JSON.
        scripts: answers for the next calls, by the last segment of the path: a status and a body.
        rotates: minting brings a new client token.
        hides_client_token: the sign-in leaves its header out.
        lifetime_s: of session tokens.
    """

    def __init__(self, *names: str) -> None:
        self.people = People(*(names or ("ada", "ben")))
        self.server = LoopbackServer(self._answer)
        self.proxy = Proxy(self.people, self.server)
        self.model = PLAIN
        self.refreshes = 0
        self.balance: object = {"balance": 12.5}
        self.scripts: dict[str, list[tuple[int, object]]] = {}
        self.rotates = False
        self.hides_client_token = False
        self.lifetime_s = 60.0
        self.settings: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        url = self.server.url
        self.settings = {"endpoints": {"auth": f"{url}/clerk", "app": f"{url}/app", "provider": f"{url}/proxy"}}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.__aexit__(kind, error, trace)

    # -- what the kit plays ------------------------------------------------------------------------------------

    def secrets(self) -> set[str]:
        """See the kit."""
        return set(self.people.secrets)

    def fail(self, fault: str) -> bool:
        """See the kit. Nothing the service says ends an account, and no answer of a mint leaves anything out."""
        if fault == "token_expired":
            self.expire()
            return True
        if fault == "refresh_unavailable":
            self.script("tokens", 503, {"errors": [{"code": "unavailable", "message": "Try again"}]})
            return True
        return self.proxy.fail(fault)

    async def visit(self, url: str, code: str | None, person: str) -> None:
        """See the kit."""
        await browser.follow(url, person)

    def imports(self) -> tuple[str, Mapping[str, Any]]:
        """See the kit: what the command line keeps."""
        return "cliproxyapi", {"type": "roo", "flow": "cli", "token": self.people.cli_token("ada")}

    def answer(self, question: str, person: str) -> str:
        """See the kit."""
        return self.people.static_key(person) if "key" in question else ""

    def expire(self) -> None:
        """See the kit: session tokens; those of the other ways in are good for 90 days, or for ever."""
        self.people.expire()

    def revoke(self) -> None:
        """See the kit."""
        self.people.revoke()

    def script(self, path: str, status: int, body: object) -> None:
        """Answer the next call of ``path`` (its last segment) so; bytes and texts are sent as they are."""
        self.scripts.setdefault(path, []).append((status, body))

    # -- the server ----------------------------------------------------------------------------------------------

    async def _answer(self, exchange: Exchange) -> None:
        script = self.scripts.get(exchange.path.rpartition("/")[2])
        if script:
            if exchange.path.endswith("/tokens"):
                self.refreshes += 1
            status, body = script.pop(0)
            await exchange.respond(status, body if isinstance(body, bytes | str) else json.dumps(body))
            return
        routes: dict[tuple[str, str], Callable[[Exchange], Awaitable[None]]] = {
            ("GET", "/app/cli/sign-in"): self._cli_page,
            ("GET", "/app/extension/sign-in"): self._ticket_page,
            ("GET", "/app/api/extension/credit-balance"): self._credit,
            ("POST", "/clerk/v1/client/sign_ins"): self._sign_in,
            ("GET", "/clerk/v1/me"): self._me,
            ("GET", "/clerk/v1/me/organization_memberships"): self._memberships,
            ("GET", "/proxy/v1/models"): self._models,
            ("POST", "/proxy/v1/chat/completions"): self.proxy.chat,
        }
        session_id = _session_id(exchange.path)
        route = routes.get((exchange.method, exchange.path))
        if route is not None:
            await route(exchange)
        elif session_id and exchange.method == "POST":
            await self._mint(exchange, session_id)
        else:
            await exchange.respond(404, "Not Found", content_type="text/plain")

    # -- the web app -----------------------------------------------------------------------------------------------

    async def _cli_page(self, exchange: Exchange) -> None:
        asked = dict(parse_qsl(exchange.query))
        if "success" in asked or "error" in asked:
            await exchange.respond(200, "<p>Back at the page", content_type="text/html")
            return
        person = exchange.headers.get(PERSON_HEADER, "")
        if person not in self.people.people or not _loopback(asked.get("callback", "")) or not _state(asked):
            await exchange.respond(400, "<p>Bad request", content_type="text/html")
            return
        token = self.people.cli_token(person)
        await _redirect(exchange, f"{asked['callback']}?token={token}&state={asked['state']}")

    async def _ticket_page(self, exchange: Exchange) -> None:
        asked = dict(parse_qsl(exchange.query))
        person = exchange.headers.get(PERSON_HEADER, "")
        if person not in self.people.people or not asked.get("auth_redirect") or not _state(asked):
            await exchange.respond(400, "<p>Bad request", content_type="text/html")
            return
        chosen = self.people.people[person].chosen
        organization = "" if chosen is None else f"&organizationId={quote(chosen)}"
        query = f"code={self.people.ticket(person)}&state={asked['state']}{organization}&provider_model=x"
        await _redirect(exchange, f"{asked['auth_redirect']}/auth/clerk/callback?{query}")

    async def _credit(self, exchange: Exchange) -> None:
        if self.people.bearer(_bearer(exchange)) is None:
            await exchange.respond(401, '{"error": "Unauthorized"}')
        else:
            await exchange.respond(200, json.dumps(self.balance))

    # -- Clerk -----------------------------------------------------------------------------------------------------

    async def _sign_in(self, exchange: Exchange) -> None:
        form = _form(exchange)
        self.people.secrets.add(form.get("ticket", ""))
        session = self.people.redeem(form.get("ticket", "")) if form.get("strategy") == "ticket" else None
        if session is None:
            await _clerk_error(exchange, 422, "ticket_invalid_code", "The ticket is invalid or was used already.")
            return
        body = {"response": {"object": "sign_in_attempt", "created_session_id": session.id}}
        headers = {} if self.hides_client_token else {"authorization": session.client_token}
        await exchange.respond(200, json.dumps(body), headers)

    async def _mint(self, exchange: Exchange, session_id: str) -> None:
        self.refreshes += 1
        form = _form(exchange)
        session = self.people.session(_bearer(exchange), session_id)
        if session is None:
            await _clerk_error(exchange, 401, "authentication_invalid", "Invalid authentication")
            return
        if form.get("_is_native") != "1":
            await _clerk_error(exchange, 400, "bad_request", "The request is not that of a native client")
            return
        organization = form.get("organization_id")
        if organization and organization not in self.people.people[session.person].organizations:
            await _clerk_error(exchange, 403, "not_a_member", "Not a member of the organization")
            return
        token = self.people.mint(session, organization, self.lifetime_s)
        headers = {}
        if self.rotates:
            self.people.rotate(session)
            headers = {"authorization": session.client_token}
        await exchange.respond(200, json.dumps({"jwt": token}), headers)

    async def _me(self, exchange: Exchange) -> None:
        await self._of_person(exchange, self.people.me)

    async def _memberships(self, exchange: Exchange) -> None:
        await self._of_person(exchange, self.people.memberships)

    async def _of_person(self, exchange: Exchange, tell: Callable[[str], object]) -> None:
        session = self.people.session(_bearer(exchange))
        if session is None:
            await _clerk_error(exchange, 401, "authentication_invalid", "Invalid authentication")
        else:
            await exchange.respond(200, json.dumps({"response": tell(session.person)}))

    # -- the proxy -------------------------------------------------------------------------------------------------

    async def _models(self, exchange: Exchange) -> None:
        if exchange.headers.get("authorization") is not None and self.people.bearer(_bearer(exchange)) is None:
            await exchange.respond(401, '{"error": {"message": "Invalid token", "code": 401}}')
        else:
            await exchange.respond(200, json.dumps(LIST))


def _bearer(exchange: Exchange) -> str:
    scheme, _, token = exchange.headers.get("authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


def _form(exchange: Exchange) -> dict[str, str]:
    if exchange.headers.get("content-type") != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl(exchange.body.decode(), keep_blank_values=True))


def _session_id(path: str) -> str:
    before, after = "/clerk/v1/client/sessions/", "/tokens"
    return unquote(path[len(before) : -len(after)]) if path.startswith(before) and path.endswith(after) else ""


def _state(asked: dict[str, str]) -> bool:
    state = asked.get("state", "")
    return len(state) == 32 and all(digit in "0123456789abcdef" for digit in state)


def _loopback(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname == "127.0.0.1" and parts.path == "/callback"


async def _redirect(exchange: Exchange, url: str) -> None:
    await exchange.respond(302, b"", {"location": url}, content_type="text/html")


async def _clerk_error(exchange: Exchange, status: int, code: str, message: str) -> None:
    error = {"code": code, "message": message, "long_message": message, "meta": {}}
    await exchange.respond(status, json.dumps({"errors": [error], "clerk_trace_id": "trace_1"}))

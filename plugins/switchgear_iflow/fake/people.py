"""The sign-in services of the fake: the page, tokens and the user info.

Shapes: the vendor's client 0.5 and router-for-me/CLIProxyAPI before f5dc6483d, read 2026-11.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode

from switchgear.testing import Exchange

CLIENT_ID = "10009311001"
CLIENT_SECRET = "fake-client-secret-5d1b7a90"  # noqa: S105 - it opens nothing but the fake
PEOPLE = {
    "ada": {"userId": "u-1001", "userName": "Ada", "email": "office@example.com", "phone": "138****0001"},
    "ben": {"userId": "u-1002", "userName": "Ben", "email": "office@example.com", "phone": "138****0002"},
}
BUSY = {"success": False, "code": "500", "message": "当前找我聊的人太多了请稍后再试"}

Json = dict[str, Any]


class FakePeople:
    """Who there is, and what was given out to whom.

    Attributes:
        next_token: how the next token answers fail: ``busy``, ``busy-429``, ``no-token``, ``refused``,
            ``invalid-client``, ``unauthorized``, ``refresh_unavailable``, ``refresh_omits_token``.
        refresh_asked: called for each refresh.
        next_refresh: as ``next_token``, but sign-ins are not touched.
        next_user_info: likewise for the user info: an HTTP status, or 0 for one without a key.
        lifetime_s: of access tokens; ``None`` for an answer that does not say.
        keys_rotate: a refresh gives another key; the one before it is over.
        without_user_ids: the user info does not hold them.
    """

    def __init__(self, refresh_asked: Callable[[], None]) -> None:
        self.refresh_asked = refresh_asked
        self.next_token: deque[str] = deque()
        self.next_refresh: deque[str] = deque()
        self.next_user_info: deque[int] = deque()
        self.lifetime_s: int | None = 7 * 86_400
        self.keys_rotate = True
        self.without_user_ids = False
        self.api_keys: dict[str, str] = {}
        self.blocked: set[str] = set()
        self._numbers = itertools.count(1)
        self._codes: dict[str, tuple[str, str]] = {}
        self._refresh_tokens: dict[str, str] = {}
        self._access_tokens: dict[str, str] = {}
        self._expired: set[str] = set()
        self._given: set[str] = {CLIENT_SECRET}

    # -- what the kit, and a test, asks ---------------------------------------------------------------------

    def secrets(self) -> set[str]:
        """Everything given out so far."""
        return set(self._given)

    def pasted_key(self, person: str) -> str:
        """The key that the person copies from the platform: the same as long as it is good."""
        known = next(
            (key for key, owner in self.api_keys.items() if owner == person and key not in self._expired), None
        )
        return known or self.new_key(person)

    def new_key(self, person: str) -> str:
        """Another key of the person."""
        key = self._new("sk-fake", person)
        self.api_keys[key] = person
        return key

    def new_code(self, person: str, redirect_uri: str) -> str:
        """A code for the person, good once."""
        code = self._new("code", person)
        self._codes[code] = (person, redirect_uri)
        return code

    def file_of(self, person: str) -> Json:
        """What CLIProxyAPI wrote for the person."""
        tokens = self._tokens(person, {}, omits=False)
        named = {"user_id": PEOPLE[person]["userId"], "email": PEOPLE[person]["email"], "api_key": self.new_key(person)}
        return {"type": "iflow", "expired": "2100-01-01T00:00:00Z", **named, **tokens}

    def expire(self) -> None:
        """Refuse every key and access token that is out."""
        self._expired |= {*self.api_keys, *self._access_tokens}

    def revoke(self) -> None:
        """Refuse every refresh token that is out."""
        self._refresh_tokens.clear()

    def expire_keys_of(self, person: str) -> None:
        """Refuse every key of the person that is out."""
        self._expired |= {key for key, owner in self.api_keys.items() if owner == person}

    def is_expired(self, secret: str) -> bool:
        """Whether a key or an access token is over."""
        return secret in self._expired

    # -- the services ---------------------------------------------------------------------------------------

    async def answer(self, exchange: Exchange) -> bool:
        """Answer what is about signing in; false for anything else."""
        match exchange.method, exchange.path:
            case (("GET" | "POST"), "/oauth"):
                await self._page(exchange)
            case "POST", "/oauth/token":
                await self._token(exchange)
            case "GET", "/oauth/success" | "/oauth/error" | "/oauth/code-display":
                await exchange.respond(200, "<html>done</html>", content_type="text/html")
            case "GET", "/api/oauth/getUserInfo":
                await self._user_info(exchange)
            case _:
                return False
        return True

    async def _page(self, exchange: Exchange) -> None:
        query = {name: values[0] for name, values in parse_qs(exchange.query).items()}
        wanted = {"loginMethod": "phone", "type": "phone", "client_id": CLIENT_ID}
        known = {"loginMethod", "type", "client_id", "redirect", "state"}
        redirect = query.get("redirect", "")
        fits = all(query.get(name) == value for name, value in wanted.items()) and set(query) == known
        leads = redirect.startswith("http://localhost:") and redirect.endswith("/oauth2callback")
        if not fits or not (leads or redirect.endswith("/oauth/code-display")) or len(query["state"]) != 64:
            await exchange.respond(400, "<html>wrong parameters</html>", content_type="text/html")
        elif exchange.method == "GET":
            await exchange.respond(200, "<html>who are you?</html>", content_type="text/html")
        else:
            person = parse_qs(exchange.body.decode())["person"][0]
            self._given.add(query["state"])
            back = {"code": self.new_code(person, redirect), "state": query["state"]}
            await exchange.respond(302, headers={"location": f"{redirect}?{urlencode(back)}"})

    async def _token(self, exchange: Exchange) -> None:
        form = {name: values[0] for name, values in parse_qs(exchange.body.decode()).items()}
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        is_refresh = form.get("grant_type") == "refresh_token"
        if is_refresh:
            self.refresh_asked()
        fault = self._fault(is_refresh)
        refused: dict[str, tuple[int, object]] = {
            "busy": (200, BUSY),
            "busy-429": (200, {"success": False, "code": "429", "message": "too many requests"}),
            "no-token": (200, {"token_type": "bearer"}),
            "refused": (200, {"success": False, "code": "401", "message": "refresh token is wrong"}),
            "unauthorized": (401, {"message": "no"}),
            "refresh_unavailable": (503, {"message": "unavailable"}),
        }
        if fault in refused:
            status, answer = refused[fault]
            await say(exchange, status, answer)
            return
        known = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        if fault == "invalid-client" or not known or exchange.headers.get("authorization") != f"Basic {basic}":
            await say(exchange, 401, {"error": "invalid_client"})
            return
        person = self._owner_of(form)
        if person is None or exchange.headers.get("accept") != "application/json":
            await say(exchange, 400, {"error": "invalid_grant"})
            return
        await say(exchange, 200, self._tokens(person, form, omits=fault == "refresh_omits_token"))

    def _fault(self, is_refresh: bool) -> str:
        if is_refresh and self.next_refresh:
            return self.next_refresh.popleft()
        return self.next_token.popleft() if self.next_token else ""

    def _owner_of(self, form: dict[str, str]) -> str | None:
        """Who a code (good once, for its redirect) or a refresh token (good once) belongs to."""
        if form.get("grant_type") == "authorization_code":
            person, redirect_uri = self._codes.pop(form.get("code", ""), (None, ""))
            return person if redirect_uri == form.get("redirect_uri") else None
        return self._refresh_tokens.get(form.get("refresh_token", ""))

    def _tokens(self, person: str, form: dict[str, str], *, omits: bool) -> Json:
        access = self._new("access", person)
        self._access_tokens[access] = person
        tokens: Json = {"access_token": access, "token_type": "bearer", "scope": "read"}
        if not omits:
            self._refresh_tokens.pop(form.get("refresh_token", ""), None)
            tokens["refresh_token"] = self._new("refresh", person)
            self._refresh_tokens[tokens["refresh_token"]] = person
        if self.lifetime_s is not None:
            tokens["expires_in"] = self.lifetime_s
        return tokens

    async def _user_info(self, exchange: Exchange) -> None:
        token = parse_qs(exchange.query).get("accessToken", [""])[0]
        status = self.next_user_info.popleft() if self.next_user_info else 200
        person = self._access_tokens.get(token)
        if status not in {0, 200}:
            await say(exchange, status, {"success": False})
        elif person is None or token in self._expired:
            await say(exchange, 401, {"success": False, "message": "token invalid"})
        else:
            data: Json = {**PEOPLE[person], "avatar": ""}
            if self.without_user_ids:
                data["userId"] = ""
            if status == 200:
                data["apiKey"] = self.new_key(person) if self.keys_rotate else self.pasted_key(person)
            await say(exchange, 200, {"success": True, "data": data})

    def _new(self, kind: str, person: str) -> str:
        secret = f"{kind}-{person}-{next(self._numbers):04}-b81f"
        self._given.add(secret)
        return secret


async def say(exchange: Exchange, status: int, answer: object) -> None:
    """Answer with JSON."""
    await exchange.respond(status, json.dumps(answer, ensure_ascii=False))

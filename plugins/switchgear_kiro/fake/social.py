"""The auth service of the fake, for Google and GitHub: codes, device codes, refresh. All users are told one ARN."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from switchgear.testing import Exchange
from switchgear_kiro.fake.pairing import Pairings
from switchgear_kiro.fake.people import SHARED_ARN, People, User
from switchgear_kiro.fake.proof import fits

Json = dict[str, Any]

PATH = re.compile(r"/auth/(?P<region>[a-z0-9-]+)(?P<call>/.+)")
DEVICE_CLIENT = "kiro-cli"
PAUSED = "New signups are temporarily paused."
DEAD = "Bad credentials"


@dataclass(slots=True)
class Code:
    """A code that was given out, once. ``redirect_uri`` is the callback that was really used, and its option."""

    user: User
    redirect_uri: str
    challenge: str


class FakeSocial:
    """Answers below ``/auth/REGION``.

    Attributes:
        pairings: the device codes.
        lifetime_s: of access tokens.
        newcomers: people who have no account yet, while nobody new is taken.
        says_status: a successful poll says ``"status": "authorized"`` too.
        omits_token: the next refresh gives no refresh token, the old one staying good.
        polls, exchanges, refreshes: what the next calls of these kinds answer instead: a status and a body. A poll
            that is told to slow down means it.
    """

    def __init__(self, people: People, url: Callable[[], str], refresh_asked: Callable[[], None]) -> None:
        self._people = people
        self._url = url
        self._refresh_asked = refresh_asked
        self._codes: dict[str, Code] = {}
        self.pairings = Pairings(people)
        self.lifetime_s = 3600.0
        self.newcomers: set[str] = set()
        self.says_status = False
        self.omits_token = False
        self.polls: deque[tuple[int, Json | str]] = deque()
        self.exchanges: deque[tuple[int, Json | str]] = deque()
        self.refreshes: deque[tuple[int, Json | str]] = deque()

    def new_code(self, user: User, redirect_uri: str, challenge: str) -> str:
        """A code of the portal's."""
        code = self._people.new_secret("code")
        self._codes[code] = Code(user, redirect_uri, challenge)
        return code

    async def answer(self, exchange: Exchange) -> bool:
        """Answer one request, if it is for here; whether it was."""
        if exchange.path == "/account/device" and exchange.method == "POST":
            await self.pairings.confirm(exchange)
            return True
        found = PATH.fullmatch(exchange.path)
        if found is None:
            return False
        request = json.loads(exchange.body) if exchange.method == "POST" else {}
        match found["call"]:
            case "/oauth/token":
                await self._exchange(exchange, request)
            case "/oauth/device/authorization":
                await self._start(exchange, request)
            case "/oauth/device/poll":
                await self._poll(exchange, request)
            case "/refreshToken":
                self._refresh_asked()
                await self._refresh(exchange, request)
            case _:
                await _send(exchange, 404, {"message": "nothing is here"})
        return True

    async def _exchange(self, exchange: Exchange, request: Json) -> None:
        self._people.given.add(str(request.get("code_verifier")))
        code = self._codes.pop(str(request.get("code")), None)
        if self.exchanges:
            await _send(exchange, *self.exchanges.popleft())
        elif code is None or not fits(request.get("code_verifier"), code.challenge):
            await _send(exchange, 400, {"message": "Invalid code"})
        elif request.get("redirect_uri") != code.redirect_uri:
            await _send(exchange, 500, {"message": "Internal server error"})
        elif code.user.name in self.newcomers:
            await _send(exchange, 403, {"message": PAUSED})
        else:
            await _send(exchange, 200, self._tokens(code.user))

    async def _start(self, exchange: Exchange, request: Json) -> None:
        if request.get("clientId") != DEVICE_CLIENT or request.get("loginProvider") not in {"Google", "Github"}:
            await _send(exchange, 400, {"message": "Invalid request"})
            return
        device_code, user_code = self.pairings.start(request["loginProvider"], DEVICE_CLIENT)
        page = f"{self._url()}/account/device"
        answer = {
            "deviceCode": device_code,
            "userCode": user_code,
            "verificationUri": page,
            "verificationUriComplete": f"{page}?user_code={user_code}",
            "expiresInMilliseconds": self.pairings.lifetime_s * 1000,
            "intervalInMilliseconds": self.pairings.interval_s * 1000,
        }
        await _send(exchange, 200, answer)

    async def _poll(self, exchange: Exchange, request: Json) -> None:
        device_code = str(request.get("deviceCode"))
        if self.polls:
            status, body = self.polls.popleft()
            if isinstance(body, dict) and body.get("status") == "slow_down":
                self.pairings.slow_down(device_code)
            await _send(exchange, status, body)
            return
        state, user = self.pairings.poll(device_code, str(request.get("clientId")))
        if user is None:
            await _send(exchange, 200, {"status": "invalid_token" if state == "unknown" else state})
        else:
            told = {"status": "authorized"} if self.says_status else {}
            await _send(exchange, 200, {**self._tokens(user), "identityProvider": user.directory, **told})

    async def _refresh(self, exchange: Exchange, request: Json) -> None:
        if self.refreshes:
            await _send(exchange, *self.refreshes.popleft())
            return
        grant = self._people.refreshable(str(request.get("refreshToken")))
        if grant is None or grant.user.kind != "social":
            await _send(exchange, 401, {"message": DEAD})
            return
        tokens = self._people.issue(grant, omit=self.omits_token)
        self.omits_token = False
        await _send(exchange, 200, {**tokens, "expiresIn": self.lifetime_s, "profileArn": SHARED_ARN})

    def _tokens(self, user: User) -> Json:
        tokens = self._people.issue(self._people.begin(user))
        return {**tokens, "expiresIn": self.lifetime_s, "profileArn": SHARED_ARN}


async def _send(exchange: Exchange, status: int, body: Json | str) -> None:
    if isinstance(body, str):
        await exchange.respond(status, body, content_type="text/html")
    else:
        await exchange.respond(status, json.dumps(body))

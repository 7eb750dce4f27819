"""The key page of the fake's platform, for a browser session.

Shapes: router-for-me/CLIProxyAPI before f5dc6483d and jc01rho/CLIProxyAPIPlus, read 2026-11.
"""

from __future__ import annotations

import gzip
import json
from collections import deque
from datetime import datetime, timedelta
from typing import Any

from switchgear.testing import Exchange
from switchgear_iflow.accounts import SHANGHAI
from switchgear_iflow.fake.people import BUSY, PEOPLE, FakePeople, say

Json = dict[str, Any]


class FakeKeyPage:
    """The people's browser sessions, and the keys they give.

    Attributes:
        next_answers: how the next answers fail: ``busy``, ``html``, ``redirect``, ``refused``, ``unavailable``; not
            where it is empty.
        key_lifetime_s: of the keys.
        shows_keys: the page shows the whole key, not a masked one.
    """

    def __init__(self, people: FakePeople) -> None:
        self.next_answers: deque[str] = deque()
        self.key_lifetime_s = 7 * 86_400
        self.shows_keys = False
        self._people = people
        self._cookies = {person: f"BXAuth=session-of-{person}-7c2e;" for person in PEOPLE}
        self._dead_cookies: set[str] = set()
        self._used_cookies: set[str] = set()
        self._looked_at: set[str] = set()

    def secrets(self) -> set[str]:
        """The sessions."""
        return {cookie.removeprefix("BXAuth=").rstrip(";") for cookie in self._cookies.values()}

    def cookie_of(self, person: str) -> str:
        """The person's browser session."""
        return self._cookies[person]

    def revoke(self) -> None:
        """Refuse every session that was used."""
        self._dead_cookies |= self._used_cookies

    async def answer(self, exchange: Exchange) -> None:
        """Show the key of a session, or issue it anew."""
        cookie = exchange.headers.get("cookie", "")
        person = next((owner for owner, held in self._cookies.items() if held == cookie), None)
        is_refresh = exchange.method == "POST" and cookie not in self._looked_at
        if is_refresh:
            self._people.refresh_asked()
        fault = self.next_answers.popleft() if self.next_answers else ""
        if is_refresh and self._people.next_refresh:
            fault = "unavailable" if self._people.next_refresh.popleft() == "refresh_unavailable" else ""
        if fault == "busy":
            await say(exchange, 200, BUSY)
        elif fault == "unavailable":
            await say(exchange, 503, {"message": "unavailable"})
        elif fault == "redirect":
            await exchange.respond(302, headers={"location": "/login"})
        elif fault == "refused":
            await say(exchange, 200, {"success": False, "code": "401", "message": "not signed in"})
        elif fault == "html" or person is None or cookie in self._dead_cookies:
            await exchange.respond(200, "<html>sign in</html>", content_type="text/html")
        elif exchange.method == "GET":
            self._looked_at.add(cookie)
            self._used_cookies.add(cookie)
            shown = {"apiKey": self._people.pasted_key(person)} if self.shows_keys else {"apiKeyMask": "sk-****"}
            packed = gzip.compress(json.dumps(self._key_of(person, **shown)).encode())
            await exchange.respond(200, packed, headers={"content-encoding": "gzip"})
        else:
            await self._issue(exchange, person, cookie)

    async def _issue(self, exchange: Exchange, person: str, cookie: str) -> None:
        self._looked_at.discard(cookie)
        origin = f"http://{exchange.headers['host']}"
        sent = (exchange.headers.get("origin"), exchange.headers.get("referer"))
        if sent != (origin, origin) or json.loads(exchange.body) != {"name": f"key of {person}"}:
            await say(exchange, 400, {"success": False, "code": "400", "message": "wrong request"})
            return
        self._people.expire_keys_of(person)
        await say(exchange, 200, self._key_of(person, apiKey=self._people.new_key(person)))

    def _key_of(self, person: str, **shown: str) -> Json:
        expires = datetime.now(SHANGHAI) + timedelta(seconds=self.key_lifetime_s)
        data = {"hasExpired": False, "expireTime": f"{expires:%Y-%m-%d %H:%M}", "name": f"key of {person}", **shown}
        return {"success": True, "code": "0", "message": "", "data": data, "extra": None}

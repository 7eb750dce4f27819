"""What both device flows of the fake share: codes, the page they are entered on, and the pace of polling."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from switchgear.testing import Exchange
from switchgear_kiro.fake.browser import PERSON_HEADER
from switchgear_kiro.fake.people import People, User

SLOWER_S = 5.0
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"

State = Literal["unknown", "slow_down", "authorization_pending", "expired_token", "access_denied", "authorized"]


@dataclass(slots=True)
class Pairing:
    """A device code under way. Times are on the monotonic clock, in seconds."""

    directory: str
    client_id: str
    expires_at: float
    interval_s: float
    next_poll_at: float
    user: User | None = None
    denied: bool = False
    used: bool = False


class Pairings:
    """The codes of one service.

    Attributes:
        interval_s: the least pause between two polls.
        lifetime_s: how long a code is good.
        monotonic: replaced in tests that move the clock.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self._by_device_code: dict[str, Pairing] = {}
        self._by_user_code: dict[str, Pairing] = {}
        self.interval_s = 0.01
        self.lifetime_s = 600.0
        self.monotonic: Callable[[], float] = time.monotonic

    def start(self, directory: str, client_id: str) -> tuple[str, str]:
        """A device code and its user code."""
        now = self.monotonic()
        pairing = Pairing(directory, client_id, now + self.lifetime_s, self.interval_s, now + self.interval_s * 0.9)
        letters = "".join(secrets.choice(LETTERS) for _ in range(8))
        device_code, user_code = self._people.new_secret("device"), f"{letters[:4]}-{letters[4:]}"
        self._by_device_code[device_code] = self._by_user_code[user_code] = pairing
        return device_code, user_code

    async def confirm(self, exchange: Exchange) -> None:
        """The page where a person enters the code."""
        form = dict(parse_qsl(exchange.body.decode()))
        pairing = self._by_user_code.get(form.get("user_code", ""))
        if pairing is None or pairing.expires_at <= self.monotonic():
            await exchange.respond(400, "unknown code", content_type="text/plain")
            return
        pairing.user = self._people.user(exchange.headers[PERSON_HEADER], pairing.directory)
        pairing.denied = exchange.headers.get("x-answer") == "no"
        await exchange.respond(200, "done", content_type="text/plain")

    def poll(self, device_code: str, client_id: str) -> tuple[State, User | None]:
        """Ask once; too early is answered as such, and makes the pause longer for ever."""
        pairing = self._by_device_code.get(device_code)
        if pairing is None or pairing.used or pairing.client_id != client_id:
            return "unknown", None
        now = self.monotonic()
        early, pairing.next_poll_at = now < pairing.next_poll_at, now + pairing.interval_s * 0.9  # timers may be early
        if pairing.denied:
            return "access_denied", None
        if pairing.expires_at <= now:
            return "expired_token", None
        if early:
            self.slow_down(device_code)
            return "slow_down", None
        if pairing.user is None:
            return "authorization_pending", None
        pairing.used = True
        return "authorized", pairing.user

    def slow_down(self, device_code: str) -> None:
        """From now on a poll has to wait five seconds more."""
        pairing = self._by_device_code[device_code]
        pairing.interval_s += SLOWER_S
        pairing.next_poll_at = self.monotonic() + pairing.interval_s * 0.9

"""The fake dashboard: keys, who somebody is, and what is left of the plan."""

from __future__ import annotations

import time
from typing import Any

from switchgear.testing import Exchange
from switchgear_cursor.endpoints import CREATE_KEY, HARD_LIMIT, ME, PLAN, USAGE
from switchgear_cursor.fake.people import Grant, People
from switchgear_cursor.fake.refusals import NO_KEYS, NOT_LOGGED_IN, Refusal
from switchgear_cursor.fake.unary import answer_unary

Json = dict[str, Any]
CYCLE_END_MS = 4_102_444_800_000
"""The first of January 2100."""


def period(auto: float, api: float, **more: Any) -> Json:
    """An answer about the billing cycle: how much of each pool is used, as percentages."""
    return {
        "billingCycleStart": "1790000000000",
        "billingCycleEnd": str(CYCLE_END_MS),
        "planUsage": {"autoPercentUsed": auto, "apiPercentUsed": api, "totalPercentUsed": max(auto, api)},
        "autoBucketModels": ["default", "composer-2.5", "grok-4.7"],
        "displayThreshold": 200,
        **more,
    }


class FakeDashboard:
    """Part of the service.

    Attributes:
        usage: what the usage call tells.
        hard_limit: what may be spent on demand, in dollars.
        plan: the plan's name.
        refusals: what the coming calls are refused with, by method name.
        asked: the methods that were called, oldest first.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self.usage: Json = period(12.5, 40)
        self.hard_limit: Json = {"hardLimit": 0, "perUserMonthlyLimitDollars": 0}
        self.plan = "Pro"
        self.refusals: dict[str, list[Refusal]] = {}
        self.asked: list[str] = []
        self._methods = {
            CREATE_KEY: self._create_key,
            ME: self._me,
            USAGE: lambda grant, body: self.usage,
            HARD_LIMIT: lambda grant, body: self.hard_limit,
            PLAN: lambda grant, body: {"planInfo": {"planName": self.plan}},
        }

    async def answer(self, exchange: Exchange) -> bool:
        """Answer one request, if it is for here; whether it was."""
        script = self.refusals.get(exchange.path.rpartition("/")[2])
        methods = self._methods
        if script and exchange.path in methods:
            refusal = script.pop(0)
            methods = {exchange.path: lambda grant, body: refusal}
        return await answer_unary(exchange, self._people, methods, self.asked)

    def _create_key(self, grant: Grant, body: Json) -> Json | Refusal:
        if grant.kind != "session":
            return NOT_LOGGED_IN  # a key makes no keys
        if not grant.user.may_make_keys:
            return NO_KEYS
        name, expires_ms = body.get("name"), body.get("expiresAt")
        if not isinstance(name, str) or not isinstance(expires_ms, str) or not expires_ms.isdecimal():
            return Refusal("invalid_argument", "BAD_REQUEST", "Bad request", "name and expiresAt are required")
        if int(expires_ms) / 1000 <= time.time():
            return Refusal("invalid_argument", "BAD_REQUEST", "Bad request", "expiresAt is in the past")
        return {"apiKey": self._people.make_key(grant.user, name, int(expires_ms) / 1000)}

    def _me(self, grant: Grant, body: Json) -> Json | Refusal:
        return {"email": grant.user.email, "authId": grant.user.subject, "userId": 7}

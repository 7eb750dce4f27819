"""All the fake services that answer one question with one answer; runs are the agent's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from switchgear.testing import Exchange
from switchgear_cursor.fake.dashboard import FakeDashboard
from switchgear_cursor.fake.lists import FakeLists
from switchgear_cursor.fake.login import FakeLogin
from switchgear_cursor.fake.people import People


class FakeServices:
    """The unary services, for the handler of a server.

    Attributes:
        people: who they know.
        login: how people sign in.
        dashboard: keys and usage.
        lists: hosts and models.
    """

    def __init__(self, notify: Callable[[], None]) -> None:
        self.people = People()
        self.login = FakeLogin(self.people, notify)
        self.dashboard = FakeDashboard(self.people)
        self.lists = FakeLists(self.people)

    async def answer(self, exchange: Exchange) -> bool:
        """Answer one request, if it is for here; whether it was."""
        for service in (self.login, self.dashboard, self.lists):
            if await service.answer(exchange):
                return True
        return False

    def settings(self, url: str) -> dict[str, Any]:
        """An entry that leads to these services at ``url``; it holds no key."""
        return {"endpoints": {"api": url, "website": url}, "least-poll-seconds": 0.01}

    def typed(self, question: str, person: str) -> str:
        """What the person types when the dialog asks; empty to leave the question open."""
        return self.people.api_key(person) if "API key" in question else ""

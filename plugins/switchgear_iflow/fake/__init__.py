"""A fake of iFlow, all its services on one loopback server, strict about what the real one refuses.

What the real one is known to do is in the modules' sources; a check that is this fake's own choice says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from switchgear.testing import Exchange, LoopbackServer
from switchgear_iflow.fake.browser import Browser
from switchgear_iflow.fake.chat import FakeChat
from switchgear_iflow.fake.key_page import FakeKeyPage
from switchgear_iflow.fake.people import CLIENT_SECRET, FakePeople

TOLD = {
    "suspended": (200, "434", "Access to the current AK has been blocked due to unauthorized requests"),
    "forbidden": (406, "", ""),
    "rate_limited": (200, "449", "You exceeded your current rate limit"),
    "model_not_found": (200, "435", "Model not support"),
    "overloaded": (200, "503", "当前找我聊的人太多了请稍后再试"),
    "server_error": (200, "514", "Model error"),
    "invalid_request": (400, "400", "Invalid request"),
    "context_too_long": (200, "511", "Input length exceeds the limit"),
    "in_band": (200, "514", "Model error"),
}
"""Fault: HTTP status, code and text; a code that is empty has no body either."""
BROKEN = frozenset({"in_band_stream", "cut", "cut_before", "html", "empty", "never_starts", "slow"})


class FakeIFlow:
    """The service with its two people, ``ada`` and ``ben``; see the conformance kit's ``FakeProvider``.

    Attributes:
        people: accounts, tokens and keys, and how the sign-in services behave.
        key_page: browser sessions, and how the platform's key page behaves.
        chat: models and how the inference service behaves.
        model: a model that every account may use.
        settings: the entry that leads to the fake.
        refreshes: how many refreshes were asked for, of tokens and of browser sessions' keys.
    """

    model = "kimi-k2"

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.refreshes = 0
        self.people = FakePeople(self._refresh_asked)
        self.key_page = FakeKeyPage(self.people)
        self.chat = FakeChat(self.people)
        self.server = LoopbackServer(self._answer)
        self._browser = Browser()
        self._faults: deque[str] = deque()

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        url = self.server.url
        endpoints = {
            "authorize": f"{url}/oauth",
            "token": f"{url}/oauth/token",
            "success": f"{url}/oauth/success",
            "error": f"{url}/oauth/error",
            "code-display": self.code_display,
            "user-info": f"{url}/api/oauth/getUserInfo",
            "platform-keys": f"{url}/api/openapi/apikey",
            "inference": f"{url}/v1",
        }
        self.settings = {"disabled": False, "client-secret": CLIENT_SECRET, "endpoints": endpoints}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.__aexit__(kind, error, trace)

    @property
    def code_display(self) -> str:
        """The page that shows a code; ``https`` as the real one, only the browser goes there."""
        return f"https://127.0.0.1:{self.server.port}/oauth/code-display"

    def _refresh_asked(self) -> None:
        self.refreshes += 1
        self.server.notify()

    def secrets(self) -> set[str]:
        """Everything that nobody may see."""
        return self.people.secrets() | self.key_page.secrets()

    def fail(self, fault: str) -> bool:
        """Let the next call fail so; false where iFlow has no such failure."""
        if fault == "token_expired":
            self.expire()
        elif fault in {"refresh_unavailable", "refresh_omits_token"}:
            self.people.next_refresh.append(fault)
        elif fault in TOLD or fault in BROKEN:
            self._faults.append(fault)
        else:
            return False
        return True

    async def visit(self, url: str, code: str | None, person: str) -> None:
        """Sign ``person`` in on the page at ``url``, and go where it sends the browser."""
        await self._browser.sign_in(url, person)

    def imports(self) -> tuple[str, Mapping[str, Any]]:
        """A file of CLIProxyAPI's."""
        return "cliproxyapi", self.people.file_of("ada")

    def answer(self, question: str, person: str) -> str:
        """What the person types; the paste-back question is left open."""
        lowered = question.lower()
        if "cookie" in lowered:
            return f"Cookie: other=1; {self.key_page.cookie_of(person)} more=2"
        if "api key" in lowered:
            return self.people.pasted_key(person)
        if "code that the page shows" in lowered:
            return self.people.new_code(person, self.code_display)
        return ""

    def expire(self) -> None:
        """Refuse every key and access token that is out."""
        self.people.expire()

    def revoke(self) -> None:
        """Refuse every refresh token that is out, and every browser session that was used."""
        self.people.revoke()
        self.key_page.revoke()

    async def _answer(self, exchange: Exchange) -> None:
        if await self.people.answer(exchange):
            return
        if exchange.path == "/v1/chat/completions":
            fault = self._faults.popleft() if self._faults else ""
            if fault in TOLD:
                await self.chat.tell(exchange, *TOLD[fault])
            elif fault:
                await self.chat.break_off(exchange, fault)
            else:
                await self.chat.answer(exchange)
        elif exchange.path == "/api/openapi/apikey":
            await self.key_page.answer(exchange)
        elif exchange.path == "/v1/models":
            await self.chat.list_models(exchange)
        else:
            await exchange.respond(404, "<html>not found</html>", content_type="text/html")

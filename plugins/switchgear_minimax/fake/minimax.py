"""All of the fake in one place, and the people who use it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from switchgear.testing import Exchange, LoopbackServer
from switchgear_minimax.fake.account_host import AccountHost
from switchgear_minimax.fake.api_host import ApiHost
from switchgear_minimax.fake.faults import FAULTS
from switchgear_minimax.fake.ledger import CLIENTS, Grant, Ledger

REGIONS = ("global", "cn")


class FakeMiniMax:
    """A fake of MiniMax for as long as its ``async with`` block lasts; see the kit's ``FakeProvider``.

    Attributes:
        model: answers plainly, whole and streamed.
        settings: an entry that leads here; it holds no key.
        refreshes: how many token refreshes were asked for so far.
        server: all hosts, as ``/REGION/api`` and ``/REGION/account``.
        ledger: what was given out.
        account: the account hosts.
        api: the API hosts.
    """

    def __init__(self) -> None:
        self.model = "MiniMax-M2.7"
        self.settings: dict[str, Any] = {}
        self.refreshes = 0
        self.server = LoopbackServer(self._handle)
        self.ledger = Ledger()
        self.account = AccountHost(self.ledger, self._refreshed)
        self.api = ApiHost(self.ledger, self.server.notify)
        self._keys: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        hosts = {region: {host: self.host(region, host) for host in ("api", "account")} for region in REGIONS}
        self.settings = {"endpoints": hosts, "least-poll-seconds": 0.01}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.__aexit__(kind, error, trace)

    def host(self, region: str, host: str) -> str:
        """The URL of one of the hosts."""
        return f"{self.server.url}/{region}/{host}"

    async def _handle(self, exchange: Exchange) -> None:
        _, region, host, *rest = exchange.path.split("/", 3)
        path = "/" + "".join(rest)
        if region in REGIONS and host == "account":
            await self.account.answer(exchange, region, path, self.server.url)
        elif region in REGIONS and host == "api":
            moved = self.host(region, "account").replace("127.0.0.1", "localhost")  # another host's name
            await self.api.answer(exchange, region, path, moved)
        else:
            await exchange.respond(404, "no such host", content_type="text/plain")

    # -- what the kit asks for -------------------------------------------------------------------------------

    def _refreshed(self) -> None:
        self.refreshes += 1

    def secrets(self) -> set[str]:
        """Every token and key ever given out, and every verifier seen."""
        return set(self.ledger.seen)

    def fail(self, fault: str) -> bool:
        """Let the next chat call (or refresh) fail so, once; false where MiniMax has no such failure.

        It tells an expired credential and a worthless one apart only when a refresh is asked for.
        """
        match fault:
            case "token_expired":
                self.expire()
            case "refresh_unavailable":
                self.account.refusals.append((503, "<html>maintenance</html>"))
            case "refresh_omits_token":
                self.account.omits_refresh_token += 1
            case _ if fault in FAULTS:
                self.api.faults.append(fault)
            case _:
                return False
        return True

    async def visit(self, url: str, code: str | None, person: str) -> None:
        """Open the address, sign in as ``person``, and confirm the code that it holds."""
        parts = urlsplit(url)
        shown = parse_qs(parts.query)["user_code"][0]
        if not parts.path.endswith("/platform/oauth-authorize") or code not in {shown, None}:
            raise ValueError(f"that is no page of MiniMax's, or of another sign-in: {url}")
        self.ledger.codes[shown].person = person

    async def refuse(self, url: str, code: str | None, person: str) -> None:
        """Open the address, and decline the sign-in."""
        self.decline(parse_qs(urlsplit(url).query)["user_code"][0])

    def decline(self, code: str) -> None:
        """The person does not want to be signed in."""
        self.ledger.codes[code].denied = True

    def imports(self) -> tuple[str, Mapping[str, Any]]:
        """A CLIProxyAPI file of an account that is called ``ada``, as its sign-in calls it."""
        client_id = next(iter(CLIENTS))
        access, refresh = self.ledger.new_tokens(Grant("ada", "global", client_id))
        tokens = {"access_token": access, "refresh_token": refresh, "expired": "2100-01-01T00:00:00Z"}
        return "cliproxyapi", {"type": "minimax", "region": "global", "label": "ada", **tokens}

    def answer(self, question: str, person: str) -> str:
        """The name they give their account, or their key."""
        if question.startswith("A name for this account"):
            return person
        return self.key_of(person) if "API key" in question else ""

    def expire(self) -> None:
        """Every access token given out so far is refused."""
        self.ledger.access.clear()

    def revoke(self) -> None:
        """Every refresh token given out so far is refused."""
        self.ledger.refresh.clear()

    def key_of(self, person: str) -> str:
        """The person's key of the region ``global``."""
        if person not in self._keys:
            self._keys[person] = self.ledger.new_key(person, "global")
        return self._keys[person]

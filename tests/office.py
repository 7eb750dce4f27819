"""A gateway with its management API, the upstream behind it, and the operator's client."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import httpx2

from switchgear import Account, Secret
from switchgear.authfile import DirectoryStore
from switchgear.loading import Installed
from switchgear.upstream import tls_context
from tests.gateways import Running, gateway
from tests.signing import SigningUpstream
from tests.stores import store

SIGNING = {
    "signing": Installed("signing", "tests", "1", (EntryPoint("signing", "tests.signing_plugin", "switchgear"),))
}
MANAGEMENT_KEY = "sg-management-key-0123456789"
HEADERS = {"authorization": f"Bearer {MANAGEMENT_KEY}"}


class Office:
    """A gateway, the upstream behind it, and the operator's client."""

    def __init__(self, running: Running, upstream: SigningUpstream, folder: Path, client: httpx2.AsyncClient) -> None:
        self.running = running
        self.upstream = upstream
        self.folder = folder
        self.client = client

    @property
    def files(self) -> DirectoryStore:
        return store(self.folder / "auth", "signing")

    async def sign_in(self, person: str, **fields: Any) -> Account:
        tokens = self.upstream.tokens(person)
        secrets = {"access": Secret(tokens["access_token"]), "refresh": Secret(tokens["refresh_token"])}
        account = Account(person, person, secrets, {"method": "device"}, time.time() + 3600, **fields)
        await self.files.save(account)
        await self.running.service.reload_accounts(self.running.service.current)
        return account

    async def ask(self, method: str, path: str, status: int = 200, **how: Any) -> Any:
        response = await self.client.request(method, f"/v0{path}", **how)
        assert response.status_code == status, response.text
        assert not [secret for secret in self.upstream.handed_out if secret in response.text]
        assert "access-control-allow-origin" not in response.headers
        return response.json()

    async def refused(self, method: str, path: str, status: int, **how: Any) -> str:
        """The code of a refusal."""
        body = await self.ask(method, path, status, **how)
        assert list(body) == ["error"]
        assert sorted(body["error"]) == ["code", "message"]
        code: str = body["error"]["code"]
        return code

    @property
    def audited(self) -> list[tuple[str, str]]:
        return [(line["action"], line["result"]) for line in self.lines]

    @property
    def lines(self) -> list[dict[str, Any]]:
        path = self.folder / "state" / "audit.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@asynccontextmanager
async def office(folder: Path, **config: Any) -> AsyncIterator[Office]:
    upstream = SigningUpstream()
    async with upstream.server:
        whole = {
            "management-key": MANAGEMENT_KEY,
            "state-dir": str(folder / "state"),
            "signing": [{"base-url": upstream.url}],
            **config,
        }
        whole = {name: value for name, value in whole.items() if value is not None}
        async with gateway(folder, whole, SIGNING) as running:
            async with httpx2.AsyncClient(
                base_url=running.url, headers=HEADERS, timeout=30, trust_env=False, verify=tls_context()
            ) as client:
                yield Office(running, upstream, folder, client)

"""Where an operator stands: a gateway with providers that fail as told, its management API, and the commands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from click.testing import CliRunner

from switchgear.cli.main import cli
from switchgear.errors import SwitchgearError
from switchgear.loading import Installed
from switchgear.testing import Exchange, LoopbackServer
from switchgear.upstream import tls_context
from tests.gateways import Running, completion, gateway
from tests.office import HEADERS, MANAGEMENT_KEY


async def command(*arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """A command, as the program runs it, but in this process: its exit code, output and errors."""
    runner = CliRunner(env={"COLUMNS": "200", **(env or {})})
    result = await asyncio.to_thread(runner.invoke, cli, arguments)
    code, errors = result.exit_code, result.stderr
    if isinstance(result.exception, SwitchgearError):
        errors += str(result.exception)
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return code, result.stdout, errors


@dataclass
class Counter:
    """``fails`` has what the upstream answers an account with, by the account's name: status, and a wait in seconds."""

    running: Running
    client: httpx2.AsyncClient
    fails: dict[str, tuple[int, int]] = field(default_factory=dict)

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        config = str(self.running.config_file)
        return await command(*arguments, "--config", config, "--url", self.running.url)

    async def ok(self, *arguments: str) -> str:
        code, out, errors = await self.run(*arguments)
        assert code == 0, errors
        return out

    async def json(self, *arguments: str) -> Any:
        return json.loads(await self.ok(*arguments, "--json"))

    async def ask(self, method: str, path: str, status: int = 200, **how: Any) -> Any:
        response = await self.client.request(method, f"/v0{path}", **how)
        assert response.status_code == status, response.text
        return response.json()

    async def cool(self, *accounts: str, model: str = "kilo/m", status: int = 429) -> None:
        """Have the accounts refuse one request each."""
        for account in accounts:
            self.fails[account] = (status, 600)
        await self.running.chat(model)
        for account in accounts:
            del self.fails[account]

    @property
    def audited(self) -> list[dict[str, Any]]:
        path = self.running.service.current.config.state_dir / "audit.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@asynccontextmanager
async def counter(
    folder: Path, available: Mapping[str, Installed] | None = None, /, **config: Any
) -> AsyncIterator[Counter]:
    """Two providers: ``kilo`` with the accounts k1 and k2 and the models m, n; ``lima`` with l1, and m alone."""
    fails: dict[str, tuple[int, int]] = {}

    async def upstream(exchange: Exchange) -> None:
        account = exchange.headers["authorization"].removeprefix("Bearer token-of-").removesuffix("-0")
        if account in fails:
            status, wait_s = fails[account]
            await exchange.respond(
                status, '{"error": {"message": "slow \\u001b[31mdown"}}', {"retry-after": str(wait_s)}
            )
        else:
            await exchange.respond(200, completion(model=account))

    async with LoopbackServer(upstream) as asked:
        both = {"base-url": asked.url}
        kilo = {"name": "kilo", "prefix": "kilo", "accounts": ["k1", "k2"], "models": [{"name": "m"}, {"name": "n"}]}
        lima = {"name": "lima-provider", "prefix": "lima", "accounts": ["l1"], "models": [{"name": "m"}]}
        whole = {
            "management-key": MANAGEMENT_KEY,
            "max-retry-interval": 0,
            "routing": {"strategy": "fill-first"},
            "wired": [{**kilo, **both}, {**lima, **both}],
            **config,
        }
        async with (
            gateway(folder, {name: value for name, value in whole.items() if value is not None}, available) as running,
            httpx2.AsyncClient(
                base_url=running.url, headers=HEADERS, timeout=30, trust_env=False, verify=tls_context()
            ) as client,
        ):
            yield Counter(running, client, fails)

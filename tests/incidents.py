"""Incidents for the runbook's playbooks: a gateway on a clock, over upstreams that fail account by account as told."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from switchgear.health import Health
from switchgear.shifts import Shifts
from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import Running, completion
from tests.observed import Observed, starter

STEP_S = 10


@dataclass
class Upstream:
    """``refuses`` has what accounts are answered with: status, message, and seconds to wait.

    ``renews`` has the accounts that a refresh gives a new token, which is good again; others' logins are spent.
    """

    refuses: dict[str, tuple[int, str, float | None]] = field(default_factory=dict)
    renews: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    models: list[str] = field(default_factory=lambda: ["m"])

    def __post_init__(self) -> None:
        self.server = LoopbackServer(self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.path == "/models":
            await exchange.respond(200, json.dumps(self.models))
        elif exchange.path == "/token":
            account = exchange.body.decode()
            if account in self.renews:
                del self.refuses[account]
                await exchange.respond(200, f"token-of-{account}-1")
            else:
                await exchange.respond(400)
        else:
            account = exchange.headers["authorization"].removeprefix("Bearer token-of-").rpartition("-")[0]
            self.asked[account] += 1
            if account not in self.refuses:
                await exchange.respond(200, completion(account))
                return
            status, message, wait_s = self.refuses[account]
            hint = {} if wait_s is None else {"retry-after": f"{wait_s:g}"}
            await exchange.respond(status, json.dumps({"error": {"message": message}}), hint)


@dataclass
class Incident:
    """``seen`` is what everyone is told; ``time_passes`` moves every clock of the gateway."""

    seen: Observed
    moved: list[float]

    @property
    def running(self) -> Running:
        return self.seen.running

    def time_passes(self, seconds: int) -> list[tuple[str, str]]:
        """What changed of the alerts, evaluation by evaluation."""
        changed: list[tuple[str, str]] = []
        for _ in range(seconds // STEP_S):
            self.moved[0] += STEP_S
            changed += self.seen.pass_time(1)
        return changed

    async def ask(self, model: str = "m", times: int = 1) -> list[httpx2.Response]:
        return [await self.running.chat(model) for _ in range(times)]

    async def served_by(self, model: str = "m", times: int = 1) -> list[str]:
        """Account by account, as the clients are told."""
        answers = await self.ask(model, times)
        assert {answer.status_code for answer in answers} == {200}
        return [answer.headers["x-switchgear-account"] for answer in answers]

    async def health(self, provider: str) -> dict[str, Any]:
        report: dict[str, Any] = (await self.running.client.get("/health")).json()
        found: dict[str, Any] = report["providers"][provider]
        return found

    async def firing(self) -> dict[str, str]:
        """The rules that fire, each with its playbook."""
        return {alert["rule"]: alert["runbook"] for alert in await self.seen.alerts("?state=firing")}

    async def models(self) -> list[str]:
        return [model["id"] for model in (await self.running.client.get("/v1/models")).json()["data"]]

    async def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """The operator changes the file, and saves it."""
        config = json.loads(self.running.config_file.read_text())
        change(config)
        self.running.config_file.write_text(json.dumps(config, indent=1))
        await self.running.service.reload()


Happens = Callable[..., AbstractAsyncContextManager[Incident]]


def happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Happens:
    """Starts a gateway for an incident; its configuration's keys are given by name, ``wired`` at least."""
    moved = [0.0]
    monotonic, wall = (lambda: time.monotonic() + moved[0]), (lambda: time.time() + moved[0])
    monkeypatch.setattr("switchgear.assembly.Health", partial(Health, monotonic=monotonic, wall=wall))
    monkeypatch.setattr("switchgear.assembly.Shifts", partial(Shifts, wall))
    start = starter(tmp_path, monkeypatch)

    @asynccontextmanager
    async def begin(**config: Any) -> AsyncIterator[Incident]:
        async with start(**{"alerts": {}, "request-retry": 3, **config}) as seen:
            yield Incident(seen, moved)

    return begin


def entry(name: str, upstream: Upstream, *accounts: str, **more: Any) -> dict[str, Any]:
    """A provider with a prefix that is its name, and the model ``m``."""
    block = {"name": name, "prefix": name, "base-url": upstream.server.url, "models": [{"name": "m"}]}
    return {**block, "accounts": list(accounts), **more}

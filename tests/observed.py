"""A gateway on a clock that a test moves, whose alerts a plugin and a real webhook receiver hear of."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from switchgear import Alert, hookimpl
from switchgear.alerting import Alerting
from switchgear.loading import Installed
from switchgear.metrics import Metrics
from switchgear.testing import Exchange, LoopbackServer
from switchgear.webhook import sign
from tests.core.scrapes import parse
from tests.gateways import Running, completion, gateway

NOON = 1_767_268_800.0
SECRET = "a-webhook-signing-secret-4821"
ACCOUNTS = [f"a{number}" for number in range(30)]
"""Each refusal takes an account out, and the next request goes to another one."""


@dataclass
class Clock:
    """The gateway's clock for metrics and alerts; it stands still unless moved."""

    seconds: float = NOON

    def now(self) -> float:
        return self.seconds


@dataclass
class Observed:
    """A gateway whose upstream answers as told, with everyone who hears of alerts."""

    running: Running
    clock: Clock
    receiver: LoopbackServer
    alerting: Alerting
    answer: dict[str, int]
    heard: list[Alert] = field(default_factory=list)

    async def chat(self, status: int, times: int = 1) -> None:
        self.answer["status"] = status
        for _ in range(times):
            await self.running.chat()

    def pass_time(self, steps: int) -> list[tuple[str, str]]:
        """So many evaluations, ten seconds apart; what changed."""
        changed: list[tuple[str, str]] = []
        for _ in range(steps):
            self.clock.seconds += 10
            for entry in self.running.service.current.entries:
                self.running.service.metrics.sample_availability(entry.name, self.running.service.eligible(entry))
            changed += [(row.rule.name, row.state) for row in self.alerting.evaluate()]
        return changed

    async def alerts(self, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.running.client.get(f"/v1/alerts{query}")).json()["data"]
        return found

    async def scrape(self) -> dict[str, float]:
        return parse((await self.running.client.get("/metrics")).text)

    async def told(self, count: int) -> list[dict[str, Any]]:
        """What the webhook's receiver got, checked by its signature."""
        await self.receiver.wait_for(lambda: len(self.receiver.requests) >= count)
        for request in self.receiver.requests:
            headers = request.headers
            expected = sign(SECRET, headers["x-switchgear-timestamp"], request.body)
            assert headers["x-switchgear-signature"] == expected
        return [json.loads(request.body)["alert"] for request in self.receiver.requests]


Start = Callable[..., AbstractAsyncContextManager[Observed]]


def starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts an observed gateway; further keys of its configuration are given by name, ``$UPSTREAM`` for its upstream."""
    heard: list[Alert] = []
    module = ModuleType("listening_plugin")
    module.__dict__["alert_changed"] = hookimpl(lambda alert: heard.append(alert), specname="alert_changed")
    monkeypatch.setitem(sys.modules, "listening_plugin", module)
    listening = {
        "listening": Installed("listening", "tests", "1", (EntryPoint("listening", "listening_plugin", "switchgear"),))
    }
    made: list[Alerting] = []

    class Kept(Alerting):
        def __init__(self, service: Any) -> None:
            super().__init__(service)
            made.append(self)

        async def run(self) -> None:
            """Nothing: the clock does not move by itself here, and the tests evaluate."""

    monkeypatch.setattr("switchgear.http.app.Alerting", Kept)

    @asynccontextmanager
    async def start(**config: Any) -> AsyncIterator[Observed]:
        clock, answer = Clock(), {"status": 200}
        monkeypatch.setattr("switchgear.assembly.Metrics", partial(Metrics, clock.now, clock.now))

        async def upstream(exchange: Exchange) -> None:
            if exchange.path == "/token":
                await exchange.respond(400)
            elif answer["status"] == 200:
                await exchange.respond(200, completion())
            else:
                await exchange.respond(answer["status"], '{"error": {"message": "no"}}', {"retry-after": "1"})

        async def receive(exchange: Exchange) -> None:
            await exchange.respond(204)

        async with LoopbackServer(upstream) as asked, LoopbackServer(receive) as receiver:
            webhook = {"url": f"{receiver.url}/hook", "secret": SECRET, "allow-private": True}
            whole = {
                "wired": [{"base-url": asked.url, "models": [{"name": "m"}], "accounts": ACCOUNTS}],
                "listening": [{"disabled": True}],
                "alerts": {"webhook": webhook},
                "request-retry": 0,
                "max-retry-interval": 0,
                **config,
            }
            written: dict[str, Any] = json.loads(json.dumps(whole).replace("$UPSTREAM", asked.url))
            async with gateway(tmp_path, written, available=listening) as running:
                yield Observed(running, clock, receiver, made[-1], answer, heard)

    return start

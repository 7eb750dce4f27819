"""A gateway under faults, drawn from a seed: its upstreams, its clients and its operator; what happened is a history.

What becomes of a request is drawn from the seed, its number and the attempt, so it does not hang on who comes first.
Time for cooldowns is a clock that only the operator here moves.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from switchgear import AttemptRecord, ForwardRequest
from switchgear.health import Health
from switchgear.loading import Installed
from switchgear.shifts import Shifts
from switchgear.testing import Exchange, LoopbackServer
from tests import chaos_plugin
from tests.chaos_client import Got, exchange
from tests.chaos_fates import (
    ACCOUNTS,
    BUDGET,
    DIALECTS,
    FALLBACKS,
    FATES,
    FIRST_BYTE_S,
    LIMITS,
    MODELS,
    STATUS,
    STRATEGIES,
    Behaviour,
    Fate,
)
from tests.chaos_history import Candidate, Event, Setup, What
from tests.gateways import SSE, Running, gateway
from tests.wires import CHAT, MESSAGES, RESPONSES, WIRES, Wire

PLUGIN = {"chaos": Installed("chaos", "tests", "1", (EntryPoint("chaos", "tests.chaos_plugin", "switchgear"),))}
SPOKEN = {"/chat/completions": CHAT, "/messages": MESSAGES, "/responses": RESPONSES}
HINTS_S = (None, 0.2, 7.0, 90.0, 864_000.0)
JUMPS_S = (0.3, 1.5, 6.0, 20.0, 70.0, 400.0, 4000.0)


class Clock:
    """Stands still but for a microsecond a look, which keeps what happens in order; the operator moves it."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def now(self) -> float:
        self.seconds += 1e-6
        return self.seconds


@dataclass(slots=True)
class Call:
    """One attempt, as the upstream sees it. ``record`` is the gateway's word on it, ``None`` while it is under way."""

    number: int
    request: int
    candidate: Candidate
    fate: Fate
    hint_s: float | None
    begun: asyncio.Event
    arrived: bool = False
    record: AttemptRecord | None = None


class Chaos:
    """The upstreams, and everything that is noted."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.clock = Clock()
        self.events: list[Event] = []
        self.calls: dict[int, Call] = {}
        self.got: list[Got] = []
        self.calm = False
        self.servers = {name: LoopbackServer(self._answer) for name in DIALECTS}
        self.dead_port = 0
        self.candidates: dict[int, frozenset[Candidate]] = {}
        self.tokens: Counter[bool] = Counter()
        self.reloads = 0
        self._by_request: dict[str, list[Call]] = {}
        self._asked: dict[int, Got] = {}
        self._attempts: Counter[int] = Counter()
        self._refreshes: Counter[str] = Counter()
        self._begun: dict[int, asyncio.Event] = {}
        self._operator = Random(f"{seed} operator")

    def setup(self) -> Setup:
        return Setup(self.candidates, BUDGET, LIMITS, frozenset({"dead"}))

    def note(self, what: What, **fields: Any) -> None:
        self.events.append(Event(self.clock.now(), what, **fields))

    # -- the gateway's word ----------------------------------------------------------------------------------

    def called(self, request: ForwardRequest, provider: str, account: str) -> int:
        """See :class:`tests.chaos_plugin.Notes`."""
        number = len(self.calls) + 1
        [asked] = {int(found) for found in re.findall(rb"request-(\d+)\b", request.body)}
        candidate = (provider, account, request.model)
        self._attempts[asked] += 1
        draw = Random(f"{self.seed} {asked} {self._attempts[asked]}")
        fate, hint_s = self._fate(asked, provider, request.stream, draw), draw.choice(HINTS_S)
        call = Call(number, asked, candidate, fate, hint_s, self._begun[asked])
        self.calls[number] = call
        self._by_request.setdefault(request.id, []).append(call)
        self.note("called", request=asked, call=number, candidate=candidate)
        return number

    def _fate(self, asked: int, provider: str, stream: bool, draw: Random) -> Fate:
        if provider == "dead":
            return "refused"
        if self.calm:
            return "fine"
        behaviour = self._asked[asked].behaviour
        if behaviour.startswith("leaves"):
            return "hold" if behaviour == "leaves" or not stream else "hold-later"
        [fate] = draw.choices(list(FATES), list(FATES.values()))
        if fate.startswith("in-band") and not stream:
            return "html"
        return fate

    def ended(self, record: AttemptRecord) -> None:
        """See :class:`tests.chaos_plugin.Notes`."""
        call = self._by_request[record.request_id][-1]
        assert call.record is None, "two records of one call"
        call.record = record
        self.note(
            "ended",
            request=call.request,
            call=call.number,
            candidate=call.candidate,
            kind=record.kind,
            hint_s=call.hint_s if call.fate in {"429", "quota"} else None,
            committed=record.ttft_ms is not None,
        )

    # -- the upstreams ---------------------------------------------------------------------------------------

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.path == "/token":
            await self._refresh(exchange)
            return
        call = self.calls[int(exchange.headers["x-call"])]
        call.arrived = True
        call.begun.set()
        wire, stream = SPOKEN[exchange.path], bool(json.loads(exchange.body).get("stream"))
        fate, words = call.fate, f"call-{call.number}-said".encode()
        if fate in STATUS:
            status, message = STATUS[fate]
            hint = {} if call.hint_s is None else {"retry-after": f"{call.hint_s:g}"}
            await exchange.respond(status, json.dumps({"error": {"message": message}}), hint)
        elif fate == "5xx":
            await exchange.respond((500, 502, 503, 529)[call.number % 4], '{"error": {"message": "down"}}')
        elif fate == "html":
            await exchange.respond(200, "<html>Welcome</html>", content_type="text/html")
        elif fate == "cut":
            exchange.cut()
        elif fate in {"silent", "hold"}:
            await exchange.closed.wait()
        elif stream:
            await self._stream(exchange, call, wire, words)
        else:
            await self._whole(exchange, call, json.dumps(wire.whole).encode().replace(b"Hello", words))

    async def _refresh(self, exchange: Exchange) -> None:
        account = exchange.body.decode()
        self._refreshes[account] += 1
        good = Random(f"{self.seed} {account} {self._refreshes[account]}").random() < 0.7
        self.tokens[good] += 1
        self.note("token", candidate=(account[0], account, ""), good=good)
        if good:
            await exchange.respond(200, f"token-of-{account}-{self._refreshes[account]}")
        else:
            await exchange.respond(400)

    async def _whole(self, exchange: Exchange, call: Call, body: bytes) -> None:
        if call.fate == "cut-later":
            await exchange.start(200, {"content-type": "application/json", "content-length": str(len(body))})
            await exchange.send(body[: len(body) // 2])
            exchange.cut()
            return
        self._output(call)
        await exchange.respond(200, body)

    async def _stream(self, exchange: Exchange, call: Call, wire: Wire, words: bytes) -> None:
        await exchange.start(200, SSE)
        await exchange.send(wire.opening)
        if call.fate == "in-band":
            await exchange.send(wire.error)
            return
        self._output(call)
        await exchange.send(wire.hello.replace(b"Hello", words))
        match call.fate:
            case "hold-later":
                await exchange.closed.wait()
            case "cut-later":
                exchange.cut()
            case "in-band-later":
                await exchange.send(wire.error)
            case _:
                await exchange.send(wire.finish.replace(b"Hello", words))
                await exchange.send(wire.done.replace(b"Hello", words))

    def _output(self, call: Call) -> None:
        self.note("output", request=call.request, call=call.number, candidate=call.candidate)

    # -- a client --------------------------------------------------------------------------------------------

    async def ask(self, port: int, number: int) -> Got:
        """Ask once, as the seed says."""
        draw = Random(f"{self.seed} {number}")
        prefix, model = draw.choice(("a", "a", "b", "b", "c", "dead")), draw.choice(("small", "large"))
        wire, stream = draw.choice(WIRES), draw.random() < 0.6
        behaviours: tuple[Behaviour, ...] = ("stays", "slow", "leaves", "leaves-later")
        behaviour = behaviours[0] if self.calm else draw.choices(behaviours, (90, 4, 3, 3))[0]
        got = self._asked[number] = Got(number, wire, stream, behaviour)
        reached = (prefix, *FALLBACKS.get(prefix, ()))
        self.candidates[number] = frozenset(
            (provider, account, name)
            for provider in reached
            for account in ACCOUNTS[provider]
            for name in MODELS[provider][model]
        )
        self._begun[number] = asyncio.Event()
        words = f"request-{number}"
        fields: dict[str, Any] = {"messages": [{"role": "user", "content": words}]}
        if wire is RESPONSES:
            fields = {"input": words}
        body = wire.body(f"{prefix}/{model}", stream=stream, **fields)
        self.note("asked", request=number)
        await exchange(port, got, json.dumps(body).encode(), self._begun[number])
        good = got.status == 200 and got.ended and b'"error"' not in got.body.replace(b'"error":null', b"")
        self.note("answered", request=number, good=good, left=got.left)
        self.got.append(got)
        return got

    # -- the operator ----------------------------------------------------------------------------------------

    async def operate(self, running: Running) -> None:
        """Something that an operator may do, or the time."""
        draw, service = self._operator, running.service
        self.clock.seconds += draw.choice(JUMPS_S)
        for _ in range(draw.choice((0, 1, 1, 2))):
            self.clear(running, draw.choice([(p, a) for p, accounts in ACCOUNTS.items() for a in accounts]))
        match draw.randrange(8):
            case 0:
                service.shifts.set("a", "b", share=draw.choice((30, 100)), for_s=draw.choice((None, 50.0)))
            case 1:
                service.shifts.end("a")
            case 2:
                config = json.loads(running.config_file.read_text())
                routing = {"strategy": draw.choice(STRATEGIES), "keep-conversations": draw.random() < 0.3}
                config["routing"] = {**config["routing"], **routing}
                running.config_file.write_text(json.dumps(config))
                await service.reload()
                self.reloads += 1

    def clear(self, running: Running, account: tuple[str, str]) -> None:
        self.note("cleared", candidate=(*account, ""))
        running.service.health.clear(*account)

    def clear_all(self, running: Running) -> None:
        for provider, accounts in ACCOUNTS.items():
            for account in accounts:
                self.clear(running, (provider, account))

    async def play(self, running: Running, requests: int, at_once: int) -> None:
        """So many requests, ``at_once`` at a time, while the operator works."""
        numbers = count(1)

        async def client() -> None:
            while (number := next(numbers)) <= requests:
                await self.ask(running.port, number)
                if number % 16 == 0:
                    await self.operate(running)

        await asyncio.gather(*(client() for _ in range(at_once)))


def config(chaos: Chaos, strategy: str) -> dict[str, Any]:
    entries = [
        {
            "name": name,
            "prefix": name,
            "base-url": chaos.servers[name].url if name in chaos.servers else f"http://127.0.0.1:{chaos.dead_port}",
            "accounts": list(ACCOUNTS[name]),
            "dialects": DIALECTS.get(name, ["openai-chat"]),
            "models": [{"name": n, "alias": alias} for alias, names in MODELS[name].items() for n in names],
            "timeouts": {"first-byte-seconds": FIRST_BYTE_S},
            **({"max-concurrency": LIMITS[name]} if name in LIMITS else {}),
        }
        for name in ACCOUNTS
    ]
    routing = {"strategy": strategy, "fallbacks": FALLBACKS}
    limits = {"request-retry": BUDGET - 1, "max-retry-interval": 0.3, "log": {"level": "error"}}
    return {"chaos": entries, "routing": routing, "force-model-prefix": True, **limits}


@asynccontextmanager
async def under_chaos(
    folder: Path, seed: str, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Chaos, Running]]:
    """A gateway among bad upstreams, on a clock of its own."""
    chaos = Chaos(seed)
    monkeypatch.setattr("switchgear.assembly.Health", partial(Health, monotonic=chaos.clock.now, wall=chaos.clock.now))
    monkeypatch.setattr("switchgear.assembly.Shifts", partial(Shifts, chaos.clock.now))
    monkeypatch.setattr("switchgear.health.PROBE_LOOK_S", 0.02)
    monkeypatch.setattr("switchgear.gateway.BACK_OFF_FIRST_S", 0.02)
    monkeypatch.setattr(chaos_plugin, "taking_notes", [chaos])
    async with AsyncExitStack() as stack:
        async with LoopbackServer(chaos._answer) as gone:
            chaos.dead_port = gone.port
        for server in chaos.servers.values():
            await stack.enter_async_context(server)
        yield chaos, await stack.enter_async_context(gateway(folder, config(chaos, strategy), PLUGIN))

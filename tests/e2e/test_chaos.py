"""Random faults, drawn from a seed, over several upstreams (fault R5): what must hold then, holds."""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter, defaultdict
from itertools import chain
from pathlib import Path

import httpx2
import pytest

from switchgear import logs
from switchgear.types import Kind
from tests.chaos import Call, Chaos, under_chaos
from tests.chaos_client import Got
from tests.chaos_fates import FIRST_BYTE_S, LIMITS, MEANS, STRATEGIES
from tests.chaos_history import Violation
from tests.chaos_model import check
from tests.gateways import Running
from tests.wires import error_in, events, is_finished

SEEDS = "CHAOS_SEEDS"
"""In the environment: other seeds than these, as ``7`` or ``0-99``."""
REQUESTS = int(os.environ.get("CHAOS_REQUESTS", "400"))
AT_ONCE = int(os.environ.get("CHAOS_AT_ONCE", "16"))
LONG_S = 10 * 86_400.0


def seeds() -> range:
    first, _, last = os.environ.get(SEEDS, "0-3").partition("-")
    return range(int(first), int(last or first) + 1)


def replay(seed: int, violation: Violation | None = None) -> str:
    """How to play it again; a violation needs no more requests than had begun. A race may need several tries."""
    last = REQUESTS if violation is None else max(event.request for event in violation.trace) + AT_ONCE
    return f"replay: {SEEDS}={seed} CHAOS_REQUESTS={last} CHAOS_AT_ONCE={AT_ONCE} pytest tests/e2e/test_chaos.py"


def descriptors() -> dict[str, str]:
    """The open sockets and pipes, by their number; a file may still be written, in a thread."""
    links = {link.name: str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    return {
        number: target for number, target in links.items() if target.startswith(("socket:", "pipe:", "anon_inode:"))
    }


@pytest.mark.parametrize("seed", seeds())
async def test_r5_what_must_hold_holds(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs.configure("json", "error")
    tasks = asyncio.all_tasks()
    before = descriptors()
    strategy = STRATEGIES[seed % len(STRATEGIES)]
    async with under_chaos(tmp_path, f"seed {seed}", strategy, monkeypatch) as (chaos, running):
        await chaos.play(running, REQUESTS, AT_ONCE)
        violations = check(chaos.events, chaos.setup())
        assert not violations, (
            f"{len(violations)} violations; {replay(seed, violations[0])}; the first:\n{violations[0]}"
        )
        print(replay(seed))
        assert_varied(chaos)
        calls = defaultdict(list)
        for call in chaos.calls.values():
            calls[call.request].append(call)
        for got in chaos.got:
            assert_one_answer(got, calls[got.request])
        assert_counted(chaos, running)
        assert_idle(running)
        await assert_recovers(chaos, running)
    assert asyncio.all_tasks() == tasks
    assert [server.open_connections for server in chaos.servers.values()] == [0] * len(chaos.servers)
    assert descriptors().items() <= before.items()


def assert_varied(chaos: Chaos) -> None:
    """A test in which nothing goes wrong shows nothing."""
    drawn = Counter(call.fate for call in chaos.calls.values())
    if REQUESTS >= 400:
        rare = {"silent", "suspended", "quota"}
        assert set(MEANS) - set(drawn) <= rare
        assert chaos.reloads
        assert len(chaos.tokens) == 2
        retried = Counter(call.request for call in chaos.calls.values())
        assert max(retried.values()) == 4


def assert_one_answer(got: Got, calls: list[Call]) -> None:
    """One client, one answer: it says who served, how often upstreams were asked, and one call's words alone."""
    if got.left:
        return
    assert got.ended, got
    said = {int(number) for number in re.findall(rb"call-(\d+)-said", got.body)}
    if calls and "x-switchgear-attempts" in got.headers:
        assert int(got.headers["x-switchgear-attempts"]) == len(calls), got
        assert got.headers["x-switchgear-account"] == calls[-1].candidate[1], got
    response = httpx2.Response(got.status, content=got.body)
    if got.status != 200:
        assert said == set()
        assert "error" in response.json(), got
        if calls and got.status != 503:
            assert calls[-1].record is not None
            assert calls[-1].record.status in {None, 200, got.status}
    elif not got.stream:
        assert said == {calls[-1].number}, got
    else:
        told = events(response)
        assert said == {calls[-1].number}, got
        if calls[-1].fate == "fine":
            assert is_finished(got.wire, told), got
        else:
            assert error_in(got.wire, told), got


def assert_counted(chaos: Chaos, running: Running) -> None:
    """What the gateway counted is what upstreams and clients saw."""
    metrics = running.service.metrics
    outcomes: Counter[str] = Counter()
    for (_, outcome), number in metrics.requests.items():
        outcomes[outcome] += number
    assert outcomes.total() == len(chaos.got)
    assert set(outcomes) <= {"ok", "upstream_error", "client_gone", "no_account_available", "accounts_busy"}
    stayed = [got for got in chaos.got if not got.left]
    ends = {event.request: event.good for event in chaos.events if event.what == "answered"}
    assert 0 <= outcomes["ok"] - sum(ends[got.request] for got in stayed) <= len(chaos.got) - len(stayed)
    for call in chaos.calls.values():
        assert call.record is not None, call
        late = call.record.kind is Kind.TIMEOUT and call.record.duration_ms >= FIRST_BYTE_S * 1000
        assert call.record.kind in MEANS[call.fate] or late, call
        assert call.arrived or call.fate == "refused", call
    for provider in ("a", "b", "c", "dead"):
        counted: Counter[Kind | None] = Counter()
        for (_, kind, _), row in metrics.provider(provider).totals.rows.items():
            counted[kind] += row.attempts
        calls = [call for call in chaos.calls.values() if call.candidate[0] == provider]
        assert counted == Counter(call.record.kind for call in calls if call.record is not None)
        if provider in chaos.servers:
            arrived = [r for r in chaos.servers[provider].requests if r.path != "/token"]
            assert len(arrived) == len(calls)
    assert len(chaos.servers["a"].requests) < 10_000, "no request was forgotten"
    refreshed = [entry.refreshes for entry in running.service.current.entries]
    assert (sum(r.succeeded for r in refreshed), sum(r.failed for r in refreshed)) == (
        chaos.tokens[True],
        chaos.tokens[False],
    )


def assert_idle(running: Running) -> None:
    service = running.service
    assert len(running.app.active) == 0
    for entry in service.current.entries:
        assert service.metrics.in_flight(entry.name) == 0
        assert service.slots.waiting(entry.name) == 0
        assert [service.slots.busy(entry.name, account.id) for account in entry.accounts] == [0] * len(entry.accounts)
    for provider, most in LIMITS.items():
        for _ in range(most):
            assert service.slots.free(provider, "b1")
            service.slots.take(provider, "b1")
        assert not service.slots.free(provider, "b1")
        for _ in range(most):
            service.slots.give_back(provider, "b1")


async def assert_recovers(chaos: Chaos, running: Running) -> None:
    """Once upstreams are well again, time and the operator put everything right."""
    chaos.calm = True
    chaos.clock.seconds += LONG_S
    running.service.shifts.end("a")
    health = running.service.health
    out = {(row[0], row[2].until) for entry in running.service.current.entries for row in health.rows(entry.name)}
    assert {until for _, until in out} <= {None}, "nothing but what waits for the operator outlasts ten days"
    chaos.clear_all(running)
    for entry in running.service.current.entries:
        for account, model in chain.from_iterable(
            [(account.id, model) for model in running.service.current.catalog.models_of(entry.name)]
            for account in entry.accounts
        ):
            assert health.blocked(entry.name, account, model) is None
    after = [await chaos.ask(running.port, REQUESTS + number) for number in range(1, 25)]
    assert {got.status for got in after} == {200}

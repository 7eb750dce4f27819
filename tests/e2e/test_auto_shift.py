"""Traffic that moves by itself while an alert fires, and back when it is over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from switchgear.testing import Exchange, LoopbackServer
from tests.core.configs import problems
from tests.gateways import completion
from tests.observed import ACCOUNTS, Observed, Start, starter


@pytest.fixture
def observed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    return starter(tmp_path, monkeypatch)


def two(seen_by: LoopbackServer, **routing: Any) -> dict[str, Any]:
    """``k`` is the observed provider, ``or`` another one that is well."""
    entries = [
        {"name": "kiro", "prefix": "k", "base-url": "$UPSTREAM", "models": [{"name": "m"}], "accounts": ACCOUNTS},
        {"name": "router", "prefix": "or", "base-url": seen_by.url, "models": [{"name": "m"}]},
    ]
    return {"wired": entries, "routing": {"shift-on-alert": {"k": {"to": "or", **routing}}}}


async def ask(seen: Observed, status: int, times: int) -> list[str]:
    """Who served each request."""
    seen.answer["status"] = status
    return [(await seen.running.chat("k/m")).headers["x-switchgear-provider"] for _ in range(times)]


async def test_it_moves_when_the_alert_fires_and_back_when_the_provider_recovers(
    observed: Start, log_output: pytest.CaptureFixture[str]
) -> None:
    async def well(exchange: Exchange) -> None:
        await exchange.respond(200, completion())

    async with LoopbackServer(well) as other:
        async with observed(**two(other, share=50)) as seen:
            shifts = seen.running.service.shifts
            assert await ask(seen, 500, 25) == ["kiro"] * 25
            seen.pass_time(4)
            [shift] = shifts.all()
            assert (shift.source, shift.target, shift.share, shift.by) == ("k", "or", 50, "alert provider-success")
            assert sorted(await ask(seen, 200, 10)) == ["kiro"] * 5 + ["router"] * 5
            for _ in range(70):
                await ask(seen, 200, 2)
                seen.pass_time(1)
            assert shifts.all() == []
            assert await ask(seen, 200, 4) == ["kiro"] * 4
    logged = log_output.readouterr().err
    assert "traffic_shifted" in logged
    assert "traffic_shifted_back" in logged


async def test_what_the_operator_shifted_is_left_alone(observed: Start) -> None:
    async def well(exchange: Exchange) -> None:
        await exchange.respond(200, completion())

    async with LoopbackServer(well) as other:
        async with observed(**two(other)) as seen:
            seen.running.service.shifts.set("k", "or", share=10)
            await ask(seen, 500, 30)
            seen.pass_time(4)
            [shift] = seen.running.service.shifts.all()
            assert (shift.by, shift.share) == ("operator", 10)


WRONG = [
    pytest.param("{a: {to: b}}", "no entry has the prefix 'a'", id="an unknown source"),
    pytest.param("{or: {to: orr}}", "no entry has the prefix 'orr'; did you mean 'or'?", id="an unknown target"),
    pytest.param("{or: {to: or}}", "traffic cannot move to where it comes from", id="to itself"),
    pytest.param("{or: {to: b, alert: provider-sucess}}", "unknown alert rule 'provider-sucess'", id="an unknown rule"),
    pytest.param("{or: {to: b, share: 100}}", "share: may be 99 at most", id="all of it: nobody would see it recover"),
]


@pytest.mark.parametrize(("rule", "says"), WRONG)
def test_a_rule_that_does_not_do_is_an_error_with_its_place(rule: str, says: str) -> None:
    text = f"""
api-keys: [sg-documented-0123456789]
routing: {{shift-on-alert: {rule}}}
acme:
  - {{name: one, prefix: or}}
"""
    found = problems(text)
    assert any(says in line and "shift-on-alert" in line for line in found), found

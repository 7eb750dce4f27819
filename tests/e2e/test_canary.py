"""Canaries through a running gateway: routed as a client's request, or pinned to one account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from switchgear.testing import Exchange, LoopbackServer
from tests.counter import Counter, counter
from tests.gateways import DONE, HELLO, ROLE, SSE, STOP, gateway, wired
from tests.office import HEADERS, MANAGEMENT_KEY


async def stream(exchange: Exchange) -> None:
    await exchange.start(200, SSE)
    await exchange.send(b"".join((ROLE, HELLO, STOP, DONE)))
    await exchange.end()


async def canaries(here: Counter, *arguments: str) -> tuple[int, list[dict[str, Any]], int]:
    code, out, errors = await here.run("canary", *arguments, "--json")
    assert out, errors
    answer = json.loads(out)
    return code, answer["canaries"], answer["refused_attempts"]


async def test_each_model_is_asked_and_the_answer_says_who_served_it_and_how_fast(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        code, [kilo, lima], refused = await canaries(here, "kilo/m", "lima/m")
        assert (code, refused) == (0, 0)
        served = [(row["provider"], row["account"], row["upstream_model"], row["status"]) for row in (kilo, lima)]
        assert served == [("kilo", "k1", "m", 200), ("lima-provider", "l1", "m", 200)]
        assert 0 < kilo["ttft_ms"] <= kilo["duration_ms"]
        out = await here.ok("canary", "kilo/m", "kilo/n", "--count", "2")
        assert out.endswith("4 of 4 served; no 401, 403 or 429\n")
        assert (await here.running.counted("kilo"))["attempts"] == 5, "a canary is counted as any other attempt"
        report = (await here.running.client.get("/v1/metrics/providers")).json()
        assert report["client_requests"]["1m"]["requests"] == 0, "and is no client's request"


async def test_a_refused_account_is_gone_around_as_for_a_client_and_is_told(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        here.fails["k1"] = (429, 600)
        code, [row], refused = await canaries(here, "kilo/m")
        assert (code, row["ok"], row["account"], refused) == (0, True, "k2", 1)
        tried = [(each["account"], each["status"], each["kind"]) for each in row["attempts"]]
        assert tried == [("k1", 429, "rate_limited"), ("k2", 200, None)]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(403, "forbidden", id="the model is not allowed"),
        pytest.param(429, "rate_limited", id="too many requests"),
        pytest.param(500, "server_error", id="the upstream fails"),
    ],
)
async def test_a_pinned_canary_asks_nobody_else_and_fails_the_command(tmp_path: Path, status: int, kind: str) -> None:
    async with counter(tmp_path) as here:
        here.fails["k2"] = (status, 600)
        code, [row], refused = await canaries(here, "kilo/m", "--account", "k2")
        assert (code, row["ok"], row["status"], row["kind"]) == (1, False, status, kind)
        assert {each["account"] for each in row["attempts"]} == {"k2"}
        assert refused == (0 if status == 500 else len(row["attempts"]))
        assert row["provider"] is None
        code, out, _ = await here.run("canary", "kilo/n", "--account", "k1")
        assert (code, "1 of 1 served" in out) == (0, True)


async def test_a_burst_shows_as_more_requests_follow(tmp_path: Path) -> None:
    """The first of several passes, and then the upstream has had enough."""
    answers = iter([200, 429, 429])

    async def upstream(exchange: Exchange) -> None:
        if next(answers) == 200:
            await stream(exchange)
        else:
            await exchange.respond(429, '{"error": {"message": "not so fast"}}', {"retry-after": "0"})

    settings = {"management-key": MANAGEMENT_KEY, "max-retry-interval": 0, "request-retry": 0}
    async with LoopbackServer(upstream) as asked, gateway(tmp_path, {**wired(asked), **settings}) as running:
        here = Counter(running, running.client)
        code, out, _ = await here.run("canary", "m", "--count", "2")
        assert code == 1
        assert "1 of 2 served; 1 of 2 attempts refused (429)" in out
        assert "not so fast" in out


async def test_what_is_out_is_not_asked_and_the_next_step_is_told(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        await here.cool("k1")
        before = (await here.running.counted("kilo"))["attempts"]
        code, _, errors = await here.run("canary", "kilo/m", "--account", "k1")
        assert code == 1
        assert "out for 600 more s (rate_limited)" in errors or "out for 599 more s (rate_limited)" in errors
        assert "switchgear cooldowns clear kilo k1" in errors
        assert (await here.running.counted("kilo"))["attempts"] == before
        await here.ok("cooldowns", "clear", "kilo", "k1")
        assert (await canaries(here, "kilo/m", "--account", "k1"))[0] == 0


BAD = [
    pytest.param({"model": "kilo/m", "account": "nobody"}, 404, "unknown_account", id="an unknown account"),
    pytest.param({"model": "nope", "account": "k1"}, 404, "model_not_found", id="a pinned unknown model"),
    pytest.param({"model": "kilo/m", "x": 1}, 400, "invalid_field", id="an unknown field"),
    pytest.param({"account": "k1"}, 400, "invalid_field", id="no model"),
]


async def test_a_wrong_request_is_refused_and_an_unknown_model_is_a_verdict(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        for case in BAD:
            body, status, code = case.values
            answer = await here.ask("POST", "/canary", int(str(status)), json=body)
            assert answer["error"]["code"] == code, case.id
        code_, [row, other], _ = await canaries(here, "kilo/q", "kilo/m")
        assert (code_, row["ok"], row["code"], row["attempts"]) == (1, False, "model_not_found", [])
        assert "did you mean" in row["message"]
        assert other["ok"], "one that fails does not keep the others from being asked"
        response = await here.running.client.post("/v0/canary", json={"model": "kilo/m"})
        assert response.status_code == 401, "a client key is no operator's"
        assert ("canary", "model kilo/m") in [(line["action"], line["detail"]) for line in here.audited]


@pytest.mark.parametrize(
    ("refresh", "statuses", "state"),
    [
        pytest.param(200, [401, 200], "ready", id="its refresh helps"),
        pytest.param(400, [401], "auth_failed", id="its refresh token is spent"),
    ],
)
async def test_an_expired_token_is_refreshed_before_it_is_held_against_the_account(
    tmp_path: Path, refresh: int, statuses: list[int], state: str
) -> None:
    """U5 for a pinned canary: one refresh, one further attempt."""

    async def upstream(exchange: Exchange) -> None:
        if exchange.path == "/token":
            await exchange.respond(refresh, "fresh-token-0123456789")
        elif exchange.headers["authorization"] == "Bearer fresh-token-0123456789":
            await stream(exchange)
        else:
            await exchange.respond(401, '{"error": {"message": "expired"}}')

    async with (
        LoopbackServer(upstream) as asked,
        gateway(tmp_path, {**wired(asked), "management-key": MANAGEMENT_KEY}) as running,
    ):
        answer = await running.client.post("/v0/canary", json={"model": "m", "account": "one"}, headers=HEADERS)
        row = answer.json()
        assert (row["ok"], [each["status"] for each in row["attempts"]]) == (refresh == 200, statuses)
        assert asked.hits("/token") == 1
        assert (await running.provider("wired"))["accounts"][state] == 1


async def test_an_upstream_that_never_ends_is_given_up_and_its_account_is_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchgear.canary.LIMIT_S", 0.2)

    async def hangs(exchange: Exchange) -> None:
        await exchange.start(200, SSE)
        await exchange.send(ROLE + HELLO)
        await exchange.pause(60)

    settings = {"management-key": MANAGEMENT_KEY}
    async with LoopbackServer(hangs) as asked, gateway(tmp_path, {**wired(asked), **settings}) as running:
        answer = await running.client.post("/v0/canary", json={"model": "m"}, headers=HEADERS)
        row = answer.json()
        assert (row["ok"], row["kind"]) == (False, "timeout")
        assert "no whole answer within 0.2 s" in row["message"]
        assert [each["kind"] for each in row["attempts"]] == ["cancelled"]
        found = await running.provider("wired")
        assert (found["in_flight"], found["accounts"]["ready"], found["windows"]["1m"]["failures"]) == (0, 1, 0)


async def test_a_token_that_the_upstream_quotes_is_not_shown(tmp_path: Path) -> None:
    """X2: neither in a canary's verdict nor where a decision is explained; the whole run's scan looks, too."""

    async def quotes(exchange: Exchange) -> None:
        token = exchange.headers["authorization"]
        await exchange.respond(429, json.dumps({"error": {"message": f"not you, {token}"}}), {"retry-after": "60"})

    settings = {"management-key": MANAGEMENT_KEY, "max-retry-interval": 0}
    async with LoopbackServer(quotes) as asked, gateway(tmp_path, {**wired(asked), **settings}) as running:
        here = Counter(running, running.client)
        _, out, _ = await here.run("canary", "m")
        _, told, _ = await here.run("explain", "m", "--json")
        assert json.loads(told)["passed_over"][0]["message"] == "not you, Bearer ***"
        assert "not you, Bearer ***" in out
        assert "token-of-one" not in out + told

"""``explain`` of a running gateway: what the next request would do, and that asking takes no turn from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.counter import Counter, command, counter
from tests.gateways import KEY

KEYS = [
    {"name": "tester", "key": KEY, "scopes": ["metrics:read"]},
    {"name": "batch", "key": "sg-key-of-batch-0123456789", "models": ["lima/*"]},
    {"name": "both", "key": "sg-key-of-both-0123456789", "models": ["kilo/*", "lima/*"]},
]
FALLBACK = {"strategy": "fill-first", "fallbacks": {"kilo": ["lima"]}}


async def explained(here: Counter, *arguments: str) -> dict[str, Any]:
    code, out, errors = await here.run("explain", *arguments, "--json")
    assert out, errors
    result: dict[str, Any] = json.loads(out)
    assert code == (0 if result["candidates"] and not result["error"] else 1)
    return result


def order(result: dict[str, Any]) -> list[str]:
    return [row["account"] for row in result["candidates"]]


async def served(here: Counter, model: str) -> str:
    return (await here.running.chat(model)).headers["x-switchgear-account"]


@pytest.mark.parametrize("strategy", ["round-robin", "weighted", "least-busy", "fill-first"])
async def test_the_order_told_is_the_order_in_which_the_next_request_asks(tmp_path: Path, strategy: str) -> None:
    """Asked often, it takes nobody's turn: the accounts serve as if it had never been asked."""
    async with counter(tmp_path, routing={"strategy": strategy}) as here:
        told, asked = [], []
        for _ in range(4):
            answers = [order(await here.ask("GET", "/explain", params={"model": "kilo/m"})) for _ in range(3)]
            assert answers == [answers[0]] * 3
            told.append(answers[0][0])
            asked.append(await served(here, "kilo/m"))
        assert told == asked
        assert asked == (["k1", "k1", "k1", "k1"] if strategy == "fill-first" else ["k1", "k2", "k1", "k2"])


async def test_a_share_that_moves_is_told_and_not_used_up(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        here.running.service.shifts.set("kilo", "lima", share=40)
        told, asked = [], []
        for _ in range(5):
            result = await explained(here, "kilo/m")
            assert result == await explained(here, "kilo/m")
            told.append(result["shift"]["moves_next"])
            asked.append(await served(here, "kilo/m") == "l1")
        assert told == asked == [False, False, True, False, True]
        out = await here.ok("explain", "kilo/m")
        assert "40 % of the requests for kilo go to lima first (by operator); the next one does not" in out
        here.running.service.shifts.set("kilo", "lima")
        result = await explained(here, "kilo/n")
        assert (result["shift"]["target_lists_it"], result["candidates"][0]["provider"]) == (False, "kilo")
        assert "does not list this model: nothing moves" in await here.ok("explain", "kilo/n")


async def test_who_is_passed_over_or_left_out_is_told_with_the_reason(tmp_path: Path) -> None:
    async with counter(tmp_path, routing=FALLBACK) as here:
        await here.cool("k1")
        result = await explained(here, "kilo/m")
        assert [(row["provider"], row["account"], row["why"]) for row in result["candidates"]] == [
            ("kilo", "k2", "lists the name"),
            ("lima-provider", "l1", "fallback from kilo to lima"),
        ]
        [passed] = result["passed_over"]
        assert (passed["account"], passed["reason"]) == ("k1", "rate_limited")
        assert 500 < passed["seconds"] <= 600
        out = await here.ok("explain", "kilo/m")
        assert "passed over: kilo k1: rate_limited, for 9m 5" in out or "for 10m more" in out
        assert "\x1b" not in out
        await here.ask("PATCH", "/accounts/kilo/k2", json={"disabled": True})
        left = [
            (row["provider"], row["account"], row["reason"]) for row in (await explained(here, "kilo/n"))["left_out"]
        ]
        assert left == [("lima", None, "is to stand in, but does not list 'n'"), ("kilo", "k2", "it is disabled")][::-1]
        out = await here.ok("explain", "kilo/m")
        assert "left out: kilo k2: it is disabled" in out


async def test_a_full_account_is_told_as_full(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        here.running.service.slots.limits.accounts["kilo", "k1"] = 1  # type: ignore[index]
        here.running.service.slots.take("kilo", "k1")
        result = await explained(here, "kilo/m")
        assert [(row["account"], row["calls"], row["full"]) for row in result["candidates"]] == [
            ("k1", 1, True),
            ("k2", 0, False),
        ]
        assert "has all the 1 calls it may have" in await here.ok("explain", "kilo/m")
        here.running.service.slots.give_back("kilo", "k1")


@pytest.mark.parametrize(
    ("key", "providers", "left_out"),
    [
        pytest.param(None, ["kilo", "kilo", "lima-provider"], [], id="any key"),
        pytest.param("both", ["kilo", "kilo", "lima-provider"], [], id="a key for both"),
    ],
)
async def test_the_scope_of_the_named_key_counts(
    tmp_path: Path, key: str | None, providers: list[str], left_out: list[str]
) -> None:
    named = () if key is None else ("--as", key)
    async with counter(tmp_path, routing=FALLBACK, **{"api-keys": KEYS}) as here:
        result = await explained(here, "kilo/m", *named)
        assert [row["provider"] for row in result["candidates"]] == providers
        assert result["left_out"] == left_out


async def test_a_key_that_may_not_is_told_why(tmp_path: Path) -> None:
    keys = [*KEYS, {"name": "kilo-only", "key": "sg-key-of-kilo-0123456789", "models": ["kilo/*"]}]
    async with counter(tmp_path, routing=FALLBACK, **{"api-keys": keys}) as here:
        code, out, errors = await here.run("explain", "kilo/m", "--as", "batch")
        assert code == 1
        assert "the key 'batch' may use lima/*, which leaves kilo/m out" in errors
        left = (await explained(here, "kilo/m", "--as", "kilo-only"))["left_out"]
        assert left == [{"provider": "lima-provider", "account": None, "reason": "the key may not use lima/m"}]
        code, _, errors = await here.run("explain", "kilo/m", "--as", "bacth")
        assert (code, "did you mean batch?" in errors) == (1, True)
        assert "sg-key" not in out + errors


async def test_the_dialect_asked_in_and_one_that_cannot_be(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        result = await explained(here, "kilo/m", "--dialect", "anthropic-messages")
        assert {row["asked_in"] for row in result["candidates"]} == {"openai-chat"}
        result = await explained(here, "kilo/m", "--dialect", "openai-embeddings")
        assert "does not speak openai-embeddings" in result["error"]
        assert [row["reason"] for row in result["left_out"]] == ["it cannot be asked in openai-embeddings"]


BAD = [
    pytest.param({}, 400, "invalid_query", id="no model"),
    pytest.param({"model": "kilo/m", "dialect": "latin"}, 400, "invalid_query", id="an unknown dialect"),
    pytest.param({"model": "kilo/m", "as": "nobody"}, 404, "unknown_key", id="an unknown key"),
    pytest.param({"model": "kilo/m", "x": "1"}, 400, "invalid_query", id="an unknown parameter"),
]


async def test_a_wrong_question_is_refused_and_a_look_leaves_no_trace(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        for case in BAD:
            query, status, code = case.values
            answer = await here.ask("GET", "/explain", int(str(status)), params=query)
            assert answer["error"]["code"] == code, case.id
        result = await explained(here, "kilo/q")
        assert "did you mean" in result["error"]
        assert any("kilo: its 'models' do not name 'q'" in reason for reason in result["reasons"])
        assert here.audited == []


async def test_without_a_gateway_to_ask_it_is_the_decision_of_one_that_starts_and_says_so(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        running, config = here.running, json.loads(here.running.config_file.read_text())
        plugins = "openai-compatibility"
        del config["wired"]
        config[plugins] = [{"name": "oc", "base-url": "http://127.0.0.1:9/v1", "models": [{"name": "m"}]}]
        path = tmp_path / "other.yaml"
        for changes, words in (
            ({"port": 9}, "no gateway runs at http://127.0.0.1:9"),
            ({"port": running.port, "management-key": None}, "has no management-key"),
        ):
            path.write_text(json.dumps(config | changes))
            code, out, errors = await command("explain", "m", "--config", str(path))
            assert (code, "m is m, strategy fill-first" in out) == (0, True), errors
            assert words in errors
            assert "this is the decision of a gateway that has just started" in errors
            code, out, _ = await command("explain", "m", "--config", str(path), "--json")
            assert json.loads(out)["gateway"] is None
        code, _, errors = await command("explain", "m", "--config", str(path), "--url", "http://127.0.0.1:9")
        assert (code, "no gateway runs at http://127.0.0.1:9" in errors) == (1, True)

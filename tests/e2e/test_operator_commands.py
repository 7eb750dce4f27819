"""What an operator does with a gateway that runs: see and clear cooldowns, move traffic, read quotas."""

from __future__ import annotations

import json
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchgear import Account, Failure, Kind, Model, Quota, Text, UpstreamError, Verdict, hookimpl
from switchgear.loading import Installed
from tests.core.scrapes import parse
from tests.counter import Counter, command, counter

# -- cooldowns -----------------------------------------------------------------------------------------------


def reasons(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(row["account"], row["model"], row["reason"]) for row in rows]


async def served_by(here: Counter, model: str = "kilo/m") -> str:
    answer = await here.running.chat(model)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-switchgear-account"]


async def test_a_cooldown_is_seen_and_cleared_and_the_account_is_asked_again(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        assert await here.ok("cooldowns") == "nothing cools down\n"
        await here.cool("k1")
        assert await served_by(here) == "k2"
        [row] = (await here.json("cooldowns"))["cooldowns"]
        assert (row["provider"], row["account"], row["model"], row["reason"]) == ("kilo", "k1", "m", "rate_limited")
        assert (row["hint_seconds"], row["capped"]) == (600.0, False)
        out = await here.ok("cooldowns")
        assert "kilo" in out
        assert "9m 5" in out or "10m" in out
        assert "\x1b" not in out
        assert "slow ?[31mdown" in out
        assert await here.ok("cooldowns", "clear", "kilo", "k1") == "cleared: kilo k1 m: rate_limited\n"
        assert await served_by(here) == "k1"
        assert await here.ok("cooldowns", "clear", "kilo") == "there was nothing to clear\n"
        assert [(line["action"], line["provider"], line["result"]) for line in here.audited] == [
            ("cooldowns-clear", "kilo", "ok")
        ] * 2


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        pytest.param(["kilo"], ["l1 m"], id="all accounts of a provider"),
        pytest.param(["kilo", "k2"], ["k1 m", "k1 n", "l1 m"], id="one account by its label"),
        pytest.param(["kilo", "--model", "m"], ["k1 n", "l1 m"], id="one model"),
        pytest.param(["kilo", "--model", "kilo/n"], ["k1 m", "k2 m", "l1 m"], id="one model by the name clients use"),
        pytest.param(["kilo", "k1", "--model", "m"], ["k1 n", "k2 m", "l1 m"], id="one model of one account"),
        pytest.param(["--all"], [], id="everything"),
    ],
)
async def test_only_what_was_named_is_cleared(tmp_path: Path, arguments: list[str], left: list[str]) -> None:
    async with counter(tmp_path) as here:
        await here.cool("k1", "k2")
        await here.cool("k1", model="kilo/n")
        await here.cool("l1", model="lima/m")
        before = (await here.json("cooldowns"))["cooldowns"]
        assert len(before) == 4
        answer = await here.json("cooldowns", "clear", *arguments)
        now = (await here.json("cooldowns"))["cooldowns"]
        assert sorted(f"{row['account']} {row['model']}" for row in now) == left
        assert sorted(reasons(answer["cleared"])) == sorted(set(reasons(before)) - set(reasons(now)))


async def test_a_suspended_account_is_let_in_again_and_that_outlives_a_restart(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        here.running.service.health.failed("kilo", "k1", "m", _suspended())
        [row] = (await here.json("cooldowns"))["cooldowns"]
        assert (row["model"], row["reason"], row["until"]) == ("*", "suspended", None)
        assert "until you act" in await here.ok("cooldowns")
        await here.running.service.save_standing()
        await here.ok("cooldowns", "clear", "kilo", "k1")
        kept = json.loads((tmp_path / "state" / "standing.json").read_text())["document"]
        assert kept["blocks"] == []


def _suspended() -> Verdict:
    return Verdict(Kind.SUSPENDED, message="ask support")


# -- shifts --------------------------------------------------------------------------------------------------


async def test_traffic_is_moved_seen_everywhere_and_moved_back(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        assert await here.ok("shift") == "nothing is shifted\n"
        assert await served_by(here) == "k1"
        code, out, errors = await here.run("shift", "kilo", "--to", "lima", "--for", "30m")
        assert (code, errors.splitlines()[-1]) == (0, "lima does not list, so they stay: n")
        assert out.splitlines() == [
            "100 % of kilo goes to lima, for 30m",
            "1 of 2 models move",
            "back with: switchgear shift kilo --back",
        ]
        assert (await served_by(here), await served_by(here, "kilo/n")) == ("l1", "k1")
        [row] = (await here.json("shift"))["shifts"]
        assert (row["from"], row["to"], row["share"], row["by"]) == ("kilo", "lima", 100, "operator")
        assert (await here.running.client.get("/health")).json()["shifts"] == [row]
        assert (await here.json("status"))["shifts"] == [row]
        scraped = parse((await here.running.client.get("/metrics")).text)
        assert scraped['switchgear_shift_share{from="kilo",to="lima"}'] == 1.0
        assert "in 29m" in (shown := await here.ok("shift")) or "in 30m" in shown
        assert "shift: 100 % of kilo to lima, by operator" in await here.ok("status")
        kept = json.loads((tmp_path / "state" / "standing.json").read_text())["document"]
        assert [shift["source"] for shift in kept["shifts"]] == ["kilo"]
        assert await here.ok("shift", "kilo", "--back") == "kilo is back from lima\n"
        assert await served_by(here) == "k1"
        assert "switchgear_shift_share{" not in (await here.running.client.get("/metrics")).text
        assert [(line["action"], line["result"], line["detail"]) for line in here.audited] == [
            ("shift", "ok", "kilo to lima, 100 %"),
            ("shift-back", "ok", "kilo back from lima"),
        ]


async def test_a_share_moves_that_much(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        await here.ok("shift", "kilo", "--to", "lima", "--share", "50%")
        served = [await served_by(here) for _ in range(10)]
        assert (served.count("l1"), served.count("k1")) == (5, 5)
        assert parse((await here.running.client.get("/metrics")).text)[
            'switchgear_shift_share{from="kilo",to="lima"}'
        ] == pytest.approx(0.5)


# -- the routes' refusals ------------------------------------------------------------------------------------

SHIFTED = {"from": "kilo", "to": "lima"}
REFUSED: list[tuple[str, str, str, dict[str, Any] | None, int, str, str]] = [
    ("an unknown provider", "GET", "/cooldowns?provider=kild", None, 404, "unknown_provider", "did you mean kilo?"),
    ("nothing alike", "GET", "/quota?provider=zz", None, 404, "unknown_provider", "kilo, lima-provider, bare"),
    ("no provider", "DELETE", "/cooldowns", None, 400, "invalid_query", "?provider=NAME"),
    ("an unknown account", "DELETE", "/cooldowns?provider=kilo&account=x", None, 404, "unknown_account", "k1"),
    ("an ambiguous account", "DELETE", "/cooldowns?provider=kilo&account=k", None, 409, "ambiguous_account", "k2"),
    ("an unknown model", "DELETE", "/cooldowns?provider=kilo&model=x", None, 404, "unknown_model", "there are: m, n"),
    ("another's model", "DELETE", "/cooldowns?provider=kilo&model=lima/m", None, 404, "unknown_model", "m, n"),
    ("an unknown parameter", "GET", "/status?x=1", None, 400, "invalid_query", "none"),
    ("half fresh", "GET", "/quota?fresh=yes", None, 400, "invalid_query", "0 or 1"),
    ("from nowhere", "POST", "/shifts", {**SHIFTED, "from": "kylo"}, 404, "unknown_prefix", "did you mean kilo?"),
    ("to nowhere", "POST", "/shifts", {**SHIFTED, "to": "x"}, 404, "unknown_prefix", "there are: kilo, lima"),
    ("a provider's name", "POST", "/shifts", {**SHIFTED, "to": "lima-provider"}, 404, "unknown_prefix", "is lima"),
    ("one without a prefix", "POST", "/shifts", {**SHIFTED, "to": "bare"}, 404, "unknown_prefix", "give it one"),
    ("to itself", "POST", "/shifts", {**SHIFTED, "to": "kilo"}, 400, "invalid_field", "itself"),
    ("no share", "POST", "/shifts", {**SHIFTED, "share": 0}, 400, "invalid_field", "from 1 to 100"),
    ("more than all", "POST", "/shifts", {**SHIFTED, "share": 101}, 400, "invalid_field", "from 1 to 100"),
    ("for no time", "POST", "/shifts", {**SHIFTED, "for-seconds": 0}, 400, "invalid_field", "longer than nothing"),
    ("for ever and a day", "POST", "/shifts", {**SHIFTED, "for-seconds": 1e300}, 400, "invalid_field", "a year"),
    ("another field", "POST", "/shifts", {**SHIFTED, "for": 5}, 400, "invalid_field", "`for`"),
    ("what is not moved", "DELETE", "/shifts/kilo", None, 404, "not_shifted", "there are: none"),
    ("another path", "GET", "/shift", None, 404, "unknown_path", "/v0/shifts"),
    ("another method", "PATCH", "/cooldowns", None, 405, "method_not_allowed", "GET, DELETE"),
]


async def test_a_bad_request_is_refused_with_what_would_do_and_changes_nothing(tmp_path: Path) -> None:
    bare = {"name": "bare", "base-url": "http://127.0.0.1:9", "models": [{"name": "b"}]}
    async with counter(tmp_path) as here:
        config = json.loads(here.running.config_file.read_text())
        config["wired"].append(bare)
        here.running.config_file.write_text(json.dumps(config))
        await here.running.service.reload()
        await here.cool("k1")
        changes = (here.running.service.health.changes, here.running.service.shifts.changes)
        for words, method, path, body, status, code, hint in REFUSED:
            how = {} if body is None else {"json": body}
            answer = await here.ask(method, path, status, **how)
            assert answer["error"]["code"] == code, words
            assert hint in answer["error"]["message"], (words, answer)
        assert (here.running.service.health.changes, here.running.service.shifts.changes) == changes
        asked = [row for row in REFUSED if row[1] != "GET" and row[5] not in {"unknown_path", "method_not_allowed"}]
        assert [line["result"] for line in here.audited] == [row[5] for row in asked]
        await here.ask("POST", "/shifts", 201, json=SHIFTED)
        mutual = await here.ask("POST", "/shifts", 400, json={"from": "lima", "to": "kilo"})
        assert "move that back first" in mutual["error"]["message"]


NAMES = st.sampled_from(["kilo", "lima", "", "\u202e", "a" * 70]) | st.text(max_size=5)
BODIES = st.dictionaries(
    st.sampled_from(["from", "to", "share", "for-seconds", "x"]),
    NAMES | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.just(50),
    max_size=4,
)


async def test_whatever_is_sent_the_gateway_does_not_fail_and_what_it_took_can_be_taken_back(tmp_path: Path) -> None:
    bodies: list[Any] = []
    names: list[str] = []

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(BODIES, NAMES)
    def collect(body: Any, name: str) -> None:
        bodies.append(body)
        names.append(name)

    collect()
    async with counter(tmp_path) as here:
        for body, name in zip(bodies, names, strict=True):
            made = await here.client.post("/v0/shifts", json=body)
            assert made.status_code in {201, 400, 404}, (body, made.text)
            if made.status_code == 201:
                await here.ask("DELETE", f"/shifts/{made.json()['from']}")
            for query in (
                {"provider": name},
                {"provider": "kilo", "account": name},
                {"provider": "kilo", "model": name},
            ):
                cleared = await here.client.delete("/v0/cooldowns", params=query)
                assert cleared.status_code in {200, 404, 409}, (query, cleared.text)
            assert (await here.client.delete(f"/v0/shifts/{quote(name, safe='')}")).status_code == 404, name
        assert (await here.ask("GET", "/shifts"))["shifts"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["shift", "kilo"], "shift kilo --to PREFIX", id="a shift to nowhere"),
        pytest.param(["shift", "--to", "lima"], "shift FROM --to PREFIX", id="a shift from nowhere"),
        pytest.param(["shift", "kilo", "--to", "lima", "--back"], "shift kilo --to PREFIX", id="there and back"),
        pytest.param(["shift", "kilo", "--back", "--share", "5"], "--share and --for go with --to", id="half back"),
        pytest.param(["shift", "kilo", "--to", "lima", "--share", "0"], "from 1 to 100", id="no share"),
        pytest.param(["shift", "kilo", "--to", "lima", "--for", "30"], "write 90s, 30m, 2h or 1d", id="no unit"),
        pytest.param(["cooldowns", "clear"], "name one PROVIDER, or all with --all", id="clear nothing"),
        pytest.param(["cooldowns", "clear", "kilo", "--all"], "name one PROVIDER", id="clear one and all"),
        pytest.param(["cooldowns", "clear", "--all", "--model", "m"], "goes with a PROVIDER", id="a model of all"),
        pytest.param(["status", "--watch", "--json"], "draws for people", id="watch for a program"),
    ],
)
async def test_a_command_that_makes_no_sense_says_what_would(tmp_path: Path, arguments: list[str], words: str) -> None:
    code, _, errors = await command(*arguments, "--config", str(tmp_path / "none.yaml"))
    assert code == 2
    assert words in " ".join(errors.split())


# -- quota ---------------------------------------------------------------------------------------------------


def metered(monkeypatch: pytest.MonkeyPatch, used: dict[str, float | None]) -> dict[str, Installed]:
    """A provider that tells how much of 1000 credits each account used; ``None``: it cannot be asked."""

    async def load_accounts() -> list[Account]:
        return [Account(name, label=name, secrets={}) for name in used]

    async def read_quota(account: Account) -> list[Quota]:
        count = used[account.id]
        if count is None:
            raise UpstreamError(Failure("status", 503))
        return [Quota("credits", 1000.0, count, None, "reported", 1_767_268_800.0)]

    async def list_models() -> list[Model]:
        return [Model("m")]

    async def forward() -> Any:
        yield Text("")

    module = ModuleType("metered_plugin")
    for hook in (load_accounts, read_quota, list_models, forward):
        module.__dict__[hook.__name__] = hookimpl(hook)
    monkeypatch.setitem(sys.modules, "metered_plugin", module)
    return {"metered": Installed("metered", "tests", "1", (EntryPoint("metered", "metered_plugin", "switchgear"),))}


async def test_quota_shows_the_last_reading_and_asks_anew_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: dict[str, float | None] = {"one": 100.0, "two": 950.0}
    other = {"name": "other", "prefix": "other"}
    async with counter(
        tmp_path, metered(monkeypatch, used), metered=[{"name": "metered", "prefix": "metered"}, other]
    ) as here:
        assert "not read yet" not in await here.ok("quota", "--fresh")
        used.update(one=200.0, two=None)
        rows = (await here.json("quota", "metered"))["quota"]
        assert [(row["account"], row["remaining"]) for row in rows] == [("one", 900.0), ("two", 50.0)]
        code, out, errors = await here.run("quota", "metered", "--fresh")
        assert (code, "metered two: not read: " in errors) == (0, True)
        assert "metered   one      credits  800   1,000  80%" in out
        rows = (await here.json("quota"))["quota"]
        assert [(row["provider"], row["account"], row["remaining"]) for row in rows] == [
            ("metered", "one", 800.0),
            ("metered", "two", 50.0),
            ("other", "one", 900.0),
            ("other", "two", 50.0),
        ], "the good readings stay, and so do those of a provider that was not asked"
        assert "cannot tell: kilo, lima-provider" in await here.ok("quota")
        assert "5% of credits" in await here.ok("status")
        code, _, errors = await here.run("quota", "metred")
        assert (code, "did you mean metered?" in errors) == (1, True)
        used["three"] = 300.0
        await here.running.service.reload_accounts(here.running.service.current)
        said = "not read yet: metered three, other three; ask now with: switchgear quota --fresh"
        assert said in await here.ok("quota")

"""A sign-in that itself ends: kept in the file, shown, warned about ahead; and its account serves on."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear import Account, Model, Secret, Text
from switchgear.login_expiry import AHEAD_S, REMIND_S, Reminders, how_long, state_of
from switchgear.testing.logbook import Logbook
from tests.core.handmade import installed_as
from tests.core.scrapes import parse
from tests.counter import counter
from tests.desk import opened
from tests.gateways import gateway
from tests.stores import store

DAY_S = 86_400.0
NOON = 1_767_268_800.0


# -- the file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [None, NOON, math.inf], ids=["unknown", "a day", "never"])
async def test_it_stands_in_the_auth_file(tmp_path: Path, moment: float | None) -> None:
    files = store(tmp_path / "auth")
    account = Account("ada", login_expires_at=moment)
    await files.save(account)
    assert files.load() == [account]


async def test_a_file_of_an_earlier_version_has_none(tmp_path: Path) -> None:
    files = store(tmp_path / "auth")
    await files.save(Account("ada", login_expires_at=NOON))
    path = files.path("ada")
    fields = json.loads(path.read_text())
    assert fields.pop("login-expires-at") == "2026-01-01T12:00:00+00:00"
    path.write_text(json.dumps(fields))
    assert files.load() == [Account("ada")]


# -- what is said of it ------------------------------------------------------------------------------------


@given(st.floats(min_value=-400 * DAY_S, max_value=400 * DAY_S))
def test_how_long_is_left_is_never_said_to_be_more_than_it_is(seconds: float) -> None:
    words = how_long(seconds).split()
    count = int(next(word for word in words if word.isdecimal()))
    assert count * (DAY_S if "days" in words else 3600) <= abs(seconds)
    assert (words[0] == "ends") == (state_of(seconds) != "failed")


class Lists:
    """As far as :class:`Reminders` looks at an entry."""

    name = "kilo"

    def __init__(self, *accounts: Account) -> None:
        self.accounts = accounts


def said(reminders: Reminders, wall: float, *accounts: Account) -> list[tuple[str, str]]:
    book = Logbook()
    with book.open():
        reminders.look([Lists(*accounts)], wall)  # type: ignore[list-item]  # all it looks at
    return [(line["event"], line["account"]) for line in book.lines]


def test_the_log_says_so_once_a_day_from_a_week_ahead() -> None:
    reminders, ada = Reminders(), Account("ada", "ada", login_expires_at=NOON)
    moments = [NOON - AHEAD_S - 1, NOON - AHEAD_S, NOON - AHEAD_S + 5, NOON - AHEAD_S + REMIND_S, NOON, NOON + REMIND_S]
    assert [said(reminders, wall, ada) for wall in moments] == [
        [],
        [("login_expires", "ada")],
        [],
        [("login_expires", "ada")],
        [("login_expired", "ada")],
        [("login_expired", "ada")],
    ]


def test_a_new_sign_in_begins_anew_and_the_disabled_and_the_endless_are_left_alone() -> None:
    reminders = Reminders()
    wall = NOON - DAY_S
    assert said(reminders, wall, Account("ada", "ada", login_expires_at=NOON))
    assert said(reminders, wall, Account("ada", "ada", login_expires_at=NOON + DAY_S)) == [("login_expires", "ada")]
    silent = [
        Account("ben", login_expires_at=NOON, disabled=True),
        Account("cy", login_expires_at=None),
        Account("dee", login_expires_at=math.inf),
    ]
    assert said(reminders, wall, *silent) == []


# -- where an operator looks -------------------------------------------------------------------------------


async def test_accounts_and_doctor_show_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    async with opened(tmp_path) as desk:
        await desk.sign_in("ada")
        _, out, _ = await desk.run("accounts", "list")
        assert "sign-in ends" not in out, "a column with nothing in it"
        await desk.sign_in("ben", login_expires_at=time.time() + 30 * DAY_S + 60)
        _, out, _ = await desk.run("accounts", "list")
        assert "sign-in ends" in out
        assert "in 30 d" in next(line for line in out.splitlines() if " ben " in line)
        rows = {row["label"]: row["login-expires-in-seconds"] for row in await desk.rows()}
        assert (rows["ada"], rows["ben"]) == (None, pytest.approx(30 * DAY_S + 60, abs=30))
        for ends_in, state, words in (
            (30 * DAY_S, "ok", ""),
            (3 * DAY_S + 60, "attention", "the sign-in of ben ends in 3 days"),
            (-3 * DAY_S - 60, "failed", "the sign-in of ben ended 3 days ago"),
        ):
            await desk.sign_in("ben", login_expires_at=time.time() + ends_in)
            _, out, _ = await desk.run("doctor", "--json")
            check = next(one for one in json.loads(out)["checks"] if one["name"] == "accounts of signing")
            assert (check["state"], words in check["detail"]) == (state, True), check
            assert check["advice"].startswith("switchgear login signing") == (state != "ok")


async def test_it_is_told_and_the_account_serves_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = {"ada": time.time() + 3 * DAY_S + 60}

    async def load_accounts() -> list[Account]:
        return [
            Account(name, name, {"token": Secret(f"a-token-until-{at}")}, login_expires_at=at)
            for name, at in ends.items()
        ]

    async def list_models() -> list[Model]:
        return [Model("x")]

    async def forward() -> Any:
        yield Text("Hi")

    hooks = {"load_accounts": load_accounts, "list_models": list_models, "forward": forward}
    async with counter(tmp_path, installed_as(monkeypatch, "ending", **hooks), ending=[{"prefix": "ending"}]) as here:
        [row] = (await here.ask("GET", "/accounts?provider=ending"))["accounts"]
        assert row["login-expires-in-seconds"] == pytest.approx(3 * DAY_S + 60, abs=30)
        assert (await here.running.provider("ending"))["auth"]["next_login_expiry_at"] is not None
        assert (await here.running.provider("kilo"))["auth"]["next_login_expiry_at"] is None
        assert "in 3d" in await here.ok("status")
        [check] = [one for one in (await here.json("runbook", "daily"))["checks"] if one["name"] == "sign-ins"]
        assert (check["state"], check["detail"]) == ("attention", "ending: the first sign-in ends in 3 days")

        scraped = parse((await here.running.client.get("/metrics")).text)
        series = 'switchgear_login_expiry_timestamp_seconds{provider="ending",account="ada"}'
        assert scraped[series] == pytest.approx(ends["ada"], abs=1)

        ends["ada"] = time.time() - DAY_S
        await here.running.service.reload_accounts(here.running.service.current)
        await here.running.service.list_models()
        response = await here.running.chat("ending/x")
        assert (response.status_code, response.headers["x-switchgear-account"]) == (200, "ada")
        code, out, _ = await here.run("runbook", "daily")
        assert (code, "the first sign-in ended 24 hours ago" in out) == (1, True)
        assert "switchgear login ending" in out


async def test_a_running_gateway_reminds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def load_accounts() -> list[Account]:
        return [Account("ada", "ada", login_expires_at=time.time() + DAY_S)]

    hooks = {"load_accounts": load_accounts, "list_models": _none, "forward": _nothing}
    book = Logbook()
    with book.open():
        async with gateway(
            tmp_path, {"ending": [{}]}, available=installed_as(monkeypatch, "ending", **hooks)
        ) as running:
            await running.client.get("/health")
    [line] = book.named("login_expires")
    assert (line["provider"], line["account"], line["advice"]) == ("ending", "ada", "switchgear login ending")


async def _none() -> list[Model]:
    return []


async def _nothing() -> Any:
    yield Text("")

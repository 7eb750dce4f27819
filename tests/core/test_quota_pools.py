"""Pools of one quota: a plan's, a trial's and a bonus add up for the alert, and are shown one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear import Account, Model, Quota, Text
from switchgear.metrics.alert_facts import quota_used_ratio
from switchgear.metrics.status import QuotaRow, quota_totals
from tests.core.alert_worlds import HEALTHY
from tests.core.handmade import installed_as
from tests.core.scrapes import parse
from tests.counter import counter

NOON = 1_767_268_800.0


def pool(
    limit: float | None, used: float | None, name: str = "", unit: str = "credits", account: str = "ada", id_: str = "1"
) -> QuotaRow:
    return QuotaRow(account, unit, limit, used, None, "reported", NOON, name, "Pro", id_)


@pytest.mark.parametrize(
    ("rows", "ratio"),
    [
        pytest.param([], None, id="nothing known"),
        pytest.param([pool(100, 95)], 0.95, id="one"),
        pytest.param([pool(100, 100), pool(300, 0, "trial")], 0.25, id="a spent plan beside a whole trial"),
        pytest.param([pool(100, 95), pool(100, 0, unit="requests")], 0.95, id="another unit does not help"),
        pytest.param([pool(100, 95), pool(100, 0, account="ben", id_="2")], 0.95, id="another account does not help"),
        pytest.param([pool(100, 95), pool(100, 0, id_="2")], 0.95, id="nor one that is called the same"),
        pytest.param([pool(100, 50), pool(None, 7, "bonus"), pool(9, None, "trial")], 0.5, id="what is not known"),
        pytest.param([pool(0, 0), pool(0, 0, "trial")], 1.0, id="limits of nothing"),
        pytest.param([pool(100, 130), pool(100, 0, "bonus")], 0.65, id="overdrawn"),
    ],
)
def test_the_fullest_quota(rows: list[QuotaRow], ratio: float | None) -> None:
    assert quota_used_ratio(replace(HEALTHY, quota=tuple(rows))) == ratio


amounts = st.floats(min_value=1, max_value=1e9) | st.none()
pools = st.builds(pool, amounts, amounts, st.sampled_from(["", "trial"]), st.sampled_from(["credits", "requests"]))


@given(st.lists(pools, max_size=6))
def test_a_total_lies_between_its_pools(rows: list[QuotaRow]) -> None:
    ratios: dict[str, list[float]] = {}
    for row in rows:
        if row.used_ratio is not None:
            ratios.setdefault(row.unit, []).append(row.used_ratio)
    totals = {unit: total for (_, _, unit), total in quota_totals(rows).items()}
    assert totals.keys() == ratios.keys()
    for unit, total in totals.items():
        assert min(ratios[unit]) - 1e-6 <= total <= max(ratios[unit]) + 1e-6


async def test_they_are_shown_one_by_one_and_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def load_accounts() -> list[Account]:
        return [Account("ada", label="ada")]

    async def read_quota() -> list[Quota]:
        return [
            Quota("credits", 1000.0, 1000.0, NOON, "reported", NOON, name="plan", plan="Pro"),
            Quota("credits", 500.0, 50.0, None, "reported", NOON, name="bonus\x1b[2J", plan="Pro"),
        ]

    async def list_models() -> list[Model]:
        return [Model("x")]

    async def forward() -> Any:
        yield Text("")

    hooks = {"load_accounts": load_accounts, "list_models": list_models, "forward": forward, "read_quota": read_quota}
    available = installed_as(monkeypatch, "pooled", **hooks)
    async with counter(tmp_path, available, pooled=[{"prefix": "pooled"}]) as here:
        answer = await here.ask("GET", "/quota?provider=pooled&fresh=1")
        assert [(row["name"], row["plan"], row["used_ratio"], row["total_used_ratio"]) for row in answer["quota"]] == [
            ("plan", "Pro", 1.0, 0.7),
            ("bonus\x1b[2J", "Pro", 0.1, 0.7),
        ]
        lines = (await here.ok("quota", "pooled")).splitlines()
        assert lines[0].split("  ")[0] == "provider"
        assert [column in lines[0] for column in ("plan", "pool", "all pools")] == [True, True, True]
        assert "\x1b" not in "".join(lines)
        assert "30%" in lines[1]
        assert "30% of credits" in await here.ok("status")
        scraped = parse((await here.running.client.get("/metrics")).text)
        labels = 'provider="pooled",account="ada",unit="credits"'
        assert scraped[f"switchgear_quota_used_ratio{{{labels}}}"] == 0.7
        assert scraped[f'switchgear_quota_pool_used_ratio{{{labels},pool="plan",plan="Pro"}}'] == 1.0


async def test_without_pools_there_are_no_columns_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def read_quota() -> list[Quota]:
        return [Quota("credits", 1000.0, 100.0, None, "reported", NOON)]

    async def list_models() -> list[Model]:
        return [Model("x")]

    async def forward() -> Any:
        yield Text("")

    available = installed_as(monkeypatch, "plain", list_models=list_models, forward=forward, read_quota=read_quota)
    async with counter(tmp_path, available, plain=[{"prefix": "plain"}]) as here:
        head = (await here.ok("quota", "--fresh")).splitlines()[0]
        assert "pool" not in head
        assert "plan" not in head
        assert "switchgear_quota_pool_used_ratio{" not in (await here.running.client.get("/metrics")).text

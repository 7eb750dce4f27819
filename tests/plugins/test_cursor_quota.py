"""What a cursor account has left: its pools, and what it may spend beyond them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Quota, UpstreamError
from switchgear_cursor import quota
from switchgear_cursor.fake.dashboard import CYCLE_END_MS, period
from switchgear_cursor.fake.refusals import NOT_LOGGED_IN, Refusal
from switchgear_cursor.quota import FULL, NO_LIMIT, ON_DEMAND, WHOLE, rows_in
from tests.plugins.cursor_desk import Desk, desk

CURSOR, OTHER = "Cursor Models", "Other Models"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as made:
        yield made


def brief(rows: list[Quota]) -> list[tuple[str, float | None, float | None]]:
    return [(row.name, row.used, row.limit) for row in rows]


async def test_there_are_two_pools_that_reset_with_the_billing_cycle(here: Desk) -> None:
    account = here.account()
    rows = await quota.read(here.settings, account, here.client)
    assert brief(rows) == [(CURSOR, 12.5, FULL), (OTHER, 40, FULL)]
    for row in rows:
        assert (row.unit, row.plan, row.source) == ("percent", "Pro", "reported")
        assert row.resets_at == CYCLE_END_MS / 1000
    assert here.settings.memory.of(account.id).quota_resets_at == CYCLE_END_MS / 1000
    assert here.services.dashboard.asked == ["GetCurrentPeriodUsage", "GetPlanInfo"]


async def test_the_hard_limit_is_asked_for_where_a_pool_is_full(here: Desk) -> None:
    here.services.dashboard.usage = period(3, 100, spendLimitUsage={"totalSpend": 500})
    here.services.dashboard.hard_limit = {"hardLimit": 20}
    rows = await quota.read(here.settings, here.account(), here.client)
    assert brief(rows) == [(CURSOR, 3, FULL), (OTHER, 100, FULL), (ON_DEMAND, 25, FULL)]
    assert "GetHardLimit" in here.services.dashboard.asked


async def test_plan_and_hard_limit_may_be_missing(here: Desk) -> None:
    dashboard = here.services.dashboard
    dashboard.usage = period(100, 100)
    dashboard.refusals = {"GetPlanInfo": [Refusal("not_found")], "GetHardLimit": [Refusal("internal")]}
    rows = await quota.read(here.settings, here.account(), here.client)
    assert (brief(rows), rows[0].plan) == ([(CURSOR, 100, FULL), (OTHER, 100, FULL)], "")


async def test_without_the_usage_there_is_a_failure(here: Desk) -> None:
    here.services.dashboard.refusals["GetCurrentPeriodUsage"] = [NOT_LOGGED_IN]
    with pytest.raises(UpstreamError):
        await quota.read(here.settings, here.account(), here.client)


CYCLE = {"billingCycleEnd": str(CYCLE_END_MS)}


@pytest.mark.parametrize(
    ("usage", "hard_limit", "rows"),
    [
        pytest.param(CYCLE, {}, [], id="a team's account tells nothing"),
        pytest.param({**CYCLE, "planUsage": {"totalPercentUsed": 7}}, {}, [(WHOLE, 7, FULL)], id="a sum alone"),
        pytest.param(
            {**CYCLE, "planUsage": {"autoPercentUsed": "7.5"}}, {}, [(CURSOR, 7.5, FULL)], id="one pool, as text"
        ),
        pytest.param({"planUsage": {"autoPercentUsed": -1, "apiPercentUsed": "x"}}, {}, [], id="no numbers"),
        pytest.param(
            period(1, 2, spendLimitUsage={"individualLimit": 2000, "individualUsed": 500}),
            {},
            [(CURSOR, 1, FULL), (OTHER, 2, FULL), (ON_DEMAND, 25, FULL)],
            id="a limit of one's own",
        ),
        pytest.param(
            period(1, 2, spendLimitUsage={"pooledLimit": "2000", "totalSpend": 2000}),
            {},
            [(CURSOR, 1, FULL), (OTHER, 2, FULL), (ON_DEMAND, 100, FULL)],
            id="a team's limit, used up",
        ),
        pytest.param(
            period(1, 100),
            {"perUserMonthlyLimitDollars": NO_LIMIT},
            [(CURSOR, 1, FULL), (OTHER, 100, FULL), (ON_DEMAND, None, None)],
            id="no limit, so it is never used up",
        ),
        pytest.param(period(1, 100), {"hardLimit": 0}, [(CURSOR, 1, FULL), (OTHER, 100, FULL)], id="nothing on demand"),
    ],
)
def test_what_the_usage_call_tells_becomes_rows(
    usage: dict[str, Any], hard_limit: dict[str, Any], rows: list[tuple[str, float | None, float | None]]
) -> None:
    found = rows_in(usage, "Pro", hard_limit, 1.0)
    assert brief(found) == rows


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["billingCycleEnd", "planUsage", "spendLimitUsage"]),
        st.none()
        | st.text(max_size=5)
        | st.floats()
        | st.dictionaries(
            st.sampled_from(["autoPercentUsed", "apiPercentUsed", "individualLimit", "pooledLimit", "totalSpend"]),
            st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
        ),
    )
)
def test_no_answer_breaks_the_reading(usage: dict[str, Any]) -> None:
    for row in rows_in(usage, "", usage, 1.0):
        assert row.used is None or row.used >= 0

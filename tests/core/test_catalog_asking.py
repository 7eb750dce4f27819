"""Who asks for lists, when, and how often: one round at a time, and no request waits for long."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from switchgear import Failure, LoginRequired, UpstreamError
from switchgear.catalog import RELIST_ON_DEMAND_S, Catalog
from tests.core.houses import REFUSED, House, listed


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def begun(house: House, catalog: Catalog, *, times: int = 1) -> list[asyncio.Task[None]]:
    """So many refreshes under way, the first of them held up by the upstream."""
    house.gate.clear()
    tasks = [asyncio.create_task(catalog.refresh()) for _ in range(times)]
    while not house.asked:
        await asyncio.sleep(0)
    return tasks


async def test_requests_share_the_round_that_is_under_way(house: House) -> None:
    house.lists_of["one"] = ["a"]
    catalog = await house.catalog({}, ask=False)
    tasks = await begun(house, catalog)
    waiting = [asyncio.create_task(catalog.refresh_for("a")) for _ in range(50)]
    await asyncio.sleep(0)
    assert catalog.find("a") is None
    house.gate.set()
    await asyncio.gather(*tasks, *waiting)
    assert catalog.find("a") is not None
    assert house.asked == ["one"]


async def test_a_round_that_knows_of_a_new_account_follows_the_one_that_does_not(house: House) -> None:
    house.lists_of.update(one=["a"], two=["b"])
    catalog = await house.catalog({}, ask=False)
    (first,) = await begun(house, catalog)
    house.accounts["p"] = ["one", "two"]
    await catalog.entries[0].load()
    second = asyncio.create_task(catalog.refresh())
    for _ in range(10):
        await asyncio.sleep(0)
    assert house.asked == ["one"], "one round at a time"
    house.gate.set()
    await asyncio.gather(first, second)
    assert listed(catalog) == ["a", "b"]


async def test_who_gives_up_does_not_end_the_round_for_others(house: House) -> None:
    house.lists_of["one"] = ["a"]
    catalog = await house.catalog({}, ask=False)
    (first,) = await begun(house, catalog)
    waiting = asyncio.create_task(catalog.refresh_for("a"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    house.gate.set()
    await waiting
    assert catalog.find("a") is not None


async def test_nobody_waits_longer_than_a_few_seconds_and_the_list_is_taken_in_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchgear.catalog.LONGEST_WAIT_S", 0.01)
    house.lists_of["one"] = ["a"]
    catalog = await house.catalog({}, ask=False)
    house.gate.clear()
    await catalog.refresh_for("a")
    await catalog.complete()
    assert catalog.find("a") is None
    house.gate.set()
    while catalog.find("a") is None:
        await asyncio.sleep(0)
    assert house.asked == ["one"]


async def test_closing_ends_the_round(house: House) -> None:
    catalog = await house.catalog({}, ask=False)
    (first,) = await begun(house, catalog)
    await catalog.aclose()
    await first


async def test_complete_asks_only_where_nothing_is_known(house: House) -> None:
    house.lists_of.update(one=["a"], two=REFUSED)
    catalog = await house.catalog({"name": "p", "accounts": ["one"]}, {"name": "q", "accounts": ["two"]})
    house.asked.clear()
    await catalog.complete()
    assert house.asked == ["two"]


@pytest.mark.parametrize(
    ("name", "force", "asked"),
    [
        pytest.param("w/x", True, True, id="its prefix"),
        pytest.param("x", True, False, id="no prefix, where one is forced"),
        pytest.param("x", False, True, id="no prefix"),
    ],
)
async def test_a_name_that_an_entry_cannot_have_makes_nobody_ask_it(
    house: House, name: str, force: bool, asked: bool
) -> None:
    house.lists_of["one"] = REFUSED
    catalog = await house.catalog({"prefix": "w"}, force_prefix=force)
    house.asked.clear()
    house.now += RELIST_ON_DEMAND_S
    await catalog.refresh_for(name)
    assert bool(house.asked) is asked


async def test_an_account_that_is_switched_off_is_not_asked_and_keeps_its_list(house: House) -> None:
    house.lists_of.update(one=["a"], two=["b"])
    catalog = await house.catalog({"accounts": ["one", "two"]})
    house.switch_off("p", "two")
    await catalog.entries[0].load()
    house.asked.clear()
    await catalog.refresh()
    assert house.asked == ["one"]
    assert listed(catalog) == ["a", "b"]


async def test_nobody_is_asked_where_all_are_switched_off(house: House) -> None:
    house.lists_of["one"] = ["a"]
    catalog = await house.catalog({})
    house.switch_off("p", "one")
    await catalog.entries[0].load()
    house.asked.clear()
    await catalog.refresh()
    await catalog.complete()
    assert house.asked == []


async def test_an_expired_token_is_refreshed_and_the_list_asked_for_again(house: House) -> None:
    house.refreshable = True
    house.lists_of["one"] = UpstreamError(Failure("status", 401))
    catalog = await house.catalog({}, ask=False)
    house.on_refresh = lambda: house.lists_of.update(one=["a"])
    await catalog.refresh()
    assert (listed(catalog), catalog.listings["p"].problem) == (["a"], "")
    assert house.asked == ["one", "one"]
    assert house.health.account_state("p", "one") == "ready"


async def test_a_token_that_stays_refused_is_refreshed_once(house: House) -> None:
    house.refreshable = True
    house.lists_of["one"] = UpstreamError(Failure("status", 401))
    catalog = await house.catalog({}, ask=False)
    await catalog.refresh()
    assert house.asked == ["one", "one"]
    assert house.refreshes == 1
    assert house.health.account_state("p", "one") == "auth_failed"


async def test_a_spent_refresh_token_is_the_accounts_problem(house: House) -> None:
    def spent() -> None:
        raise LoginRequired(Failure("status", 400, message="the refresh token is spent"))

    house.refreshable = True
    house.on_refresh = spent
    house.lists_of["one"] = UpstreamError(Failure("status", 401))
    catalog = await house.catalog({}, ask=False)
    await catalog.refresh()
    assert "the refresh token is spent" in catalog.listings["p"].problem
    assert house.health.account_state("p", "one") == "auth_failed"


async def test_a_plugin_that_lists_nothing_itself_names_its_models(house: House) -> None:
    house.lists_itself = False
    catalog = await house.catalog({})
    assert (listed(catalog), catalog.listings["p"].source) == (["known-good"], "plugin")
    assert house.asked == []

"""Which models exist, under which names, and why one is missing; and the routes made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from switchgear import Kind, Verdict
from switchgear.catalog import RELIST_ON_DEMAND_S
from switchgear.errors import Refusal
from switchgear.routing import Router
from switchgear.shifts import Shifts
from switchgear.slots import Slots
from switchgear.strategies import Ordering
from tests.core.houses import REFUSED, House, listed


def everything(name: str) -> bool:
    return True


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_without_models_the_upstreams_list_counts(house: House) -> None:
    house.lists_of["one"] = ["a", "b"]
    catalog = await house.catalog({"prefix": "w"})
    assert listed(catalog) == ["w/a", "w/b", "a", "b"]
    assert catalog.listings["p"].source == "upstream"


async def test_configured_models_win_and_nobody_is_asked(house: House) -> None:
    catalog = await house.catalog({"models": [{"name": "x", "alias": "y"}]})
    assert listed(catalog) == ["y"]
    assert house.asked == []


async def test_with_force_prefix_no_bare_name_is_listed(house: House) -> None:
    house.lists_of["one"] = ["a"]
    assert listed(await house.catalog({"prefix": "w"}, force_prefix=True)) == ["w/a"]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        pytest.param(["*-preview"], ["b:free", "c"], id="suffix"),
        pytest.param(["*:free", "a*"], ["c"], id="two patterns"),
        pytest.param(["*"], [], id="everything"),
        pytest.param(["A-preview"], ["a-preview", "b:free", "c"], id="case counts"),
    ],
)
async def test_excluded_models_are_hidden(house: House, patterns: list[str], names: list[str]) -> None:
    house.lists_of["one"] = ["a-preview", "b:free", "c"]
    catalog = await house.catalog({"excluded-models": patterns})
    assert listed(catalog) == names


async def test_the_last_good_list_stays_when_the_upstream_fails(house: House) -> None:
    house.lists_of["one"] = ["a"]
    catalog = await house.catalog({})
    house.lists_of["one"] = REFUSED
    await catalog.refresh()
    assert listed(catalog) == ["a"]
    assert "down" in catalog.listings["p"].problem


async def test_before_the_first_list_the_fallback_models_serve(house: House) -> None:
    house.lists_of["one"] = REFUSED
    catalog = await house.catalog({})
    assert listed(catalog) == ["known-good"]
    assert catalog.listings["p"].source == "fallback"


async def test_a_list_that_failed_is_asked_for_again_on_demand_but_not_at_every_request(house: House) -> None:
    house.lists_of["one"] = REFUSED
    catalog = await house.catalog({})
    house.lists_of["one"] = ["late"]
    await catalog.refresh_for("late")
    assert catalog.find("late") is None
    house.now += RELIST_ON_DEMAND_S
    await catalog.refresh_for("late")
    assert catalog.find("late") is not None
    assert len(house.asked) == 2


@pytest.mark.parametrize(
    ("block", "name", "words"),
    [
        pytest.param({"excluded-models": ["a*"]}, "a", "excluded-models 'a*'", id="excluded"),
        pytest.param({"models": [{"name": "a", "alias": "z"}]}, "a", "under its alias z", id="under an alias"),
        pytest.param({"models": [{"name": "q"}]}, "a", "do not name 'a'", id="not among models"),
        pytest.param({}, "nope", "does not list 'nope'", id="not listed upstream"),
        pytest.param({"accounts": []}, "a", "it has no account", id="no account"),
    ],
)
async def test_why_a_model_is_missing(house: House, block: dict[str, Any], name: str, words: str) -> None:
    house.lists_of["one"] = ["a"]
    catalog = await house.catalog(block)
    assert any(words in reason for reason in catalog.why_missing(name))


async def test_why_a_bare_name_is_missing_with_force_prefix(house: House) -> None:
    house.lists_of["one"] = ["a"]
    catalog = await house.catalog({"prefix": "w"}, force_prefix=True)
    assert "force-model-prefix is on" in catalog.why_missing("a")[0]


# -- routes ------------------------------------------------------------------------------------------------------


def order(router: Router, name: str, allowed: Callable[[str], bool] = everything) -> list[tuple[str, str, str]]:
    route = router.route(name, "openai-chat", allowed)
    return [(c.entry.name, c.account, c.model) for c in route.eligible()]


async def test_an_account_is_asked_only_for_what_it_lists(house: House) -> None:
    house.lists_of = {"one": ["a"], "two": ["a", "b"]}
    catalog = await house.catalog({"accounts": ["one", "two"]})
    router = Router(catalog, house.health, Slots(10), Ordering("fill-first"), {}, Shifts())
    assert order(router, "a") == [("p", "one", "a"), ("p", "two", "a")]
    assert order(router, "b") == [("p", "two", "b")]


async def test_what_was_asked_before_does_not_outlive_its_list(house: House) -> None:
    house.lists_of = {"one": ["a"], "two": ["a", "b"]}
    catalog = await house.catalog({"accounts": ["one", "two"]})
    router = Router(catalog, house.health, Slots(10), Ordering("fill-first"), {}, Shifts())
    assert [order(router, "b") for _ in range(2)] == [[("p", "two", "b")]] * 2
    house.lists_of = {"one": ["a", "b"], "two": ["a", "b"]}
    await catalog.refresh()
    assert order(router, "b") == [("p", "one", "b"), ("p", "two", "b")]


async def test_fallbacks_follow_in_their_order_and_only_where_written(house: House) -> None:
    blocks = [{"name": n, "prefix": n, "models": [{"name": "m"}]} for n in ("a", "b", "c")]
    catalog = await house.catalog(*blocks)
    router = Router(catalog, house.health, Slots(10), Ordering("fill-first"), {"a": ["c", "b"]}, Shifts())
    assert [name for name, _, _ in order(router, "a/m")] == ["a", "c", "b"]
    assert [name for name, _, _ in order(router, "b/m")] == ["b"]
    assert [name for name, _, _ in order(router, "a/m", lambda name: name != "c/m")] == ["a", "b"]


async def test_a_blocked_candidate_is_passed_over_with_its_reason(house: House) -> None:
    catalog = await house.catalog({"accounts": ["one", "two"], "models": [{"name": "m"}]})
    router = Router(catalog, house.health, Slots(10), Ordering("fill-first"), {}, Shifts())
    house.health.failed("p", "one", "m", Verdict(Kind.RATE_LIMITED, retry_after=30))
    route = router.route("m", "openai-chat", everything)
    assert [c.account for c in route.eligible()] == ["two"]
    (passed,) = route.passed_over()
    assert (passed.candidate.account, passed.reason) == ("one", "rate_limited")
    assert passed.seconds == pytest.approx(30, abs=1)


async def test_who_is_out_of_scope_is_not_there(house: House) -> None:
    catalog = await house.catalog({"prefix": "w", "models": [{"name": "m"}]})
    router = Router(catalog, house.health, Slots(10), Ordering("fill-first"), {}, Shifts())
    with pytest.raises(Refusal) as caught:
        router.route("w/m", "openai-chat", lambda name: False)
    assert caught.value.status == 404
    assert "w/m" not in caught.value.message.partition(";")[2]


async def test_a_dialect_that_nobody_speaks_is_said(house: House) -> None:
    catalog = await house.catalog({"models": [{"name": "m"}]})
    router = Router(catalog, house.health, Slots(10), Ordering("fill-first"), {}, Shifts())
    with pytest.raises(Refusal) as caught:
        router.route("m", "openai-embeddings", everything)
    assert caught.value.code == "unsupported_dialect"

"""Lists that take models away are not taken at their word: quarantine, drift, and what stays when nothing comes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Kind, Model, Verdict
from switchgear.listing import FURTHER_LISTS, QUARANTINE_S, AccountModels, Source
from switchgear.policy import PAIR_OUT_S
from tests.core.houses import REFUSED, House, failing, listed

SPENT = failing(401)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def play(*lists: tuple[float, str]) -> AccountModels:
    """An account's models after these lists: seconds since the last one, and the names as letters."""
    now, known = 0.0, AccountModels({}, {}, 0.0)
    for after_s, names in lists:
        now += after_s
        known = known.after([Model(name) for name in names], now)
    return known


MIN = 60.0


@pytest.mark.parametrize(
    ("lists", "served", "missing"),
    [
        pytest.param([(0, "abcd")], "abcd", "", id="the first list"),
        pytest.param([(0, "abcd"), (MIN, "abc")], "abcd", "d", id="one vanished"),
        pytest.param([(0, "abcd")] + [(MIN, "abc")] * 2, "abcd", "d", id="and is missing in a further list"),
        pytest.param([(0, "abcd")] + [(MIN, "abc")] * 3, "abc", "", id="and in a second further one"),
        pytest.param([(0, "abcd"), (MIN, "abc"), (MIN, "abcd")], "abcd", "", id="it is back"),
        pytest.param(
            [(0, "abcd"), (MIN, "abc"), (MIN, "abcd")] + [(MIN, "abc")] * 2, "abcd", "d", id="back, and gone again"
        ),
        pytest.param([(0, "abcd"), (MIN, "abc"), (29 * MIN, "abc")], "abcd", "d", id="just under half an hour"),
        pytest.param([(0, "abcd"), (MIN, "abc"), (30 * MIN, "abc")], "abc", "", id="half an hour"),
        pytest.param([(0, "abcd"), (MIN, "")], "abcd", "abcd", id="an empty list"),
        pytest.param([(0, "abcd")] + [(MIN, "")] * 25, "abcd", "abcd", id="empty lists do not count, only time"),
        pytest.param([(0, "abcd"), (MIN, ""), (30 * MIN, "")], "", "", id="empty for half an hour"),
        pytest.param([(0, "abcd")] + [(MIN, "a")] * 25, "abcd", "bcd", id="most of it is gone"),
        pytest.param([(0, "abcd"), (MIN, "a"), (MIN, "abcd")], "abcd", "", id="most was gone for a moment"),
        pytest.param([(0, "abcd"), (MIN, "xbcd")], "xbcda", "a", id="one came and one went"),
        pytest.param([(0, "a"), (MIN, "b")], "ba", "a", id="the only one was renamed"),
        pytest.param([(0, "")], "", "", id="none from the beginning"),
        pytest.param([(0, ""), (MIN, "ab")], "ab", "", id="none, then some"),
    ],
)
def test_what_is_served_after_these_lists(lists: Sequence[tuple[float, str]], served: str, missing: str) -> None:
    known = play(*lists)
    assert "".join(known.infos) == served
    assert "".join(known.missing) == missing


@settings(max_examples=80)
@given(st.lists(st.tuples(st.floats(1, 2 * QUARANTINE_S), st.text("abcd", max_size=6)), min_size=1, max_size=12))
def test_it_holds_whatever_comes(lists: list[tuple[float, str]]) -> None:
    """The last list is served whole; what else is served was listed once, and is missing for a bounded time."""
    known = play(*lists)
    now = sum(after_s for after_s, _ in lists)
    ever = {name for _, names in lists for name in names}
    assert set(known.listed) == set(lists[-1][1])
    assert set(known.infos) == set(known.listed) | set(known.missing)
    assert set(known.missing) <= ever - set(lists[-1][1])
    for missing in known.missing.values():
        assert now - missing.since < QUARANTINE_S
        assert missing.lists <= FURTHER_LISTS


def test_the_page_about_it_says_the_same() -> None:
    page = " ".join((Path(__file__).parents[2] / "docs" / "provider-catalog.md").read_text().split())
    assert f"two further good lists lack it too, or after {QUARANTINE_S / 60:g} minutes" in page
    assert FURTHER_LISTS == 2
    assert f"takes the model from that account for {'five' if PAIR_OUT_S == 300 else '?'} minutes" in page
    assert [source for source in get_args(Source) if f"| `{source}` |" not in page] == []


async def test_a_missing_model_is_still_served_and_marked(house: House) -> None:
    house.lists_of["one"] = ["a", "b", "c"]
    catalog = await house.catalog({"prefix": "w"})
    await house.lists(catalog, "a", "b")
    listing = catalog.listings["p"]
    assert listed(catalog) == ["w/a", "w/b", "w/c", "a", "b", "c"]
    assert listing.missing == {"c": 600}
    assert "c" in listing.by_account["one"], "so requests for it still try"


async def test_only_what_no_account_lists_is_missing(house: House) -> None:
    house.lists_of.update(one=["a", "b"], two=["b"])
    catalog = await house.catalog({"accounts": ["one", "two"]})
    await house.lists(catalog, "a")
    assert catalog.listings["p"].missing == {}
    assert catalog.listings["p"].by_account["one"] == {"a", "b"}
    await house.lists(catalog, "c", account="two")
    assert catalog.listings["p"].missing == {"b": 600}, "since the first account lost it"


async def test_a_failure_takes_nothing_away_however_long_it_lasts(house: House) -> None:
    house.lists_of["one"] = ["a", "b", "c"]
    catalog = await house.catalog({})
    await house.lists(catalog, "a", "b")
    for _ in range(10):
        await house.lists(catalog, REFUSED)
    assert listed(catalog) == ["a", "b", "c"]
    assert "down" in catalog.listings["p"].problem
    await house.lists(catalog, "a", "b", "c")
    assert (listed(catalog), catalog.listings["p"].problem) == (["a", "b", "c"], "")
    assert catalog.listings["p"].missing == {}


# -- drift ---------------------------------------------------------------------------------------------------------------


async def test_drift_has_names_and_counts_and_lasts_as_long_as_the_quarantine(
    house: House, log_output: pytest.CaptureFixture[str]
) -> None:
    house.lists_of["one"] = ["a", "b", "c"]
    catalog = await house.catalog({})
    assert not catalog.listings["p"].drift, "the first list is none"
    await house.lists(catalog, "b", "c", "d")
    drift = catalog.listings["p"].drift
    assert (drift.before, drift.after, drift.added, drift.removed) == (3, 3, ("d",), ("a",))
    for _ in range(2):
        assert "a" in listed(catalog)
        await house.lists(catalog, "b", "c", "d")
        assert catalog.listings["p"].drift.removed == ("a",)
    assert listed(catalog) == ["b", "c", "d"]
    await house.lists(catalog, "b", "c", "d")
    assert not catalog.listings["p"].drift
    lines = [json.loads(line) for line in log_output.readouterr().err.splitlines()]
    events = [line for line in lines if line["event"] in {"model_drift", "models_dropped"}]
    assert [line["event"] for line in events] == ["model_drift", "models_dropped"], "each once"
    drifted = {"provider": "p", "before": 3, "after": 3, "added": "d", "removed": "a", "suspicious": False}
    assert events[0] | drifted == events[0]
    assert events[1]["models"] == "a"


async def test_a_suspicious_list_is_logged_as_one(house: House, log_output: pytest.CaptureFixture[str]) -> None:
    house.lists_of["one"] = [f"m{number}" for number in range(100)]
    catalog = await house.catalog({})
    await house.lists(catalog)
    (line,) = [line for line in log_output.readouterr().err.splitlines() if "model_drift" in line]
    found = json.loads(line)
    assert (found["before"], found["after"], found["suspicious"]) == (100, 0, True)
    assert found["removed"].endswith("m19, … and 80 more")
    assert len(listed(catalog)) == 100


async def test_another_account_is_no_drift(house: House) -> None:
    house.lists_of.update(one=["a"], two=["a", "b"])
    catalog = await house.catalog({"accounts": ["one"]})
    house.accounts["p"] = ["one", "two"]
    await catalog.entries[0].load()
    await house.lists(catalog, "a")
    assert listed(catalog) == ["a", "b"]
    assert not catalog.listings["p"].drift


async def test_an_account_that_is_gone_takes_its_models_along(house: House) -> None:
    house.lists_of.update(one=["a"], two=["b"])
    catalog = await house.catalog({"accounts": ["one", "two"]})
    house.accounts["p"] = ["one"]
    await catalog.entries[0].load()
    catalog.rebuild()
    assert listed(catalog) == ["a"], "at once: that is the operator's doing, no upstream's"
    await house.lists(catalog, "a")
    assert not catalog.listings["p"].drift


# -- stand-ins -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [REFUSED, SPENT], ids=["upstream down", "credential refused"])
async def test_stand_ins_serve_only_while_there_never_was_a_list(house: House, failure: Exception) -> None:
    house.lists_of["one"] = failure
    catalog = await house.catalog({})
    assert (listed(catalog), catalog.listings["p"].source) == (["known-good"], "fallback")
    await house.lists(catalog, "a")
    assert (listed(catalog), catalog.listings["p"].source) == (["a"], "upstream")
    assert not catalog.listings["p"].drift, "stand-ins were nobody's list"
    await house.lists(catalog, failure)
    assert (listed(catalog), catalog.listings["p"].source) == (["a"], "upstream")


async def test_no_stand_in_serves_where_the_list_is_empty(house: House) -> None:
    house.lists_of["one"] = []
    catalog = await house.catalog({})
    assert (listed(catalog), catalog.listings["p"].source) == ([], "upstream")


# -- over a restart ------------------------------------------------------------------------------------------------------


async def restarted(house: House, document: object, **block: object) -> tuple[list[str], str]:
    """What a new run serves whose upstream does not answer."""
    house.lists_of = dict.fromkeys(("one", "two", "three"), REFUSED)
    catalog = await house.catalog(block, ask=False)
    catalog.recall(document)  # type: ignore[arg-type]
    await catalog.refresh()
    return listed(catalog), catalog.listings["p"].source


async def kept(house: House, **block: object) -> dict[str, object]:
    house.lists_of.update(one=["a", "b"], two=["c"])
    catalog = await house.catalog({"accounts": ["one", "two"], **block})
    await house.lists(catalog, "a")
    document: dict[str, object] = json.loads(json.dumps(catalog.document()))
    return document


async def test_the_last_good_lists_outlive_a_restart_and_are_marked(house: House) -> None:
    document = await kept(house)
    assert "one" not in json.dumps(document), "an account's id can be somebody's address"
    assert await restarted(house, document, accounts=["one", "two"]) == (["a", "c", "b"], "snapshot")


async def test_a_quarantine_goes_on_after_a_restart(house: House) -> None:
    document = await kept(house)
    catalog = await house.catalog({"accounts": ["one", "two"]}, ask=False)
    catalog.recall(document)
    assert catalog.listings["p"].missing == {"b": 600}
    await house.lists(catalog, "a", after_s=QUARANTINE_S)
    assert listed(catalog) == ["a", "c"]
    assert catalog.listings["p"].source == "upstream"


async def test_what_changed_while_the_gateway_was_down_is_drift(house: House) -> None:
    document = await kept(house)
    catalog = await house.catalog({"accounts": ["one", "two"]}, ask=False)
    catalog.recall(document)
    await house.lists(catalog, "a", "b", "new")
    assert catalog.listings["p"].drift.added == ("new",)


async def test_one_account_can_be_fresh_and_another_kept(house: House) -> None:
    document = await kept(house)
    house.lists_of["two"] = REFUSED
    catalog = await house.catalog({"accounts": ["one", "two"]}, ask=False)
    catalog.recall(document)
    await house.lists(catalog, "a")
    listing = catalog.listings["p"]
    assert (listing.source, listing.source_of("a"), listing.source_of("c")) == ("upstream", "upstream", "snapshot")


async def test_the_kept_list_of_an_account_that_is_gone_is_not_served(house: House) -> None:
    document = await kept(house)
    assert await restarted(house, document, accounts=["two", "three"]) == (["c"], "snapshot")


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda d: {}, id="empty"),
        pytest.param(lambda d: {"providers": []}, id="no mapping"),
        pytest.param(lambda d: {"providers": {"p": {"plugin": "listing"}}}, id="parts are missing"),
        pytest.param(lambda d: {"providers": {"p": d["providers"]["p"] | {"accounts": 7}}}, id="wrong type"),
        pytest.param(lambda d: {"providers": {"p": d["providers"]["p"] | {"plugin": "other"}}}, id="another plugin's"),
        pytest.param(lambda d: {"providers": {"p": d["providers"]["p"] | {"upstream": "0"}}}, id="another upstream's"),
    ],
)
async def test_a_document_that_does_not_fit_is_left_alone(house: House, spoil: object) -> None:
    document = spoil(await kept(house))  # type: ignore[operator]
    assert await restarted(house, document, accounts=["one"]) == (["known-good"], "fallback")


async def test_a_kept_list_never_replaces_a_fresh_one(house: House) -> None:
    document = await kept(house)
    house.lists_of["one"] = ["fresh"]
    catalog = await house.catalog({})
    catalog.recall(document)
    assert listed(catalog) == ["fresh"]


# -- a credential that is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [
        pytest.param(401, "auth_failed", "see to its credential", id="401"),
        pytest.param(403, "ready", "see to its rights", id="403"),
        pytest.param(500, "ready", "down", id="500"),
        pytest.param(429, "ready", "no", id="429"),
    ],
)
async def test_a_refusal_is_about_the_account_and_never_about_models(
    house: House, status: int, state: str, words: str
) -> None:
    house.lists_of["one"] = ["a", "b"]
    catalog = await house.catalog({})
    for _ in range(5):
        await house.lists(catalog, failing(status))
    assert listed(catalog) == ["a", "b"]
    assert not catalog.listings["p"].drift
    assert catalog.listings["p"].missing == {}
    assert words in catalog.listings["p"].problem
    assert house.health.account_state("p", "one") == state


@pytest.mark.parametrize("restart", [False, True], ids=["the same run", "another run"])
async def test_an_account_that_can_list_again_is_back(house: House, restart: bool) -> None:
    house.lists_of["one"] = SPENT
    catalog = await house.catalog({})
    assert house.health.account_state("p", "one") == "auth_failed"
    if restart:
        catalog = await house.catalog({}, ask=False)
    await house.lists(catalog, "a")
    assert house.health.account_state("p", "one") == "ready"


@pytest.mark.parametrize("lists", [["a"], SPENT], ids=["it could list all along", "then it could not list either"])
async def test_a_list_clears_nothing_that_a_request_found_out(house: House, lists: list[str] | Exception) -> None:
    house.lists_of["one"] = ["a"]
    catalog = await house.catalog({})
    house.health.failed("p", "one", "a", Verdict(Kind.LOGIN_REQUIRED))
    house.lists_of["one"] = lists
    await catalog.refresh()
    await house.lists(catalog, "a")
    assert house.health.account_state("p", "one") == "auth_failed"


async def test_the_operator_reads_where_the_refusal_came_from(house: House) -> None:
    house.lists_of["one"] = SPENT
    await house.catalog({})
    ((_, model, block),) = house.health.rows("p")
    assert (model, block.message) == ("*", "while its models were listed: no")

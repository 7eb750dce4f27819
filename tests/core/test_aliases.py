"""An upstream's other names for its models: resolved as ids are, listed nowhere, and never in another name's way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Account, Model, Text
from switchgear.catalog import Catalog
from switchgear.kept_lists import keep
from switchgear.listing import Listing
from tests.core.handmade import installed_as
from tests.core.houses import House, listed
from tests.counter import counter


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def where(catalog: Catalog, *names: str) -> list[str | None]:
    return [None if (target := catalog.find(name)) is None else target.models[0] for name in names]


async def test_an_alias_leads_where_the_id_does_with_the_prefix_and_without(house: House) -> None:
    house.models_of["one"] = [Model("big-v1", aliases=("big", "best"))]
    catalog = await house.catalog({"prefix": "w"})
    assert where(catalog, "w/big", "big", "w/best", "w/big-v1", "w/small") == [*["big-v1"] * 4, None]
    assert listed(catalog) == ["w/big-v1", "big-v1"]
    target = catalog.find("w/big-v1")
    assert target is not None
    assert target is catalog.find("best")
    assert catalog.aliases_of(target) == ["big", "best", "w/big", "w/best"]


async def test_with_force_prefix_it_needs_the_prefix_too(house: House) -> None:
    house.models_of["one"] = [Model("big-v1", aliases=("big",))]
    catalog = await house.catalog({"prefix": "w"}, force_prefix=True)
    assert where(catalog, "w/big", "big") == ["big-v1", None]


@pytest.mark.parametrize(
    ("models", "block", "name", "leads_to"),
    [
        pytest.param([Model("a", aliases=("b",)), Model("b")], {}, "b", "b", id="another's id"),
        pytest.param([Model("a", aliases=("x",)), Model("b", aliases=("x",))], {}, "x", "a", id="taken already"),
        pytest.param([Model("a", aliases=("",))], {"prefix": "w"}, "w/", None, id="an empty one"),
        pytest.param([Model("a", aliases=("x",))], {"excluded-models": ["x"]}, "x", None, id="hidden by its own name"),
        pytest.param([Model("a", aliases=("x",))], {"excluded-models": ["a"]}, "x", None, id="of a hidden model"),
        pytest.param(
            [Model("a", aliases=("x",))], {"models": [{"name": "a"}]}, "x", None, id="the operator names them"
        ),
        pytest.param(
            [Model("a", aliases=("x",))], {"models": [{"name": "b", "alias": "x"}]}, "x", "b", id="the operator's alias"
        ),
    ],
)
async def test_it_gives_way(
    house: House, models: list[Model], block: dict[str, Any], name: str, leads_to: str | None
) -> None:
    house.models_of["one"] = models
    assert where(await house.catalog(block), name) == [leads_to]


async def test_a_listed_name_of_a_later_entry_wins_over_an_alias_of_an_earlier_one(house: House) -> None:
    house.models_of |= {"one": [Model("a", aliases=("b",))], "two": [Model("b")]}
    catalog = await house.catalog({"name": "p", "prefix": "p"}, {"name": "q", "prefix": "q", "accounts": ["two"]})
    found = catalog.find("b")
    assert found is not None
    assert (found.entry.name, where(catalog, "p/b")) == ("q", ["a"])
    target = catalog.find("p/a")
    assert target is not None
    assert catalog.aliases_of(target) == ["p/b"]


names = st.sampled_from(["a", "b", "c", "d"])
models = st.lists(
    st.builds(lambda id_, aliases: Model(id_, aliases=tuple(aliases)), names, st.lists(names, max_size=3)),
    max_size=4,
    unique_by=lambda model: model.id,
)


@given(st.lists(models, min_size=1, max_size=3))
@settings(max_examples=40)
def test_aliases_change_nothing_of_what_is_listed(lists: Sequence[Sequence[Model]]) -> None:
    plain = [[Model(model.id) for model in each] for each in lists]
    assert _listed(lists) == _listed(plain)


def _listed(lists: Sequence[Sequence[Model]]) -> list[tuple[str, ...]]:
    found = []
    for each in lists:
        listing = Listing()
        listing.take({"one": each}, 0.0)
        listing.arrange(["one"], asks=True)
        found.append(tuple(model.name for model in listing.models))
    return found


async def test_kept_lists_have_them_and_drift_does_not(house: House) -> None:
    house.models_of["one"] = [Model("a", aliases=("x",))]
    catalog = await house.catalog({})
    document = catalog.document()
    later = await house.catalog({}, ask=False)
    later.recall(document)
    assert where(later, "x") == ["a"]
    house.models_of["one"] = [Model("a", aliases=("y",))]
    await catalog.refresh()
    assert not catalog.listings["p"].drift
    assert where(catalog, "x", "y") == [None, "a"]
    known = keep([(entry.provider, catalog.listings[entry.name]) for entry in catalog.entries])
    assert known != document


async def test_a_document_of_an_earlier_version_has_none(house: House) -> None:
    house.models_of["one"] = [Model("a", aliases=("x",))]
    document = (await house.catalog({})).document()
    [kept] = document["providers"]["p"]["accounts"].values()
    assert kept["infos"]["a"].pop("aliases")
    later = await house.catalog({}, ask=False)
    later.recall(document)
    assert where(later, "a", "x") == ["a", None]


async def test_clients_use_them_and_explain_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def load_accounts() -> list[Account]:
        return [Account("ada", label="ada")]

    async def list_models() -> list[Model]:
        return [Model("big-v1", aliases=("big",))]

    async def forward() -> Any:
        yield Text("Hi")

    hooks = {"load_accounts": load_accounts, "list_models": list_models, "forward": forward}
    async with counter(tmp_path, installed_as(monkeypatch, "named", **hooks), named=[{"prefix": "named"}]) as here:
        await here.running.service.list_models()
        for name in ("named/big", "big", "named/big-v1"):
            answer = await here.running.chat(name)
            assert (answer.status_code, answer.json()["model"]) == (200, name)
            one = await here.running.client.get(f"/v1/models/{name}")
            assert (one.status_code, one.json()["id"]) == (200, name)
        everything = [model["id"] for model in (await here.running.client.get("/v1/models")).json()["data"]]
        assert [name for name in everything if "big" in name] == ["named/big-v1", "big-v1"]
        explained = await here.json("explain", "big")
        assert (explained["id"], explained["aliases"]) == ("named/big-v1", ["big", "named/big"])
        assert "it is also reached as big, named/big" in await here.ok("explain", "named/big-v1")

"""Which models exist, under which names, and why one is missing; and the routes made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from switchgear import (
    Account,
    Failure,
    Kind,
    Model,
    Provider,
    ProviderInfo,
    ProviderSettings,
    UpstreamError,
    Verdict,
    hookimpl,
)
from switchgear.account_settings import AccountSettingsFolder
from switchgear.accounts import Entry
from switchgear.catalog import RELIST_ON_DEMAND_S, Catalog
from switchgear.errors import Refusal
from switchgear.health import Health
from switchgear.plugins import Plugins
from switchgear.routing import Router
from switchgear.upstream import UpstreamClients
from tests.stores import store


def everything(name: str) -> bool:
    return True


class House:
    """Providers whose lists a test can change. ``lists`` is by account id; an exception is raised."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lists: dict[str, Sequence[str] | Exception] = {}
        self.asked: list[str] = []
        self.now = 0.0
        self.health = Health(1, 600)
        self.plugins = Plugins()
        self.clients = UpstreamClients()
        module = ModuleType("listing")

        @hookimpl
        def provider_info() -> ProviderInfo:
            return ProviderInfo(dialects=("openai-chat",), fallback_models=(Model("known-good"),))

        @hookimpl
        async def list_models(account: Account) -> list[Model]:
            self.asked.append(account.id)
            found = self.lists.get(account.id, ())
            if isinstance(found, Exception):
                raise found
            return [Model(name) for name in found]

        @hookimpl
        async def load_accounts(provider: Provider) -> list[Account]:
            return [Account(name, label=name) for name in self.accounts[provider.name]]

        module.__dict__.update(provider_info=provider_info, list_models=list_models, load_accounts=load_accounts)
        self.plugins.register("listing", module)
        self.accounts: dict[str, list[str]] = {}

    async def catalog(self, *blocks: Mapping[str, Any], force_prefix: bool = False) -> Catalog:
        entries = []
        for block in blocks:
            fields = {key: value for key, value in block.items() if key != "accounts"}
            settings = ProviderSettings.model_validate(fields)
            name = settings.name or "p"
            self.accounts[name] = list(block.get("accounts", ["one"]))
            provider = Provider(name, "listing", settings.prefix or "", settings)
            info = self.plugins.info("listing")
            settings_folder = AccountSettingsFolder(self.folder, name)
            files = store(self.folder, name, "listing")
            entries.append(Entry(provider, info, self.plugins, files, settings_folder, self.clients, self.health))
            await entries[-1].load()
        catalog = Catalog(
            entries, self.plugins, force_prefix=force_prefix, wall=lambda: self.now, monotonic=lambda: self.now
        )
        await catalog.refresh()
        return catalog


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def listed(catalog: Catalog) -> list[str]:
    return [name for name, _ in catalog.names()]


REFUSED = UpstreamError(Failure("status", 503, message="down"))


async def test_without_models_the_upstreams_list_counts(house: House) -> None:
    house.lists["one"] = ["a", "b"]
    catalog = await house.catalog({"prefix": "w"})
    assert listed(catalog) == ["w/a", "w/b", "a", "b"]
    assert catalog.listings["p"].source == "upstream"


async def test_configured_models_win_and_nobody_is_asked(house: House) -> None:
    catalog = await house.catalog({"models": [{"name": "x", "alias": "y"}]})
    assert listed(catalog) == ["y"]
    assert house.asked == []


async def test_with_force_prefix_no_bare_name_is_listed(house: House) -> None:
    house.lists["one"] = ["a"]
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
    house.lists["one"] = ["a-preview", "b:free", "c"]
    catalog = await house.catalog({"excluded-models": patterns})
    assert listed(catalog) == names


async def test_the_last_good_list_stays_when_the_upstream_fails(house: House) -> None:
    house.lists["one"] = ["a"]
    catalog = await house.catalog({})
    house.lists["one"] = REFUSED
    await catalog.refresh()
    assert listed(catalog) == ["a"]
    assert "down" in catalog.listings["p"].problem


async def test_an_empty_list_is_not_a_failure(house: House) -> None:
    house.lists["one"] = ["a"]
    catalog = await house.catalog({})
    house.lists["one"] = []
    await catalog.refresh()
    assert listed(catalog) == []
    assert catalog.listings["p"].removed == 1


async def test_drift_is_counted(house: House) -> None:
    house.lists["one"] = ["a", "b"]
    catalog = await house.catalog({})
    assert (catalog.listings["p"].added, catalog.listings["p"].removed) == (0, 0)
    house.lists["one"] = ["b", "c", "d"]
    await catalog.refresh()
    assert (catalog.listings["p"].added, catalog.listings["p"].removed) == (2, 1)


async def test_before_the_first_list_the_fallback_models_serve(house: House) -> None:
    house.lists["one"] = REFUSED
    catalog = await house.catalog({})
    assert listed(catalog) == ["known-good"]
    assert catalog.listings["p"].source == "fallback"


async def test_a_list_that_failed_is_asked_for_again_on_demand_but_not_at_every_request(house: House) -> None:
    house.lists["one"] = REFUSED
    catalog = await house.catalog({})
    house.lists["one"] = ["late"]
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
    house.lists["one"] = ["a"]
    catalog = await house.catalog(block)
    assert any(words in reason for reason in catalog.why_missing(name))


async def test_why_a_bare_name_is_missing_with_force_prefix(house: House) -> None:
    house.lists["one"] = ["a"]
    catalog = await house.catalog({"prefix": "w"}, force_prefix=True)
    assert "force-model-prefix is on" in catalog.why_missing("a")[0]


# -- routes ------------------------------------------------------------------------------------------------------


def order(router: Router, name: str, allowed: Callable[[str], bool] = everything) -> list[tuple[str, str, str]]:
    route = router.route(name, "openai-chat", allowed)
    return [(c.entry.name, c.account, c.model) for c in route.eligible()]


async def test_an_account_is_asked_only_for_what_it_lists(house: House) -> None:
    house.lists = {"one": ["a"], "two": ["a", "b"]}
    catalog = await house.catalog({"accounts": ["one", "two"]})
    router = Router(catalog, house.health, "fill-first", {})
    assert order(router, "a") == [("p", "one", "a"), ("p", "two", "a")]
    assert order(router, "b") == [("p", "two", "b")]


async def test_fallbacks_follow_in_their_order_and_only_where_written(house: House) -> None:
    blocks = [{"name": n, "prefix": n, "models": [{"name": "m"}]} for n in ("a", "b", "c")]
    catalog = await house.catalog(*blocks)
    router = Router(catalog, house.health, "fill-first", {"a": ["c", "b"]})
    assert [name for name, _, _ in order(router, "a/m")] == ["a", "c", "b"]
    assert [name for name, _, _ in order(router, "b/m")] == ["b"]
    assert [name for name, _, _ in order(router, "a/m", lambda name: name != "c/m")] == ["a", "b"]


async def test_a_blocked_candidate_is_passed_over_with_its_reason(house: House) -> None:
    catalog = await house.catalog({"accounts": ["one", "two"], "models": [{"name": "m"}]})
    router = Router(catalog, house.health, "fill-first", {})
    house.health.failed("p", "one", "m", Verdict(Kind.RATE_LIMITED, retry_after=30))
    route = router.route("m", "openai-chat", everything)
    assert [c.account for c in route.eligible()] == ["two"]
    (passed,) = route.passed_over()
    assert (passed.candidate.account, passed.reason) == ("one", "rate_limited")
    assert passed.seconds == pytest.approx(30, abs=1)


async def test_who_is_out_of_scope_is_not_there(house: House) -> None:
    catalog = await house.catalog({"prefix": "w", "models": [{"name": "m"}]})
    router = Router(catalog, house.health, "fill-first", {})
    with pytest.raises(Refusal) as caught:
        router.route("w/m", "openai-chat", lambda name: False)
    assert caught.value.status == 404
    assert "w/m" not in caught.value.message.partition(";")[2]


async def test_a_dialect_that_nobody_speaks_is_said(house: House) -> None:
    catalog = await house.catalog({"models": [{"name": "m"}]})
    router = Router(catalog, house.health, "fill-first", {})
    with pytest.raises(Refusal) as caught:
        router.route("m", "openai-embeddings", everything)
    assert caught.value.code == "unsupported_dialect"

"""Loading and containing plugins (faults P1, P2, P3)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from switchgear import (
    Account,
    AttemptRecord,
    Failure,
    Kind,
    Model,
    PluginError,
    Provider,
    ProviderInfo,
    ProviderSettings,
    Text,
    UpstreamError,
    Verdict,
    hookimpl,
    loading,
)
from switchgear.loading import Installed
from switchgear.plugins import Plugins
from tests.stores import store

ACCOUNT = Account("me")


def provider(key: str) -> Provider:
    return Provider(name=key, key=key, prefix="", settings=ProviderSettings())


def plugin(**hooks: Callable[..., Any]) -> object:
    module = ModuleType("a_plugin")
    for name, function in hooks.items():
        setattr(module, name, hookimpl(function))
    return module


def loaded(**plugins: object) -> Plugins:
    result = Plugins()
    for name, module in plugins.items():
        result.register(name, module)
    return result


async def lists_one() -> list[Model]:
    return [Model("one")]


# -- what is refused -----------------------------------------------------------------------------------------


def bad_name() -> object:
    async def list_modles() -> None: ...

    return plugin(list_modles=list_modles)


def bad_argument() -> object:
    async def list_models(acount: Account) -> None: ...

    return plugin(list_models=list_models)


def plain_list() -> object:
    def list_models() -> list[Model]:
        return []

    return plugin(list_models=list_models)


def generator_list() -> object:
    async def list_models() -> AsyncIterator[Model]:
        yield Model("x")

    return plugin(list_models=list_models)


def plain_forward() -> object:
    def forward() -> None: ...

    return plugin(forward=forward)


def async_classify() -> object:
    async def classify_error(failure: Failure) -> None: ...

    return plugin(classify_error=classify_error)


def from_the_future() -> object:
    return plugin(provider_info=lambda: ProviderInfo(contract=(2, 3)))


def from_the_past() -> object:
    return plugin(provider_info=lambda: ProviderInfo(contract=(0, 0)))


def info_of_wrong_type() -> object:
    return plugin(provider_info=lambda: {"title": "x"})


def info_that_raises() -> object:
    def provider_info() -> ProviderInfo:
        raise RuntimeError("boom")

    return plugin(provider_info=provider_info)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(bad_name, "unknown hook 'list_modles'; did you mean 'list_models'?", id="unknown hook"),
        pytest.param(bad_argument, "unknown argument 'acount'; did you mean 'account'?", id="unknown argument"),
        pytest.param(plain_list, "must be a coroutine function", id="a plain function for a coroutine hook"),
        pytest.param(generator_list, "must be a coroutine function", id="a generator for a coroutine hook"),
        pytest.param(plain_forward, "must be 'async def'", id="a plain forward"),
        pytest.param(async_classify, "must be a plain function", id="a coroutine for a plain hook"),
        pytest.param(from_the_future, "update switchgear", id="made for a newer contract"),
        pytest.param(from_the_past, "update the plugin", id="made for an older contract"),
        pytest.param(info_of_wrong_type, "returned dict, not ProviderInfo", id="info of the wrong type"),
        pytest.param(info_that_raises, "raised RuntimeError: boom", id="info that raises"),
    ],
)
def test_a_plugin_that_breaks_the_contract_is_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(PluginError) as caught:
        loaded(bad=make())
    assert words in str(caught.value)


def installed(name: str, *values: str) -> dict[str, Installed]:
    points = tuple(EntryPoint(name, value, "switchgear") for value in values)
    return {name: Installed(name, "dist", "1", points)}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Writes an importable module and gives its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return write


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param("import not_installed_anywhere", "ModuleNotFoundError", id="a missing dependency"),
        pytest.param("raise ValueError('no')", "ValueError: no", id="raises"),
        pytest.param("raise SystemExit(3)", "SystemExit", id="exits"),
        pytest.param("def (", "SyntaxError", id="no Python"),
    ],
)
def test_a_broken_import_harms_nobody_else(module: Callable[[str, str], str], source: str, words: str) -> None:
    good = module("good_one", "from switchgear import hookimpl\n@hookimpl\nasync def list_models():\n    return []\n")
    available = installed("good", good) | installed("bad", module("bad_one", source))
    plugins = Plugins.load({"good", "bad"}, available)
    assert plugins.statuses["bad"].state == "broken"
    assert words in plugins.statuses["bad"].problem
    assert plugins.statuses["good"].state == "active"
    assert "bad" not in plugins


def test_an_import_that_hangs_is_given_up(module: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "IMPORT_LIMIT_S", 0.05)
    source = "import threading\nHOLD = threading.Event()\nHOLD.wait(5)\n"
    plugins = Plugins.load({"slow"}, installed("slow", module("slow_one", source)))
    assert "did not end within" in plugins.statuses["slow"].problem
    sys.modules["slow_one"].HOLD.set()


def test_two_plugins_of_one_name_are_both_refused(module: Callable[[str, str], str]) -> None:
    first, second = module("first_one", ""), module("second_one", "")
    plugins = Plugins.load({"twin"}, installed("twin", first, second))
    assert "claimed twice" in plugins.statuses["twin"].problem


def test_a_plugin_that_is_not_configured_is_not_imported(module: Callable[[str, str], str]) -> None:
    name = module("never_imported", "raise RuntimeError('imported')")
    plugins = Plugins.load((), installed("idle", name))
    assert plugins.statuses["idle"].state == "not configured"
    assert name not in sys.modules


# -- targeted calls ------------------------------------------------------------------------------------------


async def test_a_hook_reaches_its_own_plugin_only() -> None:
    seen: list[str] = []

    def spy(name: str) -> object:
        async def list_models(account: Account) -> list[Model]:
            seen.append(name)
            return [Model(name)]

        return plugin(list_models=list_models)

    plugins = loaded(a=spy("a"), b=spy("b"))
    models = await plugins.list_models(provider("a"), ACCOUNT, None)  # type: ignore[arg-type]
    assert models == [Model("a")]
    assert seen == ["a"]


def test_a_store_holds_its_own_providers_accounts_only(tmp_path: Path) -> None:
    async def save_both() -> tuple[list[Account], list[Account]]:
        mine, other = store(tmp_path / "auth", "mine"), store(tmp_path / "auth", "mine-too")
        await mine.save(Account("me@x", label="me"))
        await other.save(Account("you@x", label="you"))
        return mine.load(), other.load()

    mine, other = asyncio.run(save_both())
    assert [account.id for account in mine] == ["me@x"]
    assert [account.id for account in other] == ["you@x"]


async def test_a_wrapper_goes_around_every_provider() -> None:
    @hookimpl(wrapper=True)
    def forward() -> Any:
        events = yield

        async def shouted() -> AsyncIterator[Text]:
            async for event in events:
                yield Text(event.text.upper())

        return shouted()

    async def speak() -> AsyncIterator[Text]:
        yield Text("hi")

    loud = ModuleType("loud")
    setattr(loud, "forward", forward)  # noqa: B010 - a module made by hand
    plugins = loaded(a=plugin(forward=speak), loud=loud)
    events = await plugins.forward(provider("a"), None, ACCOUNT, None)  # type: ignore[arg-type]
    assert not hasattr(events, "status")
    assert [event async for event in events] == [Text("HI")]


RECORD = AttemptRecord("r", "p", "a", "m", 1, 200, None, 1.0, 1.0, None, None)


def test_an_observer_that_raises_harms_no_other() -> None:
    seen: list[AttemptRecord] = []

    def bad(record: AttemptRecord) -> None:
        raise RuntimeError("observer")

    plugins = loaded(bad=plugin(attempt_finished=bad), good=plugin(attempt_finished=lambda record: seen.append(record)))
    plugins.attempt_finished(RECORD)
    assert seen == [RECORD]
    assert plugins.errors["bad", "attempt_finished"] == 1


# -- what a hook may do wrong ----------------------------------------------------------------------------------


async def returns_text() -> str:
    return "one"


async def returns_texts() -> list[str]:
    return ["one"]


async def returns_none() -> None:
    return None


async def raises() -> list[Model]:
    raise RuntimeError("boom")


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        pytest.param(returns_text, "returned str, not a list of Model", id="a text for a list"),
        pytest.param(returns_texts, "returned str, not Model", id="a list of texts"),
        pytest.param(returns_none, "returned NoneType", id="nothing"),
        pytest.param(raises, "raised RuntimeError: boom", id="an exception"),
    ],
)
async def test_a_bad_result_is_named(hook: Callable[..., Any], words: str) -> None:
    plugins = loaded(bad=plugin(list_models=hook))
    with pytest.raises(PluginError) as caught:
        await plugins.list_models(provider("bad"), ACCOUNT, None)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert "'bad'" in str(caught.value)


async def test_a_hook_that_never_returns_is_given_up() -> None:
    async def list_models() -> list[Model]:
        await asyncio.Event().wait()
        return []

    plugins = Plugins(hook_limit_s=0.01)
    plugins.register("bad", plugin(list_models=list_models))
    with pytest.raises(PluginError, match="did not return within"):
        await plugins.list_models(provider("bad"), ACCOUNT, None)  # type: ignore[arg-type]


async def test_the_contracts_own_errors_pass() -> None:
    async def list_models() -> list[Model]:
        raise UpstreamError(Failure("status", 503))

    with pytest.raises(UpstreamError):
        await loaded(a=plugin(list_models=list_models)).list_models(provider("a"), ACCOUNT, None)  # type: ignore[arg-type]


def test_a_classifier_that_fails_leaves_it_to_core() -> None:
    def classify_error(failure: Failure) -> Verdict:
        raise KeyError("code")

    assert (
        loaded(bad=plugin(classify_error=classify_error)).classify_error(provider("bad"), Failure("status", 500))
        is None
    )


def test_a_classifier_is_heard() -> None:
    plugins = loaded(a=plugin(classify_error=lambda failure: Verdict(Kind.SUSPENDED)))
    assert plugins.classify_error(provider("a"), Failure("status", 403)) == Verdict(Kind.SUSPENDED)


async def test_without_load_accounts_there_is_one_anonymous_account(tmp_path: Path) -> None:
    plugins = loaded(a=plugin(list_models=lists_one))
    found = await plugins.load_accounts(provider("a"), store(tmp_path, "a"))
    assert [account.id for account in found] == ["anonymous"]

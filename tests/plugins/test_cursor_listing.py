"""Cursor's models: which are listed, under which names, and what the wire is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Conversation, Message, ReasoningOptions, Text, UpstreamError
from switchgear_cursor import listing
from switchgear_cursor.catalogue import Catalogue, Picked
from switchgear_cursor.fake.lists import AVAILABLE, USABLE, row, usable, variant
from switchgear_cursor.fake.refusals import NOT_LOGGED_IN, Refusal
from switchgear_cursor.models import catalogue_of
from switchgear_cursor.run_request import ModelChoice
from tests.plugins.cursor_desk import Desk, desk

ASKED = Conversation((Message("user", (Text("Hello"),)),))
OPUS = "claude-opus-5-5"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return catalogue_of({"models": USABLE}, {"models": AVAILABLE})


def thinking(effort: str | None = None, *, enabled: bool | None = None, tier: str | None = None) -> Conversation:
    return Conversation(ASKED.messages, reasoning=ReasoningOptions(enabled, effort), service_tier=tier)


# -- the list ------------------------------------------------------------------------------------------------


async def test_what_the_account_may_call_is_listed(here: Desk) -> None:
    models = {model.id: model for model in await listing.list_all(here.settings, here.account(), here.client)}
    assert list(models) == [
        "default",
        "composer-2.5",
        *(f"{OPUS}-{effort}" for effort in ("low", "medium", "high", "high-fast", "max")),
        "gpt-5.6-sol-medium",
        "kimi-k3-low",
    ]
    assert models["composer-2.5"].display_name == "Composer 2.5"
    sizes = {id_: models[id_].context_length for id_ in ("default", "composer-2.5", f"{OPUS}-low", f"{OPUS}-max")}
    assert sizes == {"default": None, "composer-2.5": 200_000, f"{OPUS}-low": 200_000, f"{OPUS}-max": 1_000_000}
    assert models["default"].aliases == ("auto",)
    assert models[f"{OPUS}-max"].aliases == ("opus-max",)
    assert models[f"{OPUS}-medium"].aliases == (OPUS, "claude-5.5-opus", "opus")
    assert here.bodies("/GetUsableModels") == [{}]
    assert here.bodies("/AvailableModels") == [{"useModelParameters": True, "doNotUseMarkdown": True}]


async def test_without_the_picker_the_ids_are_enough(here: Desk) -> None:
    here.services.lists.refusals["AvailableModels"] = [Refusal("internal")]
    account = here.account()
    models = await listing.list_all(here.settings, account, here.client)
    assert f"{OPUS}-high" in {model.id for model in models}
    picked = here.settings.memory.of(account.id).catalogue.pick(f"{OPUS}-max", ASKED)
    assert picked.choices == (ModelChoice(f"{OPUS}-max", max_mode=True),)


async def test_a_refused_list_is_a_failure_and_the_last_one_stays(here: Desk) -> None:
    account = here.account()
    await listing.list_all(here.settings, account, here.client)
    here.services.lists.refusals["GetUsableModels"] = [NOT_LOGGED_IN]
    with pytest.raises(UpstreamError) as caught:
        await listing.list_all(here.settings, account, here.client)
    assert caught.value.failure.status == 401
    assert here.settings.memory.of(account.id).catalogue.listed


@pytest.mark.parametrize("models", [[], [{"displayName": "nameless"}]], ids=["empty", "nothing in it has an id"])
async def test_an_empty_list_is_a_failure(here: Desk, models: list[Any]) -> None:
    here.services.lists.usable = models
    with pytest.raises(UpstreamError, match="empty"):
        await listing.list_all(here.settings, here.account(), here.client)


async def test_an_answer_that_is_no_list_is_a_failure(here: Desk) -> None:
    here.services.lists.usable = {"not": "a list"}  # type: ignore[assignment]
    with pytest.raises(UpstreamError, match="no list"):
        await listing.list_all(here.settings, here.account(), here.client)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["x", OPUS, ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "modelId",
                    "name",
                    "aliases",
                    "variants",
                    "parameterValues",
                    "id",
                    "value",
                    "legacySlug",
                    "legacySlugs",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(JSON, max_size=4), st.lists(JSON, max_size=4))
def test_nothing_in_the_lists_breaks_the_reading(models: list[Any], rows: list[Any]) -> None:
    found = catalogue_of({"models": models}, {"models": rows})
    assert all(listed.choices[0].model_id == id_ for id_, listed in found.listed.items())


# -- what is asked for ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "choices"),
    [
        pytest.param("composer-2.5", [ModelChoice("composer-2.5")], id="a model without variants"),
        pytest.param(
            f"{OPUS}-high",
            [ModelChoice(name, (("effort", "high"), ("fast", "false"))) for name in (f"{OPUS}-high", OPUS)],
            id="a variant, then its row with the same parameters",
        ),
        pytest.param(
            f"{OPUS}-max",
            [
                ModelChoice(name, (("effort", "high"), ("fast", "false"), ("context", "1m")), max_mode=True)
                for name in (f"{OPUS}-max", OPUS)
            ],
            id="a variant in Max Mode",
        ),
        pytest.param(
            "gpt-5.6-sol-medium",
            [
                ModelChoice(name, (("reasoning", "medium"),), max_mode=True)
                for name in ("gpt-5.6-sol-medium", "gpt-5.6-sol")
            ],
            id="a row that knows nothing but Max Mode",
        ),
        pytest.param("kimi-k3-low", [ModelChoice("kimi-k3-low")], id="a model without a row"),
        pytest.param("made-up", [ModelChoice("made-up")], id="a model that is not listed"),
    ],
)
def test_a_model_is_asked_for_in_the_services_own_words(
    catalogue: Catalogue, model: str, choices: list[ModelChoice]
) -> None:
    picked = catalogue.pick(model, ASKED)
    assert list(picked.choices) == choices
    assert picked.not_kept == ()


@pytest.mark.parametrize(
    ("model", "conversation", "asked", "not_kept"),
    [
        pytest.param(f"{OPUS}-medium", thinking("high"), f"{OPUS}-high", (), id="more"),
        pytest.param(f"{OPUS}-medium", thinking("minimal"), f"{OPUS}-low", (), id="the nearest below"),
        pytest.param(f"{OPUS}-low", thinking("max"), f"{OPUS}-high", (), id="the nearest above"),
        pytest.param(f"{OPUS}-high", thinking(enabled=False), f"{OPUS}-low", (), id="as little as there is"),
        pytest.param(f"{OPUS}-medium", thinking(enabled=True), f"{OPUS}-medium", (), id="as it does by itself"),
        pytest.param(f"{OPUS}-high-fast", thinking("low"), f"{OPUS}-high-fast", (), id="fast has one only"),
        pytest.param(f"{OPUS}-max", thinking("low"), f"{OPUS}-max", (), id="Max Mode is not left"),
        pytest.param(f"{OPUS}-high", thinking(tier="priority"), f"{OPUS}-high-fast", (), id="faster"),
        pytest.param(f"{OPUS}-low", thinking("high", tier="priority"), f"{OPUS}-high-fast", (), id="more, and faster"),
        pytest.param(f"{OPUS}-low", thinking(tier="priority"), f"{OPUS}-low", ("service_tier",), id="none is faster"),
        pytest.param(f"{OPUS}-low", thinking(tier="flex"), f"{OPUS}-low", ("service_tier",), id="slower"),
        pytest.param(f"{OPUS}-low", thinking(tier="auto"), f"{OPUS}-low", (), id="as fast as it is"),
        pytest.param("composer-2.5", thinking("high"), "composer-2.5", ("reasoning.effort",), id="no variants"),
        pytest.param(f"{OPUS}-medium", thinking("lots"), f"{OPUS}-medium", ("reasoning.effort",), id="no such effort"),
        pytest.param(
            "made-up", thinking("high", tier="flex"), "made-up", ("reasoning.effort", "service_tier"), id="not listed"
        ),
    ],
)
def test_effort_and_tier_choose_among_the_variants(
    catalogue: Catalogue, model: str, conversation: Conversation, asked: str, not_kept: tuple[str, ...]
) -> None:
    picked = catalogue.pick(model, conversation)
    assert (picked.choices[0].model_id, picked.not_kept) == (asked, not_kept)


def test_thinking_is_switched_off_where_that_is_a_variant_of_its_own() -> None:
    models = [usable("sonnet-thinking"), usable("sonnet")]
    rows = [row("sonnet-5", "Sonnet", variant("sonnet-thinking", thinking="true"), variant("sonnet", thinking="false"))]
    found = catalogue_of({"models": models}, {"models": rows})
    picked = found.pick("sonnet-thinking", thinking(enabled=False))
    assert picked == Picked(found.listed["sonnet"].choices, 200_000)
    assert found.pick("sonnet-thinking", thinking("high")).not_kept == ("reasoning.effort",)


def test_a_spelling_of_its_own_is_the_same_effort() -> None:
    models = [usable("m-high"), usable("m-xhigh")]
    rows = [
        row(
            "m",
            "M",
            *(variant(f"m-{slug}", effort=value) for slug, value in (("high", "high"), ("xhigh", "extra-high"))),
        )
    ]
    found = catalogue_of({"models": models}, {"models": rows})
    assert found.pick("m-high", thinking("xhigh")).choices[0].model_id == "m-xhigh"


def test_what_a_row_hides_is_not_listed() -> None:
    flags: list[dict[str, Any]] = [{"supportsAgent": False}, {"isHidden": True}, {"isChatOnly": True}]
    names = [f"m{number}" for number in range(len(flags))]
    rows = [row(name, name, **more) for name, more in zip(names, flags, strict=True)]
    assert catalogue_of({"models": [usable(name) for name in names]}, {"models": rows}).listed == {}

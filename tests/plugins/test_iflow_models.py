"""iflow's models: what is listed for whom, and which one answers for a name that stands for several."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from switchgear import Account, Secret, UpstreamError
from switchgear_iflow.accounts import API_KEY, METHOD, key_account
from switchgear_iflow.memory import REFUSED_S, ModelMemory
from switchgear_iflow.models import ALIASES, LIBRARY, MENU, Alias, candidates, known_ids, model
from switchgear_iflow.plugin import classify_error, provider_info
from tests.plugins.iflow_service import service

PLAIN = key_account(Secret("sk-plain-0001"))
SIGNED_IN = Account("user:1", secrets={API_KEY: Secret("sk-signed-0001")}, details={METHOD: "oauth"})


# -- lists ---------------------------------------------------------------------------------------------------


def test_a_plain_key_has_the_library_and_a_sign_in_the_menu_too() -> None:
    assert known_ids(PLAIN) == list(LIBRARY)
    assert known_ids(SIGNED_IN)[: len(MENU)] == list(MENU)
    assert len({id_.casefold() for id_ in known_ids(SIGNED_IN)}) == len(known_ids(SIGNED_IN))


@pytest.mark.parametrize(
    ("id_", "context", "output"),
    [
        ("glm-5", 170_000, 32_000),
        ("glm-4.7", 200_000, 32_000),
        ("glm-4.6", 200_000, 32_000),
        ("minimax-m2.5", 128_000, 64_000),
        ("kimi-k2.5", 262_144, 32_768),
        ("kimi-k2-0905", 256_000, 32_000),
        ("kimi-k2-thinking", 256_000, 32_000),
        ("kimi-k2", 128_000, 8_000),
        ("iFlow-ROME-30BA3B", 256_000, 64_000),
        ("deepseek-v3.2", 128_000, 8_000),
        ("deepseek-v3.2-reasoner", 128_000, 64_000),
        ("qwen3-coder-plus", 256_000, 64_000),
        ("qwen3-max-preview", 256_000, 32_000),
        ("unheard-of", 128_000, 8_000),
    ],
)
def test_limits(id_: str, context: int, output: int) -> None:
    found = model(id_)
    assert (found.id, found.context_length, found.max_output_tokens) == (id_, context, output)


def test_the_fallback_list_is_the_library_and_the_aliases() -> None:
    assert [one.id for one in provider_info().fallback_models] == [*LIBRARY, "iflow-glm", "iflow-minimax"]


async def test_nothing_is_asked_unless_the_operator_wants_it(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        assert await iflow.models(iflow.key()) == [*LIBRARY, "iflow-glm", "iflow-minimax"]
        assert list(iflow.fake.server.requests) == []


@pytest.mark.parametrize(
    ("listed", "more"),
    [
        pytest.param((200, json.dumps({"data": [{"id": "new-1"}, {"id": "GLM-4.6"}]})), ["new-1"], id="a list"),
        pytest.param((404, "<html>"), [], id="404"),
        pytest.param((405, ""), [], id="405"),
        pytest.param((200, "<html>"), [], id="a page"),
        pytest.param((200, '{"data": []}'), [], id="empty"),
        pytest.param((200, '{"data": null}'), [], id="null"),
        pytest.param((200, '{"status": "500", "msg": "no"}'), [], id="an error in it"),
        pytest.param((401, "{}"), [], id="401, while chat works"),
        pytest.param((403, "{}"), [], id="403, while chat works"),
        pytest.param((200, '{"data": [{"id": ""}, {"id": 7}, 8, {"id": "a b"}]}'), [], id="odd ids"),
    ],
)
async def test_a_list_that_may_be_had(tmp_path: Path, listed: tuple[int, str], more: list[str]) -> None:
    async with service(tmp_path, ask_for_models=True) as iflow:
        iflow.fake.chat.listed = listed
        assert await iflow.models(iflow.key()) == [*LIBRARY, *more, "iflow-glm", "iflow-minimax"]


async def test_a_missing_list_is_said_once(tmp_path: Path, log_output: pytest.CaptureFixture[str]) -> None:
    async with service(tmp_path, ask_for_models=True) as iflow:
        await iflow.models(iflow.key("ada"))
        await iflow.models(iflow.key("ben"))
    assert log_output.readouterr().err.count("no_model_list") == 1


async def test_a_service_that_fails_raises(tmp_path: Path) -> None:
    async with service(tmp_path, ask_for_models=True) as iflow:
        iflow.fake.chat.listed = (503, "{}")
        with pytest.raises(UpstreamError):
            await iflow.models(iflow.key())


async def test_each_account_has_its_own_list(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        ada, ben = iflow.key("ada"), iflow.key("ben")
        assert await iflow.kind(ada, "deepseek-r1") == "model_not_found"
        assert "deepseek-r1" not in await iflow.models(ada)
        assert "deepseek-r1" in await iflow.models(ben)


async def test_an_alias_without_a_model_is_not_listed(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        account = iflow.key()
        with pytest.raises(UpstreamError):
            await iflow.answer(account, "iflow-minimax")
        assert "iflow-minimax" not in await iflow.models(account)
        assert "iflow-glm" in await iflow.models(account)


# -- which one is asked --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "served", "refused", "expected"),
    [
        pytest.param("iflow-glm", [], [], ["glm-4.6", "glm-4.7", "glm-5"], id="safest first"),
        pytest.param("glm", [], [], ["glm-4.6", "glm-4.7", "glm-5"], id="by its short name"),
        pytest.param("IFLOW-GLM", [], [], ["glm-4.6", "glm-4.7", "glm-5"], id="in capitals"),
        pytest.param("iflow-glm", ["glm-5"], [], ["glm-5", "glm-4.6", "glm-4.7"], id="newest first once served"),
        pytest.param("iflow-glm", ["glm-4.7", "glm-5"], [], ["glm-5", "glm-4.7", "glm-4.6"], id="newest of two"),
        pytest.param("iflow-glm", [], ["glm-4.6"], ["glm-4.7", "glm-5"], id="without what was refused"),
        pytest.param("iflow-glm", ["glm-5"], ["glm-5"], ["glm-4.6", "glm-4.7"], id="served once, refused since"),
        pytest.param("iflow-glm", [], ["glm-4.6", "glm-4.7", "glm-5"], [], id="nothing left"),
        pytest.param("iflow-minimax", [], [], ["minimax-m2.5", "minimax-m2.1", "minimax-m2"], id="minimax"),
        pytest.param("minimax", [], ["minimax-m2.5"], ["minimax-m2.1", "minimax-m2"], id="the next minimax"),
        pytest.param("glm-4.6", [], [], ["glm-4.6", "glm-4.6-exp"], id="renamed"),
        pytest.param("deepseek-v3.2", [], ["deepseek-v3.2"], ["deepseek-v3.2-chat"], id="renamed, the other way"),
        pytest.param("glm-4.6", [], ["glm-4.6", "glm-4.6-exp"], ["glm-4.6"], id="asked by its own name"),
        pytest.param("Kimi-K2", [], [], ["kimi-k2"], id="the upstream's spelling"),
        pytest.param("iFlow-ROME-30BA3B", [], [], ["iflow-rome-30ba3b"], id="the library's spelling"),
        pytest.param("unheard-of", [], ["unheard-of"], ["unheard-of"], id="unknown"),
    ],
)
def test_candidates(wanted: str, served: list[str], refused: list[str], expected: list[str]) -> None:
    memory = ModelMemory()
    for id_ in served:
        memory.served(PLAIN, id_)
    for id_ in refused:
        memory.refused(PLAIN, id_)
    assert candidates(wanted, PLAIN, memory, ALIASES) == expected


def test_the_menus_spelling_for_those_who_signed_in() -> None:
    assert candidates("iflow-rome-30ba3b", SIGNED_IN, ModelMemory(), {}) == ["iFlow-ROME-30BA3B"]


def test_the_operators_aliases() -> None:
    assert candidates("best", PLAIN, ModelMemory(), {"best": Alias(("a", "b"))}) == ["a", "b"]


def test_a_refusal_is_forgotten_after_six_hours_and_with_the_key() -> None:
    now = 100.0
    memory = ModelMemory(lambda: now)
    memory.refused(PLAIN, "GLM-5")
    assert memory.is_refused(PLAIN, "glm-5")
    assert not memory.is_refused(SIGNED_IN, "glm-5")
    now += REFUSED_S - 1
    assert memory.is_refused(PLAIN, "glm-5")
    now += 1
    assert not memory.is_refused(PLAIN, "glm-5")
    memory.refused(PLAIN, "glm-5")
    assert not memory.is_refused(replace(PLAIN, secrets={API_KEY: Secret("sk-another")}), "glm-5")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_the_next_one_answers_and_the_log_says_which(
    tmp_path: Path, stream: bool, log_output: pytest.CaptureFixture[str]
) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.chat.served -= {"glm-4.6"}  # 435
        iflow.fake.chat.cli_only = {"glm-4.7"}  # 406
        iflow.fake.chat.served.add("glm-5")
        account = iflow.key()
        assert (await iflow.answer(account, "iflow-glm", stream=stream))[0] == 200
        asked = [json.loads(one.body)["model"] for one in iflow.fake.server.requests]
        assert asked == ["glm-4.6", "glm-4.7", "glm-5"]
        await iflow.answer(account, "iflow-glm", stream=stream)
        assert json.loads(iflow.fake.server.requests[-1].body)["model"] == "glm-5"
        assert len(iflow.fake.server.requests) == 4
    lines = [json.loads(line) for line in log_output.readouterr().err.splitlines() if '"asked"' in line]
    assert [(line["model"], line["sent_model"], line["refused"]) for line in lines] == [
        ("iflow-glm", "glm-4.6", True),
        ("iflow-glm", "glm-4.7", True),
        ("iflow-glm", "glm-5", False),
        ("iflow-glm", "glm-5", False),
    ]
    assert {line["trace"] for line in lines if not line["refused"]} == {"0a1b2c3d4e5f"}


@pytest.mark.parametrize("fault", ["suspended", "rate_limited", "server_error", "overloaded", "invalid_request", "cut"])
async def test_only_a_refused_model_makes_the_next_ones_turn(tmp_path: Path, fault: str) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.fail(fault)
        await iflow.kind(iflow.key(), "iflow-glm", stream=True)
        assert len(iflow.fake.server.requests) == 1


async def test_when_all_are_refused_the_last_refusal_is_told_and_then_nothing_is_asked(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.chat.served -= {"glm-4.6"}
        account = iflow.key()
        assert await iflow.kind(account, "iflow-glm") == "forbidden"  # glm-5 is for the vendor's client only
        assert len(iflow.fake.server.requests) == 3
        with pytest.raises(UpstreamError, match="iflow-glm") as caught:
            await iflow.answer(account, "iflow-glm")
        assert classify_error(caught.value.failure).kind == "model_not_found"
        assert len(iflow.fake.server.requests) == 3

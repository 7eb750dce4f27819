"""The model list and the credit, from a fake proxy and app on a real socket."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from switchgear import LoginRequired, Model, UpstreamError
from switchgear_roo import plugin
from switchgear_roo.fake.answers import ALWAYS, MODELS, PLAIN, THINKER
from switchgear_roo.models import ModelBook, listed_in
from switchgear_roo.reasoning import UNKNOWN, Thinking
from tests.plugins.roo_service import Roo, roo, static_account


async def models(service: Roo) -> list[Model]:
    account = static_account(service.fake.people.static_key("ada"))
    found: list[Model] = await plugin.list_models(service.provider, account, service.client)
    return found


async def test_language_models_that_are_not_deprecated(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        found = await models(service)
        assert [model.id for model in found] == [PLAIN, THINKER, ALWAYS]
        assert found[0] == Model(
            PLAIN,
            display_name=PLAIN.title(),
            owned_by="deepseek",
            created=None,
            context_length=262_144,
            max_output_tokens=16_384,
        )
        key = service.fake.people.static_key("ada")
        assert service.fake.server.requests[-1].headers["authorization"] == f"Bearer {key}"


def row(**fields: Any) -> dict[str, Any]:
    return {"id": "a/b", "type": "language", **fields}


@pytest.mark.parametrize(
    ("fields", "thinking"),
    [
        pytest.param({}, UNKNOWN, id="no tags"),
        pytest.param({"tags": ["vision", "of-tomorrow"]}, UNKNOWN, id="other tags"),
        pytest.param({"tags": ["reasoning"]}, Thinking(True), id="reasoning"),
        pytest.param({"tags": ["reasoning-required"]}, Thinking(True, True), id="required alone"),
        pytest.param({"tags": "reasoning"}, UNKNOWN, id="odd tags"),
        pytest.param({"tags": [7, None, "reasoning"]}, Thinking(True), id="an odd tag"),
        pytest.param({"settings": {"reasoningEffort": "high"}}, UNKNOWN, id="the editor's settings"),
    ],
)
def test_tags_say_what_a_model_can_be_told(fields: dict[str, Any], thinking: Thinking) -> None:
    [listed] = listed_in({"data": [row(**fields)]})
    assert listed.thinking == thinking


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param("text", id="no object"),
        pytest.param({"id": "a/c"}, id="no type"),
        pytest.param(row(id="a/c", type="image"), id="an image model"),
        pytest.param(row(id=""), id="no name"),
        pytest.param(row(id=7), id="a number"),
        pytest.param(row(id="a c"), id="a space"),
        pytest.param(row(id="x" * 257), id="too long"),
    ],
)
def test_an_odd_row_costs_itself(odd: object) -> None:
    assert [listed.model.id for listed in listed_in({"data": [odd, row()]})] == ["a/b"]


def test_odd_numbers_are_not_known() -> None:
    [listed] = listed_in({"data": [row(context_window="big", max_tokens=-1, created=True, owned_by=3, name="a/b")]})
    assert listed.model == Model("a/b")


def test_a_name_twice_is_one_model() -> None:
    assert len(listed_in({"data": [*MODELS, *MODELS]})) == 4


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        pytest.param(200, {"object": "list"}, "no list of models", id="no data"),
        pytest.param(200, [], "no list of models", id="a bare list"),
        pytest.param(200, b"<html>", "no list of models", id="a page"),
        pytest.param(500, {}, "HTTP 500", id="a failure"),
        pytest.param(410, b"we also ended the Roo Code Router", "the service has ended", id="the end"),
        pytest.param(200, b"We ended the Roo Code Router", "the service has ended", id="the end, with status 200"),
    ],
)
async def test_no_list_is_a_failure_and_never_empty(tmp_path: Path, status: int, body: object, said: str) -> None:
    async with roo(tmp_path) as service:
        service.fake.script("models", status, body)
        with pytest.raises(UpstreamError, match=said):
            await models(service)


async def test_an_empty_list_is_empty(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        service.fake.script("models", 200, {"object": "list", "data": []})
        assert await models(service) == []


def test_there_is_no_list_to_fall_back_to() -> None:
    info = plugin.provider_info()
    assert info.fallback_models == ()
    assert "2026-05-15" in str(info.retired)


def test_the_book_keeps_what_other_accounts_were_shown() -> None:
    book = ModelBook()
    assert book.wants_list
    book.take(listed_in({"data": [row(tags=["reasoning"])]}))
    book.take(listed_in({"data": [row(id="a/c", tags=["reasoning-required"])]}))
    assert (book.thinking("a/b"), book.thinking("a/c")) == (Thinking(True), Thinking(True, True))
    assert book.thinking("a/d") == UNKNOWN
    assert not book.wants_list


# -- credit ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        pytest.param({"balance": 12.5}, 12.5, id="some"),
        pytest.param({"balance": 0}, 0.0, id="none"),
        pytest.param({"balance": -3}, 0.0, id="overdrawn"),
        pytest.param({"balance": "12.5"}, None, id="a text"),
        pytest.param({"balance": True}, None, id="a truth"),
        pytest.param({}, None, id="nothing"),
        pytest.param([], None, id="a list"),
    ],
)
async def test_the_credit_that_is_left(tmp_path: Path, answer: object, left: float | None) -> None:
    async with roo(tmp_path) as service:
        service.fake.balance = answer
        account = static_account(service.fake.people.static_key("ada"))
        [quota] = await plugin.read_quota(service.provider, account, service.client)
        assert (quota.unit, quota.limit, quota.source) == ("USD", left, "reported")
        assert quota.used == (None if left is None else 0.0)
        assert quota.observed_at == pytest.approx(time.time(), abs=5)


@pytest.mark.parametrize(("status", "body"), [(404, b""), (500, {}), (200, b"<html>"), (302, b"")])
async def test_credit_that_is_not_told_is_unknown(tmp_path: Path, status: int, body: object) -> None:
    async with roo(tmp_path) as service:
        service.fake.script("credit-balance", status, body)
        account = static_account(service.fake.people.static_key("ada"))
        [quota] = await plugin.read_quota(service.provider, account, service.client)
        assert (quota.limit, quota.used) == (None, None)


async def test_credit_that_is_refused_is_a_failure(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        with pytest.raises(UpstreamError) as caught:
            await plugin.read_quota(service.provider, static_account("unknown-key-1"), service.client)
        assert caught.value.failure.status == 401
        assert plugin.classify_error(service.provider, caught.value.failure).kind == "token_expired"


async def test_a_session_that_is_over_has_no_list(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        account = await service.sign_in()
        service.fake.revoke()
        with pytest.raises(LoginRequired):
            await plugin.list_models(service.provider, account, service.client)

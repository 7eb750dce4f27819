"""Asking upstreams for their models, and a base URL without a path."""

from __future__ import annotations

import json

import pytest

from switchgear import Failure, Kind
from switchgear.testing import PERSONALITIES, FakeOpenAI, Turn, answer_with
from switchgear_openai_compatibility import plugin
from tests.plugins.openai_upstreams import KEY, upstream


@pytest.mark.parametrize("personality", [p.name for p in PERSONALITIES if p.name != "azure"])
async def test_lists_of_every_known_upstream(personality: str) -> None:
    async with upstream(personality, fake=FakeOpenAI(keys=[KEY], models=["a", "b"])) as up:
        assert await up.models() == ["a", "b"]


async def test_a_list_in_pages() -> None:
    async def page(turn: Turn) -> None:
        number = int(turn.call.query.removeprefix("page=") or "1")
        following = f"/v1/models?page={number + 1}" if number < 3 else None
        await turn.json({"data": [{"id": f"m{number}"}], "links": {"next": following}})

    async with upstream() as up:
        up.fake.script(behaviour=page, endpoint="/models")
        assert await up.models() == ["m1", "m2", "m3"]


async def test_another_path_of_the_list() -> None:
    async with upstream(path="", models_path="/together/v1/models") as up:
        assert "demo-model" in await up.models()


async def test_a_refused_key_is_told_and_not_shown() -> None:
    fake = FakeOpenAI(keys=["another-key-7c21"])
    fake.quote_key_in_full = True
    async with upstream(fake=fake) as up:
        failure = await up.list_failure()
        assert (failure.cause, failure.status) == ("status", 401)
        assert "Incorrect API key provided: ***" in failure.message
        assert KEY not in failure.message


@pytest.mark.parametrize(
    ("behaviour", "cause", "words"),
    [
        pytest.param("err-403", "status", "HTTP 403: Country", id="403"),
        pytest.param("err-405", "status", "HTTP 405", id="405"),
        pytest.param("err-404-html", "status", "check base-url", id="404"),
        pytest.param("html-200", "protocol", "check base-url", id="a web page"),
        pytest.param("err-200-body", "protocol", "Provider returned error", id="an error in 200"),
        pytest.param("empty-body", "protocol", "no JSON", id="empty"),
        pytest.param("cut-before", "connection", "broke the connection", id="cut"),
    ],
)
async def test_a_list_that_cannot_be_had(behaviour: str, cause: str, words: str) -> None:
    async with upstream() as up:
        up.fake.script(behaviour=behaviour, endpoint="/models")
        failure = await up.list_failure()
        assert failure.cause == cause
        assert words in failure.message


async def test_a_redirect_is_not_followed() -> None:
    async with upstream() as up:
        headers = {"location": "http://127.0.0.1:9/v1/models"}
        up.fake.script(behaviour=answer_with(307, b"", headers), endpoint="/models")
        failure = await up.list_failure()
        assert (failure.cause, failure.status) == ("protocol", 307)
        assert "redirect" in failure.message


# -- a base without a path -----------------------------------------------------------------------------------


async def test_a_base_without_a_path_is_tried_with_v1_once(log_output: pytest.CaptureFixture[str]) -> None:
    async with upstream(path="") as up:
        assert "demo-model" in await up.models()
        assert "demo-model" in await up.models()
        assert (up.fake.server.hits("/models"), up.fake.server.hits("/v1/models")) == (1, 2)
        assert (await up.answer())[0] == 200
        assert up.fake.server.hits("/v1/chat/completions") == 1
    logged = [json.loads(line) for line in log_output.readouterr().err.splitlines() if "base_url_without_path" in line]
    assert len(logged) == 1
    assert f"{up.fake.url}/v1 does and is used" in logged[0]["problem"]


async def test_a_refused_key_does_not_hide_the_right_base() -> None:
    async with upstream(path="", fake=FakeOpenAI(keys=["another-key-7c21"])) as up:
        assert (await up.list_failure()).status == 401
        assert (await up.list_failure()).status == 401
        assert up.fake.server.hits("/models") == 1


async def test_a_base_that_is_wrong_either_way_is_probed_once() -> None:
    async with upstream(path="") as up:
        up.fake.script(behaviour="err-404-html", endpoint="/models")
        for _ in range(2):
            failure = await up.list_failure()
            assert "check base-url, probably" in failure.message
        assert (up.fake.server.hits("/models"), up.fake.server.hits("/v1/models")) == (2, 1)


async def test_a_wrong_base_is_told_where_a_request_fails() -> None:
    async with upstream(path="") as up:
        status, _, body = await up.answer()
        found = plugin.classify_error(up.provider, Failure("status", status, {}, body))
        assert found.kind is Kind.PROTOCOL
        assert f"probably {up.fake.url}/v1 is meant" in found.message

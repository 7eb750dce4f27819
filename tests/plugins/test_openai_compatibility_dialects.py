"""Upstreams that speak more than chat: which dialects, where they are asked, with which headers, and their counting."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from switchgear import Dialect, Failure, Kind, UpstreamError
from switchgear.testing import Exchange
from switchgear_openai_compatibility import plugin
from switchgear_openai_compatibility.settings import Settings
from tests.plugins.openai_upstreams import KEY, loopback

ALL = ["anthropic-messages", "openai-responses", "openai-chat"]
MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi"}]}
VERSION = {"anthropic-version": "2023-06-01"}


async def echo(exchange: Exchange) -> None:
    """Answer with what was asked."""
    await exchange.respond(200, exchange.body)


def settings(**fields: Any) -> Settings:
    return Settings.model_validate({"name": "up", "base-url": "https://host/v1", **fields})


# -- which ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "spoken"),
    [
        pytest.param({}, ("openai-chat",), id="chat, unless it says otherwise"),
        pytest.param({"dialects": ALL}, tuple(ALL), id="in the file's order"),
        pytest.param({"dialects": ["openai-responses"]}, ("openai-responses",), id="no chat"),
    ],
)
def test_what_an_entry_speaks(fields: dict[str, Any], spoken: tuple[str, ...]) -> None:
    assert settings(**fields).native_dialects == (*spoken, "openai-completions", "openai-embeddings")


@pytest.mark.parametrize(
    ("dialects", "said"),
    [
        pytest.param([], "at least 1", id="none"),
        pytest.param(["openai-chat", "openai-chat"], "twice", id="one twice"),
        pytest.param(["openai-embeddings"], "openai-chat", id="always spoken"),
        pytest.param("openai-chat", "tuple", id="no list"),
    ],
)
def test_dialects_that_are_refused(dialects: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(dialects=dialects)


# -- where, and with which headers ---------------------------------------------------------------------------


@pytest.mark.parametrize("pasted", ["", "/chat/completions", "/messages", "/messages/count_tokens/", "/responses"])
@pytest.mark.parametrize(
    ("dialect", "path"),
    [("openai-chat", "/chat/completions"), ("anthropic-messages", "/messages"), ("openai-responses", "/responses")],
)
async def test_each_dialect_has_its_path(dialect: Dialect, path: str, pasted: str) -> None:
    async with loopback(echo, f"/api/v1{pasted}?a=1", dialects=ALL) as (up, server):
        status, _, body = await up.answer(dialect=dialect, tools=[{"name": "f"}], odd={"kept": 1})
        assert (status, json.loads(body)["odd"]) == (200, {"kept": 1})
        assert (server.requests[0].path, server.requests[0].query) == (f"/api/v1{path}", "a=1")


@pytest.mark.parametrize(
    ("dialect", "client", "sent"),
    [
        pytest.param("anthropic-messages", {}, VERSION, id="anthropic, a version in any case"),
        pytest.param(
            "anthropic-messages", {"anthropic-version": "2027-01-01", "anthropic-beta": "a,b", "openai-beta": "x"},
            {"anthropic-version": "2027-01-01", "anthropic-beta": "a,b"}, id="anthropic, the client's",
        ),
        pytest.param("openai-responses", {}, {}, id="responses"),
        pytest.param(
            "openai-responses", {"openai-beta": "x", "anthropic-beta": "a"}, {"openai-beta": "x"},
            id="responses, the client's",
        ),
        pytest.param(
            "openai-chat", {"anthropic-version": "2027-01-01", "anthropic-beta": "a", "openai-beta": "x"}, {}, id="chat"
        ),
    ],
)  # fmt: skip
async def test_headers_of_a_dialect(dialect: Dialect, client: dict[str, str], sent: dict[str, str]) -> None:
    async with loopback(echo, dialects=ALL) as (up, server):
        await up.answer(dialect=dialect, headers=client)
        headers = server.requests[0].headers
        assert {name: value for name, value in headers.items() if name.startswith(("anthropic-", "openai-"))} == sent


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("mine", "mine", id="the entry's own"),
        pytest.param("$Anthropic-Version", "2023-06-01", id="a copy of nothing"),
        pytest.param("$X-Version", "theirs", id="a copy of another"),
    ],
)
async def test_an_entrys_header_comes_first(value: str, expected: str) -> None:
    async with loopback(echo, dialects=ALL, headers={"Anthropic-Version": value}) as (up, server):
        await up.answer(dialect="anthropic-messages", headers={"x-version": "theirs"})
        raw = server.requests[0].headers["anthropic-version"]
        assert raw == expected


async def test_anthropics_own_key_header() -> None:
    async with loopback(echo, dialects=ALL, auth_style="x-api-key") as (up, server):
        await up.answer(dialect="anthropic-messages")
        assert server.requests[0].headers["x-api-key"] == KEY
        assert not {"authorization", "api-key"} & set(server.requests[0].headers)


@pytest.mark.parametrize(("dialects", "version"), [(ALL, "2023-06-01"), (["openai-chat"], None)])
async def test_models_are_listed_with_a_version(dialects: list[str], version: str | None) -> None:
    async def models(exchange: Exchange) -> None:
        page = "2" if "after_id=b" in exchange.query else "1"
        data = [{"type": "model", "id": id_ + page, "display_name": id_.upper()} for id_ in "ab"]
        await exchange.respond(200, json.dumps({"data": data, "has_more": page == "1", "last_id": "b"}))

    async with loopback(models, dialects=dialects) as (up, server):
        assert await up.models() == ["a1", "b1", "a2", "b2"]
        assert [request.headers.get("anthropic-version") for request in server.requests] == [version] * 2


async def test_a_list_without_end_ends() -> None:
    async def same(exchange: Exchange) -> None:
        await exchange.respond(200, '{"data":[{"id":"a"}],"has_more":true,"last_id":"a"}')

    async with loopback(same) as (up, server):
        assert await up.models() == ["a"]
        assert len(server.requests) == 2


# -- answers -------------------------------------------------------------------------------------------------


async def test_a_chat_bodys_quirks_are_for_chat() -> None:
    async with loopback(echo, dialects=ALL, strict_schema=True, stream_usage="on") as (up, server):
        for dialect in ("anthropic-messages", "openai-responses"):
            given: dict[str, Any] = {"input": [{"role": "developer", "content": "c"}], "max_completion_tokens": 1}
            await up.answer(dialect=dialect, stream=True, **given)
            body = json.loads(server.requests[-1].body)
            assert {name: body[name] for name in given} == given
            assert "stream_options" not in body


@pytest.mark.parametrize("dialect", ["anthropic-messages", "openai-responses"])
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(json.dumps(MESSAGE).encode(), id="a message"),
        pytest.param(b'{"object":"response","output":[]}', id="a response"),
        pytest.param(b'{"choices":[{"message":{"content":"x"}}]}', id="a completion"),
        pytest.param(b'{"type":"error","error":{"type":"overloaded_error"}}', id="an error"),
    ],
)
async def test_a_whole_answer_instead_of_a_stream_reaches_core_as_it_came(dialect: Dialect, answer: bytes) -> None:
    async def whole(exchange: Exchange) -> None:
        await exchange.respond(200, answer)

    async with loopback(whole, dialects=ALL) as (up, _):
        assert await up.answer(dialect=dialect, stream=True) == (200, "application/json", answer)


async def test_a_stream_under_the_wrong_name_passes() -> None:
    data = b'event: message_start\ndata: {"type":"message_start"}\n\n'

    async def mislabelled(exchange: Exchange) -> None:
        await exchange.respond(200, data)

    async with loopback(mislabelled, dialects=ALL) as (up, _):
        assert await up.answer(dialect="anthropic-messages", stream=True) == (200, "text/event-stream", data)


@pytest.mark.parametrize("dialect", ["anthropic-messages", "openai-responses"])
async def test_a_server_without_the_dialect_is_a_wrong_address(dialect: Dialect) -> None:
    async def unknown(exchange: Exchange) -> None:
        await exchange.respond(404, '{"detail":"Not Found"}')

    async with loopback(unknown, dialects=ALL) as (up, _):
        status, _, body = await up.answer(dialect=dialect)
        found = plugin.classify_error(up.provider, Failure("status", status, {}, body))
        assert found.kind is Kind.PROTOCOL


# -- counting ------------------------------------------------------------------------------------------------


async def test_tokens_are_counted_upstream() -> None:
    async def counting(exchange: Exchange) -> None:
        await exchange.respond(200, '{"input_tokens":11,"more":1}')

    async with loopback(counting, dialects=ALL, auth_style="x-api-key") as (up, server):
        assert await up.count(headers={"anthropic-beta": "b"}, tools=[], system="s") == 11
        request = server.requests[0]
        assert (request.method, request.path) == ("POST", "/v1/messages/count_tokens")
        expected = {**VERSION, "anthropic-beta": "b", "x-api-key": KEY, "accept": "application/json"}
        assert {name: request.headers[name] for name in expected} == expected
        asked = {"model": "demo-model", "messages": [{"role": "user", "content": "Hi"}], "system": "s"}
        assert json.loads(request.body) == asked


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses"])
async def test_other_dialects_do_not_count(dialect: Dialect) -> None:
    async with loopback(echo) as (up, server):
        assert await up.count(dialect) is None
        assert not server.requests


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_server_that_cannot_count_says_nothing(status: int) -> None:
    async def cannot(exchange: Exchange) -> None:
        await exchange.respond(status, '{"type":"error","error":{"type":"not_found_error","message":"Not found"}}')

    async with loopback(cannot, dialects=ALL) as (up, _):
        assert await up.count() is None


@pytest.mark.parametrize(
    ("status", "body", "cause", "said"),
    [
        pytest.param(401, '{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}',
                     "status", "HTTP 401: invalid x-api-key", id="an error"),
        pytest.param(529, "", "status", "HTTP 529", id="an empty error"),
        pytest.param(302, "", "protocol", "redirect", id="a redirect"),
        pytest.param(200, "11", "protocol", "counts no input_tokens", id="a bare number"),
        pytest.param(200, "{}", "protocol", "counts no input_tokens", id="no number"),
        pytest.param(200, '{"input_tokens":"11"}', "protocol", "counts no input_tokens", id="a text"),
        pytest.param(200, '{"input_tokens":true}', "protocol", "counts no input_tokens", id="true"),
        pytest.param(200, '{"input_tokens":-1}', "protocol", "counts no input_tokens", id="negative"),
        pytest.param(200, "<html>", "protocol", "check base-url", id="a web page"),
        pytest.param(200, "", "protocol", "no JSON", id="nothing"),
    ],
)  # fmt: skip
async def test_a_count_that_fails(status: int, body: str, cause: str, said: str) -> None:
    async def failing(exchange: Exchange) -> None:
        await exchange.respond(status, body)

    async with loopback(failing, dialects=ALL) as (up, _):
        with pytest.raises(UpstreamError) as caught:
            await up.count()
        assert caught.value.failure.cause == cause
        assert caught.value.failure.status == status
        assert said in str(caught.value)

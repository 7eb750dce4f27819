"""What MiniMax's requests need: each row is a request as a client sends it, and what the service gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from switchgear import Dialect, Secret
from switchgear_minimax.accounts import key_account
from switchgear_minimax.body import fit
from tests.plugins.minimax_upstream import Upstream, asking, upstream, user

CALL = {"id": "call_function_1", "type": "function"}


def sent(dialect: Dialect, model: str = "MiniMax-M2.7", **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(fit(asking(dialect, model, **fields)))
    return body


def called(arguments: str) -> dict[str, Any]:
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [{**CALL, "function": {"name": "f", "arguments": arguments}}],
    }


# -- headers and addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "path"),
    [
        ("anthropic-messages", "/anthropic/v1/messages"),
        ("openai-chat", "/v1/chat/completions"),
        ("openai-responses", "/v1/responses"),
    ],
)
@pytest.mark.parametrize("region", ["global", "cn"])
async def test_where_and_how(tmp_path: Path, region: str, dialect: Dialect, path: str) -> None:
    async with upstream(tmp_path) as up:
        account = await up.sign_in(method="oauth" if region == "global" else "oauth-cn")
        assert (await up.answer(account, dialect))[0] == 200
        request = up.fake.server.requests[-1]
        token = account.secrets["access_token"].reveal()
        assert (request.path, request.query) == (f"/{region}/api{path}", "")
        assert request.headers["authorization"] == f"Bearer {token}"
        assert "x-api-key" not in request.headers
        assert request.headers["user-agent"].startswith("switchgear/")
        assert request.headers.get("anthropic-version") == ("2023-06-01" if "messages" in path else None)


async def test_a_token_is_good_in_its_region_only(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        account = key_account(Secret(up.fake.key_of("ada")), "cn")
        status, body = await up.answer(account)
        assert (status, json.loads(body)["error"]["type"]) == (401, "authorized_error")


# -- bodies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["anthropic-messages", "openai-responses"])
def test_a_body_that_fits_passes_byte_for_byte(dialect: Dialect) -> None:
    request = asking(dialect, "MiniMax-M2.7", temperature=0.5, odd={"kept": 1.50}, stop_sequences=["x"])
    assert fit(request) is request.body


def test_a_chat_body_that_fits_passes_byte_for_byte() -> None:
    request = asking("openai-chat", "MiniMax-M2.7", reasoning_split=True, odd=[1.50])
    assert fit(request) is request.body


@pytest.mark.parametrize(
    ("dialect", "given", "expected"),
    [
        pytest.param("openai-chat", 0, 0, id="chat: 0 is taken"),
        pytest.param("openai-chat", 1.7, 1, id="chat: too high"),
        pytest.param("openai-chat", -1, 0, id="chat: too low"),
        pytest.param("openai-chat", 0.3, 0.3, id="chat: right"),
        pytest.param("openai-chat", None, None, id="chat: null"),
        pytest.param("anthropic-messages", 0, 0.01, id="Messages: 0 is not promised to be taken"),
        pytest.param("anthropic-messages", 1.7, 1, id="Messages: too high"),
        pytest.param("anthropic-messages", 1.0, 1.0, id="Messages: right"),
        pytest.param("openai-responses", 2, 1, id="Responses: too high"),
    ],
)
def test_temperature(dialect: Dialect, given: Any, expected: Any) -> None:
    assert sent(dialect, temperature=given)["temperature"] == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, {"reasoning_split": True}, id="reasoning is asked for beside the text"),
        pytest.param({"reasoning_split": 1}, {"reasoning_split": True}, id="a number becomes a boolean"),
        pytest.param({"reasoning_split": False}, {"reasoning_split": False}, id="a client may decline"),
        pytest.param({"reasoning_split": 0}, {"reasoning_split": False}, id="also by a number"),
        pytest.param({"thinking": True}, {"thinking": {"type": "adaptive"}}, id="thinking: true"),
        pytest.param({"thinking": False}, {"thinking": {"type": "disabled"}}, id="thinking: false"),
        pytest.param(
            {"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}, id="thinking as it should"
        ),
        pytest.param({"reasoning": "disabled"}, {"reasoning": "disabled"}, id="reasoning is passed on"),
        pytest.param({"reasoning_effort": "xhigh"}, {"reasoning_effort": "xhigh"}, id="effort is passed on"),
        pytest.param({"max_tokens": 10**6}, {"max_tokens": 131_072}, id="more tokens than there are"),
        pytest.param({"max_completion_tokens": 10**6}, {"max_completion_tokens": 131_072}, id="by the newer name"),
        pytest.param({"max_tokens": 100}, {"max_tokens": 100}, id="a limit that fits"),
        pytest.param({"stream": True}, {"stream_options": {"include_usage": True}}, id="usage is asked for"),
        pytest.param(
            {"stream": True, "stream_options": {"x": 1, "include_usage": False}},
            {"stream_options": {"x": 1, "include_usage": True}},
            id="whatever the client says",
        ),
        pytest.param({"tool_choice": "none"}, {"tool_choice": "none"}, id="a tool choice is passed on"),
    ],
)
async def test_chat_fields(tmp_path: Path, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    async with upstream(tmp_path) as up:
        status, body = await up.answer(await _key(up), "openai-chat", **fields)
        assert status == 200, body
        got = up.fake.api.calls[0].body
        assert {name: got[name] for name in expected} == expected
        assert ("stream_options" in got) is bool(fields.get("stream"))


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([user("a")], [user("a")], id="none"),
        pytest.param(
            [{"role": "system", "content": "s"}, user("a")], [{"role": "system", "content": "s"}, user("a")], id="one"
        ),
        pytest.param(
            [{"role": "developer", "content": "d"}, user("a")],
            [{"role": "system", "content": "d"}, user("a")],
            id="a developer",
        ),
        pytest.param(
            [{"role": "system", "content": "s"}, user("a"), {"role": "system", "content": "t"}],
            [{"role": "system", "content": "s\n\nt"}, user("a")],
            id="one behind",
        ),
        pytest.param(
            [user("a"), {"role": "system", "content": "s"}],
            [{"role": "system", "content": "s"}, user("a")],
            id="only one behind",
        ),
        pytest.param(
            [{"role": "system", "content": [{"type": "text", "text": "s"}]}, {"role": "developer", "content": "d"}],
            [{"role": "system", "content": [{"type": "text", "text": "s"}, {"type": "text", "text": "d"}]}],
            id="in parts",
        ),
    ],
)
def test_one_system_message_comes_first(messages: list[Any], expected: list[Any]) -> None:
    assert sent("openai-chat", messages=messages)["messages"] == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param('{"a": 1}', '{"a": 1}', id="valid"),
        pytest.param("", "{}", id="empty"),
        pytest.param(" ", "{}", id="blank"),
        pytest.param('{"a": ', '{"arguments": "{\\"a\\": "}', id="cut off"),
    ],
)
async def test_calls_in_the_history_are_json(tmp_path: Path, arguments: str, expected: str) -> None:
    history = [user("Hi"), called(arguments), {"role": "tool", "tool_call_id": CALL["id"], "content": "ok"}]
    async with upstream(tmp_path) as up:
        status, body = await up.answer(await _key(up), "openai-chat", messages=history)
        assert status == 200, body
        function = up.fake.api.calls[0].body["messages"][1]["tool_calls"][0]["function"]
        assert function == {"name": "f", "arguments": expected}


def test_reasoning_details_go_back_unchanged() -> None:
    details = [{"type": "reasoning.text", "id": "reasoning-text-1", "index": 0, "text": "Hm.", "odd": 1}]
    message = {"role": "assistant", "content": "Hi", "reasoning_details": details}
    assert sent("openai-chat", messages=[user("a"), message, user("b")])["messages"][1] == message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"model": "MiniMax-Text-01"}, "unknown model 'minimax-text-01'", id="a model that is gone"),
        pytest.param({"tools": [{"type": "web_search"}]}, "invalid tool type", id="a tool of another type"),
        pytest.param({"tools": [{"type": "function", "function": {"name": "f"}}]}, "parameters is empty", id="half"),
    ],
)
async def test_what_cannot_be_mended_is_refused_by_the_service(
    tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    async with upstream(tmp_path) as up:
        status, body = await up.answer(await _key(up), "openai-chat", **fields)
        assert status == 400
        assert words in json.loads(body)["error"]["message"]


@pytest.mark.parametrize("dialect", ["anthropic-messages", "openai-chat", "openai-responses"])
async def test_model_names_in_any_case(tmp_path: Path, dialect: Dialect) -> None:
    async with upstream(tmp_path) as up:
        assert (await up.answer(await _key(up), dialect, "minimax-m2.7"))[0] == 200
        assert up.fake.api.calls[0].model == "MiniMax-M2.7"


async def _key(up: Upstream) -> Any:
    return key_account(Secret(up.fake.key_of("ada")), "global")

"""What iflow is sent: signed headers, and chat bodies by its rules."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Secret, UpstreamError
from switchgear.upstream import USER_AGENT
from switchgear_iflow import wire
from switchgear_iflow.accounts import key_account
from switchgear_iflow.body import chat_body, wire_model
from switchgear_iflow.history import NO_RESULT, with_results
from switchgear_iflow.plugin import classify_error
from switchgear_iflow.settings import Settings
from switchgear_iflow.wire import chat_request, models_request, signature, with_content_type
from tests.plugins.iflow_service import service

KEY = "sk-upstream-5f0c2d91"
HELLO = [{"role": "user", "content": "Hello"}]
VISION = ("qwen-vl-max", "qwen3-vl-plus")


def sent(model: str, *, stream: bool = False, **fields: Any) -> dict[str, Any]:
    """The body for a model, of a client that says ``fields``."""
    given = {"model": "asked", "stream": stream, "messages": HELLO, **fields}
    body: dict[str, Any] = json.loads(chat_body(given, model, stream=stream, vision=VISION))
    return body


def added(model: str, **fields: Any) -> dict[str, Any]:
    """What the rules add to, or change in, what the client says; ``None`` for what they take away."""
    body = sent(model, **fields)
    said = {"model": model, "messages": HELLO, **fields}
    changed = {name: value for name, value in body.items() if said.get(name) != value or name not in said}
    return {**changed, **dict.fromkeys(said.keys() - body.keys())}


# -- headers -------------------------------------------------------------------------------------------------


def test_the_signature_is_over_what_is_sent() -> None:
    call = chat_request("https://h/v1", key_account(Secret(KEY)), b"{}", request_id="r1", stream=True, now=1.5)
    message = f"{USER_AGENT}:session-r1:1500"
    assert str(call.url) == "https://h/v1/chat/completions"
    assert dict(call.headers) | {"host": "", "content-length": ""} == {
        "host": "",
        "content-length": "",
        "authorization": f"Bearer {KEY}",
        "user-agent": USER_AGENT,
        "session-id": "session-r1",
        "x-iflow-timestamp": "1500",
        "x-iflow-signature": hmac.new(KEY.encode(), message.encode(), hashlib.sha256).hexdigest(),
        "content-type": "application/json",
        "accept": "text/event-stream",
    }


def test_a_known_signature() -> None:
    # printf agent:session:1700000000000 | openssl dgst -sha256 -hmac key
    known = "7e1bf90355f3ea8bcbbda22a287234a14bf7eb108744436d55e6198fd93fc09d"
    assert signature("key", "agent", "session", "1700000000000") == known


def test_the_user_agent_is_the_gateways_own() -> None:
    assert wire.USER_AGENT == USER_AGENT


def test_without_a_session_the_empty_one_is_signed() -> None:
    call = models_request("https://h/v1", key_account(Secret(KEY)), 1.5)
    assert (call.headers["session-id"], str(call.url)) == ("", "https://h/v1/models")
    assert call.headers["x-iflow-signature"] == signature(KEY, USER_AGENT, "", "1500")


async def test_the_fake_checks_the_signature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with service(tmp_path) as iflow:
        account = iflow.key()
        assert (await iflow.answer(account))[0] == 200
        monkeypatch.setattr(wire, "signature", lambda *_: "0" * 64)
        assert (await iflow.answer(account))[0] == 401


@pytest.mark.parametrize(
    ("given", "stream", "kind"),
    [
        pytest.param("text/event-stream", True, "text/event-stream", id="a stream"),
        pytest.param("application/octet-stream", True, "text/event-stream", id="a stream by another name"),
        pytest.param(
            "application/json; charset=utf-8", True, "application/json", id="an answer where a stream was due"
        ),
        pytest.param("text/plain", True, "application/json", id="anything else is read whole"),
        pytest.param("", True, "application/json", id="no type"),
        pytest.param("application/octet-stream", False, "application/json", id="no stream was asked for"),
        pytest.param("text/event-stream", False, "text/event-stream", id="a stream nobody asked for"),
        pytest.param("text/html", True, "text/html", id="a page stays one"),
    ],
)
def test_what_an_answer_is_taken_for(given: str, stream: bool, kind: str) -> None:
    assert with_content_type({"content-type": given}, stream=stream)["content-type"] == kind


# -- bodies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"max_tokens": 9}, {"max_new_tokens": 9, "max_tokens": 9}, id="the old name"),
        pytest.param({"max_completion_tokens": 9}, {"max_new_tokens": 9, "max_tokens": 9}, id="the new name"),
        pytest.param({"max_new_tokens": 9}, {"max_new_tokens": 9, "max_tokens": 9}, id="iFlow's name"),
        pytest.param({}, {}, id="no limit"),
    ],
)
def test_the_limit_goes_under_both_names(given: dict[str, Any], expected: dict[str, Any]) -> None:
    body = sent("kimi-k2", **given)
    assert {name: value for name, value in body.items() if "max" in name} == expected


def test_a_stream_reports_its_usage() -> None:
    body = sent("kimi-k2", stream=True, stream_options={"other": 1})
    assert (body["stream"], body["stream_options"]) == (True, {"other": 1, "include_usage": True})


def test_without_a_stream_nothing_is_said_of_it() -> None:
    assert not {"stream", "stream_options"} & sent("kimi-k2", stream_options={"include_usage": True}).keys()


@pytest.mark.parametrize("tools", [[], None])
def test_empty_tools_are_left_out(tools: object) -> None:
    body = sent("kimi-k2", tools=tools, tool_choice="auto", parallel_tool_calls=True)
    assert body.keys() == {"model", "messages"}


@pytest.mark.parametrize(
    ("model", "defaults"),
    [
        pytest.param("glm-4.7", {"temperature": 1, "top_p": 0.95}, id="glm-4.7"),
        pytest.param("glm-5", {"temperature": 1, "top_p": 0.95}, id="glm-5"),
        pytest.param("iFlow-ROME-30BA3B", {"temperature": 0.7, "top_p": 0.8, "top_k": 20}, id="rome"),
        pytest.param(
            "kimi-k2.5", {"top_p": 0.95, "n": 1, "presence_penalty": 0, "frequency_penalty": 0}, id="kimi-k2.5"
        ),
        pytest.param("glm-4.6", {}, id="any other"),
    ],
)
def test_sampling_defaults(model: str, defaults: dict[str, Any]) -> None:
    assert added(model) == defaults
    asked = dict.fromkeys(defaults, 0.5)
    assert added(model, **asked) == {}


@pytest.mark.parametrize(
    ("effort", "choice", "expected"),
    [
        pytest.param("high", "required", "auto", id="forced while it thinks"),
        pytest.param("high", {"type": "function", "function": {"name": "f"}}, "auto", id="one forced while it thinks"),
        pytest.param("high", "none", "none", id="none while it thinks"),
        pytest.param("none", "required", "required", id="forced without thinking"),
    ],
)
def test_kimis_tool_choice(effort: str, choice: object, expected: object) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert sent("kimi-k2.5", reasoning_effort=effort, tools=tools, tool_choice=choice)["tool_choice"] == expected
    assert sent("glm-4.6", reasoning_effort=effort, tools=tools, tool_choice=choice)["tool_choice"] == choice


# -- thinking ------------------------------------------------------------------------------------------------

TEMPLATE_ON: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": True}}
TEMPLATE_OFF = {"chat_template_kwargs": {"enable_thinking": False}}
ENABLED, DISABLED = {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}


@pytest.mark.parametrize(
    ("model", "on", "off"),
    [
        pytest.param(
            "glm-5",
            {**TEMPLATE_ON, "enable_thinking": True, **ENABLED},
            {**TEMPLATE_OFF, "enable_thinking": False, **DISABLED},
            id="glm-5",
        ),
        pytest.param("glm-4.7", TEMPLATE_ON, TEMPLATE_OFF, id="glm-4.7"),
        pytest.param("glm-4.6", TEMPLATE_ON, TEMPLATE_OFF, id="other glm"),
        pytest.param("deepseek-v3.2-chat", {"thinking_mode": True, "reasoning": True}, {}, id="deepseek"),
        pytest.param("kimi-k2.5", ENABLED, DISABLED, id="kimi-k2.5"),
        pytest.param("mimo-v2", ENABLED, {}, id="mimo"),
        pytest.param("kimi-k2-thinking", {"thinking_mode": True}, {}, id="thinking in its name"),
        pytest.param("qwen3-235b-a22b-thinking-2507", {"thinking_mode": True}, {}, id="qwen with thinking"),
        pytest.param("some-reasoning-model", {"reasoning": True}, {}, id="reasoning in its name"),
        pytest.param("minimax-m2.5", {"reasoning_split": True}, {"reasoning_split": False}, id="minimax"),
        pytest.param("qwen3-4b", {}, {}, id="one that cannot"),
        pytest.param("qwen3-coder-plus", {}, {}, id="one that is not told"),
        pytest.param("GLM-4.6", TEMPLATE_ON, TEMPLATE_OFF, id="capitals"),
    ],
)
def test_thinking_is_switched_in_the_models_words(model: str, on: dict[str, Any], off: dict[str, Any]) -> None:
    plain = sent(model)
    for wish, words in (({"reasoning_effort": "high"}, on), ({"reasoning": {"enabled": True}}, on)):
        assert sent(model, **wish) == {**plain, **words}
    for wish, words in (({"reasoning_effort": "none"}, off), ({"reasoning": {"enabled": False}}, off)):
        assert sent(model, **wish) == {**plain, **words}


def test_deepseek_thinks_less_at_the_lowest_level() -> None:
    assert added("deepseek-v3.2", reasoning_effort="low") == {"thinking_mode": True, "reasoning_effort": None}


def test_the_clients_own_words_stand() -> None:
    own: dict[str, Any] = {"thinking": {"type": "disabled"}, "chat_template_kwargs": {"enable_thinking": False, "x": 1}}
    body = sent("glm-5", reasoning_effort="high", **own)
    assert {name: body[name] for name in own} == own
    assert sent("glm-4.6", **own) | own == sent("glm-4.6", **own)


def test_a_model_without_thinking_is_told_nothing_of_it() -> None:
    words: dict[str, Any] = {
        "thinking_mode": True,
        "enable_thinking": True,
        "thinking": {"type": "enabled"},
        "reasoning_split": True,
    }
    assert sent("qwen3-4b", reasoning_effort="high", **words, **TEMPLATE_ON).keys() == {"model", "messages"}


# -- earlier turns -------------------------------------------------------------------------------------------

CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
OTHER = {**CALL, "id": "b"}


def assistant(*calls: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **fields}


def result(call_id: str, content: str = "ok") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([assistant(CALL), result("a")], [assistant(CALL), result("a")], id="nothing to mend"),
        pytest.param([*HELLO, result("a")], HELLO, id="a result nobody asked for"),
        pytest.param(
            [assistant(CALL, OTHER), result("b")],
            [assistant(CALL, OTHER), result("b"), result("a", NO_RESULT)],
            id="a call without a result, at the end",
        ),
        pytest.param([assistant(CALL), *HELLO], [assistant(CALL), result("a", NO_RESULT), *HELLO], id="and in between"),
        pytest.param([assistant(CALL), result("a"), result("a")], [assistant(CALL), result("a")], id="a result twice"),
        pytest.param(
            [assistant(CALL), *HELLO, result("a")],
            [assistant(CALL), result("a", NO_RESULT), *HELLO],
            id="a result that comes too late",
        ),
        pytest.param(["odd", *HELLO], ["odd", *HELLO], id="what is no message passes"),
    ],
)
def test_each_call_has_its_result(given: list[Any], expected: list[Any]) -> None:
    assert with_results(given) == expected


MESSAGES = st.lists(
    st.one_of(
        st.just(HELLO[0]),
        st.lists(st.sampled_from("abc"), max_size=3, unique=True).map(
            lambda ids: assistant(*({**CALL, "id": id_} for id_ in ids))
        ),
        st.sampled_from("abcd").map(result),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(MESSAGES)
def test_mended_histories_are_whole_and_stay_as_they_are(messages: list[dict[str, Any]]) -> None:
    mended = with_results(messages)
    waiting: set[str] = set()
    for message in mended:
        if message["role"] == "tool":
            assert message["tool_call_id"] in waiting
            waiting.remove(message["tool_call_id"])
        else:
            assert waiting == set()
            waiting = {call["id"] for call in message.get("tool_calls", ())}
    assert waiting == set()
    assert with_results(mended) == mended
    assert [one for one in mended if one["role"] != "tool"] == [one for one in messages if one["role"] != "tool"]


@pytest.mark.parametrize(
    ("model", "kept"),
    [("glm-4.6", True), ("glm-5", True), ("minimax-m2.5", True), ("kimi-k2", False), ("deepseek-r1", False)],
)
@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"reasoning_content": "hm", "signature": "s"}, id="iFlow's fields"),
        pytest.param(
            {
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "h"},
                    {"type": "reasoning.text", "text": "m", "signature": "s"},
                ]
            },
            id="as details",
        ),
    ],
)
def test_reasoning_goes_back_where_it_is_read(model: str, kept: bool, given: dict[str, Any]) -> None:
    turn = {"role": "assistant", "content": "Hi"}
    body = sent(model, messages=[*HELLO, {**turn, **given}])
    expected = {**turn, "reasoning_content": "hm", "signature": "s"} if kept else turn
    assert body["messages"][1] == expected


# -- images, ids ---------------------------------------------------------------------------------------------

PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]


@pytest.mark.parametrize("model", ["qwen3-vl-plus", "Qwen-VL-Max"])
def test_vision_models_take_images(model: str) -> None:
    assert sent(model, messages=PICTURE)["messages"] == PICTURE


async def test_other_models_are_not_even_asked(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        with pytest.raises(UpstreamError, match="takes no images") as caught:
            await iflow.answer(iflow.key(), messages=PICTURE)
        verdict = classify_error(caught.value.failure)
        assert (str(verdict.kind), verdict.code) == ("invalid_request", "unsupported_content")
        assert list(iflow.fake.server.requests) == []


IDS = {"glm-4.6": "glm-4.6-exp"}
THINKING_IDS = {"deepseek-v3.2-chat": "deepseek-v3.2-reasoner"}


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        pytest.param("glm-4.6", None, "glm-4.6-exp", id="always"),
        pytest.param("deepseek-v3.2-chat", "high", "deepseek-v3.2-reasoner", id="while thinking"),
        pytest.param("deepseek-v3.2-chat", "none", "deepseek-v3.2-chat", id="not without thinking"),
        pytest.param("deepseek-v3.2-chat", None, "deepseek-v3.2-chat", id="nor when nothing is said"),
        pytest.param("kimi-k2", "high", "kimi-k2", id="others"),
    ],
)
def test_ids_that_the_operator_has_rewritten(model: str, effort: str | None, expected: str) -> None:
    assert wire_model(model, {"reasoning_effort": effort}, IDS, THINKING_IDS) == expected


def test_by_default_no_id_is_rewritten() -> None:
    assert (Settings().wire_ids, Settings().thinking_ids) == ({}, {})

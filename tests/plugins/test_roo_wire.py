"""What is sent to the proxy: headers, how much to think, and earlier thoughts made whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear_roo.fake.answers import ALWAYS, DETAIL, PLAIN, SIGNATURE, THINKER, THOUGHTS
from switchgear_roo.reasoning import UNKNOWN, Thinking, choice_of, field_for, merged
from switchgear_roo.wire import chat_body
from tests.plugins.roo_service import HELLO, deltas, roo, static_account

OPTIONAL, REQUIRED = Thinking(True), Thinking(True, required=True)
ON, OFF = {"enabled": True}, {"enabled": False}

# -- how much to think -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thinking", "choice", "field"),
    [
        *(pytest.param(UNKNOWN, choice, None, id=f"cannot be told, {choice}") for choice in (None, "high", "off")),
        *(pytest.param(REQUIRED, e, {**ON, "effort": e}, id=f"required, {e}") for e in ("low", "medium", "high")),
        *(
            pytest.param(REQUIRED, choice, ON, id=f"required, {choice}")
            for choice in (None, "minimal", "disable", "off", "none", "on", "a-word")
        ),
        *(pytest.param(OPTIONAL, choice, OFF, id=f"optional, {choice}") for choice in (None, "off", "none")),
        *(pytest.param(OPTIONAL, e, {**ON, "effort": e}, id=f"optional, {e}") for e in ("low", "medium", "high")),
        *(pytest.param(OPTIONAL, e, {**ON, "effort": "high"}, id=f"optional, {e}") for e in ("xhigh", "max")),
        *(pytest.param(OPTIONAL, choice, None, id=f"optional, {choice}") for choice in ("minimal", "disable")),
        *(pytest.param(OPTIONAL, choice, ON, id=f"optional, {choice}") for choice in ("on", "a-word")),
    ],
)
def test_what_a_model_is_told(thinking: Thinking, choice: str | None, field: dict[str, Any] | None) -> None:
    assert field_for(thinking, choice) == field


@pytest.mark.parametrize(
    ("reasoning", "effort", "choice"),
    [
        pytest.param(None, None, None, id="nothing"),
        pytest.param(None, "High", "high", id="OpenAI's word"),
        pytest.param({"effort": "low"}, "high", "low", id="OpenRouter's word comes first"),
        pytest.param({"enabled": False, "effort": "low"}, None, "off", id="off, whatever the effort"),
        pytest.param({"enabled": True}, None, "on", id="on"),
        pytest.param({"max_tokens": 2000}, None, "on", id="a budget"),
        pytest.param({"exclude": True}, "low", "low", id="an object that says nothing of it"),
        pytest.param("high", 7, None, id="odd types"),
    ],
)
def test_what_a_client_asked_for(reasoning: object, effort: object, choice: str | None) -> None:
    assert choice_of(reasoning, effort) == choice


# -- earlier thoughts --------------------------------------------------------------------------------------------

PIECE = {"type": "reasoning.text", "index": 0}


@pytest.mark.parametrize(
    ("details", "whole"),
    [
        pytest.param([{**PIECE, "text": "a"}, {**PIECE, "text": "b"}], [{**PIECE, "text": "ab"}], id="by index"),
        pytest.param(
            [{**PIECE, "text": "a"}, {**PIECE, "signature": "s"}, {**PIECE, "signature": "t"}],
            [{**PIECE, "text": "a", "signature": "t"}],
            id="the last signature",
        ),
        pytest.param(
            [{**PIECE, "id": "1", "text": "a"}, {**PIECE, "id": "2", "text": "b"}, {**PIECE, "id": "1", "text": "c"}],
            [{**PIECE, "id": "1", "text": "ac"}, {**PIECE, "id": "2", "text": "b"}],
            id="by id, before the index",
        ),
        pytest.param(
            [
                {"type": "reasoning.summary", "id": "1", "summary": "s"},
                {"type": "reasoning.encrypted", "id": "1", "data": "d", "format": "f"},
            ],
            [{"type": "reasoning.summary", "id": "1", "summary": "s", "data": "d", "format": "f"}],
            id="the first type stays",
        ),
        pytest.param(
            [{**PIECE, "text": "a"}, {"type": "reasoning.encrypted", "index": 0, "data": "d"}],
            [{**PIECE, "text": "a"}, {"type": "reasoning.encrypted", "index": 0, "data": "d"}],
            id="one index of two types",
        ),
        pytest.param(
            [{"type": "reasoning.text", "text": "a", "signature": "s"}, {"type": "reasoning.text", "text": "b"}],
            [{"type": "reasoning.text", "text": "a", "signature": "s"}, {"type": "reasoning.text", "text": "b"}],
            id="without id and index they are whole",
        ),
        pytest.param(
            [{**PIECE, "text": None}, {**PIECE, "text": "b", "format": None}], [{**PIECE, "text": "b"}], id="nothing"
        ),
        pytest.param(["odd", 7, None], ["odd", 7, None], id="what is no detail stays"),
        pytest.param([], [], id="none"),
    ],
)
def test_pieces_are_made_whole(details: list[Any], whole: list[Any]) -> None:
    assert merged(details) == whole
    assert merged(whole) == whole


DETAILS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["reasoning.text", "reasoning.summary", "reasoning.encrypted"])},
        optional={
            "id": st.sampled_from(["", "1", "2"]),
            "index": st.integers(0, 2),
            "text": st.text(max_size=3),
            "summary": st.text(max_size=3),
            "data": st.text(max_size=3),
            "signature": st.sampled_from([None, "s", "t"]),
        },
    ),
    max_size=6,
)


@settings(max_examples=100, deadline=None)
@given(DETAILS)
def test_merging_loses_no_word_and_is_done_once(details: list[dict[str, Any]]) -> None:
    whole = merged(details)
    assert merged(whole) == whole
    for name in ("text", "summary", "data"):
        before = sorted("".join(detail.get(name) or "" for detail in details))
        assert before == sorted("".join(detail.get(name) or "" for detail in whole if isinstance(detail, dict)))


# -- the body ----------------------------------------------------------------------------------------------------


def test_a_body_that_needs_nothing_is_the_clients_own() -> None:
    body = b'{ "model":"m", "messages" : [], "odd": 1.50, "seed":12345678901234567890 }'
    assert chat_body(body, UNKNOWN) is body


@pytest.mark.parametrize(
    ("given", "thinking", "sent"),
    [
        pytest.param({"reasoning_effort": "high"}, UNKNOWN, {}, id="effort for a model that cannot be told"),
        pytest.param({"reasoning": {"effort": "high"}}, UNKNOWN, {}, id="the same in other words"),
        pytest.param({}, OPTIONAL, {"reasoning": OFF}, id="nothing chosen"),
        pytest.param({"reasoning_effort": None}, OPTIONAL, {"reasoning": OFF}, id="null chosen"),
        pytest.param({"reasoning_effort": "low"}, OPTIONAL, {"reasoning": {**ON, "effort": "low"}}, id="an effort"),
        pytest.param({"reasoning": OFF}, REQUIRED, {"reasoning": ON}, id="off is not said to one that always thinks"),
        pytest.param({"max_completion_tokens": 5}, UNKNOWN, {"max_tokens": 5}, id="the limit by its older name"),
        pytest.param({"max_completion_tokens": 5, "max_tokens": 9}, UNKNOWN, {"max_tokens": 9}, id="both limits"),
        pytest.param(
            {"max_completion_tokens": 5, "max_tokens": None}, UNKNOWN, {"max_tokens": 5}, id="one of them null"
        ),
        pytest.param(
            {"messages": [{"role": "developer", "content": "Be brief", "name": "x"}]},
            UNKNOWN,
            {"messages": [{"role": "system", "content": "Be brief", "name": "x"}]},
            id="a developer's instructions",
        ),
        pytest.param(
            {
                "messages": [
                    {"role": "assistant", "reasoning_details": [{**PIECE, "text": "a"}, {**PIECE, "text": "b"}]}
                ]
            },
            UNKNOWN,
            {"messages": [{"role": "assistant", "reasoning_details": [{**PIECE, "text": "ab"}]}]},
            id="thoughts in pieces",
        ),
        pytest.param(
            {"messages": ["odd", {"role": "assistant", "reasoning_details": "odd"}]},
            UNKNOWN,
            {"messages": ["odd", {"role": "assistant", "reasoning_details": "odd"}]},
            id="odd messages stay",
        ),
        pytest.param({"messages": '"reasoning_details"'}, UNKNOWN, {"messages": '"reasoning_details"'}, id="no list"),
        pytest.param(
            {"stream_options": {"include_usage": True}},
            UNKNOWN,
            {"stream_options": {"include_usage": True}},
            id="the rest",
        ),
    ],
)
def test_what_is_said_otherwise(given: dict[str, Any], thinking: Thinking, sent: dict[str, Any]) -> None:
    assert json.loads(chat_body(json.dumps(given).encode(), thinking)) == sent


# -- over a socket -----------------------------------------------------------------------------------------------


async def test_the_headers(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        key = service.fake.people.static_key("ada")
        await service.answer(static_account(key), headers={"x-roo-task-id": "task-1", "x-title": "Some program"})
        sent = service.fake.server.requests[-1].headers
        assert sent["authorization"] == f"Bearer {key}"
        assert sent["x-roo-task-id"] == "task-1"
        assert sent["user-agent"].startswith("switchgear/")
        assert not {"x-title", "http-referer", "x-roo-app-version"} & set(sent)


async def test_a_task_that_no_header_carries_is_left_out(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        await service.answer(static_account(service.fake.people.static_key("ada")), headers={"x-roo-task-id": "täsk"})
        assert "x-roo-task-id" not in service.fake.server.requests[-1].headers


@pytest.mark.parametrize(
    ("model", "fields", "told"),
    [
        pytest.param(PLAIN, {"reasoning_effort": "high"}, None, id="plain"),
        pytest.param(THINKER, {}, OFF, id="optional, nothing chosen"),
        pytest.param(THINKER, {"reasoning_effort": "high"}, {**ON, "effort": "high"}, id="optional, high"),
        pytest.param(THINKER, {"reasoning_effort": "minimal"}, None, id="optional, minimal"),
        pytest.param(ALWAYS, {}, ON, id="required, nothing chosen"),
    ],
)
async def test_what_a_model_can_be_told_is_learnt_from_the_list(
    tmp_path: Path, model: str, fields: dict[str, Any], told: object
) -> None:
    async with roo(tmp_path) as service:
        account = static_account(service.fake.people.static_key("ada"))
        for _ in range(2):
            assert (await service.answer(account, model, **fields))[0] == 200
            assert service.sent.get("reasoning") == told
        assert service.fake.server.hits("/proxy/v1/models") == 1


async def test_without_a_list_a_model_is_told_nothing_and_the_list_is_not_asked_for_at_each_request(
    tmp_path: Path,
) -> None:
    async with roo(tmp_path) as service:
        service.fake.script("models", 500, {})
        account = static_account(service.fake.people.static_key("ada"))
        for _ in range(2):
            await service.answer(account, PLAIN, reasoning_effort="high")
            assert "reasoning" not in service.sent
        assert service.fake.server.hits("/proxy/v1/models") == 1


async def test_a_tool_loop_keeps_its_thoughts(tmp_path: Path) -> None:
    """A client that keeps the pieces of a stream as they came; the fake refuses thoughts that were changed."""
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
    async with roo(tmp_path) as service:
        account = static_account(service.fake.people.static_key("ada"))
        asked = {"reasoning_effort": "high", "tools": tools}
        pieces = deltas((await service.answer(account, THINKER, stream=True, **asked))[1])
        details = [detail for delta in pieces for detail in delta.get("reasoning_details", ())]
        assert len(details) == len(THOUGHTS) + 1
        call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
        turn = {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_details": details}
        result = {"role": "tool", "tool_call_id": "call_1", "content": "Rain"}
        status, body = await service.answer(account, THINKER, messages=[*HELLO, turn, result], **asked)
        assert status == 200, body
        assert service.sent["messages"][1]["reasoning_details"] == [DETAIL]
        assert DETAIL["signature"] == SIGNATURE
        turn["reasoning_details"] = details[:-1]
        assert (await service.answer(account, THINKER, messages=[*HELLO, turn, result], **asked))[0] == 400

"""What chat bodies become for upstreams that want them otherwise."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear_openai_compatibility.quirks import (
    CLOSED_FIELDS,
    Lesson,
    MaxTokensField,
    Quirks,
    ReasoningRequest,
    StreamUsage,
)
from switchgear_openai_compatibility.settings import Settings
from switchgear_openai_compatibility.turns import CLOSED_MESSAGE_FIELDS, ReplayReasoning, SystemRole

HELLO = {"role": "user", "content": "Hello"}
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def sent(
    quirks: Quirks, fields: dict[str, Any], *lessons: Lesson, stream: bool = False, converted: bool = False
) -> dict[str, Any]:
    """The fields as they are sent, without those that stay; ``None`` for one that is left out."""
    body = json.dumps({"model": "m", "messages": [HELLO], **fields}).encode()
    made = quirks.applied(body, stream=stream, converted=converted, lessons=frozenset(lessons))
    before, after = json.loads(body), json.loads(made)
    assert (before == after) is (made is body)
    return {name: after.get(name) for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def turn(quirks: Quirks, message: dict[str, Any]) -> dict[str, Any]:
    changed = sent(quirks, {"messages": [HELLO, message]})
    (first, second) = changed.get("messages", [HELLO, message])
    assert first == HELLO
    found: dict[str, Any] = second
    return found


# -- the limit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quirks", "fields", "expected"),
    [
        pytest.param(Quirks(), {"max_completion_tokens": 5}, {}, id="auto, the client's name"),
        pytest.param(Quirks(), {"max_tokens": 5, "max_completion_tokens": 6}, {}, id="auto, the client's two names"),
        pytest.param(
            Quirks("max_tokens"), {"max_completion_tokens": 5}, {"max_completion_tokens": None, "max_tokens": 5},
            id="the old name",
        ),
        pytest.param(
            Quirks("max_completion_tokens"), {"max_tokens": 5}, {"max_tokens": None, "max_completion_tokens": 5},
            id="the new name",
        ),
        pytest.param(Quirks("max_tokens"), {"max_tokens": 5}, {}, id="right already"),
        pytest.param(
            Quirks("max_tokens"), {"max_tokens": 5, "max_completion_tokens": 6}, {"max_completion_tokens": None},
            id="never both",
        ),
        pytest.param(
            Quirks("max_tokens"), {"max_tokens": None, "max_completion_tokens": 6},
            {"max_completion_tokens": None, "max_tokens": 6}, id="a number before null",
        ),
        pytest.param(Quirks("max_tokens"), {"max_completion_tokens": None}, {}, id="null is no limit"),
        pytest.param(Quirks("max_tokens"), {}, {}, id="no limit"),
    ],
)  # fmt: skip
def test_the_limits_name(quirks: Quirks, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent(quirks, fields) == expected


@pytest.mark.parametrize(
    ("lessons", "expected"),
    [
        pytest.param((), {"max_completion_tokens": None, "max_tokens": 5}, id="before"),
        pytest.param(("max_completion_tokens",), {}, id="after a refusal"),
    ],
)
def test_the_limits_name_in_a_converted_request(lessons: tuple[Lesson, ...], expected: dict[str, Any]) -> None:
    assert sent(Quirks(), {"max_completion_tokens": 5}, *lessons, converted=True) == expected


def test_a_lesson_is_about_converted_requests() -> None:
    assert sent(Quirks(), {"max_tokens": 5}, "max_completion_tokens") == {}
    assert sent(Quirks(), {"reasoning_effort": "low"}, "no_reasoning_effort") == {}


# -- usage ---------------------------------------------------------------------------------------------------

ASKED = {"stream_options": {"include_usage": True}}


@pytest.mark.parametrize(
    ("how", "fields", "stream", "expected"),
    [
        pytest.param("auto", {}, True, {}, id="auto, not asked"),
        pytest.param("auto", ASKED, True, {}, id="auto, asked"),
        pytest.param("on", {}, True, ASKED, id="on"),
        pytest.param("on", {}, False, {}, id="on, no stream"),
        pytest.param("on", ASKED, True, {}, id="on, asked already"),
        pytest.param(
            "on", {"stream_options": {"include_usage": False, "x": 1}}, True,
            {"stream_options": {"include_usage": True, "x": 1}}, id="on, other options stay",
        ),
        pytest.param("on", {"stream_options": None}, True, ASKED, id="on, null"),
        pytest.param("off", ASKED, True, {"stream_options": None}, id="off"),
        pytest.param("off", {}, True, {}, id="off, not asked"),
    ],
)  # fmt: skip
def test_usage(how: StreamUsage, fields: dict[str, Any], stream: bool, expected: dict[str, Any]) -> None:
    assert sent(Quirks(stream_usage=how), fields, stream=stream) == expected


@pytest.mark.parametrize(("how", "expected"), [("auto", {"stream_options": None}), ("on", {})])
def test_usage_after_a_refusal(how: StreamUsage, expected: dict[str, Any]) -> None:
    assert sent(Quirks(stream_usage=how), ASKED, "no_stream_options", stream=True) == expected


# -- how hard to think ---------------------------------------------------------------------------------------

WITHOUT = {"reasoning_effort": None}


@pytest.mark.parametrize(
    ("how", "fields", "expected"),
    [
        pytest.param("auto", {"reasoning_effort": "none"}, {}, id="auto"),
        pytest.param("reasoning_effort", {"reasoning_effort": "low"}, {}, id="unchanged"),
        pytest.param(
            "reasoning", {"reasoning_effort": "low"}, {**WITHOUT, "reasoning": {"effort": "low"}}, id="openrouter"
        ),
        pytest.param(
            "reasoning", {"reasoning_effort": "none"}, {**WITHOUT, "reasoning": {"enabled": False}}, id="openrouter, off"
        ),
        pytest.param(
            "reasoning", {"reasoning_effort": "low", "reasoning": {"max_tokens": 9}}, WITHOUT,
            id="openrouter, the client's own words stay",
        ),
        pytest.param("reasoning", {"reasoning": {"max_tokens": 9}}, {}, id="openrouter, nothing to say"),
        *(
            pytest.param(
                "thinking", {"reasoning_effort": effort},
                {"thinking": {"type": "enabled"}, **({} if said == effort else {"reasoning_effort": said})},
                id=f"deepseek, {effort}",
            )
            for effort, said in {
                "minimal": "low", "low": "low", "medium": "high", "high": "high", "xhigh": "high", "max": "max",
                "vast": "vast",
            }.items()
        ),
        pytest.param(
            "thinking", {"reasoning_effort": "none"}, {**WITHOUT, "thinking": {"type": "disabled"}}, id="deepseek, off"
        ),
        pytest.param(
            "chat_template_kwargs", {"reasoning_effort": "low"},
            {**WITHOUT, "chat_template_kwargs": {"enable_thinking": True}}, id="vllm",
        ),
        pytest.param(
            "chat_template_kwargs", {"reasoning_effort": "none", "chat_template_kwargs": {"x": 1}},
            {**WITHOUT, "chat_template_kwargs": {"enable_thinking": False, "x": 1}}, id="vllm, off",
        ),
        pytest.param(
            "chat_template_kwargs", {"reasoning_effort": "none", "chat_template_kwargs": {"enable_thinking": True}},
            WITHOUT, id="vllm, the client's own words stay",
        ),
        pytest.param("none", {"reasoning_effort": "low", "reasoning": {}}, WITHOUT, id="left out"),
        pytest.param("thinking", {}, {}, id="nothing to say"),
    ],
)  # fmt: skip
def test_how_hard_to_think(how: ReasoningRequest, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent(Quirks(reasoning_request=how), fields) == expected


@pytest.mark.parametrize("how", ["reasoning", "thinking", "chat_template_kwargs", "none"])
def test_null_says_nothing(how: ReasoningRequest) -> None:
    body = b'{"reasoning_effort":null,"n":1}'
    assert Quirks(reasoning_request=how).applied(body, stream=False, converted=False) == b'{"n":1}'


@pytest.mark.parametrize(
    ("effort", "lessons", "expected"),
    [
        pytest.param("none", (), WITHOUT, id="off"),
        pytest.param("low", (), {}, id="on"),
        pytest.param("low", ("no_reasoning_effort",), WITHOUT, id="on, refused before"),
    ],
)
def test_how_hard_to_think_in_a_converted_request(
    effort: str, lessons: tuple[Lesson, ...], expected: dict[str, Any]
) -> None:
    assert sent(Quirks(), {"reasoning_effort": effort}, *lessons, converted=True) == expected
    assert (
        sent(Quirks(reasoning_request="reasoning_effort"), {"reasoning_effort": effort}, *lessons, converted=True) == {}
    )


# -- messages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "role", "becomes"),
    [
        ("auto", "developer", "system"),
        ("auto", "system", "system"),
        ("system", "developer", "system"),
        ("developer", "system", "developer"),
        ("developer", "developer", "developer"),
        ("as-sent", "developer", "developer"),
        ("as-sent", "system", "system"),
        ("developer", "assistant", "assistant"),
    ],
)
def test_roles(how: SystemRole, role: str, becomes: str) -> None:
    assert turn(Quirks(system_role=how), {"role": role, "content": "c", "odd": 1.50})["role"] == becomes


DETAILS = [{"type": "reasoning.text", "text": "so "}, {"type": "reasoning.summary", "summary": "on"}]


@pytest.mark.parametrize(
    ("how", "fields", "expected"),
    [
        pytest.param("auto", {"reasoning_content": "r", "reasoning": "s"}, {"reasoning_content": "r", "reasoning": "s"},
                     id="auto"),
        pytest.param("none", {"reasoning_content": "r", "reasoning": "s", "reasoning_details": []}, {}, id="none"),
        pytest.param("reasoning", {"reasoning_content": "r"}, {"reasoning": "r"}, id="renamed"),
        pytest.param("reasoning_content", {"reasoning": "r"}, {"reasoning_content": "r"}, id="renamed back"),
        pytest.param(
            "reasoning_content", {"reasoning_content": "r", "reasoning": "s", "reasoning_details": DETAILS},
            {"reasoning_content": "r"}, id="its own first",
        ),
        pytest.param("reasoning", {"reasoning_details": DETAILS, "reasoning_content": "r"}, {"reasoning": "so on"},
                     id="details before content"),
        pytest.param("reasoning", {"reasoning": "", "reasoning_content": "r"}, {"reasoning": "r"}, id="words first"),
        pytest.param(
            "reasoning", {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}, 7]}, {},
            id="an encrypted one has no words",
        ),
        pytest.param(
            "reasoning_details", {"reasoning_content": "r"},
            {"reasoning_details": [{"type": "reasoning.text", "text": "r"}]}, id="into details",
        ),
        pytest.param("reasoning_details", {"reasoning_details": DETAILS, "reasoning": "r"}, {"reasoning_details": DETAILS},
                     id="details unchanged"),
        pytest.param("reasoning_details", {"tool_calls": [CALL]}, {"tool_calls": [CALL]}, id="no empty details"),
        pytest.param("reasoning_content", {"tool_calls": [CALL]}, {"tool_calls": [CALL], "reasoning_content": ""},
                     id="deepseek wants it with tool calls"),
        pytest.param("reasoning", {"tool_calls": [CALL], "reasoning": None}, {"tool_calls": [CALL], "reasoning": ""},
                     id="null becomes empty"),
        pytest.param("reasoning_content", {"tool_calls": []}, {"tool_calls": []}, id="no tool calls, nothing to bring"),
        pytest.param("reasoning_content", {}, {}, id="nothing at all"),
    ],
)  # fmt: skip
def test_earlier_reasoning(how: ReplayReasoning, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    base = {"role": "assistant", "content": "c"}
    assert turn(Quirks(replay_reasoning=how), {**base, **fields}) == {**base, **expected}


@pytest.mark.parametrize("how", ["none", "reasoning_content"])
def test_only_the_assistant_reasons(how: ReplayReasoning) -> None:
    message = {"role": "tool", "content": "c", "reasoning": "x", "tool_calls": [CALL]}
    assert turn(Quirks(replay_reasoning=how), message) == message


@pytest.mark.parametrize("messages", ['"developer"', "[1]", '[["developer"]]', "null"])
def test_what_are_no_messages_is_the_upstreams_to_refuse(messages: str) -> None:
    body = b'{"a":"developer","reasoning":1,"messages":%s}' % messages.encode()
    assert Quirks(replay_reasoning="none").applied(body, stream=False, converted=False) is body


# -- closed schemas ------------------------------------------------------------------------------------------

EVERYTHING = {"stream_options": {}, "metadata": {}, "reasoning_effort": "low", "user": "u", "seed": 1, "odd": 1}


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        pytest.param({}, {"seed"}, id="nothing else"),
        pytest.param({"stream_usage": "on"}, {"seed", "stream_options"}, id="usage was asked for"),
        pytest.param({"reasoning_request": "reasoning_effort"}, {"seed", "reasoning_effort"}, id="effort"),
        pytest.param(
            {"reasoning_request": "thinking"}, {"seed", "thinking", "reasoning_effort"}, id="thinking in their words"
        ),
        pytest.param({"reasoning_request": "reasoning"}, {"seed", "reasoning"}, id="reasoning in their words"),
    ],
)
def test_a_closed_schema_gets_what_it_knows(fields: dict[str, Any], left: set[str]) -> None:
    body = json.dumps({"model": "m", "messages": [HELLO], **EVERYTHING}).encode()
    made = json.loads(Quirks(strict_schema=True, **fields).applied(body, stream=True, converted=False))
    assert set(made) == {"model", "messages", *left}


def test_a_closed_schemas_messages() -> None:
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [CALL],
        "reasoning": "r",
        "refusal": None,
        "prefix": True,
    }
    known = {name: message[name] for name in ("role", "content", "tool_calls", "prefix")}
    assert turn(Quirks(strict_schema=True), message) == known
    chosen = Quirks(strict_schema=True, replay_reasoning="reasoning_content")
    assert turn(chosen, message) == {**known, "reasoning_content": "r"}


def test_a_body_a_closed_schema_takes_is_left_alone() -> None:
    body = b'{ "model": "m", "temperature": 1.50, "messages": [ {"role": "user", "content": "x"} ] }'
    assert Quirks(strict_schema=True).applied(body, stream=False, converted=False) is body


# -- all of them ---------------------------------------------------------------------------------------------


def test_what_needs_no_change_is_not_even_parsed() -> None:
    body = b"no JSON at all, yet it passes"
    assert Quirks().applied(body, stream=True, converted=True) is body


@pytest.mark.parametrize(
    "text", ["developer", '"developer"', '{"role":"developer"}', '"reasoning_effort"', '"max_completion_tokens"']
)
def test_the_clients_words_are_not_touched(text: str) -> None:
    made = sent(Quirks("max_tokens", reasoning_request="none"), {"messages": [{"role": "user", "content": text}]})
    assert made == {}


def choices(of: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(get_args(of))


ANY_QUIRKS = st.builds(
    Quirks,
    choices(MaxTokensField), choices(SystemRole), choices(StreamUsage), choices(ReplayReasoning),
    choices(ReasoningRequest), st.booleans(),
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.integers(0, 9), st.sampled_from(["", "none", "low", "xhigh", "developer"]), st.just({"effort": "low"})
)
ANY_MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool"])},
    optional={
        "content": VALUES, "reasoning": VALUES, "reasoning_content": VALUES, "odd": VALUES,
        "reasoning_details": st.sampled_from([None, [], DETAILS]), "tool_calls": st.sampled_from([None, [], [CALL]]),
    },
)  # fmt: skip
ANY_BODY = st.fixed_dictionaries(
    {"model": st.just("m"), "messages": st.lists(ANY_MESSAGE, max_size=3)},
    optional=dict.fromkeys(
        ("max_tokens", "max_completion_tokens", "stream_options", "reasoning_effort", "thinking", "reasoning",
         "chat_template_kwargs", "temperature", "odd"), VALUES,
    ),
)  # fmt: skip


@settings(max_examples=150)
@given(ANY_QUIRKS, ANY_BODY, st.booleans(), st.booleans(), st.frozensets(choices(Lesson)))
def test_any_body_stays_one_and_needs_it_once(
    quirks: Quirks, fields: dict[str, Any], stream: bool, converted: bool, lessons: frozenset[Lesson]
) -> None:
    body = json.dumps(fields).encode()
    made = quirks.applied(body, stream=stream, converted=converted, lessons=lessons)
    assert quirks.applied(made, stream=stream, converted=converted, lessons=lessons) is made
    after = json.loads(made)
    assert (after["model"], len(after["messages"])) == ("m", len(fields["messages"]))
    assert after.get("temperature") == fields.get("temperature")
    if quirks.strict_schema:
        chosen = {"stream_options", "reasoning_effort", quirks.reasoning_request}
        assert set(after) <= CLOSED_FIELDS | chosen
        assert all(set(m) <= CLOSED_MESSAGE_FIELDS | {quirks.replay_reasoning} for m in after["messages"])
    else:
        assert after.get("odd") == fields.get("odd")
        assert [m.get("content") for m in after["messages"]] == [m.get("content") for m in fields["messages"]]


def test_an_entry_says_all_of_it() -> None:
    entry = Settings.model_validate(
        {
            "name": "up", "base-url": "https://host", "max-tokens-field": "max_tokens", "system-role": "as-sent",
            "stream-usage": "off", "replay-reasoning": "none", "reasoning-request": "thinking", "strict-schema": True,
        }
    )  # fmt: skip
    assert entry.quirks == Quirks("max_tokens", "as-sent", "off", "none", "thinking", True)
    assert entry.quirks is entry.quirks
    assert Settings.model_validate({"name": "up", "base-url": "https://host"}).quirks == Quirks()

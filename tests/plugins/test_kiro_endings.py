"""How answers of Kiro end, and what their tokens are."""

from __future__ import annotations

from typing import Any

import pytest

from switchgear import Event, Finish, Text, ToolCall, Usage
from switchgear_kiro.answer import AnswerReader
from switchgear_kiro.usage import tokens_in
from tests.plugins.kiro_streams import answered, context, event, metering, stopped, text, tool

CALLED = tool("{}", stop=True)
CUT_CALL = tool('{"pa', id_="tooluse_B")
SAID = text("Hi")
TAIL = context(1.0)
THOUGHT = event("reasoningContentEvent", {"text": "Hm"})
REFUSED = event("metadataEvent", {"stopReason": "END_TURN", "stopDetails": {"refusal": {"category": "cyber"}}})


def read(*frames: bytes, generation: Any, **more: Any) -> list[Event]:
    events, error = answered(AnswerReader(generation=generation, tool_names={}, **more), frames)
    assert error is None
    return events


@pytest.mark.parametrize("generation", [2, 3])
@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        pytest.param([SAID, stopped("END_TURN")], "stop", id="end of turn"),
        pytest.param([CALLED, stopped("END_TURN")], "tool_calls", id="end of turn with a call"),
        pytest.param([CALLED, stopped("TOOL_USE")], "tool_calls", id="tool use"),
        pytest.param([SAID, stopped("TOOL_USE")], "length", id="tool use without a call"),
        pytest.param([SAID, stopped("MAX_TOKENS")], "length", id="limit"),
        pytest.param([CALLED, stopped("MAX_TOKENS")], "length", id="limit with a call"),
        pytest.param([SAID, stopped("MODEL_CONTEXT_WINDOW_EXCEEDED")], "length", id="full context"),
        pytest.param([SAID, stopped("CONTENT_FILTERED")], "content_filter", id="filtered"),
        pytest.param([stopped("CONTENT_FILTERED")], "content_filter", id="filtered before a word"),
        pytest.param([SAID, REFUSED], "content_filter", id="refused"),
        pytest.param([SAID, stopped("PAUSE_TURN")], "stop", id="paused"),
        pytest.param([SAID, stopped("UNKNOWN")], "stop", id="unknown"),
        pytest.param([CALLED, stopped("UNKNOWN")], "tool_calls", id="unknown with a call"),
        pytest.param([SAID, stopped("STOP_SEQUENCE")], "stop", id="a word of another service"),
        pytest.param([stopped("END_TURN")], "stop", id="end of turn without a word"),
        pytest.param([SAID, CUT_CALL], "length", id="inside a tool input"),
        pytest.param([CUT_CALL], "length", id="inside a tool input and nothing else"),
        pytest.param([CALLED, CUT_CALL, stopped("END_TURN"), TAIL], "length", id="a call beside one that is cut off"),
        pytest.param([SAID], "length", id="text and nothing behind it"),
        pytest.param([THOUGHT], "length", id="reasoning and nothing behind it"),
    ],
)
def test_ends_for_a_reason(frames: list[bytes], reason: Any, generation: int) -> None:
    assert read(*frames, generation=generation)[-1] == Finish(reason)


@pytest.mark.parametrize(
    ("frames", "second", "third"),
    [
        pytest.param([SAID, TAIL], "stop", "length", id="text and context usage"),
        pytest.param([SAID, metering(0.1)], "stop", "length", id="text and metering"),
        pytest.param([SAID, event("metadataEvent", {})], "stop", "length", id="text and metadata"),
        pytest.param([SAID, context(100.0)], "length", "length", id="text and a full context"),
        pytest.param([CALLED], "tool_calls", "length", id="a call"),
        pytest.param([CALLED, TAIL, metering(0.1)], "tool_calls", "length", id="a call and figures"),
    ],
)
def test_what_no_stop_reason_means_depends_on_the_generation(frames: list[bytes], second: Any, third: Any) -> None:
    assert read(*frames, generation=2)[-1] == Finish(second)
    assert read(*frames, generation=3)[-1] == Finish(third)


def test_whole_calls_are_delivered_beside_one_that_is_cut_off() -> None:
    calls = [found for found in read(CALLED, CUT_CALL, generation=3) if isinstance(found, ToolCall)]
    assert [call.id for call in calls] == ["tooluse_A"]


def test_a_refusal_is_explained() -> None:
    details = {"refusal": {"category": "cyber", "explanation": "I can't help with that.", "recommendedModel": "m"}}
    found = read(stopped("END_TURN", stopDetails=details), generation=3)
    assert found == [Text("I can't help with that.", refusal=True), Finish("content_filter")]


COUNTED = {"uncachedInputTokens": 10, "cacheReadInputTokens": 200, "cacheWriteInputTokens": 3000, "outputTokens": 40}


@pytest.mark.parametrize(
    ("frames", "usage"),
    [
        pytest.param([event("metadataEvent", {"tokenUsage": COUNTED})], Usage(3210, 40, 200, 3000), id="counted"),
        pytest.param(
            [event("metadataEvent", {"tokenUsage": COUNTED}), context(50.0)], Usage(3210, 40, 200, 3000), id="both"
        ),
        pytest.param(
            [event("metadataEvent", {"tokenUsage": {"outputTokens": 40, "totalTokens": 100.0}})],
            Usage(60, 40),
            id="counted in sum",
        ),
        pytest.param(
            [event("metadataEvent", {"tokenUsage": {"outputTokens": 40, "totalTokens": 10}})],
            Usage(None, 40),
            id="a sum that cannot be",
        ),
        pytest.param([context(1.5)], Usage(2998, 2), id="from the context"),
        pytest.param([context(0.001)], Usage(500, 2), id="a coarse one: not less than the prompt has"),
        pytest.param([context(1.0), context(2.0)], Usage(3998, 2), id="the last one counts"),
        pytest.param(
            [event("metadataEvent", {"tokenUsage": {"contextUsagePercentage": 1.5}})], Usage(2998, 2), id="in metadata"
        ),
        pytest.param([event("contextUsageEvent", {"contextUsageEvent": {"contextUsagePercentage": 1.5}})], Usage(2998, 2), id="wrapped"),
        pytest.param([context(-1.0)], None, id="a percentage that cannot be"),
        pytest.param([event("contextUsageEvent", {"contextUsagePercentage": None})], None, id="no figure"),
        pytest.param([], None, id="nothing said"),
    ],
)  # fmt: skip
def test_works_out_the_tokens(frames: list[bytes], usage: Usage | None) -> None:
    found = read(text("12345678"), *frames, generation=3, max_input_tokens=200_000, prompt_estimate=500)
    assert found == [Text("12345678"), *([usage] if usage else []), Finish("length")]


def test_an_unknown_window_gives_no_tokens() -> None:
    assert read(SAID, context(1.5), generation=3) == [Text("Hi"), Finish("length")]


def test_counts_text_reasoning_and_tool_input_as_output() -> None:
    frames = [
        event("reasoningContentEvent", {"text": "x" * 40}),
        text("x" * 80),
        tool("x" * 120, name="x" * 20, stop=True),
    ]
    usage = read(*frames, context(50.0), generation=3, max_input_tokens=1000)[-2]
    assert usage == Usage(input_tokens=500 - 65, output_tokens=65)


@pytest.mark.parametrize(
    ("frames", "price"),
    [
        pytest.param([metering(0.031)], 0.031, id="once"),
        pytest.param([metering(0.5), metering(0.25)], 0.75, id="added up"),
        pytest.param([event("meteringEvent", {"amount": 0.5, "unit": "credit"})], 0.5, id="an older name"),
        pytest.param([event("meteringEvent", {"meteringEvent": {"usage": 0.5}})], 0.5, id="wrapped"),
        pytest.param([event("meteringEvent", {"usage": "free"})], 0.0, id="no figure"),
        pytest.param([], 0.0, id="not metered"),
    ],
)
def test_adds_up_the_credits(frames: list[bytes], price: float) -> None:
    reader = AnswerReader(generation=3, tool_names={})
    answered(reader, [SAID, *frames])
    assert reader.credits == price


def test_estimates_other_scripts_by_their_bytes() -> None:
    assert (tokens_in("abcd"), tokens_in("äöü"), tokens_in("abcd你好")) == (1.0, 2.0, 3.0)

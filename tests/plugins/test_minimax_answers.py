"""MiniMax's answers with every habit they were seen to have, and what a client gets of them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Account, Dialect, Secret, Timeouts, UpstreamError
from switchgear.testing import THOUGHT
from switchgear_minimax.accounts import key_account
from switchgear_minimax.answers import ChatEditor
from switchgear_minimax.leaks import LEAKS, MessagesEditor, without_leak
from switchgear_minimax.snapshots import ReasoningDetails
from tests.plugins.minimax_upstream import Upstream, events, said, upstream

TEXT = "You said: Hello"


def key(up: Upstream) -> Account:
    return key_account(Secret(up.fake.key_of("ada")), "global")


# -- chat ----------------------------------------------------------------------------------------------------

HABITS = [
    pytest.param(set(), THOUGHT, TEXT, id="split as asked for"),
    pytest.param({"details only"}, THOUGHT, TEXT, id="details alone"),
    pytest.param({"snapshots"}, THOUGHT, TEXT, id="details that repeat themselves"),
    pytest.param({"snapshots", "details only"}, THOUGHT, TEXT, id="such details alone"),
    pytest.param({"tags although split"}, f"\n{THOUGHT}\n", TEXT, id="tags in the text"),
    pytest.param({"no opening tag"}, f"{THOUGHT}\n", TEXT, id="a lone closing tag"),
    pytest.param({"unclosed tag"}, f"\n{THOUGHT}\n", "", id="a tag that is never closed"),
    pytest.param({"empty role", "zero usage"}, THOUGHT, TEXT, id="empty roles and counts"),
    pytest.param({"no thought"}, "", TEXT, id="no reasoning where it was sure to come"),
    pytest.param({"length"}, THOUGHT, "", id="all tokens went into reasoning"),
]


@pytest.mark.parametrize(("habits", "reasoning", "text"), HABITS)
async def test_a_whole_chat_answer(tmp_path: Path, habits: set[str], reasoning: str, text: str) -> None:
    async with upstream(tmp_path) as up:
        up.fake.api.habits = habits
        status, body = await up.answer(key(up))
        message = json.loads(body)["choices"][0]["message"]
        assert (status, message.get("reasoning_content", ""), message["content"]) == (200, reasoning, text)


@pytest.mark.parametrize(("habits", "reasoning", "text"), HABITS)
async def test_a_chat_stream(tmp_path: Path, habits: set[str], reasoning: str, text: str) -> None:
    async with upstream(tmp_path) as up:
        up.fake.api.habits = habits
        status, body = await up.answer(key(up), stream=True)
        chunks = events(body)
        assert (status, said(chunks, "reasoning_content"), said(chunks)) == (200, reasoning, text)
        assert body.endswith(b"data: [DONE]\n\n")
        assert [c["finish_reason"] for chunk in chunks for c in chunk["choices"] if c["finish_reason"]] == [
            "length" if "length" in habits else "stop"
        ]
        end = next(number for number, chunk in enumerate(chunks) if chunk["choices"][0]["finish_reason"])
        assert said(chunks[end + 1 :]) == said(chunks[end + 1 :], "reasoning_content") == ""
        assert "" not in [c["delta"].get("role") for chunk in chunks for c in chunk["choices"]]
        details = [
            d["text"] for chunk in chunks for c in chunk["choices"] for d in c["delta"].get("reasoning_details", ())
        ]
        assert "".join(details) in {THOUGHT, ""}
        counted = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
        assert [usage["completion_tokens"] > 0 for usage in counted] == [True]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_may_have_the_tags(tmp_path: Path, stream: bool) -> None:
    async with upstream(tmp_path) as up:
        _, body = await up.answer(key(up), stream=stream, reasoning_split=False)
        text = said(events(body)) if stream else json.loads(body)["choices"][0]["message"]["content"]
        assert text == f"<think>\n{THOUGHT}\n</think>\n\n{TEXT}"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_need_not_think_streams_at_once(tmp_path: Path, stream: bool) -> None:
    async with upstream(tmp_path) as up:
        _, body = await up.answer(key(up), "openai-chat", "MiniMax-M3", stream=stream, thinking=False)
        if stream:
            pieces = [c["delta"]["content"] for e in events(body) for c in e["choices"] if "content" in c["delta"]]
            assert pieces[:2] == ["You s", "aid: "]  # nothing was held back
        else:
            assert json.loads(body)["choices"][0]["message"]["content"] == TEXT


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_call_comes_behind_all_reasoning(tmp_path: Path, stream: bool) -> None:
    tool = {"type": "function", "function": {"name": "f", "description": "", "parameters": {"type": "object"}}}
    async with upstream(tmp_path) as up:
        up.fake.api.habits = {"tags although split"}
        fields: dict[str, Any] = {"messages": [{"role": "user", "content": "use the tool"}], "tools": [tool]}
        _, body = await up.answer(key(up), stream=stream, **fields)
        found = events(body) if stream else [json.loads(body)]
        calls = [
            call
            for answer in found
            for choice in answer["choices"]
            for call in choice.get("delta", choice.get("message", {})).get("tool_calls", ())
        ]
        assert [call["function"]["name"] for call in calls] == ["f"]
        assert calls[0]["id"].startswith("call_function_")
        answer = json.dumps(found)
        assert answer.rindex("reasoning_content") < answer.index("call_function_") or not stream
        assert "think>" not in answer


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("habits", [{"anthropic cache names"}, set()], ids=["Anthropic's names", "OpenAI's"])
async def test_cache_counts_have_their_usual_names(tmp_path: Path, stream: bool, habits: set[str]) -> None:
    async with upstream(tmp_path) as up:
        up.fake.api.habits = habits
        _, body = await up.answer(key(up), stream=stream)
        usage = (events(body)[-1] if stream else json.loads(body))["usage"]
        assert usage["prompt_tokens_details"]["cached_tokens"] == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_without_usage_is_one(tmp_path: Path, stream: bool) -> None:
    async with upstream(tmp_path) as up:
        up.fake.api.habits = {"no usage"}
        status, body = await up.answer(key(up), stream=stream)
        assert status == 200
        assert not any(answer["usage"] for answer in (events(body) if stream else [json.loads(body)]))


# -- errors behind a 200 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["anthropic-messages", "openai-chat", "openai-responses"])
@pytest.mark.parametrize(("fault", "stream"), [("in_band", False), ("in_band", True), ("in_band_stream", True)])
async def test_an_error_behind_a_200_fails_the_call(tmp_path: Path, dialect: Dialect, fault: str, stream: bool) -> None:
    async with upstream(tmp_path) as up:
        assert up.fake.fail(fault)
        if (dialect, fault) == ("anthropic-messages", "in_band_stream"):
            assert b"event: error" in (await up.answer(key(up), dialect, stream=stream))[1]  # core takes it from here
            return
        with pytest.raises(UpstreamError) as caught:
            await up.answer(key(up), dialect, stream=stream)
        assert (caught.value.failure.cause, caught.value.failure.status) == ("in_band", 200)


async def test_a_chat_answer_without_choices_is_none(tmp_path: Path) -> None:
    with pytest.raises(UpstreamError):
        ChatEditor("MiniMax-M2.7", True).whole({"id": "x", "choices": None})
    assert ChatEditor("MiniMax-M2.7", True).whole({"error": {"message": "x"}}) == {"error": {"message": "x"}}


async def test_a_stream_that_hangs_is_a_timeout(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        assert up.fake.fail("slow")
        with pytest.raises(UpstreamError) as caught:
            await up.answer(key(up), stream=True, timeouts=Timeouts(idle_s=0.05))
        assert caught.value.failure.cause == "timeout"


# -- Messages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_messages_pass_through(tmp_path: Path, stream: bool) -> None:
    async with upstream(tmp_path) as up:
        status, body = await up.answer(key(up), "anthropic-messages", stream=stream, max_tokens=99)
        assert status == 200
        assert _read(body, stream) == [("thinking", THOUGHT), ("text", TEXT)]
        assert not stream or body.count(b"event: ") == body.count(b"data: ")


@pytest.mark.parametrize("stream", [False, True])
async def test_control_words_at_the_end_are_taken_away(tmp_path: Path, stream: bool) -> None:
    async with upstream(tmp_path) as up:
        up.fake.api.habits = {"leak"}
        _, body = await up.answer(key(up), "anthropic-messages", stream=stream)
        assert _read(body, stream)[-1] == ("text", TEXT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(pytest.param(f"Hi{leak}", "Hi", id=f"{leak} at the end") for leak in LEAKS),
        *(pytest.param(f"Hi {leak} there", f"Hi {leak} there", id=f"{leak} in the middle") for leak in LEAKS),
        pytest.param("Hi\n</think>\n[e~[ \n", "Hi", id="several, and blanks"),
        pytest.param("Hi [e~", "Hi [e~", id="a part of one"),
        pytest.param("Hi \n", "Hi \n", id="blanks alone"),
        pytest.param("[e~[", "", id="nothing else"),
    ],
)
def test_without_leak(text: str, expected: str) -> None:
    assert without_leak(text) == expected
    for size in (1, 3, 100):
        assert streamed([text[start : start + size] for start in range(0, len(text), size)]) == [expected]


WORDS = st.lists(st.sampled_from([*LEAKS, "[e", "~[", "</thi", "a", " ", "\n", "]<]"]), max_size=6).map("".join)


@settings(max_examples=80)
@given(st.lists(WORDS, min_size=1, max_size=3), st.integers(1, 9))
def test_only_the_last_text_ends_so_however_it_is_split(texts: list[str], size: int) -> None:
    pieces = [[text[start : start + size] for start in range(0, len(text), size)] for text in texts]
    assert streamed(*pieces) == [*texts[:-1], without_leak(texts[-1])]


def test_a_text_before_a_tool_call_is_the_last_so_far() -> None:
    call = {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use"}}
    sent = play([*block(0, ["Hi", "[e~["]), call])
    assert texts_of(sent) == ["Hi"]
    assert [event["type"] for event in sent][-2:] == ["content_block_stop", "content_block_start"]


def test_a_ping_does_not_let_the_end_go() -> None:
    sent = play([*block(0, ["Hi[e~["]), {"type": "ping"}, *block(1, ["there"]), {"type": "message_delta"}])
    assert texts_of(sent) == ["Hi[e~[", "there"]


def block(index: int, pieces: Iterable[str]) -> list[dict[str, Any]]:
    deltas = [
        {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": piece}}
        for piece in pieces
    ]
    start = {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}
    return [start, *deltas, {"type": "content_block_stop", "index": index}]


def play(given_events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    editor = MessagesEditor()
    sent: list[dict[str, Any]] = []
    for event in given_events:
        instead = editor.event(event)
        sent += [event] if instead is None else instead
    return [*sent, *editor.end()]


def texts_of(sent: list[dict[str, Any]]) -> list[str]:
    """The text of each block; its deltas stand between its start and its stop."""
    texts: list[str] = []
    is_open = False
    for event in sent:
        match event["type"]:
            case "content_block_start" if event["content_block"]["type"] == "text":
                texts.append("")
                is_open = True
            case "content_block_delta":
                assert is_open
                assert event["delta"]["text"]
                texts[event["index"]] += event["delta"]["text"]
            case "content_block_stop":
                is_open = False
    return texts


def streamed(*blocks: list[str]) -> list[str]:
    parts = [block(index, pieces) for index, pieces in enumerate(blocks)]
    return texts_of(play([*itertools.chain(*parts), {"type": "message_delta"}, {"type": "message_stop"}]))


def _read(body: bytes, stream: bool) -> list[tuple[str, str]]:
    """The blocks of a Messages answer, whole or streamed: kind and text."""
    if not stream:
        return [(part["type"], part[part["type"]]) for part in json.loads(body)["content"]]
    found: list[list[str]] = []
    for event in events(body):
        if event["type"] == "content_block_start":
            found.append([event["content_block"]["type"], ""])
        elif event["type"] == "content_block_delta":
            delta = event["delta"]
            found[event["index"]][1] += delta.get("text", delta.get("thinking", ""))
    return [(kind, text) for kind, text in found]


# -- details -------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=6))
def test_snapshots_and_deltas_say_the_same(pieces: list[str]) -> None:
    snapshots = list(itertools.accumulate(pieces))
    assert _details(snapshots) == "".join(pieces)


def test_a_piece_like_all_before_it_is_one_where_the_content_says_so() -> None:
    details = ReasoningDetails()
    for text, said_beside in (("a", "a"), ("ab", "ab")):
        delta = {"reasoning_content": said_beside, "reasoning_details": [{"text": text}]}
        details.mend(delta)
        assert delta["reasoning_details"] == [{"text": text}]


def test_details_of_several_kinds_are_told_apart() -> None:
    details = ReasoningDetails()
    for index, text in ((0, "a"), (1, "ab"), (0, "ab"), (1, "abc")):
        delta: dict[str, Any] = {"reasoning_details": [{"id": "r", "index": index, "text": text}]}
        details.mend(delta)
    assert delta["reasoning_details"][0]["text"] == "c"
    assert delta["reasoning_content"] == "c"


def test_odd_details_are_left_alone() -> None:
    for odd in (None, "text", [None, {"data": "sealed"}]):
        delta: dict[str, Any] = {"reasoning_details": odd}
        ReasoningDetails().mend(delta)
        assert delta == {"reasoning_details": odd}


def _details(texts: list[str]) -> str:
    details, found = ReasoningDetails(), ""
    for text in texts:
        delta: dict[str, Any] = {"reasoning_details": [{"id": "r", "index": 0, "text": text}]}
        details.mend(delta)
        found += delta["reasoning_content"]
    return found

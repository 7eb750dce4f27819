"""iflow's answers as chat clients get them: every habit of its, whole and streamed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from switchgear import Kind, UpstreamError
from switchgear_iflow.answers import IFlowEditor, unwrapped
from tests.plugins.iflow_service import service

HELLO = "Hello from iFlow."


def joined(chunks: list[dict[str, Any]], field: str = "content") -> str:
    return "".join(c["delta"].get(field) or "" for chunk in chunks for c in chunk["choices"])


@pytest.mark.parametrize(
    "habits",
    [
        pytest.param((), id="plain"),
        pytest.param(("wrapped",), id="in an envelope"),
        pytest.param(("octet-stream",), id="typed as octets"),
        pytest.param(("no-space",), id="without spaces"),
        pytest.param(("reasoning",), id="reasoning first"),
        pytest.param(("no-usage",), id="without usage"),
        pytest.param(("reasoning", "wrapped", "octet-stream", "no-space", "cached", "signature"), id="all at once"),
    ],
)
async def test_text_comes_through(tmp_path: Path, habits: tuple[str, ...]) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.chat.habits.update(habits)
        account = iflow.key()
        whole = await iflow.said(account)
        chunks = await iflow.streamed(account)
        assert (whole["object"], whole["choices"][0]["message"]["content"]) == ("chat.completion", HELLO)
        assert joined(chunks) == HELLO
        assert any(c["finish_reason"] == "stop" for chunk in chunks for c in chunk["choices"])


async def test_what_needs_no_mending_passes_byte_for_byte(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        account = iflow.key()
        _, _, body = await iflow.answer(account, stream=True)
        assert body.startswith(b'data: {"id": "c1", "object": "chat.completion.chunk"')
        assert body.endswith(b"data: [DONE]\n\n")


async def test_reasoning_stays_apart_and_its_signature_goes_with_it(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.chat.habits.update({"reasoning", "signature"})
        account = iflow.key()
        message = (await iflow.said(account))["choices"][0]["message"]
        assert (message["content"], message["reasoning_content"]) == (HELLO, "Let me think.")
        detail = {"type": "reasoning.text", "text": "Let me think.", "signature": "signed-thought", "index": 0}
        assert message["reasoning_details"] == [detail]
        chunks = await iflow.streamed(account)
        assert joined(chunks, "reasoning_content") == "Let me think."
        details = [d for chunk in chunks for c in chunk["choices"] for d in c["delta"].get("reasoning_details", ())]
        assert details == [{**detail, "text": ""}]


async def test_tool_calls_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.chat.habits.add("tools")
        chunks = await iflow.streamed(iflow.key())
        pieces = [p for chunk in chunks for c in chunk["choices"] for p in c["delta"].get("tool_calls", ())]
        calls: dict[int, str] = {}
        for piece in pieces:
            calls[piece["index"]] = calls.get(piece["index"], "") + piece["function"]["arguments"]
        assert calls == {0: '{"city":"Oslo"}', 1: "{}"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_cached_tokens_are_counted_in(tmp_path: Path, stream: bool) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.chat.habits.add("cached")
        account = iflow.key()
        answers = await iflow.streamed(account) if stream else [await iflow.said(account)]
        [usage] = [answer["usage"] for answer in answers if answer.get("usage")]
        assert (usage["prompt_tokens"], usage["total_tokens"]) == (53, 58)
        assert usage["prompt_tokens_details"] == {"cached_tokens": 40}


async def test_an_answer_where_a_stream_was_due_is_left_to_core(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.chat.habits.update({"json-for-stream", "wrapped"})
        status, kind, body = await iflow.answer(iflow.key(), stream=True)
        assert (status, kind) == (200, "application/json")
        assert json.loads(body)["choices"][0]["message"]["content"] == HELLO


# -- errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        "suspended",
        "forbidden",
        "rate_limited",
        "model_not_found",
        "overloaded",
        "server_error",
        "invalid_request",
        "context_too_long",
    ],
)
async def test_every_error_the_fake_tells(tmp_path: Path, fault: str) -> None:
    async with service(tmp_path) as iflow:
        for habit in ("", "text-in-message", "text-in-body", "number-codes"):
            for stream in (False, True):
                iflow.fake.chat.habits = {habit}
                iflow.fake.fail(fault)
                assert await iflow.kind(iflow.key(), "kimi-k2", stream=stream) == fault, (habit, stream)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_keys_that_are_refused(tmp_path: Path, stream: bool) -> None:
    async with service(tmp_path) as iflow:
        account, blocked = iflow.key(), iflow.key("ben")
        iflow.fake.people.blocked.add(blocked.secrets["api-key"].reveal())
        iflow.fake.expire()
        assert await iflow.kind(account, stream=stream) is Kind.TOKEN_EXPIRED
        assert await iflow.kind(blocked, stream=stream) is Kind.SUSPENDED
        iflow.fake.people.api_keys.clear()
        iflow.fake.people._expired.clear()
        assert await iflow.kind(account, stream=stream) is Kind.TOKEN_EXPIRED


async def test_an_error_in_a_stream_fails_the_call(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.fail("in_band_stream")
        with pytest.raises(UpstreamError) as caught:
            await iflow.answer(iflow.key(), stream=True)
        assert (caught.value.failure.cause, caught.value.failure.status) == ("in_band", 200)


def test_an_error_between_the_events_does_too() -> None:
    editor = IFlowEditor()
    assert editor.event({"choices": [{"delta": {"content": "Hi"}}]}) is None
    with pytest.raises(UpstreamError):
        editor.event({"status": "514", "msg": "model error"})


async def test_the_fake_refuses_a_second_call_at_once(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        account, chat = iflow.key(), iflow.fake.chat
        chat.gate.clear()
        first = asyncio.create_task(iflow.answer(account))
        await iflow.fake.server.wait_for(lambda: len(chat.bodies) == 1)
        assert await iflow.kind(account) is Kind.RATE_LIMITED
        chat.gate.set()
        assert (await first)[0] == 200


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param({"success": True, "data": {"choices": []}}, {"choices": []}, id="choices"),
        pytest.param(
            {"success": True, "data": {"object": "chat.completion"}}, {"object": "chat.completion"}, id="a completion"
        ),
        pytest.param({"data": {"other": 1}}, {"data": {"other": 1}}, id="other data"),
        pytest.param(
            {"choices": [], "data": {"choices": [1]}}, {"choices": [], "data": {"choices": [1]}}, id="an answer"
        ),
    ],
)
def test_envelopes(answer: dict[str, Any], expected: dict[str, Any]) -> None:
    assert unwrapped(answer) == expected

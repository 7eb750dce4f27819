"""A whole JSON answer where a stream was asked for."""

from __future__ import annotations

import json

import pytest

from switchgear import Timeouts, UpstreamError
from switchgear.testing import Turn, answer_with
from tests.plugins.openai_upstreams import events, said, upstream


async def test_a_whole_answer_becomes_a_stream() -> None:
    async with upstream() as up:
        status, kind, body = await up.answer("json-instead-of-sse", stream=True)
        assert (status, kind) == (200, "text/event-stream")
        chunks = events(body)
        assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
        assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
        assert said(chunks) == "You said: Hello, big world"
        assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
        assert chunks[-1]["usage"]["total_tokens"] > 0
        assert up.fake.active == 0


async def test_usage_is_a_chunk_of_its_own_where_it_was_asked_for() -> None:
    async with upstream() as up:
        body = (await up.answer("json-instead-of-sse", stream=True, stream_options={"include_usage": True}))[2]
        *others, last = events(body)
        assert (last["choices"], last["usage"]["total_tokens"] > 0) == ([], True)
        assert all("usage" not in chunk for chunk in others)


async def test_tool_calls_become_indexed_deltas() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call, {**call, "id": "b"}], "reasoning": "hm"}
    whole = {"id": "x", "choices": [{"message": message, "finish_reason": None}], "extra": 1}
    async with upstream() as up:
        up.fake.script(behaviour=answer_with(200, whole))
        first, last = events((await up.answer(stream=True))[2])
        delta = first["choices"][0]["delta"]
        assert [(c["index"], c["id"]) for c in delta["tool_calls"]] == [(0, "a"), (1, "b")]
        assert (delta["reasoning"], first["extra"]) == ("hm", 1)
        assert last["choices"][0]["finish_reason"] == "tool_calls"


async def test_each_choice_ends_and_completions_have_texts() -> None:
    choices = [{"text": "a", "finish_reason": "length"}, {"text": "b", "finish_reason": None, "logprobs": {"x": 1}}]
    async with upstream() as up:
        up.fake.script(behaviour=answer_with(200, {"id": "x", "choices": choices}))
        body = (await up.answer(stream=True, dialect="openai-completions", prompt="p"))[2]
        found = [chunk["choices"][0] for chunk in events(body)]
        assert [(c["index"], c["text"], c["finish_reason"]) for c in found] == [
            (0, "a", None),
            (0, "", "length"),
            (1, "b", None),
            (1, "", "stop"),
        ]
        assert found[2]["logprobs"] == {"x": 1}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"error":{"message":"no"}}', id="an error"),
        pytest.param(b'{"error":null,"msg":"no"}', id="no choices"),
        pytest.param(b'{"choices":[]}', id="empty choices"),
        pytest.param(b'{"choices":[7]}', id="odd choices"),
        pytest.param(b"[1]", id="an array"),
        pytest.param(b'{"choices":', id="broken off"),
        pytest.param(b"", id="nothing"),
        pytest.param(b" \n\n ", id="white space"),
    ],
)
async def test_what_is_no_answer_reaches_core_as_it_came(body: bytes) -> None:
    async with upstream() as up:
        up.fake.script(behaviour=answer_with(200, body))
        assert await up.answer(stream=True) == (200, "application/json", body)


async def test_a_stream_under_the_wrong_name_passes() -> None:
    async def behave(turn: Turn) -> None:
        await turn.exchange.start(200, {"content-type": "application/json"})
        await turn.exchange.send(b"\n\n")
        await turn.exchange.send(b"data: {}\n\n")
        await turn.exchange.send(b"data: [DONE]\n\n")

    async with upstream() as up:
        up.fake.script(behaviour=behave)
        _, kind, body = await up.answer(stream=True)
        assert (kind, body) == ("text/event-stream", b"\n\ndata: {}\n\ndata: [DONE]\n\n")


async def test_blank_lines_before_a_whole_answer() -> None:
    async with upstream() as up:
        up.fake.timings.pause_s = 0.001
        assert json.loads((await up.answer("slow-keepalive"))[2])["choices"]
        up.fake.script(behaviour=answer_with(200, b'\n\n {"choices":[{"message":{"content":"x"}}]}'))
        assert said(events((await up.answer(stream=True))[2])) == "x"


@pytest.mark.parametrize("stage", ["idle", "cut"])
async def test_a_whole_answer_that_breaks_off_gives_its_connection_back(stage: str) -> None:
    async def behave(turn: Turn) -> None:
        await turn.exchange.start(200, {"content-type": "application/json", "content-length": "100"})
        await turn.exchange.send(b'{"choices":')
        if stage == "cut":
            turn.exchange.cut()
        await turn.exchange.closed.wait()

    async with upstream() as up:
        up.fake.script(behaviour=behave)
        with pytest.raises(UpstreamError) as caught:
            await up.answer(stream=True, timeouts=Timeouts(idle_s=0.05))
        assert caught.value.failure.cause == ("timeout" if stage == "idle" else "connection")
        await up.fake.server.wait_for(lambda: up.fake.server.open_connections == 0)

"""The fake OpenAI-compatible upstream's faults and quirks."""

from __future__ import annotations

import asyncio
import json
import zlib

import httpx2
import pytest

from switchgear.testing.openai_faults import FAULTS
from switchgear.testing.openai_quirks import ARGUMENTS, ARGUMENTS_TOO, QUIRKS, THOUGHT
from tests.core.fake_clients import chat, fake, said, tool_calls

ENDLESS = {"never-starts", "idle", "never-ends"}
BROKEN = {"cut", "cut-before", "no-http"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("model", sorted((FAULTS.keys() | QUIRKS.keys()) - ENDLESS - BROKEN - {"gzip-bomb"}))
async def test_everything_ends_in_an_answer(model: str, stream: bool) -> None:
    async with fake() as (upstream, client):
        answer = await client.chat(model, stream=stream)
        named = int(model[4:7]) if model[4:7].isdigit() else None
        if model not in {"err-html", "err-quota", "err-context", "err-filter"}:
            assert answer.status_code == (named if named is not None and model != "err-200-body" else 200)
        assert upstream.calls[0].answered


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("model", sorted(BROKEN))
async def test_broken_connections(model: str, stream: bool) -> None:
    async with fake() as (upstream, client):
        with pytest.raises(httpx2.TransportError):
            await client.chat(model, stream=stream)
        assert not upstream.cancelled


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("model", sorted(ENDLESS))
async def test_what_never_ends_ends_with_its_client(model: str, stream: bool) -> None:
    async with fake() as (upstream, client):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.chat(model, stream=stream)
        await upstream.wait_for_cancelled(1)
        await upstream.server.wait_for(lambda: upstream.server.open_connections == 0)


async def test_any_other_status() -> None:
    async with fake() as (_, client):
        assert (await client.chat("err-418")).status_code == 418
        assert (await client.chat("err-999")).status_code == 404
        assert (await client.chat("vendor/err-520")).status_code == 520


async def test_a_bomb_is_small_on_the_wire() -> None:
    async with fake() as (_, client):
        async with client.stream("POST", "/v1/chat/completions", json=chat("gzip-bomb")) as answer:
            packed = b"".join([part async for part in answer.aiter_raw()])
        assert len(packed) < 16_384
        assert len(zlib.decompressobj(wbits=31).decompress(packed)) == 4 * 1024 * 1024


@pytest.mark.parametrize(
    "model",
    ["crlf", "bom", "comments", "split-every-byte", "null-role", "no-done", "slow-keepalive", "trickle", "slow"],
)
async def test_odd_framing_says_the_same(model: str) -> None:
    async with fake() as (_, client):
        assert said(await client.events(model)) == "You said: Hello, big world"


async def test_split_characters_are_whole_again() -> None:
    async with fake() as (_, client):
        assert said(await client.events("split-utf8")).startswith("Grüße, 世界 🌍!")


@pytest.mark.parametrize("model", ["tools", "tools-noindex", "tools-sameindex", "tools-late-name"])
async def test_fragments_of_tools_are_the_whole_calls(model: str) -> None:
    async with fake() as (_, client):
        calls = (await client.chat(model)).json()["choices"][0]["message"]["tool_calls"]
        assert [call["function"]["arguments"] for call in calls] == [ARGUMENTS, ARGUMENTS_TOO]
        parts = tool_calls(await client.events(model))
        if model == "tools":
            for index, arguments in enumerate((ARGUMENTS, ARGUMENTS_TOO)):
                mine = [part["function"].get("arguments", "") for part in parts if part["index"] == index]
                assert "".join(mine) == arguments
        else:
            joined = "".join(part["function"].get("arguments", "") for part in parts)
            assert joined == ARGUMENTS + ARGUMENTS_TOO
        assert {part.get("index") for part in parts} == {"tools-noindex": {None}, "tools-sameindex": {0}}.get(
            model, {0, 1}
        )


@pytest.mark.parametrize("model", ["reasoning", "reasoning_content", "details", "content-list", "think-tags"])
async def test_reasoning_in_every_form(model: str) -> None:
    async with fake() as (_, client):
        assert THOUGHT in (await client.chat(model)).text
        assert THOUGHT in json.dumps(await client.events(model)) or model == "think-tags"


@pytest.mark.parametrize(
    ("model", "counts"),
    [("usage-end", 1), ("usage-each", 7), ("usage-none", 0), ("usage-zero", 1), ("usage-twice", 2)],
)
async def test_usage(model: str, counts: int) -> None:
    async with fake() as (_, client):
        found = [event["usage"] for event in (await client.events(model))[:-1] if "usage" in event]
        assert len(found) == counts
        assert not found or bool(found[-1]["completion_tokens"]) is (model != "usage-zero")

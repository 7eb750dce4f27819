"""What OpenAI's SDK makes of rendered answers and errors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response

from switchgear import Text, ToolCall
from switchgear.testing import Exchange, LoopbackServer
from tests.core.test_openai_responses_render import ANSWER, BROKEN, CODEC, CUSTOM, read, renderer, stream, whole

SSE = {"content-type": "text/event-stream"}


@pytest.fixture
async def sdk() -> AsyncIterator[tuple[AsyncOpenAI, list[bytes]]]:
    """A client of a server that answers with the bytes in the list."""
    sent: list[bytes] = []

    async def answer(exchange: Exchange) -> None:
        if json.loads(exchange.body).get("stream"):
            await exchange.start(200, SSE)
            for piece in sent:
                await exchange.send(piece)
            await exchange.end()
        else:
            await exchange.respond(200, b"".join(sent).decode())

    async with LoopbackServer(answer) as server:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0) as client:
            yield client, sent


async def test_the_sdk_reads_a_whole_answer(sdk: tuple[AsyncOpenAI, list[bytes]]) -> None:
    client, sent = sdk
    sent.append(json.dumps(whole(ANSWER)).encode())
    response = await client.responses.create(model="m", input="Hi")
    assert response.output_text == "Hello"
    Response.model_validate(whole(ANSWER), strict=True)


async def test_the_sdk_reads_a_stream(sdk: tuple[AsyncOpenAI, list[bytes]]) -> None:
    client, sent = sdk
    sent.append(stream(ANSWER))
    found = [event async for event in await client.responses.create(model="m", input="Hi", stream=True)]
    assert [event.type for event in found] == [event["type"] for event in read(sent[0])]
    for event, data in zip(found, read(sent[0]), strict=True):
        type(event).model_validate(data)


async def test_the_sdk_accumulates_a_stream(sdk: tuple[AsyncOpenAI, list[bytes]]) -> None:
    client, sent = sdk
    sent.append(stream([*ANSWER[:-1], ToolCall("b", "patch", '{"input":"x"}')], tools=[CUSTOM]))
    async with client.responses.stream(model="m", input="Hi") as accumulating:
        final = await accumulating.get_final_response()
    assert final.output_text == "Hello"
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call", "custom_tool_call"]


@pytest.mark.parametrize("source", ["renderer", "watch", "codec"])
@pytest.mark.parametrize("accumulated", [False, True], ids=["event by event", "accumulated"])
async def test_the_sdk_raises_its_error(sdk: tuple[AsyncOpenAI, list[bytes]], source: str, accumulated: bool) -> None:
    client, sent = sdk
    rendering, watch = renderer(), CODEC.watch()
    before = rendering.start() + rendering.event(Text("Hi"))
    watch.feed(before)
    if source == "codec":
        sent.append(CODEC.error_event(BROKEN))
    else:
        sent += [before, rendering.error_event(BROKEN) if source == "renderer" else watch.error_event(BROKEN)]
    with pytest.raises(openai.APIError, match="broke off") as raised:
        await (_accumulated if accumulated else _one_by_one)(client)
    assert raised.value.code == "protocol"


async def _accumulated(client: AsyncOpenAI) -> None:
    async with client.responses.stream(model="m", input="Hi") as accumulating:
        await accumulating.get_final_response()


async def _one_by_one(client: AsyncOpenAI) -> None:
    async for _ in await client.responses.create(model="m", input="Hi", stream=True):
        pass

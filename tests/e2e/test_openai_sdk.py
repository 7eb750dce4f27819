"""The official openai SDK through the gateway, over the openai-compatibility plugin and a faithful fake upstream."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from switchgear.testing import FakeOpenAI
from tests.gateways import KEY, Running, gateway

UPSTREAM_KEY = "upstream-key-0123456789"
FAULTS = ["err-400", "err-401", "err-404-model", "err-429-header", "err-500", "err-503", "err-529", "cut"]


@asynccontextmanager
async def sdk(folder: Path, **more: Any) -> AsyncIterator[tuple[AsyncOpenAI, FakeOpenAI, Running]]:
    async with FakeOpenAI(keys=[UPSTREAM_KEY]) as fake:
        models = [{"name": "demo-model", "alias": "chat"}, {"name": "demo-embedding", "alias": "embed"}]
        models += [{"name": name} for name in FAULTS]
        block = {
            "name": "fake",
            "prefix": "f",
            "base-url": fake.base_url(),
            "api-key-entries": [{"api-key": UPSTREAM_KEY}],
            "models": models,
        }
        config = {"openai-compatibility": [block], "request-retry": 0, "max-retry-interval": 0, **more}
        async with gateway(folder, config) as running:
            async with AsyncOpenAI(base_url=f"{running.url}/v1", api_key=KEY, max_retries=0) as client:
                yield client, fake, running


def says(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


async def test_a_chat(tmp_path: Path) -> None:
    async with sdk(tmp_path) as (client, fake, _):
        answer = await client.chat.completions.create(model="f/chat", messages=says("Hello"))
        assert answer.choices[0].message.content
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage is not None
        assert fake.calls[-1].model == "demo-model"


async def test_a_stream_with_usage(tmp_path: Path) -> None:
    async with sdk(tmp_path) as (client, _, running):
        stream = await client.chat.completions.create(
            model="chat", messages=says("Hello"), stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert chunks[-1].usage is not None
        assert (await running.counted("fake"))["tokens"]["output"] == chunks[-1].usage.completion_tokens


async def test_a_tool_call_and_its_result(tmp_path: Path) -> None:
    tools: list[Any] = [
        {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    ]
    async with sdk(tmp_path) as (client, _, _):
        answer = await client.chat.completions.create(
            model="chat", messages=says("use the tool"), tools=tools, tool_choice="required"
        )
        message = answer.choices[0].message
        assert message.tool_calls is not None
        call = message.tool_calls[0]
        assert call.type == "function"
        assert call.function.name == "weather"
        json.loads(call.function.arguments)
        history = [*says("use the tool"), message.model_dump(exclude_none=True)]
        history.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
        after = await client.chat.completions.create(model="chat", messages=history, tools=tools)
        assert after.choices[0].message.content


async def test_an_image(tmp_path: Path) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    content: Any = [{"type": "text", "text": "What is this?"}, picture]
    async with sdk(tmp_path) as (client, fake, _):
        answer = await client.chat.completions.create(model="chat", messages=[{"role": "user", "content": content}])
        assert "image" in (answer.choices[0].message.content or "").lower()
        assert fake.calls[-1].body["messages"][0]["content"] == content


async def test_output_by_json_schema(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
        "required": ["city", "degrees"],
        "additionalProperties": False,
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "weather", "schema": schema, "strict": True}}
    async with sdk(tmp_path) as (client, _, _):
        answer = await client.chat.completions.create(model="chat", messages=says("now"), response_format=form)
        assert set(json.loads(answer.choices[0].message.content or "")) == {"city", "degrees"}


@pytest.mark.parametrize("inputs", ["one", ["one", "two"], [[1, 2, 3]]], ids=["text", "texts", "tokens"])
async def test_embeddings(tmp_path: Path, inputs: Any) -> None:
    async with sdk(tmp_path) as (client, _, _):
        answer = await client.embeddings.create(model="f/embed", input=inputs)
        assert len(answer.data) == (2 if inputs == ["one", "two"] else 1)
        assert all(isinstance(number, float) for number in answer.data[0].embedding)


async def test_a_legacy_completion(tmp_path: Path) -> None:
    async with sdk(tmp_path) as (client, _, _):
        answer = await client.completions.create(model="chat", prompt="Once")
        assert answer.choices[0].text
        stream = await client.completions.create(model="chat", prompt="Once", stream=True)
        assert "".join([chunk.choices[0].text async for chunk in stream if chunk.choices])


async def test_models(tmp_path: Path) -> None:
    async with sdk(tmp_path) as (client, _, _):
        ids = [model.id async for model in client.models.list()]
        assert {"f/chat", "chat", "f/embed"} <= set(ids)
        assert (await client.models.retrieve("f/chat")).id == "f/chat"
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("nope")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param("err-400", openai.BadRequestError, id="400"),
        pytest.param("err-401", openai.AuthenticationError, id="401"),
        pytest.param("err-404-model", openai.NotFoundError, id="404"),
        pytest.param("nope", openai.NotFoundError, id="404 of our own"),
        pytest.param("err-429-header", openai.RateLimitError, id="429"),
        pytest.param("err-500", openai.InternalServerError, id="500"),
        pytest.param("err-503", openai.InternalServerError, id="503"),
        pytest.param("err-529", openai.InternalServerError, id="529"),
    ],
)
async def test_the_sdks_own_exception(tmp_path: Path, stream: Any, model: str, expected: type[Exception]) -> None:
    async with sdk(tmp_path) as (client, _, _):
        with pytest.raises(expected):
            await client.chat.completions.create(model=model, messages=says("Hello"), stream=stream)


async def test_a_wrong_client_key_is_an_authentication_error(tmp_path: Path) -> None:
    async with sdk(tmp_path) as (client, fake, _):
        with pytest.raises(openai.AuthenticationError):
            await client.with_options(api_key="wrong").models.list()
        assert len(fake.calls) == 0


async def test_a_cut_stream_is_an_api_error(tmp_path: Path) -> None:
    async with sdk(tmp_path) as (client, _, _):
        stream = await client.chat.completions.create(model="cut", messages=says("Hello"), stream=True)
        with pytest.raises(openai.APIError):
            _ = [chunk async for chunk in stream]

"""The fake upstream at ``/responses``, through the official openai SDK and its types."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from switchgear.testing import THOUGHT, FakeOpenAI, saying
from tests.core.fake_clients import fake, named_events

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOLS: list[Any] = [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False} for name in ("f", "g")]
SEALED: list[Any] = ["reasoning.encrypted_content"]


@asynccontextmanager
async def sdk() -> AsyncIterator[tuple[FakeOpenAI, AsyncOpenAI]]:
    async with FakeOpenAI(keys=["right"]) as upstream:
        async with AsyncOpenAI(base_url=upstream.base_url(), api_key="right", max_retries=0) as client:
            yield upstream, client


async def both(client: AsyncOpenAI, **fields: Any) -> Response:
    """The whole answer, once a stream, put together by the SDK, has said the same."""
    asked = {"model": "demo-model", "input": "Hello, big world", **fields}
    whole: Response = await client.responses.create(**asked)
    async with client.responses.stream(**asked) as stream:
        events = [event async for event in stream]
        streamed = await stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert streamed.output_text == whole.output_text
    assert [item.type for item in streamed.output] == [item.type for item in whole.output]
    assert streamed.usage == whole.usage
    return whole


async def test_a_response_and_its_stream() -> None:
    async with sdk() as (upstream, client):
        answer = await both(client, instructions="Be brief.", metadata={"a": "b"})
        assert (answer.output_text, answer.status) == ("You said: Hello, big world", "completed")
        assert (answer.instructions, answer.metadata, answer.tools) == ("Be brief.", {"a": "b"}, [])
        assert answer.usage is not None
        assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
        assert {call.endpoint for call in upstream.calls} == {"/responses"}


@pytest.mark.parametrize(
    ("fields", "called"),
    [
        pytest.param({"tool_choice": "required"}, "f", id="required"),
        pytest.param({"tool_choice": {"type": "function", "name": "g"}}, "g", id="by name"),
        pytest.param({"input": "use a tool"}, "f", id="by word"),
        pytest.param({"tool_choice": "none", "input": "use a tool"}, None, id="none"),
        pytest.param({}, None, id="auto"),
    ],
)
async def test_tools(fields: dict[str, Any], called: str | None) -> None:
    async with sdk() as (_, client):
        answer = await both(client, tools=TOOLS, **fields)
        (item,) = answer.output
        if called is None:
            assert item.type == "message"
            return
        assert item.type == "function_call"
        assert (item.name, json.loads(item.arguments), item.status) == (called, {"n": 1}, "completed")
        assert answer.tools[0].strict is False  # type: ignore[union-attr]
        after = await both(client, tools=TOOLS, input=[*_said(answer), _output(item.call_id, "42")])
        assert after.output_text == "The tool said: 42"


def _said(answer: Response) -> list[Any]:
    return [{"role": "user", "content": "hi"}, *(item.to_dict() for item in answer.output)]


def _output(call_id: str, output: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


async def test_images_are_seen_in_messages_and_results() -> None:
    async with sdk() as (_, client):
        image = {"type": "input_image", "image_url": "data:,", "detail": "auto"}
        content = [image, image, {"type": "input_text", "text": "What?"}]
        answer = await both(client, input=[{"role": "user", "content": content}])
        assert answer.output_text == "I see 2 images. You said: What?"
        call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
        answer = await both(client, input=[call, _output("c1", [image, {"type": "input_text", "text": "7"}])])
        assert answer.output_text == "I see 1 image. The tool said: 7"


async def test_json_by_schema() -> None:
    async with sdk() as (_, client):
        form = {"type": "json_schema", "name": "s", "schema": SCHEMA}
        assert json.loads((await both(client, text={"format": form})).output_text) == {"n": 1}
        loose = await both(client, text={"format": {"type": "json_object"}})
        assert json.loads(loose.output_text) == {}


@pytest.mark.parametrize(
    ("fields", "thinks", "sealed"),
    [
        pytest.param({"reasoning": {"effort": "low"}}, True, False, id="effort"),
        pytest.param({"reasoning": {"summary": "auto"}, "include": SEALED}, True, True, id="summary and seal"),
        pytest.param({"reasoning": {"effort": "none"}, "include": SEALED}, False, False, id="none"),
        pytest.param({"include": SEALED}, False, False, id="not said"),
    ],
)
async def test_reasoning_where_it_is_asked_for(fields: dict[str, Any], thinks: bool, sealed: bool) -> None:
    async with sdk() as (_, client):
        answer = await both(client, **fields)
        assert [item.type for item in answer.output] == (["reasoning"] if thinks else []) + ["message"]
        assert answer.usage is not None
        assert bool(answer.usage.output_tokens_details.reasoning_tokens) is thinks
        if answer.output[0].type == "reasoning":
            assert [part.text for part in answer.output[0].summary] == [THOUGHT]
            assert bool(answer.output[0].encrypted_content) is sealed
            again = await both(client, input=[*_said(answer), {"role": "user", "content": "Go on"}])
            assert again.output_text == "You said: Go on"


@pytest.mark.parametrize(
    ("script", "fields"),
    [
        pytest.param({"text": "Hi"}, {}, id="text"),
        pytest.param({"reasoning": "Hm.", "text": "Hi"}, {"include": SEALED}, id="reasoning"),
        pytest.param({"reasoning": "Hm.", "redacted": True}, {}, id="redacted"),
        pytest.param({"tool_calls": [("f", {"a": 1}), ("g", {})]}, {"tools": TOOLS}, id="two calls"),
        pytest.param({"text": "Hi", "ended_by": "length"}, {}, id="token limit"),
    ],
)
async def test_every_event_is_what_the_sdk_says_it_is(script: dict[str, Any], fields: dict[str, Any]) -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=saying(**script))
        whole = Response.model_validate((await client.responses(**fields)).json())
        answer = await client.responses(stream=True, **fields)
        events = [EVENT.validate_python(event) for event in named_events(answer.content)]
        assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
        assert [item.type for item in events[-1].response.output] == [item.type for item in whole.output]
        assert events[-1].type == f"response.{whole.status}"
        done = [event.item for event in events if event.type == "response.output_item.done"]
        assert done == events[-1].response.output


@pytest.mark.parametrize(
    ("model", "error", "code"),
    [
        pytest.param("err-400", openai.BadRequestError, None, id="bad request"),
        pytest.param("err-401", openai.AuthenticationError, "invalid_api_key", id="key"),
        pytest.param("nobody", openai.NotFoundError, "model_not_found", id="model"),
        pytest.param("err-429-header", openai.RateLimitError, "rate_limit_exceeded", id="limited"),
        pytest.param("err-context", openai.BadRequestError, "context_length_exceeded", id="too long"),
        pytest.param("err-500", openai.InternalServerError, None, id="server error"),
    ],
)
async def test_errors_reach_the_sdk(model: str, error: type[openai.APIStatusError], code: str | None) -> None:
    async with sdk() as (_, client):
        with pytest.raises(error) as caught:
            await client.responses.create(model=model, input="hi", stream=True)
        assert caught.value.code == code


async def test_a_wrong_key_is_refused() -> None:
    async with sdk() as (upstream, client):
        with pytest.raises(openai.AuthenticationError):
            await client.with_options(api_key="wrong").responses.create(model="demo-model", input="hi")
        assert upstream.calls[-1].key == "wrong"

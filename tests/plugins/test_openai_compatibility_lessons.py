"""A request that is sent once more, because the refusal says how the upstream wants it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
import pytest

from switchgear import Failure, Reply, Timeouts, UpstreamClient, UpstreamError
from switchgear.testing import ErrorSpec, Turn, answer_with, plain
from switchgear.testing.openai_turn import Behaviour
from switchgear_openai_compatibility.asking import MAX_REFUSAL_BYTES
from switchgear_openai_compatibility.lessons import Lessons, open_questions, taught_by
from switchgear_openai_compatibility.quirks import Lesson, Quirks
from tests.plugins.openai_upstreams import Upstream, said, upstream
from tests.plugins.openai_upstreams import events as chunks_of

LIMIT = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
EFFORT = "Unrecognized request argument supplied: reasoning_effort"
USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}
FROM_ANOTHER: dict[str, Any] = {"client_dialect": "anthropic-messages"}


def refusing(field: str, message: str, status: int = 400) -> Behaviour:
    """A model that answers well, unless ``field`` is there."""

    async def behave(turn: Turn) -> None:
        if field in turn.call.body:
            await turn.error(ErrorSpec(status, message, code="unsupported_parameter", param=field))
        else:
            await plain(turn)

    return behave


def bodies(up: Upstream) -> list[Mapping[str, Any]]:
    return [call.body for call in up.fake.calls]


# -- over the wire -------------------------------------------------------------------------------------------


async def test_the_limits_other_name() -> None:
    async with upstream() as up:
        up.fake.script(behaviour=refusing("max_tokens", LIMIT), model="demo-model")
        assert (await up.answer(max_tokens=7, **FROM_ANOTHER))[0] == 200
        first, second = bodies(up)
        assert (first["max_tokens"], second["max_completion_tokens"]) == (7, 7)
        assert {**first, "max_completion_tokens": 7} == {**second, "max_tokens": 7}
        assert (await up.answer(max_tokens=8, **FROM_ANOTHER))[0] == 200
        assert len(bodies(up)) == 3, "what was learnt is heeded at once"
        assert (await up.answer("demo-mini", max_tokens=9, **FROM_ANOTHER))[0] == 200
        assert bodies(up)[-1]["max_tokens"] == 9, "another model learns by itself"
        assert up.fake.server.connections_made == 1


async def test_a_client_that_speaks_chat_gets_its_own_refusal() -> None:
    async with upstream() as up:
        up.fake.script(behaviour=refusing("max_tokens", LIMIT))
        status, _, body = await up.answer(max_tokens=7)
        assert (status, len(bodies(up))) == (400, 1)
        assert json.loads(body)["error"]["message"] == LIMIT


@pytest.mark.parametrize(
    ("setting", "fields"),
    [
        pytest.param({"max_tokens_field": "max_tokens"}, {"max_tokens": 7}, id="limit"),
        pytest.param({"reasoning_request": "reasoning_effort"}, {"reasoning_effort": "low"}, id="effort"),
        pytest.param({"stream_usage": "on"}, {"stream": True}, id="usage"),
    ],
)
async def test_what_the_operator_decided_is_not_tried_otherwise(
    setting: dict[str, Any], fields: dict[str, Any]
) -> None:
    async with upstream(**setting) as up:
        up.fake.script(behaviour=answer_with(400, {"error": {"message": f"{LIMIT} {EFFORT} stream_options"}}))
        assert (await up.answer(**fields, **FROM_ANOTHER))[0] == 400
        assert len(bodies(up)) == 1


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("converted", [FROM_ANOTHER, {}], ids=["converted", "the client's own"])
async def test_without_usage(status: int, converted: dict[str, Any]) -> None:
    async with upstream() as up:
        up.fake.script(behaviour=refusing("stream_options", "Extra inputs are not permitted", status))
        for _ in range(2):
            answered, _, body = await up.answer(stream=True, **USAGE, **converted)
            assert (answered, said(chunks_of(body))) == (200, "You said: Hello, big world")
        assert ["stream_options" in body for body in bodies(up)] == [True, False, False]


async def test_a_closed_schema_is_learnt_from_its_own_words() -> None:
    async with upstream("mistral") as up:
        assert (await up.answer(stream=True, **USAGE))[0] == 200
        assert ["stream_options" in body for body in bodies(up)] == [True, False]


@pytest.mark.parametrize("status", [400, 422])
async def test_without_the_effort(status: int) -> None:
    async with upstream() as up:
        up.fake.script(behaviour=refusing("reasoning_effort", EFFORT, status))
        for _ in range(2):
            assert (await up.answer(reasoning_effort="low", **FROM_ANOTHER))[0] == 200
        assert ["reasoning_effort" in body for body in bodies(up)] == [True, False, False]
        assert (await up.answer(reasoning_effort="low"))[0] == status, "a client's own field is the client's"


async def test_everything_a_refusal_names_at_once() -> None:
    detail = [{"loc": ["body", field], "msg": "Extra inputs"} for field in ("stream_options", "reasoning_effort")]
    async with upstream() as up:
        up.fake.script(behaviour=answer_with(422, {"detail": detail}), times=1)
        assert (await up.answer(stream=True, reasoning_effort="low", **USAGE, **FROM_ANOTHER))[0] == 200
        assert not {"stream_options", "reasoning_effort"} & set(bodies(up)[-1])


async def test_there_is_one_further_call_and_no_more() -> None:
    async with upstream() as up:
        up.fake.script(behaviour=answer_with(400, {"error": {"message": LIMIT}}), times=1)
        up.fake.script(behaviour=answer_with(400, {"error": {"message": EFFORT}}))
        status, _, body = await up.answer(max_tokens=7, reasoning_effort="low", **FROM_ANOTHER)
        assert (status, len(bodies(up))) == (400, 2)
        assert EFFORT in body.decode()
        up.fake.unscript()
        up.fake.script(behaviour=refusing("reasoning_effort", EFFORT))
        assert (await up.answer(max_tokens=7, reasoning_effort="low", **FROM_ANOTHER))[0] == 200
        assert bodies(up)[-1].keys() & {"max_tokens", "max_completion_tokens"} == {"max_completion_tokens"}


async def test_a_lesson_that_turns_out_wrong_is_forgotten() -> None:
    async with upstream() as up:
        up.fake.script(behaviour=answer_with(400, {"error": {"message": LIMIT}}), times=1)
        await up.answer(max_tokens=7, **FROM_ANOTHER)
        up.fake.script(behaviour=refusing("max_completion_tokens", "use max_tokens, not max_completion_tokens"))
        assert (await up.answer(max_tokens=7, **FROM_ANOTHER))[0] == 200
        assert (await up.answer(max_tokens=7, **FROM_ANOTHER))[0] == 200
        names = [next(iter(body.keys() & {"max_tokens", "max_completion_tokens"})) for body in bodies(up)]
        assert names == ["max_tokens", *["max_completion_tokens"] * 2, "max_tokens", "max_tokens"]


async def test_two_that_learn_at_once_learn_the_same() -> None:
    async with upstream() as up:
        up.fake.script(behaviour=refusing("max_tokens", LIMIT))
        answers = await asyncio.gather(*(up.answer(max_tokens=7, **FROM_ANOTHER) for _ in range(3)))
        assert [status for status, _, _ in answers] == [200] * 3
        assert (await up.answer(max_tokens=7, **FROM_ANOTHER))[0] == 200
        assert "max_completion_tokens" in bodies(up)[-1]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(400, b'{"error":{"message":"Invalid temperature"}}', id="something else"),
        pytest.param(400, b'{"error":{"message":"maximum context length; max_tokens, max_completion_tokens"}}',
                     id="the context's length"),
        pytest.param(400, b"", id="nothing"),
        pytest.param(400, b"\xff<html>", id="no JSON"),
        pytest.param(422, b'{"detail":[{"msg":"wrong","input":"stream_options max_tokens max_completion_tokens"}]}',
                     id="an echo of the request"),
        pytest.param(400, b"{" + b" " * (3 * MAX_REFUSAL_BYTES) + b"}", id="longer than is read"),
        pytest.param(429, b'{"error":{"message":"stream_options"}}', id="another status"),
    ],
)  # fmt: skip
async def test_another_refusal_is_given_back_as_it_came(status: int, body: bytes) -> None:
    async with upstream() as up:
        up.fake.script(behaviour=answer_with(status, body, {"x-odd": "1"}))
        reply = await up.forward(stream=True, max_tokens=7, **USAGE, **FROM_ANOTHER)
        assert b"".join([part async for part in reply.body]) == body
        await reply.aclose()
        assert (reply.status, reply.headers["x-odd"], len(bodies(up))) == (status, "1", 1)
        await up.fake.wait_until_idle()


async def test_a_long_refusal_is_not_waited_for() -> None:
    async def behave(turn: Turn) -> None:
        await turn.exchange.start(400, {"content-type": "application/json"})
        await turn.exchange.send(b"x" * (2 * MAX_REFUSAL_BYTES))
        await turn.exchange.closed.wait()

    async with upstream() as up:
        up.fake.script(behaviour=behave)
        reply = await up.forward(stream=True, timeouts=Timeouts(idle_s=5), **USAGE)
        assert len(await anext(aiter(reply.body))) > MAX_REFUSAL_BYTES
        await reply.aclose()
        await up.fake.wait_for_cancelled()


async def test_a_refusal_that_cannot_be_read_is_closed() -> None:
    closed: list[str] = []

    async def body() -> AsyncIterator[bytes]:
        yield b'{"error":'
        raise UpstreamError(Failure("connection", message="gone"))

    async def aclose() -> None:
        closed.append("once")

    class Breaking(UpstreamClient):
        async def reply(self, request: httpx2.Request, timeouts: Timeouts | None = None) -> Reply:
            return Reply(400, {}, body(), aclose)

    async with upstream() as up:
        up.client = Breaking(httpx2.AsyncHTTPTransport())
        with pytest.raises(UpstreamError, match="gone"):
            await up.forward(stream=True, **USAGE)
        assert closed == ["once"]


async def test_a_refusal_that_breaks_off_gives_its_connection_back() -> None:
    async def behave(turn: Turn) -> None:
        await turn.exchange.start(400, {"content-type": "application/json", "content-length": "100"})
        await turn.exchange.send(b'{"error":')
        turn.exchange.cut()

    async with upstream() as up:
        up.fake.script(behaviour=behave)
        with pytest.raises(UpstreamError) as caught:
            await up.forward(stream=True, **USAGE)
        assert caught.value.failure.cause == "connection"
        await up.fake.server.wait_for(lambda: up.fake.server.open_connections == 0)


async def test_other_dialects_are_not_retried() -> None:
    async with upstream() as up:
        up.fake.script(behaviour=answer_with(400, {"error": {"message": "stream_options"}}))
        assert (await up.answer(dialect="openai-completions", prompt="p", stream=True, **USAGE))[0] == 400
        assert len(bodies(up)) == 1


async def test_roles_are_seen_to_on_the_way() -> None:
    async with upstream() as up:
        await up.answer(messages=[{"role": "developer", "content": "c"}])
        assert bodies(up)[0]["messages"] == [{"role": "system", "content": "c"}]


# -- pure ----------------------------------------------------------------------------------------------------

ALL: frozenset[Lesson] = frozenset({"max_completion_tokens", "no_stream_options", "no_reasoning_effort"})


def refusal(message: str, status: int = 400, **fields: Any) -> Failure:
    return Failure("status", status, body=json.dumps({"error": {"message": message, **fields}}).encode())


@pytest.mark.parametrize(
    ("failure", "taught"),
    [
        pytest.param(refusal(LIMIT), {"max_completion_tokens"}, id="openai, azure, limit"),
        pytest.param(refusal("max_tokens is too large"), set(), id="one of the limit's names says nothing"),
        pytest.param(refusal(EFFORT), {"no_reasoning_effort"}, id="effort"),
        pytest.param(refusal("Unknown parameter", param="stream_options"), {"no_stream_options"}, id="by param alone"),
        pytest.param(refusal("the model stream_options does not exist"), set(), id="about the model"),
        pytest.param(refusal("my_stream_options"), set(), id="a longer word"),
        pytest.param(refusal("flagged: stream_options"), set(), id="about the content"),
    ],
)
def test_what_a_refusal_teaches(failure: Failure, taught: set[Lesson]) -> None:
    assert taught_by(failure, ALL) == taught
    assert taught_by(failure, frozenset()) == set()


@pytest.mark.parametrize(
    ("body", "converted", "asked"),
    [
        pytest.param(b'{"stream_options":{}}', False, {"no_stream_options"}, id="usage"),
        pytest.param(b'{"max_tokens":1,"reasoning_effort":"low"}', False, set(), id="the client's own"),
        pytest.param(b'{"max_tokens":1}', True, {"max_completion_tokens"}, id="limit"),
        pytest.param(b'{"max_completion_tokens":1}', True, {"max_completion_tokens"}, id="limit, other name"),
        pytest.param(b'{"reasoning_effort":"low"}', True, {"no_reasoning_effort"}, id="effort"),
        pytest.param(b"{}", True, set(), id="none of them"),
    ],
)
def test_what_could_be_learnt(body: bytes, converted: bool, asked: set[Lesson]) -> None:
    assert open_questions(Quirks(), body, converted=converted) == asked


def test_lessons_are_kept_by_model() -> None:
    lessons = Lessons()
    one: frozenset[Lesson] = frozenset({"no_stream_options"})
    assert lessons.learn("a", one, frozenset()) == one == lessons.of("a")
    assert lessons.of("b") == frozenset()
    assert lessons.learn("a", one, frozenset()) == one, "learnt twice, from two requests at once"
    assert lessons.learn("a", one, one) == frozenset(), "heeded and refused all the same"

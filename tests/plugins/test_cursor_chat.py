"""A request that is asked again in another way, the ids of conversations, and what the client is told."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import msgspec
import pytest

from switchgear import Finish, Message, ReasoningOptions, Text, UpstreamError
from switchgear.testing import Http2Server
from switchgear.upstream import UpstreamClient
from switchgear_cursor.conversation_ids import ConversationIds
from switchgear_cursor.proto.agent_pb2 import AgentRunRequest
from switchgear_cursor.run_request import ModelChoice
from tests.core.duplexes import client as client
from tests.core.duplexes import clients as clients
from tests.plugins.cursor_agent import Chatter, Script, Seat, agent, saying
from tests.plugins.cursor_frames import END_OK, conversation, error_end, text, turn_ended

HIGH = ModelChoice("gpt-5.5-high", (("reasoning", "high"),))
BASE = ModelChoice("gpt-5.5", (("reasoning", "high"),))
ANSWER = (text("Hello"), turn_ended(input_tokens=10, output_tokens=1), END_OK)


def recorded(requests: list[AgentRunRequest], script: Script) -> Script:
    async def play(seat: Seat, request: AgentRunRequest) -> None:
        requests.append(request)
        await script(seat, request)

    return play


def forms(requests: list[AgentRunRequest]) -> list[tuple[str, bool, bool]]:
    return [
        (each.requested_model.model_id, each.requested_model.max_mode, each.HasField("model_details"))
        for each in requests
    ]


@pytest.mark.parametrize(
    ("refusal", "asked"),
    [
        pytest.param(
            error_end("invalid_argument"),
            [("gpt-5.5-high", False, True), ("gpt-5.5-high", False, False), ("gpt-5.5-high", False, False)],
            id="the form",
        ),
        pytest.param(
            error_end("failed_precondition", "MAX_MODE_REQUIRED"),
            [("gpt-5.5-high", False, True), ("gpt-5.5-high", True, True), ("gpt-5.5-high", True, True)],
            id="Max Mode",
        ),
        pytest.param(
            error_end("not_found"),
            [("gpt-5.5-high", False, True), ("gpt-5.5", False, True), ("gpt-5.5-high", False, True)],
            id="the name, which is not remembered",
        ),
    ],
)
async def test_what_is_refused_in_one_form_is_asked_in_another(
    client: UpstreamClient, refusal: bytes, asked: list[tuple[str, bool, bool]]
) -> None:
    seen: list[AgentRunRequest] = []
    scripts = [recorded(seen, script) for script in (saying(refusal), saying(*ANSWER))]
    async with Http2Server(agent(*scripts)) as upstream:
        chatter = Chatter(client, upstream.url, (HIGH, BASE))
        for _ in range(2):
            assert (await chatter.ask())[0] == Text("Hello")
        assert forms(seen) == asked


async def test_nothing_is_asked_again_after_output(client: UpstreamClient) -> None:
    async with Http2Server(agent(saying(text("a"), error_end("invalid_argument")))) as upstream:
        with pytest.raises(UpstreamError):
            await Chatter(client, upstream.url, (HIGH, BASE)).ask()
        assert len(upstream.exchanges) == 1


async def test_a_second_refusal_is_final(client: UpstreamClient) -> None:
    async with Http2Server(agent(saying(error_end("invalid_argument")))) as upstream:
        with pytest.raises(UpstreamError):
            await Chatter(client, upstream.url, (HIGH,)).ask()
        assert len(upstream.exchanges) == 2


REGION = error_end("unauthenticated", "CUSTOM", "This region is not yet available for your team")


async def test_a_region_is_left_for_the_one_the_service_names_now(client: UpstreamClient) -> None:
    async with Http2Server(agent(saying(REGION))) as old, Http2Server(agent(saying(*ANSWER))) as new:
        assert (await Chatter(client, old.url, lines=[new.url]).ask())[0] == Text("Hello")
        assert (len(old.exchanges), len(new.exchanges)) == (1, 1)


async def test_a_region_is_final_where_the_service_names_the_same(client: UpstreamClient) -> None:
    async with Http2Server(agent(saying(REGION))) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await Chatter(client, upstream.url).ask()
        assert caught.value.failure.body == REGION[5:]
        assert len(upstream.exchanges) == 1


async def test_a_bare_exhaustion_is_asked_under_another_id_for_good(client: UpstreamClient) -> None:
    seen: list[AgentRunRequest] = []
    scripts = [recorded(seen, script) for script in (saying(error_end("resource_exhausted")), saying(*ANSWER))]
    async with Http2Server(agent(*scripts)) as upstream:
        chatter = Chatter(client, upstream.url, headers={"x-session-id": "s"}, context_length=200_000)
        for _ in range(2):
            await chatter.ask()
        first, second, third = (each.conversation_id for each in seen)
        assert first != second == third


async def test_a_bare_exhaustion_of_a_full_window_is_said_to_be_one(client: UpstreamClient) -> None:
    async with Http2Server(agent(saying(error_end("resource_exhausted")))) as upstream:
        asked = conversation(messages=(Message("system", (Text("word " * 1000),)), Message("user", (Text("hi"),))))
        with pytest.raises(UpstreamError) as caught:
            await Chatter(client, upstream.url, context_length=2000).ask(asked)
        said: Any = msgspec.json.decode(caught.value.failure.body)
        assert said["error"]["code"] == "resource_exhausted"
        assert said["prompt"]["context_length"] == 2000
        assert 1200 < said["prompt"]["estimated_tokens"] < 1600
        assert len(upstream.exchanges) == 1


async def test_a_service_that_cannot_be_reached(client: UpstreamClient) -> None:
    with pytest.raises(UpstreamError) as caught:
        await Chatter(client, "http://127.0.0.1:1").ask()
    assert caught.value.failure.cause == "connection"


async def test_what_the_wire_has_no_field_for_is_reported(client: UpstreamClient) -> None:
    async with Http2Server(agent(saying(*ANSWER))) as upstream:
        chatter = Chatter(client, upstream.url)
        await chatter.ask(conversation(max_output_tokens=5, reasoning=ReasoningOptions(summary="auto")))
        assert sorted(chatter.dropped) == ["max_output_tokens", "reasoning.summary"]


# -- conversation ids --------------------------------------------------------------------------------------


def id_of(ids: ConversationIds, chatter: Chatter, account: str = "a", **rest: Any) -> str:
    with ids.given(account, chatter.request(conversation(**rest))) as given:
        assert uuid.UUID(given).version == 4
        return given


@pytest.fixture
def chatter() -> Chatter:
    return Chatter(None, "", headers={"x-session-id": "s"})  # type: ignore[arg-type]  # nobody is asked


def test_a_session_keeps_its_id_in_every_process(chatter: Chatter) -> None:
    assert id_of(ConversationIds(), chatter) == id_of(ConversationIds(), chatter)


@pytest.mark.parametrize(
    ("headers", "rest", "stable"),
    [
        pytest.param({}, {}, False, id="nothing"),
        pytest.param({"session_id": "s"}, {}, True, id="a header"),
        pytest.param({}, {"cache_key": "k"}, True, id="a cache key"),
        pytest.param({}, {"user": "u"}, True, id="a user"),
    ],
)
def test_what_names_a_session(headers: dict[str, str], rest: dict[str, Any], stable: bool) -> None:
    chatter, ids = Chatter(None, "", headers=headers), ConversationIds()  # type: ignore[arg-type]  # nobody is asked
    assert (id_of(ids, chatter, **rest) == id_of(ids, chatter, **rest)) is stable


def test_others_have_other_ids(chatter: Chatter) -> None:
    ids = ConversationIds()
    first = id_of(ids, chatter)
    assert first != id_of(ids, chatter, "b")
    assert first != id_of(ids, chatter, messages=(Message("user", (Text("other"),)),))


def test_no_two_runs_share_an_id(chatter: Chatter) -> None:
    ids = ConversationIds()
    request = chatter.request(conversation())
    with ids.given("a", request) as first, ids.given("a", request) as second:
        assert first != second
    with ids.given("a", request) as third:
        assert third == first


def test_spent_ids_are_forgotten_in_the_end(chatter: Chatter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear_cursor.conversation_ids.MOST_SPENT", 1)
    ids = ConversationIds()
    first = id_of(ids, chatter)
    ids.spend(first)
    assert id_of(ids, chatter) != first
    ids.spend("another")
    assert id_of(ids, chatter) == first


async def test_many_runs_share_few_connections(client: UpstreamClient) -> None:
    everybody = asyncio.Barrier(40)

    async def script(seat: Seat, _: AgentRunRequest) -> None:
        await everybody.wait()
        await seat.say(*ANSWER)

    async with Http2Server(agent(script)) as upstream:
        answers = await asyncio.gather(*(Chatter(client, upstream.url).ask() for _ in range(40)))
        assert all(answer[-1] == Finish("stop") for answer in answers)
        assert upstream.connections_made < 5

"""The fake agent is strict: what the service refuses it refuses, and what no client should send it does not forgive."""

from __future__ import annotations

import asyncio
import gzip
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from switchgear import Text, UpstreamError
from switchgear.testing import Http2Server, LoopbackServer
from switchgear.upstream import UpstreamClient
from switchgear_cursor.fake import agent_messages as say
from switchgear_cursor.fake.agent import RUN, STREAMED, FakeAgent
from switchgear_cursor.fake.agent_answers import plain
from switchgear_cursor.fake.agent_errors import Breach
from switchgear_cursor.fake.agent_http1 import Http1Runs
from switchgear_cursor.fake.agent_run import Run
from switchgear_cursor.fake.fields import Fields, Value, WireError, from_value, message, to_value
from switchgear_cursor.fake.people import People
from switchgear_cursor.fake.stream import ServerStream, envelope
from switchgear_cursor.framing import Envelopes
from tests.core.duplexes import client as client
from tests.core.duplexes import clients as clients
from tests.plugins.cursor_agent import Chatter
from tests.plugins.cursor_caller import MODEL, SYSTEM, Stage, action, first, root, state, tool

# -- bytes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "golden"),
    [
        pytest.param(say.text("hi"), "0a060a040a026869", id="text"),
        pytest.param(say.thinking("hm"), "0a0622040a02686d", id="thinking"),
        pytest.param(say.heartbeat(), "0a026a00", id="heartbeat"),
        pytest.param(say.turn_ended({1: 10, 2: 1, 3: 7}), "0a087206080a10011807", id="the end of a turn"),
        pytest.param(say.execution(1, "e1", 10, {}), "120808017a0265315200", id="a question for the context"),
        pytest.param(
            say.execution(
                2, "e2", 11, say.mcp_args("gw-get_weather", "get_weather", "gw", "call_1", {"city": "Paris"})
            ),
            "124208027a0265325a3a0a0e67772d6765745f77656174686572120f0a046369747912071a0550617269731a0663616c6c5f31"
            "220267772a0b6765745f77656174686572",
            id="a call",
        ),
    ],
)
def test_what_it_says_is_what_was_captured(said: bytes, golden: str) -> None:
    assert said.hex() == golden


@pytest.mark.parametrize("given", [None, True, 3, 1.5, "s", [1, [2]], {"a": {"b": [None, ""]}, "c": {}}, -(2**40)])
def test_json_survives(given: Any) -> None:
    assert from_value(Fields(to_value(given))) == given


@pytest.mark.parametrize("data", ["00", "0a05", "08", "0b", "08ffffffffffffffffffffff"])
def test_what_is_no_message(data: str) -> None:
    with pytest.raises(WireError):
        Fields(bytes.fromhex(data))


def test_it_cuts_packs_and_joins_what_it_says() -> None:
    """All that is said comes out in the end, whatever the pieces."""
    said = [say.text(f"word {number}") for number in range(50)]
    out = ServerStream(1, packs=True)
    pieces = [piece for payload in said for piece in out.add(payload)]
    pieces += out.end({})
    given = Envelopes().feed(b"".join(pieces))
    assert [each.payload for each in given] == [*said, b"{}"]
    assert len(pieces) > len(said)
    assert any(each.flags & 1 for each in given)
    joined = ServerStream(1, packs=False, is_plain=True)
    assert [piece for payload in said for piece in joined.add(payload)] == [envelope(payload) for payload in said]


# -- a run ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def stage(client: UpstreamClient) -> AsyncIterator[Stage]:
    people = People()
    async with FakeAgent(people) as agent:
        yield Stage(agent, people, client)


async def test_a_run_by_hand(stage: Stage) -> None:
    """Each question is answered, and the answer comes."""
    async with stage.called() as caller:
        await caller.send(first())
        asked = await caller.next(4)
        assert asked.message(2).data(1) == root()
        await caller.send({3: message({1: asked.number(1), 2: message({1: SYSTEM})})})
        wanted = await caller.next(2)
        context = message({1: message({1: message({4: message({10: "UTC"})})})})
        answer: dict[int, Value] = {1: wanted.number(1), 15: wanted.text(15), 10: context}
        await caller.send({2: message(answer)}, {5: message({1: message({1: wanted.number(1)})})})
        said = (await caller.next(1)).message(1).text(1)
        assert said == "You "
        kept = (await caller.next(4)).message(3)
        await caller.send({3: message({1: 3, 3: b""})})
        again = await caller.next(4)
        assert again.message(2).data(1) == kept.data(1)
        await caller.send({3: message({1: again.number(1), 2: message({1: kept.data(2)})})})
        assert await caller.error() == {}


# -- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        pytest.param({"authorization": "Bearer nobody"}, "NOT_LOGGED_IN", id="nobody's token"),
        pytest.param({"x_cursor_client_version": "cli-2024.01.01"}, "OUTDATED_CLIENT", id="an old version"),
        pytest.param({"x_cursor_client_type": "sdk"}, "OUTDATED_CLIENT", id="a version of another type"),
        pytest.param({"x_ghost_mode": ""}, "missing required header", id="no privacy mode"),
        pytest.param({"x_request_id": "1"}, "missing required header", id="no request id"),
        pytest.param({"connect_protocol_version": ""}, "missing required header", id="no protocol version"),
        pytest.param({"user_agent": "connect-es/1.6.1"}, "the gateway's own name", id="another program's name"),
        pytest.param({"x_cursor_checksum": "made-up"}, "no device's", id="a device"),
    ],
)
async def test_headers_that_are_refused(stage: Stage, headers: dict[str, str], said: str) -> None:
    async with stage.called(**headers) as caller:
        assert said in json.dumps(await caller.error())


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        pytest.param({"f1": b""}, "invalid_argument", "Conversation state is required", id="no state"),
        pytest.param({"f8": "You are"}, "invalid_argument", "'--system-prompt'", id="a system prompt of its own"),
        pytest.param({"f12": 1}, "invalid_argument", "Workspace context exclusion", id="no workspace"),
        pytest.param({"f2": action(" ")}, "invalid_argument", "Cannot send empty user message", id="nothing said"),
        pytest.param({"f1": state(f1=[root()] * 208)}, "invalid_argument", "Error", id="too many messages"),
        pytest.param(
            {
                "f4": message({1: tool(schema={"properties": {"a": {"items": [{"anyOf": []}]}}})}),
                "f2": action(tools=(tool(schema={"properties": {"a": {"items": [{"anyOf": []}]}}}),)),
            },
            "resource_exhausted",
            "Error",
            id="a union deep in a tool",
        ),
        pytest.param({"f4": message({1: tool("Web_Search")})}, "invalid_argument", "duplicate tool", id="its own tool"),
    ],
)
async def test_requests_that_are_refused(stage: Stage, fields: dict[str, Value], code: str, said: str) -> None:
    async with stage.called() as caller:
        await caller.send(first(**fields))
        error = await caller.error()
        assert (error["code"], said in error["message"]) == (code, True)


async def test_another_message_before_the_request_is_refused(stage: Stage) -> None:
    async with stage.called() as caller:
        await caller.send({7: b""})
        assert (await caller.error())["message"] == "First message must be a run request"


# -- what is not forgiven ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"f1": state(f10=2)}, "mode", id="another mode"),
        pytest.param({"f1": state(f1=[b"short"])}, "SHA-256", id="no hash"),
        pytest.param({"f3": message({**MODEL, 3: "other"})}, "another model", id="two models"),
        pytest.param({"f3": message({**MODEL, 7: 1})}, "Max Mode", id="half a Max Mode"),
        pytest.param({"f3": message({**MODEL, 8: "key"})}, "the fields", id="a key of one's own"),
        pytest.param({"f5": "c1"}, "conversation id", id="no conversation id"),
        pytest.param({"f11": "x"}, "the fields", id="an unknown field"),
        pytest.param({"f4": message({1: tool()})}, "other tools", id="tools that the context lacks"),
        pytest.param({"f2": message({3: b""})}, "the action", id="another action"),
        pytest.param({"f4": message({1: tool("no name!")})}, "no name for a tool", id="a tool's name"),
    ],
)
async def test_requests_that_no_client_sends(stage: Stage, fields: dict[str, Value], said: str) -> None:
    async with stage.called() as caller:
        await caller.send(first(**fields))
        assert (await caller.error())["code"] == "invalid_argument"
        assert said in await stage.breach()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        pytest.param(envelope(b"\x00\x01"), "illegal tag: field no 0", id="no protobuf"),
        pytest.param(envelope(gzip.compress(message(first())), 1), "flags", id="packed"),
        pytest.param(envelope(b"{}", 2), "flags", id="an end"),
    ],
)
async def test_bytes_that_no_client_sends(stage: Stage, sent: bytes, said: str) -> None:
    async with stage.called() as caller:
        await caller.call.send(sent)
        await caller.error()
        assert said in await stage.breach()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        pytest.param({3: message({1: 99, 2: message({1: SYSTEM})})}, "asked for as", id="to another question"),
        pytest.param({3: message({1: 1, 2: message({1: b"{}"})})}, "SHA-256", id="another blob"),
        pytest.param({6: message({1: 1})}, "was due", id="of another kind"),
        pytest.param({4: b""}, "in the middle", id="an action"),
    ],
)
async def test_answers_that_no_client_gives(stage: Stage, sent: dict[int, Value], said: str) -> None:
    async with stage.called() as caller:
        await caller.send(first())
        await caller.next(4)
        await caller.send(sent)
        await caller.error()
        assert said in await stage.breach()


async def test_a_blob_that_is_missing_is_the_clients_fault(stage: Stage) -> None:
    async with stage.called() as caller:
        await caller.send(first())
        asked = await caller.next(4)
        await caller.send({3: message({1: asked.number(1), 2: message({2: message({1: "none"})})})})
        assert (await caller.error())["message"] == "Blob not found"


@pytest.mark.parametrize(
    ("blob", "said"),
    [
        pytest.param({"role": "user", "content": "hi"}, "list of parts", id="a bare text"),
        pytest.param({"role": "developer", "content": "hi"}, "the role", id="an unknown role"),
        pytest.param(
            {"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "c", "toolName": "t", "args": {}}]},
            "not followed by their results",
            id="a call without its result",
        ),
        pytest.param(
            {
                "role": "tool",
                "content": [{"type": "tool-result", "toolCallId": "c", "toolName": "t", "result": "r"}],
            },
            "have no calls",
            id="a result without its call",
        ),
        pytest.param(
            {"role": "user", "content": [{"type": "image", "image": "aGk=", "mediaType": "image/png"}]},
            "Unable to parse image",
            id="an image that is no data URL",
        ),
    ],
)
async def test_prompts_that_no_client_sends(stage: Stage, blob: dict[str, Any], said: str) -> None:
    data = json.dumps(blob).encode()
    async with stage.called() as caller:
        await caller.send(first(f1=state(f1=[root(data)])))
        asked = await caller.next(4)
        await caller.send({3: message({1: asked.number(1), 2: message({1: data})})})
        await caller.error()
        assert said in await stage.breach()


async def test_half_closing_before_the_end(stage: Stage) -> None:
    async with stage.called() as caller:
        await caller.send(first())
        await caller.call.end()
        await caller.error()
        assert "half-closed" in await stage.breach()


async def test_one_conversation_and_one_request_id_at_a_time(stage: Stage) -> None:
    async with stage.called() as one, stage.called(x_request_id=str(uuid.uuid4())) as other:
        await one.send(first())
        await one.next(4)
        await other.send(first())
        await other.error()
        assert "one conversation id" in await stage.breach()
        async with stage.called() as again:
            await again.send(first())
            await again.error()
            assert "came twice" in await stage.breach()


async def test_the_services_own_tools_have_to_be_shut_out(stage: Stage) -> None:
    async with stage.called(x_cursor_agent_allowed_tools="") as caller:
        await caller.error()
        assert "shut out" in await stage.breach()


async def test_a_silent_client_is_dropped_and_one_that_beats_is_not(stage: Stage) -> None:
    stage.agent.silence_s = 0.2
    async with stage.called() as caller:
        await caller.send(first())
        with pytest.raises(UpstreamError, match="reset"):
            await caller.error()

    async def late(run: Run) -> None:
        while run.heartbeats < 10:
            await asyncio.sleep(0.01)
        await plain(run)

    stage.agent.play(late)
    chatter = Chatter(stage.client, stage.agent.server.url, identity=stage.identity)
    assert Text("hi") in await chatter.ask()
    assert [run.was_dropped for run in stage.agent.runs] == [True, False]


async def test_a_breach_is_raised_in_the_end(client: UpstreamClient) -> None:
    people = People()
    agent = FakeAgent(people)
    await agent.__aenter__()
    async with Stage(agent, people, client).called() as caller:
        await caller.call.end()
        await caller.error()
    with pytest.raises(Breach, match="half-closed without a word"):
        await agent.__aexit__(None, None, None)


# -- HTTP/1.1 ----------------------------------------------------------------------------------------------------


async def test_http1_is_shown_the_door(client: UpstreamClient) -> None:
    async with FakeAgent(People()) as agent:
        runs = Http1Runs(agent)

        async def handle(exchange: Any) -> None:
            assert await runs.answer(exchange)

        async with LoopbackServer(handle) as server:
            answer = await client.fetch(httpx2.Request("POST", server.url + RUN))
            assert (answer.status_code, answer.content) == (464, b"")


async def test_other_paths_and_types_are_refused(stage: Stage) -> None:
    server: Http2Server = stage.agent.server
    for path, kind, status in [("/other", STREAMED, 404), (RUN, "application/grpc", 415)]:
        request = httpx2.Request("POST", server.url + path, headers={**stage.headers, "content-type": kind})
        call = await stage.client.duplex(request)
        await call.answered()
        assert call.status == status
        await call.aclose()

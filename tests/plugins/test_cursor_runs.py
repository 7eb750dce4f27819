"""Runs over a real HTTP/2 connection: both directions, time, and how a run is left."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from h2.errors import ErrorCodes

from switchgear import Account, Finish, Text, ToolCall, UpstreamError, Usage
from switchgear.testing import Http2Exchange, Http2Server
from switchgear.upstream import UpstreamClient
from switchgear_cursor.chat import chat
from switchgear_cursor.proto.agent_pb2 import (
    AgentRunRequest,
    GetBlobArgs,
    KvServerMessage,
    NativeArgs,
)
from tests.core.duplexes import client as client
from tests.core.duplexes import clients as clients
from tests.plugins.cursor_agent import IMPATIENT, Chatter, Script, Seat, agent, saying
from tests.plugins.cursor_frames import (
    END_OK,
    HEARTBEAT,
    WEATHER,
    announced,
    call,
    conversation,
    count,
    error_end,
    exec_,
    frame,
    text,
    turn_ended,
)

WHOLE = [text("Hello"), turn_ended(input_tokens=10, output_tokens=1), END_OK]
PARIS = ToolCall("call_1", "get_weather", '{"city":"Paris"}')


async def test_a_run_from_its_first_message_to_its_end(client: UpstreamClient) -> None:
    async def script(seat: Seat, request: AgentRunRequest) -> None:
        for number, blob_id in enumerate(request.conversation_state.root_prompt_messages_json):
            asked = KvServerMessage(id=number, get_blob_args=GetBlobArgs(blob_id=blob_id))
            await seat.say(frame(kv_server_message=asked))
            answer = await seat.message("kv_client_message")
            assert answer.kv_client_message.get_blob_result.blob_data
        await seat.say(exec_(1, request_context=NativeArgs()))
        answer = await seat.message("exec_client_message")
        assert answer.exec_client_message.request_context.success.request_context.env.time_zone == "UTC"
        await seat.message("exec_client_control_message")
        assert not seat.exchange.client_ended
        await seat.say(*WHOLE)
        await seat.exchange.end()

    async with Http2Server(agent(script)) as upstream:
        chatter = Chatter(client, upstream.url)
        assert await chatter.ask() == [Text("Hello"), Usage(10, 1), Finish("stop")]
        (seen,) = upstream.exchanges
        assert seen.path == "/agent.v1.AgentService/Run"
        headers = {name: value for name, value in seen.headers.items() if name != "x-request-id"}
        assert len(seen.headers["x-request-id"]) == 36
        assert headers.pop("user-agent").startswith("switchgear/")
        assert headers == {
            "authorization": "Bearer t",
            "content-type": "application/connect+proto",
            "connect-protocol-version": "1",
            "connect-accept-encoding": "gzip",
            "te": "trailers",
            "x-cursor-agent-allowed-tools": "mcp_tool_call,get_mcp_tools_tool_call",
            "accept-encoding": "identity",
        }
        assert seen.reset_code in {None, ErrorCodes.NO_ERROR, ErrorCodes.CANCEL}


async def test_the_server_hears_from_us_while_it_thinks(client: UpstreamClient) -> None:
    async def script(seat: Seat, _: AgentRunRequest) -> None:
        for _number in range(3):
            await seat.message("client_heartbeat")
            await seat.say(HEARTBEAT)
        await seat.say(*WHOLE)

    async with Http2Server(agent(script)) as upstream:
        assert (await Chatter(client, upstream.url).ask())[0] == Text("Hello")


async def test_the_server_hears_from_us_while_the_client_reads_slowly(client: UpstreamClient) -> None:
    heard = asyncio.Event()

    async def script(seat: Seat, _: AgentRunRequest) -> None:
        await seat.say(text("a"))
        for _number in range(2):
            await seat.message("client_heartbeat")
        heard.set()
        await seat.say(*WHOLE)

    async with Http2Server(agent(script)) as upstream:
        chatter = Chatter(client, upstream.url)
        async with aclosing(chat(chatter.asking(), chatter.request(conversation()), Account("a"), client)) as events:
            assert await anext(events) == Text("a")
            await asyncio.wait_for(heard.wait(), 5)  # nothing is read meanwhile
            assert [event async for event in events][-1] == Finish("stop")


async def until_left(seat: Seat) -> None:
    """Read until the client resets the stream."""
    await asyncio.wait_for(seat.exchange.closed.wait(), 5)


async def test_calls_are_handed_over_and_the_run_is_left(client: UpstreamClient) -> None:
    async def script(seat: Seat, _: AgentRunRequest) -> None:
        await seat.say(text("Let me see."), call(1, "call_1", city="Paris"), call(2, "call_2", city="Rome"))
        await until_left(seat)

    async with Http2Server(agent(script)) as upstream:
        events = await Chatter(client, upstream.url).ask(conversation(WEATHER))
        assert events == [
            Text("Let me see."),
            PARIS,
            ToolCall("call_2", "get_weather", '{"city":"Rome"}'),
            Finish("tool_calls"),
        ]
        (seen,) = upstream.exchanges
        await upstream.wait_for(seen.closed.is_set)
        assert seen.reset_code == ErrorCodes.CANCEL


async def test_a_call_that_was_announced_is_waited_for(client: UpstreamClient) -> None:
    async def script(seat: Seat, _: AgentRunRequest) -> None:
        await seat.say(announced("call_1"), announced("call_2"), call(1, "call_1", city="Paris"))
        control = (await seat.message("exec_client_control_message")).exec_client_control_message
        assert control.heartbeat.id == 1
        await seat.say(call(2, "call_2", city="Rome"))
        await until_left(seat)

    async with Http2Server(agent(script)) as upstream:
        events = await Chatter(client, upstream.url).ask(conversation(WEATHER))
        assert [type(event) for event in events] == [ToolCall, ToolCall, Finish]


async def test_a_count_that_is_not_reached_does_not_hold_the_answer(client: UpstreamClient) -> None:
    async def script(seat: Seat, _: AgentRunRequest) -> None:
        await seat.say(count(2), call(1, "call_1", city="Paris"))
        await until_left(seat)

    async with Http2Server(agent(script)) as upstream:
        assert await Chatter(client, upstream.url).ask(conversation(WEATHER)) == [PARIS, Finish("tool_calls")]


async def test_a_stop_sequence_leaves_the_run(client: UpstreamClient) -> None:
    async def script(seat: Seat, _: AgentRunRequest) -> None:
        await seat.say(text("one END two"))
        await until_left(seat)

    async with Http2Server(agent(script)) as upstream:
        events = await Chatter(client, upstream.url).ask(conversation(stop=("END",)))
        assert events == [Text("one "), Finish("stop", "END")]


async def test_a_stream_that_stays_open_after_the_turn_is_left(client: UpstreamClient) -> None:
    async def script(seat: Seat, _: AgentRunRequest) -> None:
        await seat.say(*WHOLE[:2])
        while not seat.exchange.client_ended:
            await seat.exchange.read()
        await until_left(seat)

    async with Http2Server(agent(script)) as upstream:
        assert (await Chatter(client, upstream.url).ask())[-1] == Finish("stop")
        (seen,) = upstream.exchanges
        await upstream.wait_for(seen.closed.is_set)
        assert seen.client_ended


async def test_a_client_that_leaves_ends_the_run_at_once(client: UpstreamClient) -> None:
    async def script(seat: Seat, _: AgentRunRequest) -> None:
        await seat.say(text("a"))
        await until_left(seat)

    async with Http2Server(agent(script)) as upstream:
        chatter = Chatter(client, upstream.url)
        request = chatter.request(conversation())
        async with aclosing(chat(chatter.asking(), request, Account("a"), client)) as events:
            assert await anext(events) == Text("a")
        (seen,) = upstream.exchanges
        await upstream.wait_for(seen.closed.is_set, 1)
        assert seen.reset_code == ErrorCodes.CANCEL


async def test_a_cancelled_request_ends_the_run_at_once(client: UpstreamClient) -> None:
    async def script(seat: Seat, _: AgentRunRequest) -> None:
        await seat.say(HEARTBEAT)
        await until_left(seat)

    async with Http2Server(agent(script)) as upstream:
        asking = asyncio.create_task(Chatter(client, upstream.url).ask())
        await upstream.wait_for(lambda: bool(upstream.exchanges) and upstream.exchanges[0].started)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await upstream.wait_for(upstream.exchanges[0].closed.is_set, 1)


# -- failures ----------------------------------------------------------------------------------------------


async def beating(seat: Seat, _: AgentRunRequest) -> None:
    while True:
        await seat.say(HEARTBEAT)
        await seat.exchange.pause(0.02)


async def silent(seat: Seat, _: AgentRunRequest) -> None:
    await until_left(seat)


async def falls_silent(seat: Seat, _: AgentRunRequest) -> None:
    await seat.say(text("a"))
    await until_left(seat)


async def announces_for_ever(seat: Seat, request: AgentRunRequest) -> None:
    await seat.say(call(1, "call_1", city="Paris"), announced("call_2"))
    await beating(seat, request)


async def resets(seat: Seat, _: AgentRunRequest) -> None:
    await seat.say(text("a"))
    seat.exchange.reset()


@pytest.mark.parametrize(
    ("script", "cause", "message"),
    [
        pytest.param(silent, "timeout", "nothing", id="silent from the start"),
        pytest.param(falls_silent, "timeout", "nothing", id="falls silent"),
        pytest.param(beating, "timeout", "only heartbeats", id="heartbeats for ever"),
        pytest.param(announces_for_ever, "timeout", "only heartbeats", id="a call that never comes"),
        pytest.param(resets, "connection", "", id="reset"),
        pytest.param(saying(text("a")), "protocol", "without its end frame", id="no end frame"),
        pytest.param(saying(text("a"), END_OK[:3]), "protocol", "inside a frame", id="cut inside a frame"),
        pytest.param(saying(b"<html></html>"), "protocol", "flags", id="a page"),
        pytest.param(saying(END_OK), "protocol", "without an answer", id="an empty answer"),
    ],
)
async def test_a_run_that_fails(client: UpstreamClient, script: Script, cause: str, message: str) -> None:
    async with Http2Server(agent(script)) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await Chatter(client, upstream.url, patience=IMPATIENT).ask(conversation(WEATHER))
        assert caught.value.failure.cause == cause
        assert message in caught.value.failure.message


async def test_an_error_in_the_end_frame_keeps_its_body_and_headers(client: UpstreamClient) -> None:
    end = error_end("resource_exhausted", "PRO_USER_USAGE_LIMIT")
    async with Http2Server(agent(saying(end))) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await Chatter(client, upstream.url).ask()
        failure = caught.value.failure
        assert (failure.cause, failure.status, failure.body, failure.model) == ("in_band", 200, end[5:], "composer-2.5")
        assert failure.headers["x-trace"] == "t1"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(401, b'{"code":"unauthenticated","message":"Error"}', id="JSON"),
        pytest.param(464, b"", id="nothing"),
        pytest.param(502, b"x" * 100_000, id="more than is kept"),
    ],
)
async def test_an_http_error_is_a_failure_of_its_status(client: UpstreamClient, status: int, body: bytes) -> None:
    async def refuses(exchange: Http2Exchange) -> None:
        await exchange.respond(status, body, {"x-trace": "t2"})

    async with Http2Server(refuses) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await Chatter(client, upstream.url).ask()
        failure = caught.value.failure
        assert (failure.cause, failure.status, failure.body) == ("status", status, body[: 64 * 1024])
        assert failure.headers["x-trace"] == "t2"


async def test_an_http_error_that_does_not_end_is_one_all_the_same(client: UpstreamClient) -> None:
    async def refuses(exchange: Http2Exchange) -> None:
        await exchange.start(403)
        await exchange.send(b"no")
        await exchange.closed.wait()

    async with Http2Server(refuses) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await Chatter(client, upstream.url, patience=IMPATIENT).ask()
        assert (caught.value.failure.status, caught.value.failure.body) == (403, b"no")


async def test_a_server_that_answers_no_headers_is_given_up(client: UpstreamClient) -> None:
    async def says_nothing(exchange: Http2Exchange) -> None:
        await exchange.closed.wait()

    async with Http2Server(says_nothing) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await Chatter(client, upstream.url, patience=IMPATIENT).ask()
        assert caught.value.failure.cause == "timeout"

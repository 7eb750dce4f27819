"""Runs over HTTP/1.1: the answer in one call, each message in a call of its own."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from switchgear import Account, Finish, Text, Timeouts, UpstreamError, Usage
from switchgear.testing import Exchange, LoopbackServer
from switchgear.upstream import UpstreamClient
from switchgear_cursor.chat import chat
from switchgear_cursor.framing import Envelopes
from switchgear_cursor.proto.agent_pb2 import AgentClientMessage, BidiAppendRequest, BidiRequestId, NativeArgs
from switchgear_cursor.wires import Line, open_wire
from tests.core.duplexes import client as client
from tests.core.duplexes import clients as clients
from tests.plugins.cursor_agent import Chatter
from tests.plugins.cursor_frames import END_OK, conversation, exec_, text, turn_ended

RUN, APPEND = "/agent.v1.AgentService/RunSSE", "/aiserver.v1.BidiService/BidiAppend"


class Agent:
    """Both ends of runs over HTTP/1.1. ``frames`` are said one after the other, each once something new was read."""

    def __init__(self, *frames: bytes, refuses: int = 0) -> None:
        self.frames = frames
        self.refuses = refuses
        self.messages: list[AgentClientMessage] = []
        self.numbers: list[int] = []
        self.runs: list[Exchange] = []
        self._news = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        await (self._run(exchange) if exchange.path == RUN else self._append(exchange))

    async def _run(self, exchange: Exchange) -> None:
        (asked,) = Envelopes().feed(exchange.request.body)
        assert BidiRequestId.FromString(asked.payload).request_id == exchange.headers["x-request-id"]
        assert exchange.headers["content-type"] == "application/connect+proto"
        assert exchange.headers["x-cursor-streaming"] == "true"
        self.runs.append(exchange)
        await exchange.start(200, {"content-type": "application/connect+proto"})
        for frame in self.frames:
            await self._news.wait()
            self._news.clear()
            await exchange.send(frame)
        if not self.frames or self.frames[-1] is not END_OK:
            await exchange.closed.wait()

    async def _append(self, exchange: Exchange) -> None:
        assert exchange.headers["content-type"] == "application/proto"
        body = BidiAppendRequest.FromString(exchange.request.body)
        assert body.request_id.request_id == exchange.headers["x-request-id"] == self.runs[-1].headers["x-request-id"]
        assert body.data == body.data.lower()
        self.numbers.append(body.append_seqno)
        self.messages.append(AgentClientMessage.FromString(bytes.fromhex(body.data)))
        self._news.set()
        if self.refuses and len(self.numbers) >= self.refuses:
            await exchange.respond(503, b'{"code":"unavailable","message":"Error"}')
        else:
            await exchange.respond(200, b"{}")


async def test_a_run_over_http_1(client: UpstreamClient) -> None:
    frames = (
        exec_(1, request_context=NativeArgs()),
        text("Hello"),
        turn_ended(input_tokens=3, output_tokens=1),
        END_OK,
    )
    agent = Agent(*frames)
    async with LoopbackServer(agent) as upstream:
        events = await Chatter(client, upstream.url, http2=False).ask()
        assert events == [Text("Hello"), Usage(3, 1), Finish("stop")]
        assert agent.numbers == list(range(len(agent.numbers)))
        kinds = [message.WhichOneof("message") for message in agent.messages]
        assert kinds[0] == "run_request"
        answers = [kind for kind in kinds[1:] if kind != "client_heartbeat"]
        assert answers == ["exec_client_message", "exec_client_control_message"]


async def test_a_client_that_leaves_ends_the_run_at_once(client: UpstreamClient) -> None:
    agent = Agent(text("a"))
    async with LoopbackServer(agent) as upstream:
        chatter = Chatter(client, upstream.url, http2=False)
        request = chatter.request(conversation())
        async with aclosing(chat(chatter.asking(), request, Account("a"), client)) as events:
            assert await anext(events) == Text("a")
        await upstream.wait_for(agent.runs[0].closed.is_set, 1)


async def test_a_message_that_is_not_taken_ends_the_run(client: UpstreamClient) -> None:
    agent = Agent(text("a"), exec_(1, request_context=NativeArgs()), refuses=2)
    async with LoopbackServer(agent) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await Chatter(client, upstream.url, http2=False).ask()
        assert caught.value.failure.status == 503


async def test_a_first_message_that_is_not_taken_is_the_reason(client: UpstreamClient) -> None:
    agent = Agent(refuses=1)
    async with LoopbackServer(agent) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await Chatter(client, upstream.url, http2=False).ask()
        assert caught.value.failure.status == 503


async def test_an_http_error_is_a_failure_of_its_status(client: UpstreamClient) -> None:
    async def refuses(exchange: Exchange) -> None:
        await exchange.respond(401, b'{"code":"unauthenticated","message":"Error"}')

    async with LoopbackServer(refuses) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await Chatter(client, upstream.url, http2=False).ask()
        assert (caught.value.failure.cause, caught.value.failure.status) == ("status", 401)


async def test_reading_can_be_taken_up_again(client: UpstreamClient) -> None:
    agent = Agent(text("a"), END_OK)
    async with LoopbackServer(agent) as upstream:
        wire = await open_wire(Line(upstream.url, http2=False), {}, client, Timeouts())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await wire.__anext__()
        await wire.send(b"")
        assert await wire.__anext__() == text("a")
        await wire.aclose()

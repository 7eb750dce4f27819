"""Connections are kept, shared out fairly, and never lost count of."""

from __future__ import annotations

import asyncio
import random
import socket
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest

from switchgear import Timeouts, UpstreamError
from switchgear.testing import Exchange, LoopbackServer
from switchgear.transport import PooledTransport
from switchgear.transport.connection import Connection
from switchgear.upstream import UpstreamClient
from tests.core.raw_upstream import OK, SHORT, by_library, by_reply, get, pool, post, raw_upstream

HALF = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"


class Gate:
    """An upstream that holds its answers back; ``order`` is the paths in the order of arrival."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.opened = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        self.order.append(exchange.path)
        waits = [asyncio.create_task(event.wait()) for event in (self.opened, exchange.closed)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await exchange.respond(200, b"ok")


async def turns(count: int = 5) -> None:
    """Let every task run up to its next wait."""
    for _ in range(count):
        await asyncio.sleep(0)


async def good(transport: PooledTransport, url: str, timeouts: Timeouts = SHORT) -> None:
    assert (await by_reply(transport, post(url), timeouts)).body == b"ok"


# -- kept connections --------------------------------------------------------------------------------------


async def test_the_connection_that_was_used_last_is_used_next() -> None:
    gate = Gate()
    async with LoopbackServer(gate) as upstream, pool(idle_s=0.2) as transport:
        three = [asyncio.create_task(good(transport, upstream.url)) for _ in range(3)]
        await upstream.wait_for(lambda: len(gate.order) == 3)
        gate.opened.set()
        await asyncio.gather(*three)
        # As long as one is enough the others get old, and are closed in the end.
        async with asyncio.timeout(5):
            while upstream.open_connections > 1:
                await good(transport, upstream.url)
                await asyncio.sleep(0.01)
        await good(transport, upstream.url)
        assert upstream.connections_made == 3


async def test_no_more_are_kept_than_allowed_and_none_for_longer() -> None:
    gate = Gate()
    async with LoopbackServer(gate) as upstream, pool(max_idle=2, idle_s=0.1) as transport:
        five = [asyncio.create_task(good(transport, upstream.url)) for _ in range(5)]
        await upstream.wait_for(lambda: len(gate.order) == 5)
        gate.opened.set()
        await asyncio.gather(*five)
        await upstream.wait_for(lambda: upstream.open_connections == 2)
        await upstream.wait_for(lambda: upstream.open_connections == 0)


async def test_every_upstream_has_its_own() -> None:
    async with raw_upstream(OK) as one, raw_upstream(OK) as two, pool() as transport:
        for _ in range(2):
            await good(transport, one.url)
            await good(transport, two.url)
        assert (one.made, two.made) == (1, 1)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_what_may_be_repeated_is_when_a_kept_connection_breaks(method: str) -> None:
    async with raw_upstream(OK, None, OK) as upstream, pool() as transport:
        for _ in range(2):
            request = httpx2.Request(method if upstream.requests else "GET", upstream.url)
            assert (await by_reply(transport, request, SHORT)).status == 200
        assert (upstream.made, len(upstream.requests)) == (2, 3)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
async def test_what_may_not_be_repeated_is_not(method: str) -> None:
    async with raw_upstream(OK, None, OK) as upstream, pool() as transport:
        await good(transport, upstream.url)
        with pytest.raises(UpstreamError, match="broke the connection before an answer"):
            await by_reply(transport, httpx2.Request(method, upstream.url), SHORT)
        assert (upstream.made, len(upstream.requests)) == (1, 2)


@pytest.mark.parametrize(
    ("answers", "requests"),
    [((OK, HALF[:20], OK), 2), ((None, OK), 1), ((OK, None, None, OK), 3)],
    ids=["something of an answer came", "the connection was new", "it broke twice"],
)
async def test_a_get_is_not_repeated_when(answers: tuple[bytes | None, ...], requests: int) -> None:
    async with raw_upstream(*answers) as upstream, pool() as transport:
        if answers[0] == OK:
            await good(transport, upstream.url)
        if answers[1] == HALF[:20]:
            upstream.after = "close"
        with pytest.raises(httpx2.TransportError):
            await by_library(transport, get(upstream.url), SHORT)
        assert len(upstream.requests) == requests


@pytest.mark.parametrize("known", [True, False], ids=["the loop knows", "only the socket knows"])
async def test_a_kept_connection_that_was_closed_is_not_used(known: bool) -> None:
    async with raw_upstream(OK) as upstream, pool() as transport:
        await good(transport, upstream.url)
        upstream.writers[0].get_extra_info("socket").shutdown(socket.SHUT_WR)
        if known:
            await upstream.until(lambda: upstream.open == 0)
        await good(transport, upstream.url)
        assert (upstream.made, len(upstream.requests)) == (2, 2)


async def test_a_kept_connection_on_which_something_comes_is_not_used() -> None:
    async with raw_upstream(OK) as upstream, pool() as transport:
        await good(transport, upstream.url)
        upstream.writers[0].write(OK.replace(b"ok", b"no"))
        await upstream.until(lambda: upstream.open == 0)
        await good(transport, upstream.url)
        assert upstream.made == 2


# -- as many as allowed ------------------------------------------------------------------------------------


async def test_turns_are_given_in_order_and_the_connection_goes_from_hand_to_hand() -> None:
    gate = Gate()
    async with LoopbackServer(gate) as upstream, pool(max_connections=1) as transport:
        tasks = []
        for number in range(4):
            tasks.append(asyncio.create_task(good(transport, f"{upstream.url}/{number}")))
            await turns()
        await upstream.wait_for(lambda: gate.order == ["/0"])
        gate.opened.set()
        await asyncio.gather(*tasks)
        assert gate.order == ["/0", "/1", "/2", "/3"]
        assert upstream.connections_made == 1


async def test_another_upstream_gets_its_turn_too() -> None:
    gate = Gate()
    async with LoopbackServer(gate) as one, LoopbackServer(gate) as two, pool(max_connections=1) as transport:
        tasks = []
        for number in range(4):
            url = (one, two)[number % 2].url
            tasks.append(asyncio.create_task(good(transport, f"{url}/{number}")))
            await turns()
        await one.wait_for(lambda: gate.order == ["/0"])
        gate.opened.set()
        await asyncio.gather(*tasks)
        assert gate.order == ["/0", "/1", "/2", "/3"]


async def test_kept_connections_make_room_for_another_upstream() -> None:
    async with raw_upstream(OK) as one, raw_upstream(OK) as two, pool(max_connections=1) as transport:
        for upstream in (one, two, one):
            await good(transport, upstream.url)
        assert (one.made, two.made, one.open, two.open) == (2, 1, 1, 0)


async def test_who_waits_too_long_is_told_so_and_the_next_is_served() -> None:
    gate = Gate()
    async with LoopbackServer(gate) as upstream, pool(max_connections=1) as transport:
        first = asyncio.create_task(good(transport, f"{upstream.url}/first"))
        await upstream.wait_for(lambda: gate.order == ["/first"])
        with pytest.raises(UpstreamError, match="no connection to the upstream in time") as caught:
            await good(transport, f"{upstream.url}/late", Timeouts(connect_s=0.05))
        assert caught.value.failure.cause == "timeout"
        last = asyncio.create_task(good(transport, f"{upstream.url}/last"))
        await turns()
        gate.opened.set()
        await asyncio.gather(first, last)
        assert gate.order == ["/first", "/last"]


async def test_a_turn_that_is_cancelled_as_it_comes_is_the_next_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    tasks: list[asyncio.Task[None]] = []
    release = PooledTransport._released

    def released(transport: PooledTransport, connection: Connection) -> None:
        release(transport, connection)
        tasks[1].cancel()

    monkeypatch.setattr(PooledTransport, "_released", released)
    async with LoopbackServer(gate) as upstream, pool(max_connections=1) as transport:
        for name in ("first", "second", "third"):
            tasks.append(asyncio.create_task(good(transport, f"{upstream.url}/{name}")))
            await turns()
        await upstream.wait_for(lambda: gate.order == ["/first"])
        gate.opened.set()
        await asyncio.gather(tasks[0], tasks[2])
        assert gate.order == ["/first", "/third"]
        assert tasks[1].cancelled()


async def test_a_connection_that_cannot_be_opened_gives_its_turn_away() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    async with raw_upstream(OK) as upstream, pool(max_connections=1) as transport:
        results = await asyncio.gather(
            *(good(transport, url) for url in (dead, upstream.url, dead, dead, upstream.url)), return_exceptions=True
        )
        assert [result is None for result in results] == [False, True, False, False, True]
        assert all("Connection refused" in str(result) for result in results if result is not None)


async def test_a_turn_with_a_connection_that_breaks_meanwhile_is_not_lost() -> None:
    answers: list[bytes | None] = [OK + b"HTTP/1.1 408 Timeout\r\n\r\n", OK]
    async with raw_upstream(*answers) as upstream, pool(max_connections=1) as transport:
        await asyncio.gather(*(good(transport, upstream.url) for _ in range(5)))
        assert upstream.made == 2


@pytest.mark.parametrize("seed", range(6))
async def test_whoever_gives_up_and_whenever_no_connection_is_lost(seed: int) -> None:
    chance = random.Random(seed)

    async def serve(exchange: Exchange) -> None:
        match chance.randrange(5):
            case 0:
                exchange.cut(reset=chance.random() < 0.5)
            case 1:
                await exchange.start(200)
                await exchange.send(b"some")
                exchange.cut()
            case 2:
                await exchange.respond(200, b"ok", {"connection": "close"})
            case _:
                await exchange.respond(200, b"ok")

    async def call(transport: PooledTransport, url: str) -> None:
        work = asyncio.create_task(by_reply(transport, post(url), Timeouts(connect_s=chance.choice([0.01, 5]))))
        if chance.random() < 0.5:
            await turns(chance.randrange(60))
            work.cancel()
        await asyncio.wait({work})
        assert work.cancelled() or isinstance(work.exception(), UpstreamError | None)

    async with LoopbackServer(serve) as one, LoopbackServer(serve) as two, pool(max_connections=3) as transport:
        await asyncio.gather(*(call(transport, chance.choice([one, two]).url) for _ in range(60)))
        gate = Gate()
        async with LoopbackServer(gate) as three:
            tasks = [asyncio.create_task(good(transport, three.url)) for _ in range(3)]
            await three.wait_for(lambda: len(gate.order) == 3)  # all of them can still be used
            gate.opened.set()
            await asyncio.gather(*tasks)


@pytest.mark.parametrize(
    "host", [pytest.param("a" * 64 + ".invalid", id="too long"), pytest.param("a..invalid", id="a part that is empty")]
)
async def test_a_name_that_no_host_can_have(host: str) -> None:
    async with pool() as transport:
        with pytest.raises(UpstreamError, match="cannot connect to the upstream") as caught:
            await by_reply(transport, get(f"http://{host}/"), SHORT)
        assert caught.value.failure.host == host


async def test_a_call_to_this_machine_by_name() -> None:
    async with raw_upstream(OK) as upstream, pool() as transport:
        await good(transport, upstream.url.replace("127.0.0.1", "localhost"))
        assert b"\r\nHost: localhost:" in upstream.requests[0]


# -- the end -----------------------------------------------------------------------------------------------


async def test_closing_ends_what_is_under_way_and_what_waits() -> None:
    gate = Gate()
    async with LoopbackServer(gate) as upstream, pool(max_connections=1) as transport:
        tasks = [asyncio.create_task(by_reply(transport, get(upstream.url), SHORT)) for _ in range(2)]
        await upstream.wait_for(lambda: len(gate.order) == 1)
        await transport.aclose()
        await transport.aclose()
        tasks.append(asyncio.create_task(by_reply(transport, get(upstream.url), SHORT)))
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [UpstreamError] * 3
        assert "the gateway closes its connections" in str(results[2])
        await upstream.wait_for(lambda: upstream.open_connections == 0)
        assert upstream.connections_made == 1


async def test_closing_while_a_connection_is_being_opened() -> None:
    async with raw_upstream(OK) as upstream, pool() as transport:
        task = asyncio.create_task(by_library(transport, get(upstream.url), SHORT))
        await turns(1)
        await transport.aclose()
        with pytest.raises(httpx2.TransportError):
            await task


def left_over(loop: Any) -> tuple[int, int, int]:
    """Open files, tasks, and timers that are still to fire."""
    timers = sum(not timer.cancelled() for timer in loop._scheduled)
    return sum(1 for _ in Path("/proc/self/fd").iterdir()), len(asyncio.all_tasks()), timers


async def test_five_hundred_calls_at_once_leave_nothing_behind() -> None:
    async def stream(exchange: Exchange) -> None:
        await exchange.start(200)
        for _ in range(3):
            await exchange.send(b"some")
        await exchange.end()

    async def call(client: UpstreamClient, url: str, number: int) -> None:
        reply = await client.reply(post(url), SHORT)
        if number % 3:
            assert b"".join([part async for part in reply.body]) == b"some" * 3
        await reply.aclose()

    loop = asyncio.get_running_loop()
    before = left_over(loop)
    async with LoopbackServer(stream) as upstream:
        async with pool(max_connections=500, max_idle=500) as transport:
            client = UpstreamClient(transport)
            for _ in range(2):
                await asyncio.gather(*(call(client, upstream.url, number) for number in range(500)))
            assert upstream.connections_made <= 1000
            assert left_over(loop)[2] - before[2] <= 500  # one timer for each connection
        await upstream.wait_for(lambda: upstream.open_connections == 0)
    await turns()
    assert left_over(loop) == before


async def test_many_answers_on_one_connection_need_one_timer() -> None:
    async with raw_upstream(OK) as upstream, pool() as transport:
        loop = cast("Any", asyncio.get_running_loop())
        before = len(loop._scheduled)
        for _ in range(50):
            await good(transport, upstream.url)
        assert len(loop._scheduled) - before <= 2  # the first was put off once: an idle connection ends sooner

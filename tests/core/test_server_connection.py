"""The life of a connection, on both servers: what follows what, and who waits for whom."""

from __future__ import annotations

import asyncio
import socket

import pytest

from switchgear.server import limits
from switchgear.server.serving import Choice
from tests.core.servers import (
    LAST,
    Client,
    Echo,
    Held,
    Receive,
    Scope,
    Send,
    answer,
    both,
    read_body,
    request,
    said,
    served,
    statuses,
)

PART = b"x" * 65_536


# -- one after another ---------------------------------------------------------------------------------------------


@both
async def test_requests_follow_one_another(choice: Choice) -> None:
    app = Echo()
    async with served(app, choice) as server:
        async with Client.to(server) as client:
            for number in range(20):
                client.send(request(f"/{number}", b"a" * number))
                assert (await client.answer()).body == f"POST /{number} {'a' * number}".rstrip().encode()


@both
async def test_requests_sent_ahead_are_answered_in_order(choice: Choice) -> None:
    app = Held()
    async with served(app, choice) as server:
        async with Client.to(server) as client:
            client.send(b"".join(request(f"/{number}", b"a" * number) for number in range(20)) + LAST)
            await app.wait()
            assert app.paths == ["/0"], "one at a time"
            app.release.set()
            answers = [(await client.answer()).body for _ in range(21)]
    assert answers == [*(f"/{number}".encode() for number in range(20)), b"/last"]


async def test_only_so_many_are_kept_waiting() -> None:
    app = Held()
    async with served(app) as server:
        async with Client.to(server) as client:
            client.send(request("/1") * 10_000)
            await app.wait()
            app.release.set()
            got = statuses(await client.rest())
    assert got == [200] * (1 + limits.MOST_PIPELINED) + [503]


async def test_who_sends_ahead_without_end_is_not_read_from() -> None:
    app = Held()
    async with served(app) as server:
        async with Client.to(server) as client:
            client.send(
                request("/1") + request("/2", b"") + b"POST /3 HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n"
            )
            await app.wait()
            for _ in range(400):
                client.send(PART)
                await asyncio.sleep(0)
            assert client.writer.transport.get_write_buffer_size() > 10_000_000
            app.release.set()
            assert [(await client.answer()).body, (await client.answer()).body] == [b"/1", b"/2"]


@both
async def test_a_damaged_request_sent_ahead_does_not_harm_the_answer_before_it(choice: Choice) -> None:
    app = Held()
    async with served(app, choice) as server:
        async with Client.to(server) as client:
            client.send(request("/first") + b"POST /second HTTP/1.1\r\nhost : x\r\n\r\n")
            await app.wait()
            app.release.set()
            assert (await client.answer()).body == b"/first"


@both
@pytest.mark.parametrize(
    ("headers", "kept"),
    [pytest.param("", False, id="plain"), pytest.param("connection: keep-alive\r\n", True, id="keep-alive")],
)
async def test_http_1_0(headers: str, kept: bool, choice: Choice) -> None:
    async with served(Echo(), choice) as server:
        got = await said(server, f"GET /a HTTP/1.0\r\n{headers}\r\n".encode() + b"GET /b HTTP/1.0\r\n\r\n")
    if choice == "fast":
        assert statuses(got) == ([200, 200] if kept else [200])
        assert (b"connection: keep-alive" in got) is kept
    else:
        assert statuses(got)[0] in {200, 400}, "h11 keeps none alive, and may find the next first"


async def test_http_1_0_knows_no_chunks() -> None:
    app = Held(begun=True)
    app.release.set()
    async with served(app) as server:
        got = await said(server, b"GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
    assert got.endswith(b"\r\n\r\nbegun ended")
    assert b"connection: close" in got
    assert b"transfer-encoding" not in got


# -- 100 Continue --------------------------------------------------------------------------------------------------

EXPECTING = request("/a", None, "Expect: 100-Continue", "content-length: 2", method="POST")


@both
async def test_a_body_is_asked_for_when_it_is_wanted(choice: Choice) -> None:
    async with served(Echo(), choice) as server:
        async with Client.to(server) as client:
            client.send(EXPECTING)
            assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
            client.send(b"ab")
            assert (await client.answer()).body == b"POST /a ab"


async def test_a_body_is_not_asked_for_when_the_answer_is_no() -> None:
    async def no(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"no", 401)

    async with served(no) as server:
        async with Client.to(server) as client:
            client.send(EXPECTING)
            got = await client.rest()
    assert statuses(got) == [401]
    assert b"connection: close" in got, "whether the body comes is not known"


async def test_a_body_that_came_is_not_asked_for() -> None:
    async with served(Echo()) as server:
        got = await said(server, EXPECTING + b"ab" + LAST)
        assert statuses(got) == [200, 200]
        old = EXPECTING.replace(b"HTTP/1.1", b"HTTP/1.0")
        async with Client.to(server) as client:
            client.send(old)
            client.send(b"ab")
            assert statuses(await client.rest()) == [200]


# -- back-pressure -------------------------------------------------------------------------------------------------


@both
async def test_a_body_that_nobody_takes_is_not_read(choice: Choice) -> None:
    asked, take = asyncio.Event(), asyncio.Event()
    taken = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal taken
        if scope["type"] != "http":
            return
        asked.set()
        await take.wait()
        taken = len(await read_body(receive))
        await answer(send)

    size = 40_000_000
    async with served(app, choice) as server:
        async with Client.to(server) as client:
            client.send(f"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n".encode())
            await asyncio.wait_for(asked.wait(), 5)
            client.send(b"x" * size)
            for _ in range(300):
                await asyncio.sleep(0)
            if choice == "fast":
                assert client.writer.transport.get_write_buffer_size() > size // 2
            take.set()
            assert (await client.answer()).status == 200
            client.send(LAST)
            assert (await client.answer()).status == 200, "the connection is read from again"
    assert taken in {size, 0}


async def test_a_body_that_is_left_unread_does_not_stop_the_connection() -> None:
    """It was read from no more, and is whole all the same."""
    done = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.wait_for(done.wait(), 5)
        await answer(send)

    async with served(app) as server:
        async with Client.to(server) as client:
            client.send(request("/", b"x" * (limits.HIGH_WATER_BYTES + 1)))
            await asyncio.sleep(0.05)
            done.set()
            await client.answer()


@both
async def test_a_client_that_does_not_read_stops_the_application(choice: Choice) -> None:
    sent = 0
    stuck = asyncio.Event()
    gone = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        if scope["type"] != "http":
            return
        await read_body(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        leaving = asyncio.create_task(receive())
        while not leaving.done():
            sending = asyncio.create_task(send({"type": "http.response.body", "body": PART, "more_body": True}))
            done, _ = await asyncio.wait({sending}, timeout=0.2)
            if not done:
                stuck.set()
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
                await sending
            sent += len(PART)
        gone.set()

    async with served(app, choice) as server:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        listener.connect(("127.0.0.1", server.port))
        listener.sendall(request())
        await asyncio.wait_for(stuck.wait(), 5)
        assert sent < 20_000_000
        before = sent
        listener.setblocking(False)
        for _ in range(40):
            await asyncio.get_running_loop().sock_recv(listener, 1_000_000)
            await asyncio.sleep(0)
        assert sent > before, "it goes on when the client reads"
        listener.close()
        await asyncio.wait_for(gone.wait(), 5)

"""How a connection ends, on both servers: the client goes, is answered early or takes too long, or the server ends."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest

from switchgear.server.serving import Choice
from tests.core.servers import (
    LAST,
    Client,
    Echo,
    Held,
    Receive,
    Scope,
    Send,
    Served,
    answer,
    both,
    read_body,
    request,
    said,
    served,
    statuses,
)


async def accepted(client: Client) -> None:
    """One answer, so that the server surely has the connection."""
    client.send(request())
    await client.answer()


# -- the client goes -----------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("begun", [False, True], ids=["before the first byte", "after the first byte"])
@pytest.mark.parametrize("how", ["reset", "closed", "half-closed"])
async def test_a_client_that_goes_is_seen_to_go(how: str, begun: bool, choice: Choice) -> None:
    app = Held(begun=begun)
    async with served(app, choice) as server:
        async with Client.to(server) as client:
            client.send(request("/a", b"b"))
            await app.wait()
            if how == "reset":
                client.writer.transport.abort()
            elif how == "closed":
                client.writer.close()
            else:
                client.writer.write_eof()
            await app.lost()


@pytest.mark.parametrize("begun", [False, True], ids=["before the first byte", "after the first byte"])
async def test_our_server_says_so_without_being_asked(begun: bool) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        disconnected = scope["extensions"]["switchgear.disconnected"]
        assert not disconnected.done()
        asked.set()
        await disconnected
        gone.set()
        await send({"type": "http.response.body", "body": b"to nobody"} if begun else {**START, "headers": []})

    async with served(app) as server:
        async with Client.to(server) as client:
            client.send(request())
            await asyncio.wait_for(asked.wait(), 5)
        await asyncio.wait_for(gone.wait(), 5)


START = {"type": "http.response.start", "status": 200}


@both
async def test_a_client_that_goes_in_the_middle_of_its_body_is_seen_to_go(choice: Choice) -> None:
    app = Echo()
    async with served(app, choice) as server:
        async with Client.to(server) as client:
            await accepted(client)
            client.send(b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nab")
            client.writer.write_eof()
            await client.rest()
        server.stop.set()
        await server.ended()
    assert app.seen == ["GET /", "POST /a cut"]


async def test_answers_to_those_who_went_are_dropped_with_what_they_sent_ahead() -> None:
    app = Held()
    async with served(app) as server:
        async with Client.to(server) as client:
            client.send(request("/1"))
            await app.wait()
            client.send(request("/2", b"b" * 10))
        await app.lost()
    assert app.paths == ["/1"]


# -- early answers -------------------------------------------------------------------------------------------------


async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await answer(send, b"too large", 413)


async def test_a_client_that_still_sends_gets_the_early_answer() -> None:
    size = 30_000_000
    async with served(refuses) as server:
        async with Client.to(server) as client:
            client.send(f"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n".encode())
            client.send(b"x" * size)
            got = await client.answer()
    assert (got.status, got.body, got.header(b"connection")) == (413, b"too large", b"close")


async def test_a_client_that_sends_for_ever_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.server.limits.LINGER_S", 0.1)
    monkeypatch.setattr("switchgear.server.serving.SWEEP_S", 0.02)
    async with served(refuses) as server:
        async with Client.to(server) as client:
            client.send(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
            assert (await client.answer()).status == 413
            async with asyncio.timeout(5):
                while not client.writer.transport.is_closing():
                    client.send(b"1\r\nx\r\n")
                    await asyncio.sleep(0.01)


# -- the time is up ------------------------------------------------------------------------------------------------


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients get little time."""
    monkeypatch.setattr("switchgear.server.limits.KEEP_ALIVE_S", 0.15)
    monkeypatch.setattr("switchgear.server.serving.SWEEP_S", 0.02)


@both
@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("data", "answers"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(request(), [200], id="nothing after a request"),
        pytest.param(b"GET / HTTP/1.1\r\nhost: x\r\n", [408], id="half a head"),
        pytest.param(request() + b"GET / HTTP/1.1\r\n", [200, 408], id="half a head after a request"),
        pytest.param(b"PRI * HT", [], id="half a preface"),
    ],
)
async def test_a_client_that_says_no_more_is_left(data: bytes, answers: list[int], choice: Choice) -> None:
    async with served(Echo(), choice) as server:
        got = statuses(await said(server, data))
    assert got == [status for status in answers if choice == "fast" or status != 408], "hypercorn says nothing"


@pytest.mark.usefixtures("hurried")
async def test_half_a_body_is_a_408() -> None:
    app = Echo()
    async with served(app) as server:
        got = await said(server, b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nab")
    assert statuses(got) == [408]
    assert app.seen == ["POST /a cut"]


@both
@pytest.mark.usefixtures("hurried")
async def test_an_answer_may_take_longer(choice: Choice) -> None:
    app = Held()
    async with served(app, choice) as server:
        async with Client.to(server) as client:
            client.send(request("/a"))
            await app.wait()
            await asyncio.sleep(0.3)
            app.release.set()
            assert (await client.answer()).body == b"/a"


@pytest.mark.usefixtures("hurried")
async def test_a_body_that_comes_slowly_may_take_longer_too() -> None:
    async with served(Echo()) as server:
        async with Client.to(server) as client:
            client.send(request("/a", None, "content-length: 6", method="POST"))
            for letter in b"abcdef":
                await asyncio.sleep(0.06)
                client.send(bytes([letter]))
            assert (await client.answer()).body == b"POST /a abcdef"


@pytest.mark.usefixtures("hurried")
async def test_a_body_that_the_application_is_slow_to_take_is_not_the_clients_fault() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.3)
        await answer(send, b"%d" % len(await read_body(receive)))

    async with served(app) as server:
        async with Client.to(server) as client:
            client.send(request("/a", b"x" * 3_000_000))
            assert (await client.answer()).body == b"3000000"


@pytest.mark.usefixtures("hurried")
async def test_who_does_not_take_the_end_of_an_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 8_000_000

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"x" * size)

    async with served(app) as server:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            client.connect(("127.0.0.1", server.port))
            client.sendall(request() + LAST)
            await asyncio.sleep(0.6)
            client.setblocking(False)
            assert 0 < await left_in(client) < size


async def left_in(client: socket.socket) -> int:
    """How many bytes come until the connection is closed or reset."""
    got = 0
    async with asyncio.timeout(5):
        with suppress(ConnectionError):
            while part := await asyncio.get_running_loop().sock_recv(client, 1_000_000):
                got += len(part)
    return got


# -- the server ends -----------------------------------------------------------------------------------------------


@both
async def test_a_stop_closes_the_idle_and_lets_the_others_end(choice: Choice) -> None:
    app = Held()
    async with served(app, choice) as server:
        async with Client.to(server) as busy, Client.to(server) as idle, Client.to(server) as fresh:
            app.release.set()
            await accepted(idle)
            app.release.clear()
            await app.wait()
            busy.send(request("/busy"))
            await app.wait()
            server.stop.set()
            assert await idle.rest() == b""
            assert await fresh.rest() == b""
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", server.port)
            assert not server.task.done()
            app.release.set()
            got = await busy.answer()
            assert got.body == b"/busy"
            assert await busy.rest() == b""
            if choice == "fast":
                assert got.header(b"connection") == b"close"
            await server.ended()


async def test_a_stop_lets_a_stream_end_and_then_closes() -> None:
    app = Held(begun=True)
    async with served(app) as server:
        async with Client.to(server) as client:
            client.send(request("/a"))
            await app.wait()
            await client.until(b"begun")
            server.stop.set()
            await asyncio.sleep(0.05)
            assert not server.task.done()
            app.release.set()
            assert (await client.rest()).endswith(b"0\r\n\r\n")
            await server.ended()


@both
async def test_to_be_cancelled_ends_everything_at_once(choice: Choice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.server.limits.GRACE_S", 0.2)
    app = Held(begun=True)
    async with served(app, choice) as server:
        async with Client.to(server) as busy, Client.to(server) as idle:
            busy.send(request("/busy"))
            await app.wait()
            await accepted_by(server, idle)
            server.stop.set()
            await asyncio.sleep(0)
            server.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await server.ended()
            assert not (await busy.rest()).endswith(b"0\r\n\r\n")
            assert await idle.rest() == b""


async def accepted_by(server: Served, client: Client) -> None:
    """The server has taken the connection from the kernel."""
    client.send(b"GET")
    await asyncio.sleep(0.02)


async def test_an_application_that_does_not_let_go_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.server.limits.GRACE_S", 0.05)
    asked, let_go = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    async with served(app) as server:
        async with Client.to(server) as client:
            client.send(request())
            await asyncio.wait_for(asked.wait(), 5)
            server.stop.set()
            await asyncio.sleep(0)
            server.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await server.ended()
            let_go.set()
            await asyncio.sleep(0)

"""What is not HTTP/1.1 is hypercorn's, with our own server in front as without it: HTTP/2 and WebSocket."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence

import h2.config
import h2.connection
import h2.events
import pytest
import wsproto
import wsproto.events as ws

from switchgear.server.serving import Choice
from tests.core.servers import Client, Echo, Receive, Scope, Send, both, read_body, request, served, statuses

LIMIT_S = 5.0


class Http2:
    """One HTTP/2 connection over a client's."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.frames = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.statuses: dict[int, bytes] = {}
        self.bodies: dict[int, bytes] = {}
        self.closed = False

    def flush(self) -> None:
        self.client.send(self.frames.data_to_send())

    def ask(self, path: str = "/a") -> int:
        """Send a request; gives the stream."""
        stream = self.frames.get_next_available_stream_id()
        head = [(":method", "GET"), (":path", path), (":scheme", "http"), (":authority", "x")]
        self.frames.send_headers(stream, head, end_stream=True)
        return stream

    async def until(self, *ended: int) -> None:
        """Read until these streams have ended, or the connection."""
        left = set(ended)
        async with asyncio.timeout(LIMIT_S):
            while left or not ended:
                data = await self.client.reader.read(65536)
                if not data:
                    self.closed = True
                    return
                for event in self.frames.receive_data(data):
                    if isinstance(event, h2.events.ResponseReceived):
                        self.statuses[event.stream_id] = dict(event.headers)[b":status"]
                    elif isinstance(event, h2.events.DataReceived):
                        self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
                    elif isinstance(event, h2.events.StreamEnded):
                        left.discard(event.stream_id)
                self.flush()


async def test_the_preface_of_http_2_is_known_however_it_is_cut() -> None:
    app = Echo()
    async with served(app) as server:
        for cut in range(1, 30):
            async with Client.to(server) as client:
                speaker = Http2(client)
                speaker.frames.initiate_connection()
                stream = speaker.ask()
                data = speaker.frames.data_to_send()
                client.send(data[:cut])
                await asyncio.sleep(0.002)
                client.send(data[cut:])
                await speaker.until(stream)
                assert (speaker.statuses, speaker.bodies) == ({stream: b"200"}, {stream: b"GET /a"})
    assert {scope["http_version"] for scope in app.scopes} == {"2"}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"PRI * HTTP/2.1\r\n\r\n", id="another version"),
        pytest.param(b"PRI /a HTTP/2.0\r\n\r\nSM\r\n\r\n", id="another target"),
        pytest.param(b"P" * 40 + b"\r\n\r\n", id="its first letter only"),
    ],
)
async def test_what_only_begins_like_the_preface_is_refused(data: bytes) -> None:
    async with served(Echo()) as server:
        for cut in range(1, 16):
            async with Client.to(server) as client:
                client.send(data[:cut])
                await asyncio.sleep(0.001)
                client.send(data[cut:])
                assert statuses(await client.rest())[0] in {400, 505}


@both
async def test_requests_share_an_http_2_connection(choice: Choice) -> None:
    async with served(Echo(), choice) as server:
        async with Client.to(server) as client:
            speaker = Http2(client)
            speaker.frames.initiate_connection()
            streams = [speaker.ask(f"/{number}") for number in range(10)]
            speaker.flush()
            await speaker.until(*streams)
            assert [speaker.bodies[stream] for stream in streams] == [b"GET /%d" % number for number in range(10)]


@both
async def test_http_1_can_become_http_2(choice: Choice) -> None:
    app = Echo()
    async with served(app, choice) as server:
        async with Client.to(server) as client:
            speaker = Http2(client)
            settings = speaker.frames.initiate_upgrade_connection()
            assert settings is not None
            headers = ["connection: upgrade, http2-settings", "upgrade: h2c", f"http2-settings: {settings.decode()}"]
            client.send(request("/a", None, *headers))
            assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
            speaker.flush()
            await speaker.until(1)
            assert speaker.bodies == {1: b"GET /a"}
    assert [scope["http_version"] for scope in app.scopes] == ["2"]


@both
async def test_a_stop_closes_an_idle_http_2_connection_and_lets_another_end(choice: Choice) -> None:
    asked, release = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await read_body(receive)
        asked.set()
        if scope["path"] == "/held":
            await release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    async with served(app, choice) as server:
        async with Client.to(server) as first, Client.to(server) as second:
            idle, busy = Http2(first), Http2(second)
            for speaker, path in ((idle, "/a"), (busy, "/held")):
                asked.clear()
                speaker.frames.initiate_connection()
                stream = speaker.ask(path)
                speaker.flush()
                await asyncio.wait_for(asked.wait(), LIMIT_S)
            await idle.until(1)
            server.stop.set()
            await idle.until()
            assert idle.closed
            release.set()
            await busy.until(stream)
            assert busy.bodies == {stream: b"done"}
        await server.ended()


@both
async def test_a_websocket_is_served(choice: Choice) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            assert (await receive())["type"] == "websocket.connect"
            await send({"type": "websocket.accept"})
            said = await receive()
            await send({"type": "websocket.send", "text": said["text"][::-1]})
            await send({"type": "websocket.close"})

    async with served(app, choice) as server:
        async with Client.to(server) as client:
            connection = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
            client.send(connection.send(ws.Request(host="x", target="/")))
            await _events(client, connection, ws.AcceptConnection)
            client.send(connection.send(ws.TextMessage("abc")))
            events = await _events(client, connection, ws.CloseConnection)
            assert [event.data for event in events if isinstance(event, ws.TextMessage)] == ["cba"]


async def _events(client: Client, connection: wsproto.WSConnection, last: type[ws.Event]) -> Sequence[ws.Event]:
    events: list[ws.Event] = []
    async with asyncio.timeout(LIMIT_S):
        while not any(isinstance(event, last) for event in events):
            connection.receive_data(await client.reader.read(65536) or None)
            events += connection.events()
    return events


async def test_an_upgrade_that_is_asked_for_later_is_not_made() -> None:
    key = base64.b64encode(b"0123456789abcdef").decode()
    headers = ["connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13", f"sec-websocket-key: {key}"]
    async with served(Echo()) as server:
        async with Client.to(server) as client:
            client.send(request() + request("/a", None, *headers) + request("/b"))
            assert [(await client.answer()).body for _ in range(3)] == [b"GET /", b"GET /a", b"GET /b"]


async def test_an_upgrade_in_http_1_0_is_none() -> None:
    async with served(Echo()) as server:
        async with Client.to(server) as client:
            client.send(b"GET /a HTTP/1.0\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
            assert statuses(await client.rest()) == [200]


@pytest.mark.parametrize("listens", [True, False], ids=["the application sees it", "the application does not look"])
async def test_to_be_cancelled_ends_guests_too(listens: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.server.limits.GRACE_S", 0.2)
    asked = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        while not listens or (await receive())["type"] != "http.disconnect":
            await asyncio.sleep(0 if listens else 60)

    async with served(app) as server:
        async with Client.to(server) as client:
            speaker = Http2(client)
            speaker.frames.initiate_connection()
            speaker.ask()
            speaker.flush()
            await asyncio.wait_for(asked.wait(), LIMIT_S)
            server.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await server.ended()
            await speaker.until()
            assert speaker.closed

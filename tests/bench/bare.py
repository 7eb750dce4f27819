"""The least that a proxy in Python can do: two protocols and a parser each. The yardstick beside the gateway.

``python -m tests.bench.bare SETTINGS`` prints its port and serves until SIGTERM. It checks no key, reads no body, counts
nothing, and hands the upstream's bytes on as they are. It shares no code with the gateway, so that it stays what it
is while the gateway changes.
"""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import sys
from typing import Any

import httptools

LIFETIME_S = 3600.0
BACKLOG = 4096


class Upstreams:
    """The idle connections to the upstream; the last one used goes first."""

    def __init__(self, port: int, certificates: str | None) -> None:
        self.port = port
        self.tls = None if certificates is None else ssl.create_default_context(cafile=certificates)
        self.idle: list[ToUpstream] = []

    def send(self, request: bytes, client: FromClient) -> None:
        if self.idle:
            self.idle.pop().ask(request, client)
            return
        loop = asyncio.get_running_loop()
        opening = loop.create_connection(lambda: ToUpstream(self), "127.0.0.1", self.port, ssl=self.tls)
        task = loop.create_task(opening)
        client.opening = task
        task.add_done_callback(lambda done: done.result()[1].ask(request, client))


class ToUpstream(asyncio.Protocol):
    """A connection to the upstream."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._client: FromClient | None = None
        self._parser: Any = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, request: bytes, client: FromClient) -> None:
        self._client = client
        client.upstream = self
        self._parser = httptools.HttpResponseParser(self)
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._client is not None:
            self._client.transport.write(data)
            self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self._client is not None:
            self._client.upstream = None
            self._client = None
        self._upstreams.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._client is not None:
            self._client.transport.abort()
        elif self in self._upstreams.idle:
            self._upstreams.idle.remove(self)


class FromClient(asyncio.Protocol):
    """A client's connection."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._parser: Any = httptools.HttpRequestParser(self)
        self.upstream: ToUpstream | None = None
        self.opening: asyncio.Task[Any] | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url = b""
        self._head = [b"host: 127.0.0.1:%d\r\n" % self._upstreams.port]
        self._body: list[bytes] = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in {b"content-type", b"content-length", b"authorization"}:
            self._head.append(b"%b: %b\r\n" % (name, value))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        parts = [b"POST %b HTTP/1.1\r\n" % self._url, *self._head, b"\r\n", *self._body]
        self._upstreams.send(b"".join(parts), self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.upstream is not None:
            self.upstream.transport.abort()


async def main(settings: dict[str, Any]) -> None:
    """Serve on a free loopback port until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    upstreams = Upstreams(settings["port"], settings["certificates"])
    server = await loop.create_server(lambda: FromClient(upstreams), "127.0.0.1", 0, backlog=BACKLOG)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    try:
        await asyncio.wait_for(stop.wait(), LIFETIME_S)
    except TimeoutError:
        pass
    server.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))

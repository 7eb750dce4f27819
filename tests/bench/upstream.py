"""A fake upstream that is never the bottleneck: prebuilt bytes over an ``asyncio.Protocol``.

``python -m tests.bench.upstream`` prints its port and serves until SIGTERM; with ``--certificate FILE`` (a chain and its
key) it serves TLS on a second port too. What is answered: :mod:`tests.bench.answers`.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import re
import signal
import ssl
import time
from collections.abc import Callable

from tests.bench.answers import PATHS, Answer, Dialect, answer_of, json_answer

MODELS = (
    "fake",
    "fake-d500",
    "fake-n20-i5",
    "fake-n20-i200",
    "fake-n64",
    "fake-n100-i20",
    "fake-n16-i500",
    "fake-e500",
)
"""Those that are asked for; any other works as well."""
LIFETIME_S = 3600.0
"""It ends by itself after so long, should its parent be gone."""
BACKLOG = 4096

_MODEL = re.compile(rb'"model"\s*:\s*"([^"]*)"')
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_BY_PATH: dict[bytes, Dialect] = {path.encode(): dialect for dialect, path in PATHS.items()}

LISTED = json_answer(
    json.dumps(
        {
            "object": "list",
            "data": [{"id": m, "object": "model", "created": 1_700_000_000, "owned_by": "bench"} for m in MODELS],
        }
    ).encode()
)


class Upstream(asyncio.Protocol):
    """One connection. Requests come one after another; none is sent before the last answer is complete."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, end)
        size = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < size:
            return
        request, self._buffer = self._buffer[:size], self._buffer[size:]
        self.asked(request, end)

    def asked(self, request: bytes, end: int) -> None:
        """Answer a request, whose head ends at ``end``."""
        method, path, _ = request.split(b" ", 2)
        if method == b"GET":
            self.say(LISTED)
            return
        model = _MODEL.search(request, end)
        answer = answer_of(model[1].decode() if model else "fake", _BY_PATH[path])
        self.answer(answer, stream=_STREAM.search(request, end) is not None)

    def say(self, whole: bytes) -> None:
        """Write an answer at once."""
        self._transport.write(whole)

    def answer(self, answer: Answer, *, stream: bool) -> None:
        """Write an answer when it is due."""
        start = functools.partial(self._answer, answer, stream)
        if answer.delay_s:
            self._timer = self._loop.call_later(answer.delay_s, start)
        else:
            start()

    def _answer(self, answer: Answer, stream: bool) -> None:
        if not stream:
            self._transport.write(answer.whole)
        elif answer.pace_s:
            self._transport.write(answer.first + answer.text(time.monotonic_ns()))
            self._next(answer, answer.chunks - 1, self._loop.time() + answer.pace_s)
        else:
            self._transport.write(answer.first + answer.text(time.monotonic_ns()) * answer.chunks + answer.last)

    def _next(self, answer: Answer, left: int, due: float) -> None:
        self._timer = self._loop.call_at(due, self._paced, answer, left, due)

    def _paced(self, answer: Answer, left: int, due: float) -> None:
        chunk = answer.text(time.monotonic_ns())
        if left > 1:
            self._transport.write(chunk)
            self._next(answer, left - 1, due + answer.pace_s)
        else:
            self._transport.write(chunk + answer.last)


async def serve(protocol: Callable[[], Upstream], port: int = 0, certificate: str | None = None) -> None:
    """Print the ports, and serve on loopback until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    servers = [await loop.create_server(protocol, "127.0.0.1", port, backlog=BACKLOG)]
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        servers.append(await loop.create_server(protocol, "127.0.0.1", 0, ssl=context, backlog=BACKLOG))
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    print(json.dumps(dict(zip(("port", "tls_port"), ports, strict=False))), flush=True)
    try:
        await asyncio.wait_for(stop.wait(), LIFETIME_S)
    except TimeoutError:
        pass
    for server in servers:
        server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--certificate", metavar="FILE")
    args = parser.parse_args()
    asyncio.run(serve(Upstream, args.port, args.certificate))

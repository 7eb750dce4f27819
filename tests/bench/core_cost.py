"""The core's own cost in the source tree it is run in: the ASGI application, called without a server or an upstream.

Started by :mod:`tests.bench.compare`, one in each tree, and so written to run on either's ``switchgear`` and on nothing else of
theirs. It reads ``KIND COUNT`` lines and answers each with the CPU microseconds a request (a chunk, of a stream) took.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2

from switchgear import logs
from switchgear.assembly import Service, load
from switchgear.http.app import App
from switchgear.loading import installed
from switchgear.upstream import UpstreamClients

KEY = "sg-bench-key-7f3a9c5d1e"
MODEL = "m"
CHUNKS = 100
PROMPT = "the quick brown fox " * 20
HEAD = {"id": "chatcmpl-fake0001", "created": 1_700_000_000, "model": MODEL}
READY_S = 10.0

Json = dict[str, Any]


def _whole() -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "lorem ipsum " * 20}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 96, "completion_tokens": 60, "total_tokens": 156}
    return json.dumps({**HEAD, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()


def _events() -> list[bytes]:
    def event(delta: Json, finish: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return b"data: %b\n\n" % json.dumps({**HEAD, "object": "chat.completion.chunk", "choices": choices}).encode()

    return [*(event({"content": "lorem ipsum"}) for _ in range(CHUNKS)), event({}, "stop") + b"data: [DONE]\n\n"]


class Parts(httpx2.AsyncByteStream):
    """A body that is there at once."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


class Upstream(httpx2.AsyncBaseTransport):
    """In place of the transport."""

    def __init__(self) -> None:
        self._whole, self._events = _whole(), _events()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer without asking anybody."""
        if b'"stream":true' in request.content:
            return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Parts(self._events))
        length = {"content-type": "application/json", "content-length": str(len(self._whole))}
        return httpx2.Response(200, headers=length, stream=Parts([self._whole]))


def _request(path: str, **fields: Any) -> tuple[Json, bytes]:
    """An ASGI scope and a body."""
    messages = [{"role": "user", "content": PROMPT}]
    body = json.dumps({"model": MODEL, "messages": messages, **fields}, separators=(",", ":")).encode()
    headers = {
        b"host": b"127.0.0.1",
        b"user-agent": b"bench",
        b"accept": b"*/*",
        b"authorization": f"Bearer {KEY}".encode(),
        b"content-type": b"application/json",
        b"content-length": b"%d" % len(body),
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers.items()),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
        "extensions": {},
        "state": {},
    }
    return scope, body


KINDS = {
    "json": (_request("/v1/chat/completions"), 1),
    "sse": (_request("/v1/chat/completions", stream=True), CHUNKS),
    "messages": (_request("/v1/messages", stream=True, max_tokens=256), CHUNKS),
}
"""A request, and by how much its cost is divided: a whole chat, one streamed, Messages converted to it and back."""


async def ask(app: Callable[..., Any], kind: str) -> None:
    """One request; checks that it was answered."""
    (scope, body), _ = KINDS[kind]
    statuses: list[int] = []
    received = False

    async def receive() -> Json:
        nonlocal received
        if received:
            await asyncio.get_running_loop().create_future()  # the client does not hang up
        received = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Json) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app({**scope, "extensions": {}, "state": {}}, receive, send)
    if statuses != [200]:
        raise SystemExit(f"{kind} is answered {statuses}")


def _config(directory: Path) -> Path:
    entry = {
        "name": "up",
        "base-url": "http://127.0.0.1:9/v1",
        "dialects": ["openai-chat"],
        "api-key-entries": [{"api-key": "sk-fake-4Lw0Vb2Nn8q7Zt"}],
        "models": [{"name": MODEL}],
    }
    places = {"auth-dir": str(directory / "auth"), "state-dir": str(directory / "state")}
    path = directory / "config.yaml"
    path.write_text(json.dumps({"api-keys": [KEY], "port": 0, **places, "openai-compatibility": [entry]}))
    path.chmod(0o600)
    return path


async def main(directory: Path) -> None:
    """Measure what is asked for until the input ends."""
    path, available = _config(directory), installed()
    state = await asyncio.to_thread(load, path, None, available)
    service = Service(path, state, available=available, clients=UpstreamClients(lambda proxy: Upstream()))
    app = App(service)
    await service.start()
    async with asyncio.timeout(READY_S):
        while service.current.catalog.find(MODEL) is None:
            await asyncio.sleep(0.01)
    for kind in KINDS:
        for _ in range(20):
            await ask(app, kind)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        kind, count = line.split()
        begin = time.process_time()
        for _ in range(int(count)):
            await ask(app, kind)
        print((time.process_time() - begin) / int(count) / KINDS[kind][1] * 1e6, flush=True)
    await service.aclose()


def _logging() -> contextlib.AbstractContextManager[None]:
    """As the gateway's own process has it; older trees write each line at once."""
    behind = getattr(logs, "behind", None)
    if behind is not None:
        return behind("json", "info")  # type: ignore[no-any-return]
    logs.configure("json", "info")
    return contextlib.nullcontext()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="switchgear-core-") as folder, _logging():
        asyncio.run(main(Path(folder)))

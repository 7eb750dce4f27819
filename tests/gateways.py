"""A whole gateway for a test: real configuration, real server, real sockets."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import httpx2

from switchgear.assembly import Service, load
from switchgear.cli.server import listen, run
from switchgear.http.app import App
from switchgear.loading import Installed, installed
from switchgear.testing import LoopbackServer
from switchgear.upstream import tls_context
from tests import leaks

KEY = "sg-test-key-7f3a9c5d1e"
WIRED = {"wired": Installed("wired", "tests", "1", (EntryPoint("wired", "tests.wired_plugin", "switchgear"),))}


@dataclass
class Running:
    """A gateway that serves. ``client`` presents the test key."""

    url: str
    port: int
    service: Service
    app: App
    client: httpx2.AsyncClient
    stop: asyncio.Event
    served: asyncio.Task[None]
    config_file: Path

    async def chat(self, model: str = "m", *, stream: bool = False, **fields: Any) -> httpx2.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": stream, **fields}
        return await self.client.post("/v1/chat/completions", json=body)

    async def provider(self, name: str) -> dict[str, Any]:
        report = (await self.client.get("/v1/metrics/providers")).json()
        found: dict[str, Any] = report["providers"][name]
        return found

    async def counted(self, name: str) -> dict[str, Any]:
        """The last minute's counts of a provider."""
        window: dict[str, Any] = (await self.provider(name))["windows"]["1m"]
        return window


@functools.cache
def _installed(path: tuple[str, ...]) -> dict[str, Installed]:
    """The plugins on this ``sys.path``: to look for them takes as long as the rest of a gateway's start."""
    return installed()


@asynccontextmanager
async def gateway(
    folder: Path, config: Mapping[str, Any], available: Mapping[str, Installed] | None = None
) -> AsyncIterator[Running]:
    """Serve ``config`` (JSON is YAML) on a free port; ``available`` are further plugins, beside the installed ones."""
    path = folder / "config.yaml"
    whole = {"api-keys": [{"name": "tester", "key": KEY, "scopes": ["metrics:read"]}], "port": 0, **config}
    whole.setdefault("auth-dir", str(folder / "auth"))
    whole.setdefault("state-dir", str(folder / "state"))
    path.write_text(json.dumps(whole, indent=1))
    plugins = {**_installed(tuple(sys.path)), **WIRED, **(available or {})}
    service = Service(path, await asyncio.to_thread(load, path, None, plugins), available=plugins)
    app = App(service)
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    stop, ready = asyncio.Event(), asyncio.Event()
    await service.start()
    choice = service.current.config.server
    serving = run(
        _scanned(app), listener, drain=app.drain, reload=service.reload, ready=ready.set, stop=stop, choice=choice
    )
    served = asyncio.create_task(serving)
    await ready.wait()
    url = f"http://127.0.0.1:{port}"
    headers = {"authorization": f"Bearer {KEY}"}
    try:
        async with httpx2.AsyncClient(
            base_url=url, headers=headers, timeout=30, trust_env=False, verify=tls_context()
        ) as client:
            yield Running(url, port, service, app, client, stop, served, path)
    finally:
        stop.set()
        await served
        await service.aclose()


def _scanned(app: App) -> Any:
    """The app, with every byte of its answers taken to the leak scan."""

    async def scanned(scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                leaks.answered("the headers", repr(message["headers"]).encode())
            elif message["type"] == "http.response.body":
                leaks.answered(f"the answer to {scope['path']}", message.get("body", b""))
            await send(message)

        await app(scope, receive, sent)

    return scanned


def wired(upstream: LoopbackServer, **settings: Any) -> dict[str, Any]:
    """A configuration with the test provider on ``upstream``; its model is ``m``."""
    return {"wired": [{"base-url": upstream.url, "models": [{"name": "m"}], **settings}]}


def completion(text: str = "Hi", **fields: Any) -> bytes:
    """A whole chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    return json.dumps({"id": "c1", "object": "chat.completion", "choices": [choice], "usage": usage, **fields}).encode()


def delta(finish: str | None = None, **fields: Any) -> bytes:
    """One chat chunk as an event."""
    choice = {"index": 0, "delta": fields, "finish_reason": finish}
    return b"data: " + json.dumps({"object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"


ROLE, HELLO, STOP, DONE = (
    delta(role="assistant", content=""),
    delta(content="Hello"),
    delta("stop"),
    b"data: [DONE]\n\n",
)
SSE = {"content-type": "text/event-stream"}

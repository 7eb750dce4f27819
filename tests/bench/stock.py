"""What one would write first: the shortest pass-through on Starlette, hypercorn and httpx2. It parses no body.

``python -m tests.bench.stock SETTINGS`` prints its port and serves until SIGTERM. ``SETTINGS`` is JSON, from
:mod:`tests.bench.subjects`: handed over and not imported, so that none of the gateway's modules weighs in this
process's memory.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
import ssl
import sys
from typing import Any

import httpx2
from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

LIFETIME_S = 3600.0


def application(upstream: str, client: httpx2.AsyncClient) -> Starlette:
    """Pass what comes on to ``upstream``, and its answer back."""

    async def forward(request: Request) -> Response:
        headers = {name: request.headers[name] for name in ("content-type", "authorization")}
        url = upstream + request.url.path
        asked = client.build_request("POST", url, content=await request.body(), headers=headers)
        answer = await client.send(asked, stream=True)
        kind = answer.headers["content-type"]
        if kind.startswith("text/event-stream"):
            closing = BackgroundTask(answer.aclose)
            return StreamingResponse(answer.aiter_raw(), answer.status_code, media_type=kind, background=closing)
        return Response(await answer.aread(), answer.status_code, media_type=kind)

    return Starlette(routes=[Route("/{path:path}", forward, methods=["POST"])])


async def main(settings: dict[str, Any]) -> None:
    """Serve on a free loopback port until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)
    config = Config()
    for name, value in settings["hypercorn"].items():
        setattr(config, name, value)
    config.bind = [f"fd://{listener.fileno()}"]
    config.errorlog = logging.getLogger("hypercorn.error")
    limits = httpx2.Limits(**settings["limits"])
    timeout = httpx2.Timeout(**settings["timeouts"])
    certificates = settings["certificates"]
    verify = ssl.create_default_context(cafile=certificates)
    upstream = f"{'http' if certificates is None else 'https'}://127.0.0.1:{settings['port']}"
    async with httpx2.AsyncClient(limits=limits, timeout=timeout, trust_env=False, verify=verify) as client:
        app: Any = application(upstream, client)
        serving = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
        try:
            await asyncio.wait_for(stop.wait(), LIFETIME_S)
            await asyncio.wait({serving}, timeout=1.0)
        except TimeoutError:
            pass
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))

"""The fake's model proxy: it knows its tokens, refuses what the real one refused, and fails as it is told."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from switchgear.testing import Exchange, LoopbackServer
from switchgear_roo.fake.answers import (
    FAREWELL,
    PLAIN,
    TAGS,
    chunks,
    completion,
    error,
    event,
    farewell_chunks,
    refusal,
    whole,
)
from switchgear_roo.fake.people import People

Json = dict[str, Any]

STREAM = {"content-type": "text/event-stream"}
DONE = b"data: [DONE]\n\n"
BAD_GATEWAY = error(502, "Provider returned error")

TOLD: dict[str, tuple[int, Json, dict[str, str]]] = {
    "forbidden": (403, error(403, "Your organization does not allow this model"), {}),
    "rate_limited": (429, error(429, "Rate limit exceeded"), {"retry-after": "7"}),
    "quota_exhausted": (402, error(402, "Insufficient credits. Add more to continue."), {}),
    "model_not_found": (404, error(404, f"The model `{PLAIN}` does not exist"), {}),
    "overloaded": (503, error(503, "No provider is available"), {}),
    "server_error": (500, error(500, "Internal Server Error"), {}),
    "invalid_request": (400, error(400, "temperature: must be at most 2"), {}),
    "context_too_long": (400, error(400, "This endpoint's maximum context length is 262144 tokens"), {}),
    "content_filtered": (403, error(403, "Input flagged", {"reasons": ["violence"], "flagged_input": "…"}), {}),
    "sunset_403": (403, error(403, FAREWELL), {}),
    "sunset_410": (410, error(410, FAREWELL), {}),
}
"""Faults that are said: status, body, headers."""


class Proxy:
    """``POST /v1/chat/completions``.

    Attributes:
        bodies: every request that was let in, parsed.
        fault: the next one fails so; ``None`` for none.
    """

    def __init__(self, people: People, server: LoopbackServer) -> None:
        self.bodies: list[Json] = []
        self.fault: str | None = None
        self._people = people
        self._server = server
        self._broken: dict[str, Callable[[Exchange, Json], Awaitable[None]]] = {
            "in_band": _in_band,
            "in_band_stream": _in_band_stream,
            "cut": _cut,
            "cut_before": _cut_before,
            "html": _html,
            "empty": _empty,
            "never_starts": _never_starts,
            "slow": _slow,
            "sunset": _sunset,
            "sunset_text": _sunset_text,
        }

    def fail(self, fault: str) -> bool:
        """Let the next call fail so, once; false where there is no such failure."""
        if fault not in TOLD and fault not in self._broken:
            return False
        self.fault = fault
        return True

    async def chat(self, exchange: Exchange) -> None:
        """Answer one call."""
        token = exchange.headers.get("authorization", "").removeprefix("Bearer ")
        if self._people.bearer(token) is None:
            await _say(exchange, 401, error(401, "Invalid or expired token"))
            return
        body = _json(exchange.body)
        problem = refusal(body)
        if exchange.headers.get("content-type") != "application/json" or problem:
            await _say(exchange, 400, error(400, problem or "the body is no JSON"))
            return
        self.bodies.append(body)
        fault, self.fault = self.fault, None
        if fault in TOLD:
            await _say(exchange, *TOLD[fault])
        elif fault is not None:
            await self._broken[fault](exchange, body)
            self._server.notify()
        elif body.get("model") not in TAGS:
            await _say(exchange, 404, error(404, f"The model `{body.get('model')}` does not exist"))
        else:
            await _answer(exchange, body)


async def _answer(exchange: Exchange, body: Json) -> None:
    if not body.get("stream"):
        await _say(exchange, 200, whole(body))
        return
    await exchange.start(200, STREAM)
    for chunk in chunks(body):
        await exchange.send(event(chunk))
    await exchange.send(DONE)
    await exchange.end()


async def _say(exchange: Exchange, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
    await exchange.respond(status, json.dumps(body), headers)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


# -- faults that nobody says -----------------------------------------------------------------------------------


async def _in_band(exchange: Exchange, body: Json) -> None:
    await _say(exchange, 200, BAD_GATEWAY)


async def _in_band_stream(exchange: Exchange, body: Json) -> None:
    if not body.get("stream"):
        await _in_band(exchange, body)
        return
    await exchange.start(200, STREAM)
    await exchange.send(b": PROCESSING\n\n" + event(next(chunks(body))) + event(BAD_GATEWAY))
    await exchange.end()


async def _cut(exchange: Exchange, body: Json) -> None:
    """Some output, then a reset."""
    if body.get("stream"):
        await exchange.start(200, STREAM)
        for chunk, _ in zip(chunks(body), range(3), strict=False):
            await exchange.send(event(chunk))
    else:
        data = json.dumps(whole(body)).encode()
        await exchange.start(200, {"content-type": "application/json", "content-length": str(len(data))})
        await exchange.send(data[: len(data) // 2])
    await exchange.pause(0.05)  # a reset overtakes what was sent just before it
    exchange.cut()


async def _cut_before(exchange: Exchange, body: Json) -> None:
    exchange.cut()


async def _html(exchange: Exchange, body: Json) -> None:
    await exchange.respond(
        200, "<!doctype html><title>Maintenance</title><h1>Be right back</h1>", content_type="text/html"
    )


async def _empty(exchange: Exchange, body: Json) -> None:
    await exchange.respond(200, b"")


async def _never_starts(exchange: Exchange, body: Json) -> None:
    await exchange.closed.wait()


async def _slow(exchange: Exchange, body: Json) -> None:
    """The first output, then nothing."""
    if body.get("stream"):
        await exchange.start(200, STREAM)
        for chunk, _ in zip(chunks(body), range(2), strict=False):
            await exchange.send(event(chunk))
    await exchange.closed.wait()


async def _sunset(exchange: Exchange, body: Json) -> None:
    """The farewell, as if a model had said it."""
    if not body.get("stream"):
        await _say(exchange, 200, completion(body, {"role": "assistant", "content": FAREWELL}))
        return
    await exchange.start(200, STREAM)
    for chunk in farewell_chunks(body):
        await exchange.send(event(chunk))
    await exchange.send(DONE)
    await exchange.end()


async def _sunset_text(exchange: Exchange, body: Json) -> None:
    await exchange.respond(200, FAREWELL, content_type="text/plain")

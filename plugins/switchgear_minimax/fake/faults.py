"""How the fake's chat calls fail when they are told to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from switchgear.testing import Turn
from switchgear_minimax.fake.refusals import TOLD, envelope, native

Json = dict[str, Any]
FOREVER_S = 3600.0
BROKEN = frozenset({"in_band", "in_band_stream", "cut", "cut_before", "html", "empty", "never_starts", "slow"})
FAULTS = BROKEN | (set(TOLD) - {"token_expired"})


async def fail(fault: str, turn: Turn, dialect: str, events: Iterator[Json]) -> None:
    """Answer a call with one of :data:`FAULTS`; ``events`` are those of the good answer."""
    exchange = turn.exchange
    if fault in TOLD:
        status, type_, message = TOLD[fault]
        await turn.json(envelope(dialect, status, type_, message), status)
    elif fault == "in_band" or (fault == "in_band_stream" and not turn.stream):
        await turn.json(native(1002, "rate limit exceeded(RPM)", choices=None))
    elif fault == "in_band_stream":
        await turn.start()
        await turn.send(*islice(events, 1), _error_event(dialect))
        await exchange.end()
    elif fault == "html":
        await exchange.respond(200, "<!doctype html><title>A page</title>", content_type="text/html")
    elif fault == "empty":
        await exchange.respond(200, b"")
    elif fault == "cut_before":
        exchange.cut()
    elif fault == "never_starts":
        await exchange.pause(FOREVER_S)
    elif turn.stream:
        await turn.start()
        for event in events:
            await turn.send(event)
            if _speaks(dialect, event):
                break
        await _stop(fault, turn)
    else:
        await exchange.start(200, {"content-type": "application/json", "content-length": "1000"})
        await exchange.send(b'{"id": "')
        await _stop(fault, turn)


async def _stop(fault: str, turn: Turn) -> None:
    if fault == "slow":
        await turn.exchange.pause(FOREVER_S)
    turn.exchange.cut()


def _speaks(dialect: str, event: Json) -> bool:
    """Whether there is visible text in it."""
    if dialect == "openai-chat":
        return any(choice["delta"].get("content") for choice in event["choices"])
    return str(event["type"]).endswith("delta")


def _error_event(dialect: str) -> Json:
    if dialect == "anthropic-messages":
        return envelope(dialect, 529, "overloaded_error", "server cluster under high load (2064)")
    return native(1000, "unknown error, 999", choices=None)

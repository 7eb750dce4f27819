"""Drives one run: sends what the session gives, keeps it alive, and watches the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, replace

from switchgear import Event, Failure, UpstreamError
from switchgear_cursor.session import Session
from switchgear_cursor.wires import Wire

MAX_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a run may keep us waiting, in seconds (as the clients of the wire do, read 2026-11).

    Attributes:
        beat_s: between two signs of life of ours; the server drops a silent client, and wants one every 5 s.
        first_frame_s: for the first frame; the server asks for the prompt at once.
        silence_s: without any frame.
        heartbeats_s: with heartbeats only.
        siblings_s: for another tool call of the same step, where nothing says that there is one.
        counted_s: likewise, where the server said that there are more.
        leaving_s: for the end of the stream after the end of the turn.
    """

    beat_s: float = 3.0
    first_frame_s: float = 30.0
    silence_s: float = 60.0
    heartbeats_s: float = 240.0
    siblings_s: float = 0.05
    counted_s: float = 10.0
    leaving_s: float = 0.5


PATIENT = Patience()


async def run(wire: Wire, first: bytes, session: Session, patience: Patience = PATIENT) -> AsyncGenerator[Event]:
    """Give the answer's events. The wire is closed in any case.

    Raises:
        UpstreamError: the run failed, or the server fell silent.
    """
    beating: asyncio.Task[None] | None = None
    try:
        with suppress(UpstreamError):  # the answer says why
            await wire.send(first)
        beating = asyncio.create_task(_beat(wire, session, patience.beat_s))
        await _check_head(wire, patience)
        async for event in _answer(wire, session, patience):
            yield event
        if session.failure is not None:
            raise UpstreamError(replace(session.failure, status=wire.status, headers=wire.headers))
        if session.turn_ended and not session.stream_ended:
            await _leave(wire, patience)
    finally:
        if beating is not None:
            beating.cancel()
        await wire.aclose()
        if beating is not None:
            await asyncio.wait((beating,))


async def _answer(wire: Wire, session: Session, patience: Patience) -> AsyncGenerator[Event]:
    loop = asyncio.get_running_loop()
    framed_at = heard_at = loop.time()
    silence_s = patience.first_frame_s
    while not session.done:
        limits = [framed_at + silence_s, heard_at + patience.heartbeats_s]
        may_hand_over = session.is_waiting and not session.is_open
        if may_hand_over:
            limits.append(heard_at + (patience.counted_s if session.are_too_few else patience.siblings_s))
        try:
            async with asyncio.timeout_at(min(limits)):
                data = await wire.__anext__()
        except StopAsyncIteration:
            session.cut()
            return
        except TimeoutError:
            if not may_hand_over:
                what = "only heartbeats" if loop.time() < framed_at + silence_s else "nothing"
                raise UpstreamError(Failure("timeout", message=f"the service sent {what} for too long")) from None
            for event in session.hand_over():
                yield event
            return
        for out in session.feed(data):
            if isinstance(out, bytes):
                await wire.send(out)
            else:
                yield out
        framed_at, silence_s = loop.time(), patience.silence_s
        heard_at = framed_at if session.heard else heard_at


async def _check_head(wire: Wire, patience: Patience) -> None:
    try:
        async with asyncio.timeout(patience.first_frame_s):
            await wire.answered()
    except TimeoutError:
        raise UpstreamError(Failure("timeout", message="the service did not answer in time")) from None
    if wire.status == 200:
        return
    body = bytearray()
    with suppress(TimeoutError, StopAsyncIteration, UpstreamError):
        async with asyncio.timeout(patience.first_frame_s):
            while len(body) < MAX_ERROR_BYTES:
                body += await wire.__anext__()
    raise UpstreamError(Failure("status", wire.status, wire.headers, bytes(body[:MAX_ERROR_BYTES])))


async def _beat(wire: Wire, session: Session, beat_s: float) -> None:
    """Say that we are here, however slowly the answer is read."""
    with suppress(UpstreamError):  # whoever reads is told
        while True:
            await asyncio.sleep(beat_s)
            for message in session.beat():
                await wire.send(message)


async def _leave(wire: Wire, patience: Patience) -> None:
    """The turn is over: say so, and let the server end the stream."""
    with suppress(TimeoutError, StopAsyncIteration, UpstreamError):
        async with asyncio.timeout(patience.leaving_s):
            await wire.end()
            while True:
                await wire.__anext__()

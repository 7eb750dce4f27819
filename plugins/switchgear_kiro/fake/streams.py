"""One chat while the fake's runtime answers it, and the usual ways to do that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from switchgear.testing import Exchange
from switchgear_kiro.fake.asked import Asked, Said
from switchgear_kiro.fake.frames import whole
from switchgear_kiro.fake.refusals import Refusal, refuse
from switchgear_kiro.variants import AWS_JSON, Generation

Json = dict[str, Any]

EVENT_STREAM = "application/vnd.amazon.eventstream"
CHUNKS = (1, 2, 3, 4, 5, 6, 7)
"""The lengths of the pieces in which a stream goes that is chopped up."""
REQUEST_ID = {"x-amzn-requestid": "00000000-0000-4000-8000-0000000000fa"}


@dataclass(slots=True)
class Turn:
    """One chat that is in order, while it is answered.

    Attributes:
        exchange: to answer on.
        body: what came.
        generation: of the host.
        typed: one path serves every operation here, so errors tell their names and the stream is labelled JSON.
        number: counts the chats.
        signature: a genuine one, for the reasoning of this answer.
        chopped: send in tiny pieces, whatever the frames are.
    """

    exchange: Exchange
    body: Json
    generation: Generation
    typed: bool
    number: int
    signature: str
    chopped: bool

    @property
    def said(self) -> Said:
        """The sensible answer."""
        return Asked.of(self.body).answer(self.signature)

    async def start(self) -> None:
        """Send the head."""
        content_type = AWS_JSON if self.typed else EVENT_STREAM
        await self.exchange.start(200, {"content-type": content_type, **REQUEST_ID})

    async def send(self, *frames: bytes) -> None:
        """Send frames, each as a chunk of its own, or all of them in tiny pieces."""
        if not self.chopped:
            for frame in frames:
                await self.exchange.send(frame)
            return
        data, at, turn = b"".join(frames), 0, 0
        while at < len(data):
            size = CHUNKS[turn % len(CHUNKS)]
            await self.exchange.send(data[at : at + size])
            at, turn = at + size, turn + 1

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with an error instead."""
        await refuse(self.exchange, refusal, self.generation, typed=self.typed)


Behaviour = Callable[[Turn], Awaitable[None]]
Frames = Callable[[Turn], Iterable[bytes]]


async def plain(turn: Turn) -> None:
    """Answer sensibly."""
    await turn.start()
    await turn.send(*whole(turn.said, turn.generation, turn.number))


def streaming(frames: Frames) -> Behaviour:
    """A stream of these frames, which ends as HTTP should."""

    async def behave(turn: Turn) -> None:
        await turn.start()
        await turn.send(*frames(turn))

    return behave


def saying(said: Said) -> Behaviour:
    """An answer in a healthy stream. A signature ``*`` stands for a genuine one."""

    def frames(turn: Turn) -> Iterable[bytes]:
        signature = turn.signature if said.signature == "*" else said.signature
        redacted = turn.signature if said.redacted == "*" else said.redacted
        return whole(replace(said, signature=signature, redacted=redacted), turn.generation, turn.number)

    return streaming(frames)


def refusing(refusal: Refusal) -> Behaviour:
    """A refusal."""

    async def behave(turn: Turn) -> None:
        await turn.refuse(refusal)

    return behave

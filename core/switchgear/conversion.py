"""An upstream's raw answer as canonical events, read in the upstream's dialect. Failures are as for raw bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from switchgear.dialects import Codec
from switchgear.errors import UpstreamError
from switchgear.events import Event, Ignored
from switchgear.types import Cause, Failure, Reply

Batches = AsyncIterator[Sequence[Event]]
"""Events that came together, and go on together."""


class SaysFailure(Protocol):
    """Makes a failure of what was seen of a reply."""

    def __call__(self, cause: Cause, reply: Reply, body: bytes, message: str = "") -> Failure:
        """The failure; ``body`` is cut to what a failure may hold."""


async def events_of_stream(reply: Reply, codec: Codec, failure: SaysFailure) -> Batches:
    """The events of a stream, in the batches they came in.

    Raises:
        UpstreamError: an error came in the stream, it broke off, or it is none of the dialect.
    """
    parser = codec.parser()
    try:
        async for chunk in reply.body:
            events = parser.feed(chunk)
            if events:
                yield events
            if parser.done or parser.error is not None:
                break
        events, problem = parser.end()
    except ValueError as error:
        raise UpstreamError(failure("protocol", reply, b"", str(error))) from None
    if events:
        yield events
    if parser.error is not None:
        raise UpstreamError(failure("in_band", reply, parser.error))
    if problem:
        raise UpstreamError(failure("protocol", reply, b"", problem))


def events_of_whole(body: bytes, reply: Reply, codec: Codec, failure: SaysFailure) -> list[Event]:
    """The events of a whole answer, in which the codec found neither error nor problem.

    Raises:
        UpstreamError: it cannot be understood.
    """
    try:
        return codec.parse_answer(body)
    except ValueError as error:
        raise UpstreamError(failure("protocol", reply, body, str(error))) from None


async def one_by_one(events: AsyncIterator[Event], ignored: set[str]) -> Batches:
    """A plugin's events, each a batch of its own; the names that it says it ignored go into ``ignored``."""
    async for event in events:
        if isinstance(event, Ignored):
            ignored.update(event.names)
        else:
            yield (event,)

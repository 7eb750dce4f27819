"""What a plugin holds of a full-duplex call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Self

from switchgear.duplex.stream import Stream
from switchgear.errors import UpstreamError
from switchgear.types import Failure, Timeouts


class Duplex:
    """A call that is open in both directions: send when there is something to say, read when something comes.

    One task reads; any may send, and what one ``send`` is given stays in one piece. Reading and :meth:`answered` may be
    cancelled and called again, nothing is lost. A ``send`` cancelled half way breaks the call, since the upstream would
    take the next for its rest.

    Close it in a ``finally``: what is not finished then is reset at once. Every method raises
    :class:`~switchgear.errors.UpstreamError` once the call is broken, with what happened in its ``failure``; what came
    before is read first. A limit that passes resets the call, ``total_s`` also while nobody waits.
    """

    def __init__(self, stream: Stream, timeouts: Timeouts, began: float) -> None:
        self._stream = stream
        self._timeouts = timeouts
        self._answered = False
        total = Failure("timeout", message=f"the call took more than {timeouts.total_s:g} s")
        self._deadline = asyncio.get_running_loop().call_at(began + timeouts.total_s, stream.give_up, total)

    @property
    def status(self) -> int:
        """The answer's HTTP status; 0 before :meth:`answered`. An error status is an answer."""
        return self._stream.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's headers, names in lower case; empty before :meth:`answered`."""
        return self._stream.headers

    @property
    def trailers(self) -> Mapping[str, str]:
        """What the upstream sent after the body; empty until everything is read, and where there is none."""
        return self._stream.trailers

    async def answered(self) -> None:
        """Wait for the answer's headers, ``first_byte_s`` at most. An upstream may want to read something first."""
        stream = self._stream
        if not stream.answered.is_set():
            await stream.wait(stream.answered, self._timeouts.first_byte_s, "sent nothing in time, before an answer")
        if not stream.status:
            stream.check()
        encoding = stream.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"identity", ""}:
            failure = Failure("protocol", message=f"unrequested content-encoding {encoding[:40]!r}")
            stream.give_up(failure)
            raise UpstreamError(failure)
        self._answered = True

    async def send(self, data: bytes) -> None:
        """Send ``data``; return when the transport has it. An upstream that reads nothing is waited for ``idle_s``.

        Raises:
            RuntimeError: after :meth:`end`.
        """
        await self._stream.send(data, self._timeouts.idle_s)

    async def end(self) -> None:
        """The request is complete; reading goes on."""
        await self._stream.end()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """What has come since, never empty; waits ``idle_s`` at most. Waits for the headers first."""
        stream = self._stream
        if not self._answered:
            await self.answered()
        while not (data := stream.take()):
            if stream.ended:
                raise StopAsyncIteration
            await stream.wait(
                stream.readable, self._timeouts.idle_s, "sent nothing in time, while the answer was on its way"
            )
        return data

    async def aclose(self) -> None:
        """Reset the call at once, if it is not finished."""
        self._deadline.cancel()
        self._stream.give_up(Failure("connection", message="the call was closed"))

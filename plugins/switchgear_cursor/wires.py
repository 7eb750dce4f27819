"""The two ways of a run: one call over HTTP/2 that is open in both directions, or two kinds of calls over HTTP/1.1."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import httpx2

from switchgear import Failure, Reply, Timeouts, UpstreamClient, UpstreamError
from switchgear_cursor.framing import envelope
from switchgear_cursor.proto.agent_pb2 import BidiAppendRequest, BidiRequestId

if TYPE_CHECKING:
    from switchgear import Duplex  # else HTTP/2 would be loaded before the first run

RUN = "/agent.v1.AgentService/Run"
RUN_SSE = "/agent.v1.AgentService/RunSSE"
APPEND = "/aiserver.v1.BidiService/BidiAppend"
FIRST_BYTE_S = 30.0
"""For the headers of each call over HTTP/1.1, which the server sends at once."""
STREAMED, UNARY = "application/connect+proto", "application/proto"


class Wire(Protocol):
    """A run under way. One task reads, any may send; reading may be cancelled and taken up again."""

    @property
    def status(self) -> int:
        """The answer's HTTP status, after :meth:`answered`."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's headers, likewise."""

    async def send(self, message: bytes) -> None:
        """Send one client message."""

    async def answered(self) -> None:
        """Wait for the answer's headers. The server may want the first message before."""

    async def end(self) -> None:
        """Nothing more will be sent."""

    async def __anext__(self) -> bytes:
        """The next bytes of the answer's body."""

    async def aclose(self) -> None:
        """Leave the run at once, if it is not over."""


@dataclass(frozen=True, slots=True)
class Line:
    """Where a run is opened: at ``url``; ``http2`` is whether full duplex is allowed there."""

    url: str
    http2: bool = True


async def open_wire(line: Line, headers: Mapping[str, str], client: UpstreamClient, timeouts: Timeouts) -> Wire:
    """Begin a run.

    Args:
        line: where.
        headers: who asks: all but the content type and the run's own id.
        client: core's.
        timeouts: of the call.

    Raises:
        UpstreamError: there is no way to the service.
    """
    request_id = str(uuid.uuid4())
    head = {**headers, "content-type": STREAMED, "connect-protocol-version": "1", "x-request-id": request_id}
    if line.http2:
        request = httpx2.Request("POST", line.url + RUN, headers={**head, "te": "trailers"})
        return DuplexWire(await client.duplex(request, timeouts))
    body = envelope(BidiRequestId(request_id=request_id).SerializeToString())
    request = httpx2.Request("POST", line.url + RUN_SSE, headers={**head, "x-cursor-streaming": "true"}, content=body)
    timeouts = replace(timeouts, first_byte_s=min(timeouts.first_byte_s, FIRST_BYTE_S))
    reply = await client.reply(request, timeouts)
    return AppendWire(line.url, {**head, "content-type": UNARY}, request_id, reply, client, timeouts)


class DuplexWire:
    """A run in one full-duplex call."""

    def __init__(self, duplex: Duplex) -> None:
        self._duplex = duplex
        self.answered, self.end, self.aclose = duplex.answered, duplex.end, duplex.aclose

    @property
    def status(self) -> int:
        """See :class:`Wire`."""
        return self._duplex.status

    @property
    def headers(self) -> Mapping[str, str]:
        """See :class:`Wire`."""
        return self._duplex.headers

    async def send(self, message: bytes) -> None:
        """See :class:`Wire`."""
        await self._duplex.send(envelope(message))

    async def __anext__(self) -> bytes:
        """See :class:`Wire`."""
        return await anext(self._duplex)


class AppendWire:
    """A run over HTTP/1.1: the answer is one call's body, each message a call of its own, strictly in order.

    A message that is not taken breaks the run, for the server waits for that number.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        request_id: str,
        reply: Reply,
        client: UpstreamClient,
        timeouts: Timeouts,
    ) -> None:
        self._url = url
        self._send_headers = headers
        self._id = BidiRequestId(request_id=request_id)
        self._reply = reply
        self._client = client
        self._timeouts = timeouts
        self._number = 0
        self._sending = asyncio.Lock()
        self._next: asyncio.Task[bytes] | None = None
        self._broken: asyncio.Future[UpstreamError] = asyncio.get_running_loop().create_future()

    @property
    def status(self) -> int:
        """See :class:`Wire`."""
        return self._reply.status

    @property
    def headers(self) -> Mapping[str, str]:
        """See :class:`Wire`."""
        return self._reply.headers

    async def send(self, message: bytes) -> None:
        """See :class:`Wire`.

        Raises:
            UpstreamError: the message was not taken.
        """
        try:
            await self._append(message)
        except UpstreamError as error:
            if not self._broken.done():
                self._broken.set_result(error)
            raise

    async def _append(self, message: bytes) -> None:
        async with self._sending:
            body = BidiAppendRequest(data=message.hex(), request_id=self._id, append_seqno=self._number)
            self._number += 1
            request = httpx2.Request(
                "POST", self._url + APPEND, headers=self._send_headers, content=body.SerializeToString()
            )
            answer = await self._client.fetch(request, self._timeouts)
        if answer.status_code != 200:
            headers = dict(answer.headers.items())
            raise UpstreamError(Failure("status", answer.status_code, headers, answer.content[: 64 * 1024]))

    async def answered(self) -> None:
        """It has been: the headers are what a run is opened with."""

    async def end(self) -> None:
        """There is no word for it."""

    async def __anext__(self) -> bytes:
        """See :class:`Wire`."""
        if self._next is None:
            self._next = asyncio.ensure_future(_next(self._reply))
        waiting = self._next
        await asyncio.wait((waiting, self._broken), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise self._broken.result()
        self._next = None
        return waiting.result()

    async def aclose(self) -> None:
        """See :class:`Wire`."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait((self._next,))
            with suppress(asyncio.CancelledError, StopAsyncIteration, UpstreamError):
                self._next.result()
        await self._reply.aclose()


async def _next(reply: Reply) -> bytes:
    return await anext(reply.body)

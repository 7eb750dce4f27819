"""One HTTP/1.1 connection to an upstream: a request out, an answer in, and ready for the next."""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterable, Callable
from typing import cast

import httpx2

from switchgear.transport.answer import NEVER, Answer, Limits
from switchgear.transport.sending import Defaults, head_of

JOINED_BYTES = 64 * 1024
"""A body up to this size goes out in one piece with its head."""
READ_BYTES = 64 * 1024
CLOCK_S = 0.001
"""A timer may be early by so much."""

Told = Callable[["Connection"], None]


class Connection(asyncio.BufferedProtocol):
    """See the base class for what the transport calls.

    Args:
        loop: it runs on this one.
        buffer: what arrives is read into it, and taken out at once: those of one loop share it. (Without, asyncio
            takes 256 KiB from the operating system for each read, and gives them back.)
        released: told when an answer is complete and another request may follow.
        ended: told when it is closed, by whomever.

    Attributes:
        usable: another request may be sent on it, as far as is known.
        begun: something of the latest answer has arrived.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, buffer: memoryview[int], released: Told, ended: Told) -> None:
        self._loop = loop
        self._buffer = buffer
        self._released = released
        self._ended = ended
        self._transport: asyncio.Transport
        self._poll = select.poll()
        self._answer: Answer | None = None
        self._limits: Limits = {}
        self._sent = False
        self._unsent_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER
        self._idle_until = NEVER
        self.usable = False
        self.begun = False

    # -- what the transport tells --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self.usable = True

    def get_buffer(self, sizehint: int) -> memoryview[int]:
        """Where to read into."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So much was read."""
        self.hear(self._buffer[:nbytes])

    def hear(self, data: memoryview[int]) -> None:
        """Bytes came. They are not kept."""
        answer = self._answer
        if answer is None:  # nobody asked
            self.abandon()
            return
        answer.feed(data)
        if answer.complete or answer.error is not None:
            self._over(answer)

    def eof_received(self) -> None:
        """The upstream sends no more. Over TLS this is its closing word; without one only the connection is lost."""
        if self._answer is not None:
            self._answer.end()
        self.abandon()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whomever."""
        self.usable = False
        if self._timer is not None:
            self._timer.cancel()
        answer, self._answer = self._answer, None
        if answer is not None:
            lost = httpx2.ReadError("the connection broke off")
            lost.__cause__ = exc
            answer.fail(lost)
        self._ended(self)

    def pause_writing(self) -> None:
        """The upstream does not read."""
        if self._answer is not None:
            self._answer.sending = True
            self._unsent_bytes = self._transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        """It reads again."""
        if self._answer is not None:
            self._answer.sending = False
            self._answer.wake()

    def _over(self, answer: Answer) -> None:
        self._answer = None
        self.begun = answer.begun
        if not self._sent or answer.error is not None or self._transport.get_write_buffer_size():
            self.abandon()
        elif answer.reusable and self.usable:
            self._transport.resume_reading()
            self._released(self)
        else:
            self.close()

    # -- a request -----------------------------------------------------------------------------------------

    async def say(self, head: bytes, body: bytes, limits: Limits, *, head_only: bool = False) -> Answer:
        """Send a request and wait for the head of its answer. Cancelled, it closes the connection.

        Args:
            head: whole and checked.
            body: as long as the head says.
            limits: see :class:`~switchgear.transport.answer.Answer`, as ``head_only``.

        Raises:
            httpx2.TransportError: there is none.
        """
        answer = self._begin(limits, head_only)
        try:
            if len(body) <= JOINED_BYTES:
                self._transport.write(head + body)
            else:
                self._transport.write(head)
                self._transport.write(body)
            self._sent = True
            while not answer.status:
                await answer.change()
        except BaseException:
            self._give_up(answer)
            raise
        return answer

    async def say_in_parts(
        self, request: httpx2.Request, defaults: Defaults, limits: Limits, *, head_only: bool
    ) -> Answer:
        """The same for a body that is made while it is sent."""
        answer = self._begin(limits, head_only)
        try:
            await self._send(request, defaults, answer)
            self._sent = True
            while not answer.status:
                await answer.change()
        except BaseException:
            self._give_up(answer)
            raise
        return answer

    def _begin(self, limits: Limits, head_only: bool) -> Answer:
        answer = self._answer = Answer(self, self._loop, limits, head_only=head_only)
        self._limits = limits
        self._sent = False
        return answer

    def _give_up(self, answer: Answer) -> None:
        self.begun = answer.begun
        self.abandon()

    async def _send(self, request: httpx2.Request, defaults: Defaults, answer: Answer) -> None:
        """No more of the body once the upstream has answered."""
        length = request.headers.get("content-length")
        left = None if length is None else int(length)
        self._transport.write(head_of(request, defaults, left))
        async for part in cast("AsyncIterable[bytes]", request.stream):
            while answer.sending and not answer.status:
                await answer.change()
            if answer.status or answer.error is not None:
                return
            if left is not None:
                left -= len(part)
                if left < 0:
                    break
                self._transport.write(part)
            elif part:
                self._transport.write(b"%x\r\n%b\r\n" % (len(part), part))
        if left is None:
            self._transport.write(b"0\r\n\r\n")
        elif left != 0:
            raise httpx2.LocalProtocolError("its body is not as long as it says")

    # -- for the answer ------------------------------------------------------------------------------------

    def pause(self) -> None:
        """See the protocol."""
        self._transport.pause_reading()

    def read_on(self) -> None:
        """See the protocol."""
        if self._answer is not None:
            self._transport.resume_reading()

    def abandon(self) -> None:
        """Close it at once; see the protocol too."""
        self.usable = False
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.fail(httpx2.ReadError("the connection was closed"))
        self._transport.abort()

    # -- between requests ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Close it in good order."""
        self.usable = False
        self._transport.close()

    def rest(self, idle_s: float) -> None:
        """Stay open for so long."""
        self._idle_until = self._loop.time() + idle_s
        self.watch(self._idle_until)

    def ready(self) -> bool:
        """Whether a request may be sent now. The socket itself is asked: the loop may not know yet that it closed."""
        return self.usable and not self._poll.poll(0)

    # -- time ----------------------------------------------------------------------------------------------

    def watch(self, deadline: float) -> None:
        """Look at the deadlines no later than at this one. One timer serves all: mostly it finds nothing to do."""
        if deadline < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = deadline
            self._timer = self._loop.call_at(deadline, self._look)

    def _look(self) -> None:
        self._timer, self._timer_at = None, NEVER
        now = self._loop.time()
        answer = self._answer
        deadline = self._idle_until if answer is None else answer.deadline
        if answer is not None and answer.sending and deadline <= now + CLOCK_S:
            unsent = self._transport.get_write_buffer_size()
            if unsent < self._unsent_bytes:  # slow, but it goes on
                self._unsent_bytes = unsent
                answer.deadline = deadline = now + (self._limits.get("write") or NEVER)
        if deadline > now + CLOCK_S:
            if deadline != NEVER:
                self.watch(deadline)
        elif answer is None:
            self.close()
        else:
            answer.time_out()
            self.abandon()

"""An HTTP/1.1 connection: its exchanges, one after another, its deadlines and its end."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import structlog

from switchgear.server import limits
from switchgear.server.answer_head import bare
from switchgear.server.exchange import Exchange, Scope
from switchgear.server.requests import Elsewhere, Refused, Requests

if TYPE_CHECKING:
    from switchgear.server.connections import Connections

log = structlog.get_logger("switchgear.server")


class Connection(asyncio.Protocol):
    """One client's connection. See the base class and :class:`~switchgear.server.exchange.Wire` for its methods.

    Attributes:
        deadline: when its time is up, on the loop's clock; infinity while it is the server's turn.
    """

    __slots__ = (
        "_all", "_current", "_deaf", "_disconnected", "_head_timed", "_pipelined", "_reading", "_reading_paused",
        "_refused", "_requests", "_transport", "_unsent_bytes", "_writable", "deadline", "gone", "write",
        "writing_paused",
    )  # fmt: skip

    def __init__(self, all_: Connections) -> None:
        self._all = all_
        self._transport: asyncio.Transport
        self._requests: Requests
        self._disconnected: asyncio.Future[None] = all_.loop.create_future()
        self._current: Exchange | None = None  # whose answer is under way
        self._reading: Exchange | None = None  # whose request is still coming
        self._pipelined: list[Exchange] = []  # whose turn to be answered has not come
        self._deaf = False  # what still comes is thrown away
        self._refused: int | None = None  # the status to end with, once what came before is answered
        self._reading_paused = False
        self._head_timed = False
        self._unsent_bytes = 0
        self._writable: asyncio.Event | None = None
        self.gone = False
        self.writing_paused = False
        self.deadline = all_.loop.time() + limits.KEEP_ALIVE_S

    @property
    def stopping(self) -> bool:
        """See the protocol."""
        return self._all.stopping

    # -- what the transport tells --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected."""
        self._transport = cast("asyncio.Transport", transport)
        self.write: Callable[[bytes], None] = self._transport.write
        base: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.1"},
            "scheme": "http",
            "root_path": "",
            "client": _address(transport.get_extra_info("peername")),
            "server": _address(transport.get_extra_info("sockname")),
            "extensions": {"switchgear.disconnected": self._disconnected},
        }
        self._requests = Requests(self, base)
        self._all.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whomever."""
        self._all.open.discard(self)
        self._give_up()
        self._all.changed()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._deaf:
            return
        try:
            self._requests.feed(data)
        except Refused as refused:
            self._refuse(refused.status)
        except Elsewhere as elsewhere:
            self._all.open.discard(self)
            self._all.hand_over(self._transport, elsewhere.data)
            self._all.changed()
        except Exception as error:
            log.error("server_failed", exc_info=error)
            self._refuse(500)
        else:
            if self._current is None:
                if not self._head_timed:
                    self._head_timed = True
                    self._wait(limits.KEEP_ALIVE_S)
            elif self._reading is self._current and not self._reading_paused:
                self._wait(limits.KEEP_ALIVE_S)

    def eof_received(self) -> None:
        """The client sends no more. It is taken as a hang-up: nothing tells the two apart."""
        if self._current is not None:
            self.abort()  # a mere close would wait until all is sent

    def pause_writing(self) -> None:
        """The client does not read."""
        self.writing_paused = True

    def resume_writing(self) -> None:
        """It reads again."""
        self.writing_paused = False
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    # -- what is read --------------------------------------------------------------------------------------

    def request(self, scope: Scope, *, keep_alive: bool, expects: bool) -> None:
        """The head of a request is here."""
        if len(self._pipelined) >= limits.MOST_PIPELINED:
            raise Refused(503)
        self._head_timed = False
        exchange = self._reading = Exchange(self, scope, keep_alive=keep_alive, expects=expects)
        if self._current is None:
            self._begin(exchange)
        else:
            self._pipelined.append(exchange)

    def body(self, data: bytes) -> None:
        """A part of its body."""
        exchange = self._reading
        if exchange is not None:
            exchange.body(data)
            if self._waiting_bytes() > limits.HIGH_WATER_BYTES:
                self._pause_reading()

    def complete(self) -> None:
        """It is complete."""
        exchange, self._reading = self._reading, None
        if exchange is not None:
            exchange.complete = True
            exchange.wake()
            if exchange is self._current:
                self.deadline = math.inf

    # -- exchanges -----------------------------------------------------------------------------------------

    def _begin(self, exchange: Exchange) -> None:
        self._current = exchange
        self.deadline = math.inf
        exchange.task = self._all.loop.create_task(exchange.run(self._all.app))
        self._all.running.add(exchange)

    async def drain(self) -> None:
        """See the protocol."""
        if self._writable is None:
            self._writable = asyncio.Event()
        await self._writable.wait()

    def read_on(self) -> None:
        """See the protocol."""
        if self._reading_paused and not self.gone and self._waiting_bytes() <= limits.HIGH_WATER_BYTES:
            self._reading_paused = False
            self._transport.resume_reading()
            if self._reading is not None and self._reading is self._current:
                self._wait(limits.KEEP_ALIVE_S)

    def _waiting_bytes(self) -> int:
        """How much of bodies waits for the application."""
        waiting = 0 if self._current is None else self._current.waiting_bytes
        return waiting + sum(exchange.waiting_bytes for exchange in self._pipelined) if self._pipelined else waiting

    def _pause_reading(self) -> None:
        if not self._reading_paused:
            self._reading_paused = True
            self.deadline = math.inf
            self._transport.pause_reading()

    def answered(self, *, reusable: bool) -> None:
        """See the protocol."""
        self._current = None
        if not reusable:
            self._end()
        elif self._pipelined:
            self._begin(self._pipelined.pop(0))
            if self._reading is self._current:
                self._wait(limits.KEEP_ALIVE_S)
            self.read_on()
        elif self._refused is not None:
            self.break_off(self._refused)
        elif self._all.stopping:
            self._end()
        else:
            self._head_timed = False
            self.read_on()
            self._wait(limits.KEEP_ALIVE_S)

    def left(self, exchange: Exchange) -> None:
        """See the protocol."""
        self._all.running.discard(exchange)
        self._all.changed()

    # -- the end -------------------------------------------------------------------------------------------

    def _refuse(self, status: int) -> None:
        """Read nothing more, and say so where its turn is."""
        self._deaf = True
        self._refused = status
        reading, self._reading = self._reading, None
        if reading is not None and reading is self._current:
            reading.fail(status)
            return
        if reading is not None:
            self._pipelined.remove(reading)
        if self._current is None:
            self.break_off(status)

    def break_off(self, status: int | None) -> None:
        """See the protocol."""
        self._deaf = True
        if status is not None:
            self.write(bare(status))
        self._give_up()
        self._end()

    def _give_up(self) -> None:
        """Nobody can be answered any more; tell who is at it."""
        self.gone = True
        if not self._disconnected.done():
            self._disconnected.set_result(None)
        current, self._current = self._current, None
        if current is not None:
            current.wake()
        self._reading = None
        self._pipelined.clear()
        self.resume_writing()

    def _end(self) -> None:
        """Close it when all is sent. A client that may still send is read from on: else it could lose the answer."""
        if self._reading is None and not self._deaf and not self._pipelined:
            self._transport.close()
            self._wait(limits.KEEP_ALIVE_S)
            return
        self._deaf = True
        self._transport.write_eof()
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()
        self._wait(limits.LINGER_S)

    def _wait(self, time_s: float) -> None:
        self.deadline = self._all.loop.time() + time_s

    def expire(self) -> None:
        """The client's time is up; unless it still takes what it was sent."""
        unsent_bytes = self._transport.get_write_buffer_size()
        if unsent_bytes and unsent_bytes != self._unsent_bytes:
            self._unsent_bytes = unsent_bytes
            self._wait(limits.KEEP_ALIVE_S)
        elif self._current is not None:
            self._current.fail(408)
        elif self._requests.since_bytes and not self._deaf:
            self.break_off(408)
        else:
            self._transport.abort()

    def stop(self) -> None:
        """The server is about to end."""
        if self._current is None and not self._deaf:
            self._transport.close()

    def abort(self) -> None:
        """End it now."""
        self._give_up()
        self._transport.abort()


def _address(name: object) -> tuple[str, int] | None:
    return (name[0], name[1]) if isinstance(name, tuple) else None

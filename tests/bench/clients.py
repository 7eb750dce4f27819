"""Many clients in one thread, on epoll: each asks, reads, checks, asks again. No event loop: it would cost as much again."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import select
import socket
import time

from tests.bench.asking import WORDS, Ask
from tests.bench.result import Figures

READ_BYTES = 262_144
CONNECT_S = 10.0
RETRY_S = 0.1
HEAD, CHUNKED = -2, -1
"""What is awaited, instead of a number of bytes."""


class Clients:
    """``count`` clients of the server on ``port``, all asking ``ask``.

    ``rate`` is how many requests a second they send together, evenly; 0: each asks as soon as it has its answer.
    """

    def __init__(self, ask: Ask, port: int, count: int, *, rate: float = 0.0) -> None:
        self.ask = ask
        self.port = port
        self.figures = Figures()
        self.period_s = count / rate if rate else 0.0
        self.left: int | None = None
        """How many more requests may be sent; ``None`` for any number."""
        self.poll = select.epoll()
        self.by_fd: dict[int, _Client] = {}
        self.all = [_Client(self) for _ in range(count)]
        self._due: list[tuple[float, int, _Client]] = []
        self._turn = itertools.count()

    def start(self, ramp_s: float) -> None:
        """Let them begin to ask, one after another, within this time; with a rate, within its period at least."""
        begin, ramp_s = time.monotonic(), max(ramp_s, self.period_s)
        for number, client in enumerate(self.all):
            self.later(client, begin + ramp_s * number / len(self.all))

    def later(self, client: _Client, due: float) -> None:
        """Let ``client`` ask at ``due``."""
        client.due = due
        heapq.heappush(self._due, (due, next(self._turn), client))

    def run(self, until: float) -> None:
        """Go on until this moment of the monotonic clock."""
        while (now := time.monotonic()) < until:
            self._turn_once(until, now)

    def burst(self, requests: int, until: float) -> bool:
        """Send so many requests, all clients at once, and wait for their answers; false when it took too long."""
        self.left = requests
        for client in self.all:
            client.begin()
        while self.busy() and (now := time.monotonic()) < until:
            self._turn_once(until, now)
        return not self.busy()

    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return any(client.asked for client in self.all)

    def _turn_once(self, until: float, now: float) -> None:
        due = self._due
        while due and due[0][0] <= now:
            heapq.heappop(due)[2].begin()
        wait_s = (min(due[0][0], until) if due else until) - now
        for fd, _ in self.poll.poll(max(wait_s, 0)):
            self.by_fd[fd].read()

    def stop(self, grace_s: float) -> None:
        """Ask no more; close when every answer is there, or after ``grace_s``."""
        self.left = 0
        self._due.clear()
        until = time.monotonic() + grace_s
        while self.busy() and (now := time.monotonic()) < until:
            self._turn_once(until, now)
        for client in self.all:
            client.close()
        self.poll.close()


class _Client:
    """One client and its connection."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._figures = clients.figures
        self._ask = clients.ask
        self._socket: socket.socket | None = None
        self.asked = 0.0
        """When the request under way was sent; 0 when there is none."""
        self.due = 0.0
        self._buffer = b""
        self._awaited = HEAD
        self._status = self._chunks = 0
        self._first = 0.0
        self._tail = b""
        """Of a stream, the event that is not complete; at its end, the last one."""

    def begin(self) -> None:
        """Ask, unless it is enough."""
        clients = self._clients
        if clients.left is not None:
            if clients.left == 0:
                return
            clients.left -= 1
        self._buffer = self._tail = b""
        self._awaited = HEAD
        self._chunks = 0
        self._first = 0.0
        try:
            if self._socket is None:
                self._connect()
            assert self._socket is not None
            self.asked = time.monotonic()
            if self._socket.send(self._ask.request) != len(self._ask.request):
                raise OSError("the request did not go out in one piece")
        except OSError as error:
            self._figures.wrong(f"cannot ask: {error!r}")
            self.close()
            clients.later(self, time.monotonic() + RETRY_S)

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._clients.port), CONNECT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._clients.by_fd[self._socket.fileno()] = self
        self._clients.poll.register(self._socket.fileno(), select.EPOLLIN)

    def close(self) -> None:
        self.asked = 0.0
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._clients.poll.unregister(self._socket.fileno())
            del self._clients.by_fd[self._socket.fileno()]
            self._socket.close()
            self._socket = None

    def read(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data and self.asked:
            self.received(data)
            return
        if self.asked:
            self._figures.wrong(f"cut off after {self._chunks} chunks")
            self.close()
            self._again(time.monotonic())
        else:
            self.close()  # between two requests, which a server may do

    def received(self, data: bytes) -> None:
        """Take what came."""
        buffer = self._buffer + data if self._buffer else data
        if self._awaited == HEAD:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self._buffer = buffer
                return
            head = buffer[:end].lower()
            self._status = int(head[9:12])
            _, _, length = head.partition(b"\r\ncontent-length:")
            self._awaited = int(length.partition(b"\r\n")[0]) if length else CHUNKED
            buffer = buffer[end + 4 :]
        if self._awaited == CHUNKED:
            if self._unframed(buffer):
                self._finish()
        elif len(buffer) >= self._awaited:
            self._tail = buffer
            self._finish()
        else:
            self._buffer = buffer

    def _unframed(self, buffer: bytes) -> bool:
        """Take the whole chunks of the coding off the buffer; true when the last one is there."""
        at, ended = 0, False
        parts = [self._tail]
        while (line := buffer.find(b"\r\n", at)) >= 0:
            size = int(buffer[at:line], 16)
            if len(buffer) < line + 4 + size:
                break
            parts.append(buffer[line + 2 : line + 2 + size])
            at = line + 4 + size
            if not size:
                ended = True
                break
        self._buffer = buffer[at:]
        body = b"".join(parts)
        if self._ask.text is None or self._status != 200:
            self._tail = body
            return ended
        return self._scanned(body) and ended

    def _scanned(self, body: bytes) -> bool:
        """Count the text chunks among the whole events; the tail is what is not whole, or the last event of all.

        False when the client has left.
        """
        assert self._ask.text is not None
        whole = body.rfind(b"\n\n") + 2
        if whole < 2:
            self._tail = body
            return True
        now_ns = time.monotonic_ns()
        stamps = self._ask.text.findall(body, 0, whole)
        if stamps:
            self._chunks += len(stamps)
            self._first = self._first or now_ns / 1e9
            if self._figures.measuring:
                self._figures.chunks += len(stamps)
                self._figures.lags.extend([(now_ns - int(stamp)) / 1e9 for stamp in stamps])
            if 0 < self._ask.leave_after <= self._chunks:
                self._count(now_ns / 1e9, leave=True)
                return False
        begin = body.rfind(b"\n\n", 0, whole - 2)
        last = body[begin + 2 if begin >= 0 else 0 :]
        self._tail = last if last.startswith(self._ask.last) else body[whole:]
        return True

    def _finish(self) -> None:
        problem = self._problem()
        if problem:
            self._figures.wrong(problem)
        self._count(time.monotonic())

    def _problem(self) -> str:
        """What is wrong with the answer; empty when it is right."""
        ask, tail = self._ask, self._tail
        if ask.refused:
            return "" if self._status >= 400 else f"{self._status} instead of a refusal"
        if self._status != 200:
            return f"{self._status} {tail[:200]!r}"
        if ask.text is None:
            return "" if WORDS in tail else f"no text in {tail[:200]!r}"
        if not self._chunks:
            return f"no stream: {tail[:200]!r}"
        if self._chunks != ask.chunks or not tail.startswith(ask.last):
            return f"{self._chunks} of {ask.chunks} chunks, the end is {tail[-100:]!r}"
        return ""

    def _count(self, now: float, *, leave: bool = False) -> None:
        figures = self._figures
        if figures.measuring:
            figures.requests += 1
            figures.latencies.append(now - self.asked)
            if self._first:
                figures.ttfts.append(self._first - self.asked)
        self.asked = 0.0
        if leave:
            self.close()
        self._again(now)

    def _again(self, now: float) -> None:
        clients = self._clients
        if clients.left == 0:
            return
        if clients.period_s and clients.left is None:
            clients.later(self, max(self.due + clients.period_s, now))
        else:
            self.begin()

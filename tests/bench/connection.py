"""One connection of the load client, and what all of them share."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass, field

PROMPT = "the quick brown fox jumps over the lazy dog " * 9
DONE = b"data: [DONE]\n\n"
MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


@dataclass
class Result:
    """What one run showed. Times are milliseconds; ``None`` where there is nothing to tell."""

    requests: int = 0
    bad: int = 0
    first_bad: str = ""
    rps: float = 0.0
    chunks: int = 0
    chunks_per_s: float = 0.0
    open_streams: int = 0
    latency_p50: float | None = None
    latency_p99: float | None = None
    ttft_p50: float | None = None
    ttft_p99: float | None = None
    cpu_s: float | None = None
    cpu_us_per_request: float | None = None
    cpu_us_per_chunk: float | None = None
    rss_idle_mb: float | None = None
    rss_peak_mb: float | None = None
    noise_pct: float | None = None


@dataclass
class Run:
    """What every connection shares."""

    request: bytes
    expected_events: int
    """Of a stream, its last not counted; 0 when whole answers are asked for."""
    last_event: bytes = DONE
    result: Result = field(default_factory=Result)
    latencies: list[float] = field(default_factory=list)
    ttfts: list[float] = field(default_factory=list)
    expected_length: int = 0
    measuring: bool = False
    stopping: bool = False
    left: int | None = None
    """How many more requests may be sent; ``None`` for any number."""
    to_finish: int = 0
    """With ``left``: how many answers are still to come."""
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def bad(self, why: str) -> None:
        """An answer was wrong, whenever it came."""
        self.result.bad += 1
        self.result.first_bad = self.result.first_bad or why[:300]


class Connection(asyncio.Protocol):
    """One client: asks, reads, checks, asks again."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._loop = asyncio.get_running_loop()
        self.closed = self._loop.create_future()
        self._transport: asyncio.Transport
        self._buffer = b""
        self.asked = 0.0
        """When the request under way was sent; 0 when there is none."""
        self.first = 0.0
        self._in_body = False
        self._status = self._length = self._events = 0
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.asked and not self._run.stopping:
            self._run.bad(f"cut off: {exc or 'closed'}, after {self._events} events")
        self.closed.set_result(None)

    def _ask(self) -> None:
        self._buffer = self._tail = b""
        self._in_body = False
        self._events = 0
        self.asked = self.first = 0.0
        run = self._run
        if not run.stopping and run.left != 0:
            if run.left is not None:
                run.left -= 1
            self.asked = self._loop.time()
            self._transport.write(run.request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._in_body:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            self._status = int(head[9:12])
            _, _, length = head.partition(b"\r\ncontent-length:")
            self._length = int(length.partition(b"\r\n")[0]) if length else -1
            self._buffer = self._buffer[end + 4 :]
            self._in_body = True
        if self._length >= 0:
            if len(self._buffer) >= self._length:
                self._finish_whole()
        elif self._unframe():
            self._finish_stream()

    def _unframe(self) -> bool:
        """Take the whole chunks off the buffer; true when the last one is there."""
        buffer, at = self._buffer, 0
        parts = [self._tail]
        ended = False
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
        if len(body) > len(self._tail):
            self.first = self.first or self._loop.time()
            count = body.count(b"\n\n")
            done = body.endswith(self._run.last_event)
            self._events += count - done
            if self._run.measuring:
                self._run.result.chunks += count - done
            self._tail = self._run.last_event if done else body[body.rfind(b"\n\n") + 2 :] if count else body
        return ended

    def _finish_whole(self) -> None:
        run = self._run
        if run.expected_events or self._status != 200:
            run.bad(f"{self._status} {self._buffer[:200]!r}")
        elif self._length != run.expected_length:
            if run.expected_length or not json.loads(self._buffer)["choices"]:
                run.bad(f"{self._length} bytes instead of {run.expected_length}: {self._buffer[:100]!r}")
            run.expected_length = self._length
        self._count()

    def _finish_stream(self) -> None:
        run = self._run
        if self._status != 200 or self._tail != run.last_event or self._events != run.expected_events:
            run.bad(f"{self._status}, {self._events} of {run.expected_events} events, the end is {self._tail[-100:]!r}")
        self._count()

    def _count(self) -> None:
        run = self._run
        if run.measuring:
            run.result.requests += 1
            run.latencies.append(self._loop.time() - self.asked)
            if self.first:
                run.ttfts.append(self.first - self.asked)
        run.to_finish -= 1
        if run.to_finish == 0:
            run.complete.set()
        self._ask()

    def abort(self) -> None:
        self._transport.abort()


def percentile(values: list[float], share: float) -> float | None:
    """The value that ``share`` of ``values`` do not exceed, in milliseconds."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)] * 1000 if values else None


def request_of(port: int, model: str, stream: bool, key: str, *, anthropic: bool = False) -> bytes:
    """The one request that is sent over and over: a chat, or the same as Anthropic's Messages."""
    path, system, user = "/v1/chat/completions", "You are a helpful assistant.", {"role": "user", "content": PROMPT}
    asked: dict[str, object] = {"model": model, "temperature": 0.7, "max_tokens": 256}
    if anthropic:
        path = "/v1/messages"
        asked |= {"system": system, "messages": [user], "stream": stream}
    else:
        asked |= {"messages": [{"role": "system", "content": system}, user]}
    if stream and not anthropic:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    body = json.dumps(asked, separators=(",", ":")).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: bench\r\naccept: */*\r\n"
        f"content-type: application/json\r\nauthorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

"""A fake OpenAI upstream that is never the bottleneck: prebuilt bytes over an ``asyncio.Protocol``.

``python -m tests.bench.upstream`` prints its port and serves until SIGTERM. The model name says what is answered,
wherever these stand in it::

    fake              one JSON answer at once
    fake-d50          ... after 50 ms
    fake-n100-i20     as a stream: 100 text chunks, one each 20 ms; role first, finish reason, usage and [DONE] last
    fake-n64          as a stream: 64 text chunks at once

A call that names a Kiro operation is answered by it: the list of models, or the same text chunks as an event stream.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
import signal
from dataclasses import dataclass

from switchgear_kiro.eventstream import encode

MODELS = ("fake", "fake-d500", "fake-n64", "fake-n100-i20", "fake-n20-i200", "fake-n40-i500")
"""Those that the scenarios ask for; any other works as well."""
LIFETIME_S = 900.0
"""It ends by itself after so long, should its parent be gone."""
TEXT = "@ lorem ipsum dolor "
HEADERS_OF_STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"x-request-id: req_fake\r\ntransfer-encoding: chunked\r\n\r\n"
)
HEADERS_OF_KIRO = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\nx-amzn-requestid: req_fake\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
KIRO_CHAT = b"KiroRuntimeService.GenerateAssistantResponse"

_TARGET = re.compile(rb"\r\nx-amz-target:\s*(\S+)", re.IGNORECASE)
_MODEL = re.compile(rb'"model(?:Id)?"\s*:\s*"([^"]*)"')
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_KNOB = re.compile(r"-([dni])(\d+)")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model name asks for, ready to be written.

    Attributes:
        delay_s: before the first byte.
        pace_s: between two text chunks; 0 for all at once.
        whole: the JSON answer with its head.
        first: head, role and first text chunk of a stream, in one piece.
        chunk: each further text chunk.
        chunks: how many of these.
        last: finish reason, usage and ``[DONE]``.
    """

    delay_s: float
    pace_s: float
    whole: bytes
    first: bytes
    chunk: bytes
    chunks: int
    last: bytes


def knobs(model: str) -> dict[str, int]:
    """What a model name says: ``d`` ms delay, ``n`` text chunks, ``i`` ms between them."""
    return {"d": 0, "n": 64, "i": 0} | {key: int(value) for key, value in _KNOB.findall(model)}


def events_of(model: str, *, anthropic: bool = False) -> int:
    """How many events a stream of ``model`` has before its last: the role, the text, the finish.

    Converted to Anthropic's Messages: the message's and its block's start, the text, the block's end, the finish.
    """
    return knobs(model)["n"] + (4 if anthropic else 2)


@functools.cache
def answer_of(model: str) -> Answer:
    """The prebuilt answer of a model name."""
    asked = knobs(model)
    head = {"id": "chatcmpl-fake0001", "created": 1_700_000_000, "model": model}
    usage = {"prompt_tokens": 96, "completion_tokens": asked["n"], "total_tokens": 96 + asked["n"]}

    def event(delta: dict[str, str], finish: str | None = None, **more: object) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        chunk = {**head, "object": "chat.completion.chunk", "choices": choices, **more}
        return framed(b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n")

    message = {"role": "assistant", "content": TEXT * 16}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
    return Answer(
        delay_s=asked["d"] / 1000,
        pace_s=asked["i"] / 1000,
        whole=json_answer(body),
        first=HEADERS_OF_STREAM + event({"role": "assistant", "content": ""}) + event({"content": TEXT}),
        chunk=event({"content": TEXT}),
        chunks=asked["n"] - 1,
        last=event({}, "stop", usage=usage) + framed(b"data: [DONE]\n\n") + b"0\r\n\r\n",
    )


@functools.cache
def kiro_answer_of(model: str) -> Answer:
    """The prebuilt answer of a model name as Kiro's runtime gives it: a frame for each chunk; only ever as a stream."""
    asked = knobs(model)

    def event(kind: str, payload: dict[str, object]) -> bytes:
        headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/json"}
        return framed(encode(headers, json.dumps(payload, separators=(",", ":")).encode()))

    text = event("assistantResponseEvent", {"content": TEXT, "modelId": model})
    tail = (
        event("metadataEvent", {"stopReason": "END_TURN"}),
        event("contextUsageEvent", {"contextUsagePercentage": 0.25}),
        event("meteringEvent", {"usage": 0.031, "unit": "credit", "unitPlural": "credits"}),
    )
    return Answer(
        delay_s=asked["d"] / 1000,
        pace_s=asked["i"] / 1000,
        whole=b"",
        first=HEADERS_OF_KIRO + text,
        chunk=text,
        chunks=asked["n"] - 1,
        last=b"".join(tail) + b"0\r\n\r\n",
    )


def framed(data: bytes) -> bytes:
    """One chunk of the chunked coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def json_answer(body: bytes) -> bytes:
    """A whole answer with its head."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_fake\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


LISTED = json_answer(json.dumps({"object": "list", "data": [{"id": m, "object": "model"} for m in MODELS]}).encode())


KIRO_LISTED = json_answer(
    json.dumps({"models": [{"modelId": m, "tokenLimits": {"maxInputTokens": 200_000}} for m in MODELS]}).encode()
)


class Upstream(asyncio.Protocol):
    """One connection. Requests come one after another; none is sent before the last answer is complete."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, end)
        size = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < size:
            return
        request, self._buffer = self._buffer[:size], self._buffer[size:]
        if request.startswith(b"GET "):
            self._transport.write(LISTED)
            return
        target = _TARGET.search(request, 0, end + 2)
        if target is not None and target[1] != KIRO_CHAT:
            self._transport.write(KIRO_LISTED)
            return
        found = _MODEL.search(request, end)
        model = found[1].decode() if found else "fake"
        answer = answer_of(model) if target is None else kiro_answer_of(model)
        stream = target is not None or _STREAM.search(request, end) is not None
        start = functools.partial(self._answer, answer, stream)
        if answer.delay_s:
            self._timer = self._loop.call_later(answer.delay_s, start)
        else:
            start()

    def _answer(self, answer: Answer, stream: bool) -> None:
        if not stream:
            self._transport.write(answer.whole)
        elif answer.pace_s:
            self._transport.write(answer.first)
            self._next(answer, answer.chunks, self._loop.time() + answer.pace_s)
        else:
            self._transport.write(answer.first + answer.chunk * answer.chunks + answer.last)

    def _next(self, answer: Answer, left: int, due: float) -> None:
        self._timer = self._loop.call_at(due, self._paced, answer, left, due)

    def _paced(self, answer: Answer, left: int, due: float) -> None:
        if left > 1:
            self._transport.write(answer.chunk)
            self._next(answer, left - 1, due + answer.pace_s)
        else:
            self._transport.write(answer.chunk * left + answer.last)


async def main() -> None:
    """Serve on a free loopback port until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(Upstream, "127.0.0.1", 0, backlog=4096)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    try:
        await asyncio.wait_for(stop.wait(), LIFETIME_S)
    except TimeoutError:
        pass
    server.close()


if __name__ == "__main__":
    asyncio.run(main())

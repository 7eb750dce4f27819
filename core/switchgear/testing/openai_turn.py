"""One request to the fake upstream while it is answered: what a behaviour gets, and the well-behaved answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from switchgear.testing.exchange import Exchange
from switchgear.testing.openai_answers import (
    DONE,
    Answer,
    Json,
    answer_to,
    chunk,
    completion,
    deltas,
    embeddings,
    sse,
    text_completion,
)
from switchgear.testing.openai_personalities import ErrorSpec, Personality

EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


@dataclass(slots=True)
class Timings:
    """How long the fake's slow behaviours take, and how big its big ones are. Tests keep them small.

    Attributes:
        pause_s: between the events of ``slow-keepalive`` and ``never-ends``.
        slow_s: before the first byte of ``slow``.
        trickle_s: after each byte of ``trickle``.
        retry_after_s: what the ``err-429-*`` behaviours ask for.
        big_bytes: the size of ``huge-body``, and of ``gzip-bomb`` unpacked.
    """

    pause_s: float = 0.02
    slow_s: float = 0.2
    trickle_s: float = 0.02
    retry_after_s: float = 2.0
    big_bytes: int = 128 * 1024 * 1024


@dataclass(slots=True)
class Call:
    """One recorded request.

    Attributes:
        endpoint: the path below the personality's base, e.g. ``/chat/completions``.
        personality: whose habits answered.
        model: as asked for; empty for a model list.
        key: the API key presented; ``None`` for none.
        headers: names in lower case.
        query: the raw query.
        body: the JSON body; empty for a model list, or where it is no object.
        raw: the body as it came.
        answered: the answer was complete.
        cancelled: the client went away before that.
    """

    endpoint: str
    personality: str
    model: str
    key: str | None
    headers: Mapping[str, str]
    query: str
    body: Json
    raw: bytes
    answered: bool = False
    cancelled: bool = False


@dataclass(slots=True)
class Turn:
    """What a behaviour gets: the recorded call, the exchange to answer, and the shapes to answer in."""

    call: Call
    exchange: Exchange
    personality: Personality
    timings: Timings
    answer: Answer = field(init=False)

    def __post_init__(self) -> None:
        self.answer = answer_to(self.call.body)

    @property
    def stream(self) -> bool:
        """Whether server-sent events were asked for."""
        return self.call.body.get("stream") is True

    @property
    def wants_usage(self) -> bool:
        """Whether the stream shall end with a usage chunk."""
        options = self.call.body.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    async def json(self, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer with JSON."""
        await self.exchange.respond(status, json.dumps(value, ensure_ascii=False), headers)

    async def error(self, error: ErrorSpec, headers: Mapping[str, str] | None = None) -> None:
        """Answer with an error in the personality's envelope."""
        await self.json(self.personality.envelope(error), error.status, headers)

    async def start(self) -> None:
        """Begin a stream: head, and the personality's prelude."""
        await self.exchange.start(200, EVENT_STREAM)
        await self.exchange.send(self.personality.prelude)

    async def send(self, *events: object) -> None:
        """Send events, each as a chunk of its own."""
        for event in events:
            await self.exchange.send(sse(event))

    def role(self) -> Json:
        """The first chunk."""
        return chunk(self.answer, {"role": "assistant", "content": ""})

    def words(self) -> Iterable[Json]:
        """The chunks of the answer's output."""
        return (chunk(self.answer, delta) for delta in deltas(self.answer))

    def finish(self) -> Json:
        """The chunk that says why the answer ended."""
        return chunk(self.answer, {}, self.answer.finish_reason)

    def usage_chunk(self) -> Json:
        """The chunk that carries the usage, and no choice."""
        return chunk(self.answer, None, usage=self.answer.usage)

    def chunks(self) -> Iterable[Json]:
        """All chunks of a well-behaved stream, in order."""
        yield self.role()
        yield from self.words()
        yield self.finish()
        if self.wants_usage:
            yield self.usage_chunk()


Behaviour = Callable[[Turn], Awaitable[None]]


async def plain(turn: Turn) -> None:
    """Answer as a good upstream does."""
    match turn.call.endpoint:
        case "/embeddings":
            await turn.json(embeddings(turn.call.body))
        case "/completions":
            await _plain_text(turn)
        case _ if turn.stream:
            await turn.start()
            await turn.send(*turn.chunks())
            await turn.exchange.send(DONE)
            await turn.exchange.end()
        case _:
            await turn.json(completion(turn.answer))


async def _plain_text(turn: Turn) -> None:
    prompt: Any = turn.call.body.get("prompt", "")
    turn.answer = answer_to({**turn.call.body, "messages": [{"role": "user", "content": str(prompt)}]})
    answer = turn.answer
    if not turn.stream:
        await turn.json(text_completion(answer, answer.text, "stop", usage=answer.usage))
        return
    await turn.start()
    await turn.send(*(text_completion(answer, piece, None) for piece in answer.pieces))
    await turn.send(text_completion(answer, "", "stop"))
    if turn.wants_usage:
        await turn.send({**text_completion(answer, "", None), "choices": [], "usage": answer.usage})
    await turn.exchange.send(DONE)
    await turn.exchange.end()


def answer_with(
    status: int, body: object = None, headers: Mapping[str, str] | None = None, content_type: str = "application/json"
) -> Behaviour:
    """A behaviour for ``FakeOpenAI.script``: this answer. ``body`` is JSON, or bytes or a text sent as they are.

    Without a body it is an error of that status in the personality's own envelope.
    """

    async def behave(turn: Turn) -> None:
        if body is None:
            await turn.error(ErrorSpec(status, f"Scripted error {status}"), headers)
            return
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        await turn.exchange.respond(status, data, headers, content_type)

    return behave


def stream_of(*events: object, end: bool = True) -> Behaviour:
    """A behaviour for ``FakeOpenAI.script``: a stream of these events. Bytes are sent as they are, without framing.

    With ``end`` false the connection is reset after the last one.
    """

    async def behave(turn: Turn) -> None:
        await turn.exchange.start(200, EVENT_STREAM)
        for event in events:
            await turn.exchange.send(event if isinstance(event, bytes) else sse(event))
        if end:
            await turn.exchange.end()
        else:
            turn.exchange.cut()

    return behave

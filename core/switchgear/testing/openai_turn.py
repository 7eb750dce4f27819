"""One request to the fake upstream while it is answered: what a behaviour gets, and the well-behaved answer."""

from __future__ import annotations

import itertools
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from switchgear.testing.answer import Answer, Json
from switchgear.testing.asked import answer_for
from switchgear.testing.exchange import Exchange
from switchgear.testing.form import Form
from switchgear.testing.forms import form_of
from switchgear.testing.openai_answers import chunk, deltas
from switchgear.testing.openai_personalities import ErrorSpec, Personality

EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}

_numbers = itertools.count(1)


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
    """What a behaviour gets: the recorded call, the exchange to answer, the form to answer in, and a good answer."""

    call: Call
    exchange: Exchange
    personality: Personality
    timings: Timings
    form: Form = field(init=False)
    answer: Answer = field(init=False)

    def __post_init__(self) -> None:
        number = next(_numbers)
        self.form = form_of(self.call.endpoint, self.call.body, self.personality, number)
        self.answer = answer_for(self.form.asked(), number, self.call.model, self.call_id())

    def call_id(self, place: int = 0) -> str:
        """The id of a tool call of this turn."""
        return f"{self.form.call_prefix}{self.form.number}_{place}"

    @property
    def stream(self) -> bool:
        """Whether server-sent events were asked for."""
        return self.call.body.get("stream") is True and self.form.streams

    @property
    def wants_usage(self) -> bool:
        """Whether a chat stream shall end with a usage chunk."""
        options = self.call.body.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    async def json(self, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer with JSON."""
        given = {**self.form.headers, **(headers or {})}
        await self.exchange.respond(status, json.dumps(value, ensure_ascii=False), given)

    async def error(self, error: ErrorSpec, headers: Mapping[str, str] | None = None) -> None:
        """Answer with an error in the endpoint's envelope, or the personality's."""
        status, shape = self.form.error(error)
        await self.json(shape, status, headers)

    async def refused(self) -> bool:
        """Answer with an error if a strict upstream refuses the request; whether it did."""
        refusal = self.form.refusal(self.call.headers)
        if refusal is not None:
            await self.error(refusal)
        return refusal is not None

    async def start(self) -> None:
        """Begin a stream: head, and the personality's prelude."""
        await self.exchange.start(200, {**EVENT_STREAM, **self.form.headers})
        await self.exchange.send(self.form.prelude)

    async def send(self, *events: object) -> None:
        """Send events, each as a chunk of its own."""
        for event in events:
            await self.exchange.send(self.form.frame(event))

    async def end(self) -> None:
        """End a stream as it should."""
        await self.exchange.send(self.form.terminator)
        await self.exchange.end()

    def chunks(self) -> Iterable[Json]:
        """All events of a well-behaved stream but the terminator, in order."""
        yield from self.form.opening(self.answer)
        yield from self.form.output(self.answer)
        yield from self.form.closing(self.answer)

    def beginning(self, pieces: int) -> Iterable[Json]:
        """The events of a stream until so many pieces of the answer are said."""
        yield from self.form.opening(self.answer)
        for event in self.form.output(self.answer):
            yield event
            pieces -= self.form.is_spoken(event)
            if pieces <= 0:
                return

    # -- chat completions only -----------------------------------------------------------------------------

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


Behaviour = Callable[[Turn], Awaitable[None]]


async def plain(turn: Turn) -> None:
    """Answer as a good upstream does."""
    if not turn.stream:
        await turn.json(turn.form.whole(turn.answer))
        return
    await turn.start()
    await turn.send(*turn.chunks())
    await turn.end()


def answer_with(
    status: int, body: object = None, headers: Mapping[str, str] | None = None, content_type: str = "application/json"
) -> Behaviour:
    """A behaviour for ``FakeOpenAI.script``: this answer. ``body`` is JSON, or bytes or a text sent as they are.

    Without a body it is an error of that status in the endpoint's own envelope.
    """

    async def behave(turn: Turn) -> None:
        if body is None:
            await turn.error(ErrorSpec(status, f"Scripted error {status}"), headers)
            return
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        await turn.exchange.respond(status, data, headers, content_type)

    return behave


def stream_of(*events: object, end: bool = True) -> Behaviour:
    """A behaviour for ``FakeOpenAI.script``: a stream of these events, framed as the endpoint does.

    Bytes are sent as they are. With ``end`` false the connection is reset after the last one.
    """

    async def behave(turn: Turn) -> None:
        await turn.exchange.start(200, EVENT_STREAM)
        for event in events:
            await turn.exchange.send(event if isinstance(event, bytes) else turn.form.frame(event))
        if end:
            await turn.exchange.end()
        else:
            turn.exchange.cut()

    return behave

"""The fake upstream's quirks by magic model id: answers that are good, and odd.

Each stands for something that a real upstream was seen to do (survey of autumn 2026). Where no stream is asked for, a
quirk that concerns streams only answers plainly.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from switchgear.testing.openai_answers import DONE, Answer, Json, chunk, completion, fragments, sse
from switchgear.testing.openai_turn import Behaviour, Turn, plain

THOUGHT = "The person says something; I shall repeat it."
ARGUMENTS = '{"city": "Zürich", "unit": "C"}'
ARGUMENTS_TOO = '{"city": "Genève", "unit": "C"}'
NOTHING_USED = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


async def _stream(turn: Turn, chunks: Iterable[object], *, done: bool = True) -> None:
    await turn.start()
    await turn.send(*chunks)
    if done:
        await turn.exchange.send(DONE)
    await turn.exchange.end()


# -- how a stream ends, and its usage ----------------------------------------------------------------------


async def _no_done(turn: Turn) -> None:
    if not turn.stream:
        return await plain(turn)
    return await _stream(turn, turn.chunks(), done=False)


async def _no_finish(turn: Turn) -> None:
    if not turn.stream:
        return await plain(turn)
    return await _stream(turn, [turn.role(), *turn.words()])


async def _no_end(turn: Turn) -> None:
    """Neither a finish reason nor ``[DONE]``: it just stops."""
    if not turn.stream:
        return await plain(turn)
    return await _stream(turn, [turn.role(), *turn.words()], done=False)


async def _usage_end(turn: Turn) -> None:
    if not turn.stream:
        return await plain(turn)
    return await _stream(turn, [turn.role(), *turn.words(), turn.finish(), turn.usage_chunk()])


async def _usage_each(turn: Turn) -> None:
    """Cumulative usage on each chunk (vLLM with ``continuous_usage_stats``)."""
    if not turn.stream:
        return await plain(turn)
    body = [turn.role(), *turn.words(), turn.finish()]
    final, given = turn.answer.usage, turn.answer.prompt_tokens
    for number, part in enumerate(body):
        made = final["completion_tokens"] * number // (len(body) - 1)
        part["usage"] = {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}
    return await _stream(turn, body)


async def _usage_none(turn: Turn) -> None:
    if turn.stream:
        return await _stream(turn, [turn.role(), *turn.words(), turn.finish()])
    whole = completion(turn.answer)
    del whole["usage"]
    return await turn.json(whole)


async def _usage_zero(turn: Turn) -> None:
    if not turn.stream:
        return await turn.json({**completion(turn.answer), "usage": NOTHING_USED})
    last = chunk(turn.answer, None, usage=NOTHING_USED)
    return await _stream(turn, [turn.role(), *turn.words(), turn.finish(), last])


async def _usage_twice(turn: Turn) -> None:
    """On the chunk that finishes, and again in one of its own."""
    if not turn.stream:
        return await plain(turn)
    finish = {**turn.finish(), "usage": turn.answer.usage}
    return await _stream(turn, [turn.role(), *turn.words(), finish, turn.usage_chunk()])


# -- tool calls --------------------------------------------------------------------------------------------


def _call(id_: str, arguments: str) -> Json:
    return {"id": id_, "type": "function", "function": {"name": "weather", "arguments": arguments}}


def _delta(turn: Turn, **fields: object) -> Json:
    return chunk(turn.answer, {"tool_calls": [fields]})


async def _tools(turn: Turn, events: Iterator[Json] | None = None) -> None:
    """Two tool calls; in a stream their fragments come interleaved, by index."""
    answer = turn.answer
    calls = (_call("call_a", ARGUMENTS), _call("call_b", ARGUMENTS_TOO))
    turn.answer = Answer(answer.id, answer.model, "", calls, answer.prompt_tokens)
    if not turn.stream:
        await turn.json(completion(turn.answer))
        return
    await _stream(turn, [turn.role(), *(events or _interleaved(turn)), turn.finish()])


def _interleaved(turn: Turn) -> Iterator[Json]:
    for index, id_ in enumerate(("call_a", "call_b")):
        yield _delta(turn, index=index, **_call(id_, ""))
    for first, second in zip(fragments(ARGUMENTS), fragments(ARGUMENTS_TOO), strict=True):
        yield _delta(turn, index=0, function={"arguments": first})
        yield _delta(turn, index=1, function={"arguments": second})


async def _tools_noindex(turn: Turn) -> None:
    """Whole calls without an index (Gemini, Mistral, old Ollama)."""
    await _tools(turn, (_delta(turn, **_call(i, a)) for i, a in (("call_a", ARGUMENTS), ("call_b", ARGUMENTS_TOO))))


async def _tools_sameindex(turn: Turn) -> None:
    """Every call has index 0; only the ids differ."""
    both = (("call_a", ARGUMENTS), ("call_b", ARGUMENTS_TOO))
    await _tools(turn, (_delta(turn, index=0, **_call(i, a)) for i, a in both))


async def _tools_late_name(turn: Turn) -> None:
    """The name arrives after the arguments; continuations repeat an empty id."""

    def events() -> Iterator[Json]:
        for index, (id_, arguments) in enumerate((("call_a", ARGUMENTS), ("call_b", ARGUMENTS_TOO))):
            yield _delta(turn, index=index, id=id_, type="function", function={"arguments": ""})
            for part in fragments(arguments):
                yield _delta(turn, index=index, id="", function={"arguments": part})
            yield _delta(turn, index=index, id="", function={"name": "weather", "arguments": ""})

    await _tools(turn, events())


# -- reasoning, and odd deltas -----------------------------------------------------------------------------


def _reasoning(**fields: object) -> Behaviour:
    """Reasoning before the text, under the names in ``fields``; a stream gets it in one delta."""

    async def behave(turn: Turn) -> None:
        if not turn.stream:
            await turn.json(completion(turn.answer, **fields))
            return
        thought = chunk(turn.answer, {"content": None, **fields})
        await _stream(turn, [turn.role(), thought, *turn.words(), turn.finish()])

    return behave


async def _think_tags(turn: Turn) -> None:
    answer = turn.answer
    text = f"<think>{THOUGHT}</think>\n{answer.text}"
    turn.answer = Answer(answer.id, answer.model, text, (), answer.prompt_tokens)
    await plain(turn)


async def _content_list(turn: Turn) -> None:
    """Content as a list of parts, in deltas too (Mistral)."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}
    if not turn.stream:
        await turn.json(completion(turn.answer, content=[thinking, {"type": "text", "text": turn.answer.text}]))
        return
    words = (chunk(turn.answer, {"content": [{"type": "text", "text": piece}]}) for piece in turn.answer.pieces)
    await _stream(turn, [turn.role(), chunk(turn.answer, {"content": [thinking]}), *words, turn.finish()])


async def _null_role(turn: Turn) -> None:
    """``role: null`` on every delta, and ``content: null`` on the first (SGLang, MiniMax)."""
    if not turn.stream:
        return await plain(turn)
    words = (chunk(turn.answer, {"role": None, "content": piece}) for piece in turn.answer.pieces)
    first = chunk(turn.answer, {"role": None, "content": None})
    return await _stream(turn, [first, *words, chunk(turn.answer, {"role": None}, "stop")])


# -- framing -----------------------------------------------------------------------------------------------


def _wire(turn: Turn) -> bytes:
    """The whole plain stream as bytes."""
    return turn.personality.prelude + b"".join(map(sse, turn.chunks())) + DONE


def _framed(*, size: int = 0, crlf: bool = False, head: bytes = b"", comments: bool = False) -> Behaviour:
    """The plain stream with other bytes around its events, or cut into parts of ``size`` bytes."""

    async def behave(turn: Turn) -> None:
        if not turn.stream:
            return await plain(turn)
        data = head + _wire(turn)
        if comments:
            data = data.replace(b"data: {", b": OPENROUTER PROCESSING\n\n: keep-alive\nid: 7\ndata: {")
        if crlf:
            data = data.replace(b"\n", b"\r\n")
        await turn.exchange.start(200, {"content-type": "text/event-stream"})
        for start in range(0, len(data), size or len(data)):
            await turn.exchange.send(data[start : start + (size or len(data))])
        return await turn.exchange.end()

    return behave


async def _split_utf8(turn: Turn) -> None:
    """Every character of several bytes is split over two parts."""
    if not turn.stream:
        return await plain(turn)
    answer = turn.answer
    turn.answer = Answer(answer.id, answer.model, f"Grüße, 世界 🌍! {answer.text}", (), answer.prompt_tokens)
    data = _wire(turn)
    cuts = [0, *(i for i in range(1, len(data)) if data[i - 1] >= 0xC0), len(data)]
    await turn.exchange.start(200, {"content-type": "text/event-stream"})
    for start, end in itertools.pairwise(cuts):
        await turn.exchange.send(data[start:end])
    return await turn.exchange.end()


async def _json_instead(turn: Turn) -> None:
    await turn.json(completion(turn.answer))


# -- timing ------------------------------------------------------------------------------------------------


async def _slow(turn: Turn) -> None:
    await turn.exchange.pause(turn.timings.slow_s)
    await plain(turn)


async def _slow_keepalive(turn: Turn) -> None:
    """Comments, or blank lines before a JSON body, while the model thinks (DeepSeek, OpenRouter)."""
    await turn.exchange.start(200, {"content-type": "text/event-stream" if turn.stream else "application/json"})
    for _ in range(5):
        await turn.exchange.send(b": keep-alive\n\n" if turn.stream else b"\n")
        await turn.exchange.pause(turn.timings.pause_s)
    await turn.exchange.send(_wire(turn) if turn.stream else sse(completion(turn.answer)).removeprefix(b"data: "))
    await turn.exchange.end()


async def _trickle(turn: Turn) -> None:
    await turn.exchange.start(200, {"content-type": "text/event-stream" if turn.stream else "application/json"})
    data = _wire(turn) if turn.stream else sse(completion(turn.answer)).removeprefix(b"data: ")
    for start in range(len(data)):
        await turn.exchange.send(data[start : start + 1])
        await turn.exchange.pause(turn.timings.trickle_s)
    await turn.exchange.end()


_DETAILS = [{"type": "reasoning.text", "text": THOUGHT, "format": "unknown", "index": 0}]

QUIRKS: dict[str, Behaviour] = {
    "no-done": _no_done,
    "no-finish": _no_finish,
    "no-end": _no_end,
    "usage-end": _usage_end,
    "usage-each": _usage_each,
    "usage-none": _usage_none,
    "usage-zero": _usage_zero,
    "usage-twice": _usage_twice,
    "tools": _tools,
    "tools-noindex": _tools_noindex,
    "tools-sameindex": _tools_sameindex,
    "tools-late-name": _tools_late_name,
    "think-tags": _think_tags,
    "reasoning": _reasoning(reasoning=THOUGHT),
    "reasoning_content": _reasoning(reasoning_content=THOUGHT),
    "details": _reasoning(reasoning=THOUGHT, reasoning_details=_DETAILS),
    "content-list": _content_list,
    "null-role": _null_role,
    "split-utf8": _split_utf8,
    "split-every-byte": _framed(size=1),
    "crlf": _framed(crlf=True),
    "bom": _framed(head=b"\xef\xbb\xbf"),
    "comments": _framed(comments=True),
    "json-instead-of-sse": _json_instead,
    "slow": _slow,
    "slow-keepalive": _slow_keepalive,
    "trickle": _trickle,
}

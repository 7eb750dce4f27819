"""The fake upstream's quirks by magic model id: answers that are good, and odd.

Each stands for something that a real upstream was seen to do (survey of autumn 2026). Where no stream is asked for, a
quirk that concerns streams only answers plainly; so does one of chat's own oddities at another endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from switchgear.testing.answer import THOUGHT as THOUGHT
from switchgear.testing.answer import Json, fragments
from switchgear.testing.framing_quirks import FRAMING_QUIRKS
from switchgear.testing.messages_form import MessagesForm
from switchgear.testing.openai_answers import chunk, completion
from switchgear.testing.openai_form import ChatForm
from switchgear.testing.openai_turn import Behaviour, Turn, plain
from switchgear.testing.responses_answers import usage_of

ARGUMENTS = '{"city": "Zürich", "unit": "C"}'
ARGUMENTS_TOO = '{"city": "Genève", "unit": "C"}'


async def _stream(turn: Turn, chunks: Iterable[object], *, done: bool = True) -> None:
    await turn.start()
    await turn.send(*chunks)
    if done:
        await turn.exchange.send(turn.form.terminator)
    await turn.exchange.end()


# -- how a stream ends, and its usage ----------------------------------------------------------------------


async def _no_done(turn: Turn) -> None:
    """All events, but not what ends the stream: ``[DONE]``, ``message_stop``."""
    if not turn.stream:
        return await plain(turn)
    return await _stream(turn, turn.chunks(), done=False)


async def _no_finish(turn: Turn) -> None:
    """No finish reason: only chat completions have another way to end."""
    if not turn.stream:
        return await plain(turn)
    return await _stream(turn, _unfinished(turn), done=isinstance(turn.form, ChatForm))


async def _no_end(turn: Turn) -> None:
    """Neither a finish reason nor ``[DONE]``: it just stops."""
    if not turn.stream:
        return await plain(turn)
    return await _stream(turn, _unfinished(turn), done=False)


def _unfinished(turn: Turn) -> Iterable[Json]:
    return [*turn.form.opening(turn.answer), *turn.form.output(turn.answer)]


async def _usage_end(turn: Turn) -> None:
    turn.form.says_usage = True
    await plain(turn)


async def _usage_each(turn: Turn) -> None:
    """Cumulative usage on each chunk (vLLM with ``continuous_usage_stats``)."""
    if not turn.stream or not isinstance(turn.form, ChatForm):
        return await plain(turn)
    body = [turn.role(), *turn.words(), turn.finish()]
    final, given = turn.answer.usage, turn.answer.prompt_tokens
    for number, part in enumerate(body):
        made = final["completion_tokens"] * number // (len(body) - 1)
        part["usage"] = {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}
    return await _stream(turn, body)


async def _usage_none(turn: Turn) -> None:
    turn.form.says_usage = False
    await plain(turn)


async def _usage_zero(turn: Turn) -> None:
    turn.form.says_usage = True
    turn.answer = replace(turn.answer, prompt_tokens=0, made_tokens=0)
    await plain(turn)


async def _usage_twice(turn: Turn) -> None:
    """On the chunk that finishes, and again in one of its own; or in two events that say the same."""
    if not turn.stream:
        return await plain(turn)
    answer, form = turn.answer, turn.form
    if isinstance(form, ChatForm):
        finish = {**turn.finish(), "usage": answer.usage}
        return await _stream(turn, [turn.role(), *turn.words(), finish, turn.usage_chunk()])
    if isinstance(form, MessagesForm):
        return await _stream(turn, [*_unfinished(turn), *form.closing(answer), *form.closing(answer)])
    begun = [{**event, "response": {**event["response"], "usage": usage_of(answer)}} for event in form.opening(answer)]
    return await _stream(turn, [*begun, *form.output(answer), *form.closing(answer)])


# -- tool calls --------------------------------------------------------------------------------------------


def _call(id_: str, arguments: str) -> Json:
    return {"id": id_, "type": "function", "function": {"name": "weather", "arguments": arguments}}


def _delta(turn: Turn, **fields: object) -> Json:
    return chunk(turn.answer, {"tool_calls": [fields]})


async def _tools(turn: Turn, events: Iterator[Json] | None = None) -> None:
    """Two tool calls; in a stream their fragments come interleaved, by index. ``events`` are chat's own instead."""
    calls = (_call("call_a", ARGUMENTS), _call("call_b", ARGUMENTS_TOO))
    turn.answer = replace(turn.answer, text="", tool_calls=calls)
    if not turn.stream or (events is not None and not isinstance(turn.form, ChatForm)):
        await plain(turn)
        return
    form, answer = turn.form, turn.answer
    output = form.output(answer, interleaved=True) if events is None else events
    await _stream(turn, [*form.opening(answer), *output, *form.closing(answer)])


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
    """Reasoning before the text, in chat under the names in ``fields``; there a stream gets it in one delta."""

    async def behave(turn: Turn) -> None:
        if not isinstance(turn.form, ChatForm):
            turn.answer = replace(turn.answer, reasoning=THOUGHT)
            await plain(turn)
            return
        if not turn.stream:
            await turn.json(completion(turn.answer, **fields))
            return
        thought = chunk(turn.answer, {"content": None, **fields})
        await _stream(turn, [turn.role(), thought, *turn.words(), turn.finish()])

    return behave


async def _think_tags(turn: Turn) -> None:
    turn.answer = replace(turn.answer, text=f"<think>{THOUGHT}</think>\n{turn.answer.text}", tool_calls=())
    await plain(turn)


async def _content_list(turn: Turn) -> None:
    """Content as a list of parts, in deltas too (Mistral)."""
    if not isinstance(turn.form, ChatForm):
        await plain(turn)
        return
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}
    if not turn.stream:
        await turn.json(completion(turn.answer, content=[thinking, {"type": "text", "text": turn.answer.text}]))
        return
    words = (chunk(turn.answer, {"content": [{"type": "text", "text": piece}]}) for piece in turn.answer.pieces)
    await _stream(turn, [turn.role(), chunk(turn.answer, {"content": [thinking]}), *words, turn.finish()])


async def _null_role(turn: Turn) -> None:
    """``role: null`` on every delta, and ``content: null`` on the first (SGLang, MiniMax)."""
    if not turn.stream or not isinstance(turn.form, ChatForm):
        return await plain(turn)
    words = (chunk(turn.answer, {"role": None, "content": piece}) for piece in turn.answer.pieces)
    first = chunk(turn.answer, {"role": None, "content": None})
    return await _stream(turn, [first, *words, chunk(turn.answer, {"role": None}, "stop")])


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
    **FRAMING_QUIRKS,
}

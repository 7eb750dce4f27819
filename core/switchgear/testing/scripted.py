"""One scripted answer, in whatever form it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from switchgear.testing.asked import tool_call
from switchgear.testing.openai_turn import Behaviour, Turn, plain


def saying(
    text: str = "",
    *,
    reasoning: str = "",
    tool_calls: Iterable[tuple[str, Mapping[str, Any] | str]] = (),
    pieces: Sequence[str] = (),
    signature: str | None = None,
    redacted: bool = False,
    ended_by: str = "",
    cached_tokens: int = 0,
) -> Behaviour:
    """A behaviour for ``FakeOpenAI.script``: this answer, in the dialect of the endpoint, whole or streamed.

    A request that a strict upstream refuses is refused nevertheless.

    Args:
        text: what is said; empty for nothing.
        reasoning: what is thought before that; chat gives it as OpenRouter does.
        tool_calls: names and arguments; a text as arguments is sent as it is. Ids are the fake's own.
        pieces: the text as it is streamed, instead of ``text`` or beside it; by default word by word.
        signature: of the reasoning; ``None`` for the fake's own, which alone it accepts back.
        redacted: the reasoning is given sealed: ``redacted_thinking``, or encrypted content without a summary.
        ended_by: ``length`` for a token limit, ``content_filter``; empty for an end of its own accord.
        cached_tokens: how many of the tokens that were read came from a cache; at most those read are said to.

    Raises:
        ValueError: ``text`` and ``pieces`` differ.
    """
    if text and pieces and "".join(pieces) != text:
        raise ValueError("the pieces are not the text")
    said, split, called = text or "".join(pieces), tuple(pieces), list(tool_calls)

    async def behave(turn: Turn) -> None:
        if await turn.refused():
            return
        turn.answer = replace(
            turn.answer,
            text=said,
            split=split,
            tool_calls=tuple(
                tool_call(turn.call_id(place), name, given if isinstance(given, str) else json.dumps(given))
                for place, (name, given) in enumerate(called)
            ),
            reasoning=reasoning,
            signature=signature,
            redacted=redacted,
            ended_by=ended_by,
            cached_tokens=min(cached_tokens, turn.answer.prompt_tokens),
        )
        await plain(turn)

    return behave

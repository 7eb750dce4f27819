"""What the fake upstream is told to say, one call after the other."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from switchgear.testing.openai_answers import DONE, Json, chunk, completion
from switchgear.testing.openai_turn import Behaviour, Turn, plain


def saying(text: str = "", *, calls: Iterable[Json] = (), reasoning: str = "", signature: str = "") -> Behaviour:
    """A behaviour for the fake: this answer, in the form that is asked for; reasoning goes as OpenRouter's."""

    async def behave(turn: Turn) -> None:
        turn.answer = replace(turn.answer, text=text, tool_calls=tuple(calls))
        if not reasoning:
            await plain(turn)
            return
        detail = {"type": "reasoning.text", "text": reasoning, "signature": signature, "format": "unknown", "index": 0}
        thought = {"reasoning": reasoning, "reasoning_details": [detail]}
        if not turn.stream:
            await turn.json(completion(turn.answer, **thought))
            return
        usage = [turn.usage_chunk()] if turn.wants_usage else []
        await turn.start()
        await turn.send(turn.role(), chunk(turn.answer, thought), *turn.words(), turn.finish(), *usage)
        await turn.exchange.send(DONE)
        await turn.exchange.end()

    return behave


def calling(name: str, call_id: str = "call_fake_0", **arguments: Any) -> Json:
    """A tool call, as chat completions write it."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


def tool_results(body: Json) -> list[str]:
    """The texts of the tool messages of a request that came to the fake, oldest first."""
    return [str(message["content"]) for message in body["messages"] if message["role"] == "tool"]

"""What the fake model says, and the plain scenarios in which it says it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from switchgear_cursor.fake import agent_messages as say
from switchgear_cursor.fake.agent_errors import Json
from switchgear_cursor.fake.agent_prompt import Prompt
from switchgear_cursor.fake.agent_run import Run

Scenario = Callable[[Run], Awaitable[None]]
"""Plays the service's part of one run, from the first message's acceptance on."""

HARNESS_TOKENS = 500
"""What the service's own prompt takes."""
LETTERS_PER_TOKEN = 4
THOUGHT = "The person says something; I shall repeat it."
SAMPLES: Mapping[str, Any] = {"integer": 1, "number": 0.5, "boolean": True, "array": [], "object": {}, "null": None}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; ``calls`` are names and arguments of the client's tools."""

    text: str = ""
    calls: Sequence[tuple[str, Mapping[str, Any]]] = ()
    thought: str = ""


def answer_to(run: Run, prompt: Prompt) -> Answer:
    """A sensible answer: an echo, a word on what a tool gave, or a tool's call where the person speaks of tools."""
    asked = run.asked
    thinks = "thinking" in asked.model or asked.parameters.get("thinking") == "true" or "opus" in asked.model
    thought = THOUGHT if thinks else ""
    if prompt.results:
        return Answer(f"The tool said: {' '.join(prompt.results)}", thought=thought)
    if asked.tools and "tool" in prompt.said.lower():
        return Answer(calls=[sample_call(run)], thought=thought)
    seen = f"I see {prompt.images} image{'s' if prompt.images > 1 else ''}. " if prompt.images else ""
    return Answer(f"{seen}You said: {prompt.said}", thought=thought)


async def plain(run: Run) -> None:
    """The whole way: the prompt's blobs, the context, thoughts, text, a blob to keep, a checkpoint, the end."""
    prompt = await begun(run)
    await give(run, prompt, answer_to(run, prompt))


def saying(text: str = "", *calls: tuple[str, Mapping[str, Any]], thought: str = "", counted: bool = True) -> Scenario:
    """A scenario: this answer. ``counted`` is whether the service says beforehand how many calls there are."""

    async def scenario(run: Run) -> None:
        prompt = await begun(run)
        await give(run, prompt, Answer(text, calls, thought), counted=counted)

    return scenario


async def begun(run: Run) -> Prompt:
    """What every run begins with."""
    prompt = await run.prompt()
    await run.context()
    return prompt


async def give(run: Run, prompt: Prompt, answer: Answer, *, counted: bool = True) -> None:
    """Say an answer, and end the run: well, or by waiting for the client, who takes the calls and goes."""
    if answer.thought:
        for piece in words(answer.thought):
            await run.say(say.thinking(piece))
        await run.say(say.thinking_completed())
    for piece in words(answer.text):
        await run.say(say.strange(say.text(piece)))
        await run.say(say.tokens(max(1, len(piece) // LETTERS_PER_TOKEN)))
    await run.say(say.heartbeat())
    await run.keep(b'{"kept": true}')
    used = used_for(prompt, answer)
    await run.say(say.checkpoint(used[1] + used[2]))
    if answer.calls:
        await make(run, answer.calls, counted=counted)
        await run.gone()
    await run.finish(used)


async def make(run: Run, calls: Sequence[tuple[str, Mapping[str, Any]]], *, counted: bool = True) -> list[int]:
    """Call tools of the client's, all in one step; gives the executions' numbers."""
    if counted:
        await run.say(say.counted(len(calls)))
    numbers = []
    for place, (name, args) in enumerate(calls):
        call_id = f"call_{secrets.token_hex(8)}\nfc_{place}"
        await run.say(say.announced(call_id))
        await run.say(say.announced(call_id, 7))
        numbers.append(await run.call(name, args, call_id, form=place))
    return numbers


def used_for(prompt: Prompt, answer: Answer) -> dict[int, int]:
    """The tokens of an answer, as the end of a turn tells them."""
    read = HARNESS_TOKENS + prompt.letters // LETTERS_PER_TOKEN
    made = max(1, (len(answer.text) + len(answer.thought)) // LETTERS_PER_TOKEN)
    return {1: read, 2: made, 3: HARNESS_TOKENS // 2, 4: 0, 5: len(answer.thought) // LETTERS_PER_TOKEN}


def words(text: str) -> list[str]:
    """A text word by word, each with the white space behind it."""
    return re.split(r"(?<=\s)(?=\S)", text) if text else []


def sample_call(run: Run) -> tuple[str, Json]:
    """A call of the first tool that is offered, with every argument that its schema names."""
    tool = next(iter(run.asked.tools.values()))
    properties = tool.schema.get("properties")
    named = properties.items() if isinstance(properties, dict) else ()
    return tool.name, {name: SAMPLES.get(_type_of(given), "text") for name, given in named}


def _type_of(schema: Any) -> str:
    return str(schema.get("type")) if isinstance(schema, dict) else ""

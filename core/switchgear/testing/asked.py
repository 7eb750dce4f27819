"""What a request asks for, whichever dialect it is in, and the sensible answer to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from switchgear.testing.answer import THOUGHT, Answer, Json
from switchgear.testing.json_sample import sample


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; ``schema`` is its parameters'."""

    name: str
    schema: Json | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a dialect's reader makes of a request's body; it never fails, whatever the body holds.

    Attributes:
        text: the last user's text.
        images: how many images came with it, or with the tool's result.
        result: the text of the tool's result that came last; ``None`` where the last word was not a tool's.
        must_call: a tool call is demanded; ``may_call`` false forbids one.
        wanted: the name of the tool demanded; ``None`` for any.
        schema: of the JSON the answer shall be; ``None`` for plain text.
        reasons: reasoning is asked for.
        letters: how long everything that is read is.
    """

    text: str = ""
    images: int = 0
    result: str | None = None
    tools: Sequence[Tool] = ()
    must_call: bool = False
    may_call: bool = True
    wanted: str | None = None
    schema: Json | None = None
    reasons: bool = False
    letters: int = 0


def answer_for(asked: Asked, number: int, model: str, call_id: str) -> Answer:
    """A sensible answer: an echo, a tool call, a JSON object, or a word on the images that came.

    A tool is called when tools are given and either one is demanded or the last user's text contains "tool"; after a
    tool's result the answer is text again.
    """
    calls: tuple[Json, ...] = ()
    wants_call = asked.must_call or (asked.may_call and "tool" in asked.text.lower())
    if asked.result is not None:
        text = f"{_seen(asked.images)}The tool said: {asked.result}"
    elif asked.tools and wants_call:
        text, calls = "", (_called(asked, call_id),)
    elif asked.schema is not None:
        text = json.dumps(sample(asked.schema, asked.schema))
    else:
        text = f"{_seen(asked.images)}You said: {asked.text}"
    thought = THOUGHT if asked.reasons else ""
    return Answer(number, model, text, calls, max(1, asked.letters // 4), reasoning=thought)


def _seen(images: int) -> str:
    return f"I see {images} image{'s' if images > 1 else ''}. " if images else ""


def _called(asked: Asked, call_id: str) -> Json:
    tool = next((tool for tool in asked.tools if tool.name == asked.wanted), asked.tools[0])
    schema = tool.schema or {"type": "object", "properties": {"text": {"const": asked.text}}}
    return tool_call(call_id, tool.name, json.dumps(sample(schema, schema)))


def tool_call(call_id: str, name: str, arguments: str) -> Json:
    """A tool call, as chat completions write it; ``arguments`` is JSON."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


# -- reading bodies that may hold anything -------------------------------------------------------------------


def objects(value: object) -> list[Json]:
    """The JSON objects of a list; nothing for what is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def object_at(value: object, *names: str) -> Json:
    """The JSON object found by these names, one inside the other; an empty one where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def text_of(content: object) -> str:
    """The text of a message's content, given as a string or as a list of parts."""
    return content if isinstance(content, str) else "".join(str(part.get("text") or "") for part in objects(content))


def parts_of(content: object, *types: str) -> list[Json]:
    """The parts of a content list that are of one of these types."""
    return [part for part in objects(content) if part.get("type") in types]


def tool_of(fields: Json, schema: Any) -> Tool:
    """A tool with the name in ``fields``."""
    return Tool(str(fields.get("name", "tool")), schema if isinstance(schema, dict) else None)

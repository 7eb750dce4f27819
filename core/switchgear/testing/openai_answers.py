"""What the fake OpenAI-compatible upstream says: pure functions from a request's JSON to an answer's JSON.

Shapes: OpenAI's chat, completions and embeddings objects, read 2026-11.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

CREATED = 1_764_000_000
"""The Unix time every answer claims: fixed, so that two answers to one request are equal."""
DIMENSIONS = 8

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is going to be said, before it is put into a shape. Token counts are rough: a token is four letters."""

    id: str
    model: str
    text: str
    tool_calls: tuple[Json, ...] = ()
    prompt_tokens: int = 1

    @property
    def pieces(self) -> list[str]:
        """The text as it is streamed, word by word; joined it is the text again."""
        return re.split(r"(?<=\s)(?=\S)", self.text) if self.text else []

    @property
    def finish_reason(self) -> str:
        """``tool_calls`` or ``stop``."""
        return "tool_calls" if self.tool_calls else "stop"

    @property
    def usage(self) -> Json:
        """The usage object."""
        said = self.text + "".join(call["function"]["arguments"] for call in self.tool_calls)
        made = max(1, len(said) // 4)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": made,
            "total_tokens": self.prompt_tokens + made,
        }


def answer_to(body: Mapping[str, Any]) -> Answer:
    """A sensible answer: an echo, a tool call, a JSON object, or a word on the images that came.

    A tool is called when ``tools`` are given and either ``tool_choice`` demands one or the last user's text contains
    "tool"; after a tool's result the answer is text again.
    """
    number = next(_numbers)
    messages = [m for m in body.get("messages") or () if isinstance(m, dict)]
    last = messages[-1] if messages else {}
    asked = next((m for m in reversed(messages) if m.get("role") == "user"), {})
    asked_text, images = text_of(asked.get("content")), images_in(asked.get("content"))
    tools = [tool for tool in body.get("tools") or () if isinstance(tool, dict)]
    calls: tuple[Json, ...] = ()
    if last.get("role") == "tool":
        text = f"The tool said: {text_of(last.get('content'))}"
    elif tools and _wants_tool(body.get("tool_choice"), asked_text):
        text, calls = "", (_tool_call(tools, body.get("tool_choice"), number, asked_text),)
    elif (schema := _schema(body.get("response_format"))) is not None:
        text = json.dumps(sample(schema, schema))
    elif images:
        text = f"I see {images} image{'s' if images > 1 else ''}. You said: {asked_text}"
    else:
        text = f"You said: {asked_text}"
    prompt = sum(len(text_of(m.get("content"))) for m in messages)
    return Answer(f"chatcmpl-fake-{number}", str(body.get("model", "")), text, calls, max(1, prompt // 4))


def text_of(content: object) -> str:
    """The text of a message's content, given as a string or as a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def images_in(content: object) -> int:
    """How many images a message's content holds."""
    parts = content if isinstance(content, list) else []
    return sum(isinstance(part, dict) and part.get("type") == "image_url" for part in parts)


def _wants_tool(choice: object, text: str) -> bool:
    if choice == "none":
        return False
    return isinstance(choice, dict) or choice in {"required", "any"} or "tool" in text.lower()


def _tool_call(tools: list[Json], choice: object, number: int, text: str) -> Json:
    function: Json = tools[0].get("function") or {}
    if isinstance(choice, dict):
        wanted = (choice.get("function") or {}).get("name")
        functions = (tool.get("function") or {} for tool in tools)
        function = next((f for f in functions if f.get("name") == wanted), function)
    schema = function.get("parameters") or {"type": "object", "properties": {"text": {"const": text}}}
    arguments = json.dumps(sample(schema, schema))
    return {
        "id": f"call_fake_{number}",
        "type": "function",
        "function": {"name": function.get("name", "tool"), "arguments": arguments},
    }


def _schema(response_format: object) -> Json | None:
    if not isinstance(response_format, dict):
        return None
    if response_format.get("type") == "json_object":
        return {"type": "object"}
    schema = (response_format.get("json_schema") or {}).get("schema")
    return schema if isinstance(schema, dict) else None


def sample(schema: Json, root: Json) -> Any:
    """A small value that a simple JSON schema accepts: no ``not``, no patterns, no conditions."""
    if "$ref" in schema:
        target: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target[part]
        return sample(target, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return sample(schema[union][0], root)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    match kind:
        case "object":
            properties: Json = schema.get("properties") or {}
            return {name: sample(properties[name], root) for name in schema.get("required", properties)}
        case "array":
            return [sample(schema.get("items") or {}, root) for _ in range(schema.get("minItems", 1))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
    return "text".ljust(schema.get("minLength", 0), "x")


# -- shapes ------------------------------------------------------------------------------------------------


def completion(answer: Answer, **message: Any) -> Json:
    """A whole chat completion; ``message`` fields are added to, or replace, the usual ones."""
    said: Json = {"role": "assistant", "content": None if answer.tool_calls else answer.text}
    if answer.tool_calls:
        said["tool_calls"] = list(answer.tool_calls)
    choice = {"index": 0, "message": {**said, **message}, "finish_reason": answer.finish_reason, "logprobs": None}
    return {**_head(answer, "chat.completion"), "choices": [choice], "usage": answer.usage}


def chunk(answer: Answer, delta: Json | None, finish_reason: str | None = None, **fields: Any) -> Json:
    """One chunk of a chat stream; without a ``delta`` its ``choices`` are empty."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    return {**_head(answer, "chat.completion.chunk"), "choices": choices, **fields}


def deltas(answer: Answer) -> Iterator[Json]:
    """The deltas of a well-behaved stream, without the role and the end: words, or fragments of tool calls."""
    for piece in answer.pieces:
        yield {"content": piece}
    for index, call in enumerate(answer.tool_calls):
        head = {**call, "function": {"name": call["function"]["name"], "arguments": ""}}
        yield {"tool_calls": [{"index": index, **head}]}
        for part in fragments(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


def fragments(text: str, size: int = 7) -> list[str]:
    """``text`` in pieces of ``size`` letters."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def text_completion(answer: Answer, text: str, finish_reason: str | None, **fields: Any) -> Json:
    """A whole completion of the old kind, or a chunk of one."""
    choice = {"index": 0, "text": text, "finish_reason": finish_reason, "logprobs": None}
    return {**_head(answer, "text_completion"), "choices": [choice], **fields}


def _head(answer: Answer, object_: str) -> Json:
    return {"id": answer.id, "object": object_, "created": CREATED, "model": answer.model}


def embeddings(body: Mapping[str, Any]) -> Json:
    """Embeddings of ``input`` (a text, texts, token ids, lists of them): the same vector for the same input."""
    given = body.get("input")
    inputs = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    size = body.get("dimensions") or DIMENSIONS
    as_base64 = body.get("encoding_format") == "base64"
    tokens = sum(max(1, len(json.dumps(item)) // 4) for item in inputs)
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _encoded(vector(item, size)) if as_base64 else list(vector(item, size)),
        }
        for index, item in enumerate(inputs)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": body.get("model"), "usage": usage}


def vector(item: object, size: int = DIMENSIONS) -> tuple[float, ...]:
    """The embedding of one input: numbers that a 32-bit float holds exactly, so both encodings are equal."""
    digest = hashlib.shake_128(json.dumps(item).encode()).digest(size)
    return tuple((byte - 128) / 128 for byte in digest)


def _encoded(numbers: tuple[float, ...]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def sse(event: object) -> bytes:
    """One server-sent event that carries ``event`` as JSON, or a text as it is."""
    data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return b"data: " + data.encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"

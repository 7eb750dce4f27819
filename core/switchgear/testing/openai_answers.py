"""The shapes of chat completions, old completions and embeddings: pure functions from an answer to JSON.

Shapes: OpenAI's chat, completions and embeddings objects, read 2026-11; reasoning as OpenRouter gives it, with
``reasoning`` and ``reasoning_details`` (openrouter.ai/docs, read 2026-11).
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from switchgear.testing.answer import CREATED, Answer, fragments, words
from switchgear.testing.answer import Json as Json
from switchgear.testing.seals import sealed, signature_of

DIMENSIONS = 8
DONE = b"data: [DONE]\n\n"

# -- chat --------------------------------------------------------------------------------------------------


def completion(answer: Answer, **message: Any) -> Json:
    """A whole chat completion; ``message`` fields are added to, or replace, the usual ones."""
    said: Json = {"role": "assistant", "content": answer.text}
    if answer.tool_calls:
        said |= {"content": answer.text or None, "tool_calls": list(answer.tool_calls)}
    if answer.redacted:
        said["reasoning_details"] = [_sealed_detail(answer)]
    elif answer.reasoning:
        said |= {
            "reasoning": answer.reasoning,
            "reasoning_details": [_detail(text=answer.reasoning, **_signed(answer))],
        }
    choice = {"index": 0, "message": {**said, **message}, "finish_reason": answer.finish_reason, "logprobs": None}
    return {**_head(answer, "chat.completion"), "choices": [choice], "usage": answer.usage}


def chunk(answer: Answer, delta: Json | None, finish_reason: str | None = None, **fields: Any) -> Json:
    """One chunk of a chat stream; without a ``delta`` its ``choices`` are empty."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    return {**_head(answer, "chat.completion.chunk"), "choices": choices, **fields}


def deltas(answer: Answer, *, interleaved: bool = False) -> Iterator[Json]:
    """The deltas of a well-behaved stream, without the role and the end: reasoning, words, fragments of tool calls."""
    if answer.redacted:
        yield {"reasoning_details": [_sealed_detail(answer)]}
    elif answer.reasoning:
        for piece in words(answer.reasoning):
            yield {"reasoning": piece, "reasoning_details": [_detail(text=piece)]}
        yield {"reasoning_details": [_detail(**_signed(answer))]}
    for piece in answer.pieces:
        yield {"content": piece}
    calls = answer.tool_calls
    heads = [{"index": i, **call, "function": {**call["function"], "arguments": ""}} for i, call in enumerate(calls)]
    parts = [
        [{"index": i, "function": {"arguments": part}} for part in fragments(call["function"]["arguments"])]
        for i, call in enumerate(calls)
    ]
    if interleaved:
        order = [*heads, *(part for row in zip_longest(*parts) for part in row if part is not None)]
    else:
        order = [part for head, rest in zip(heads, parts, strict=True) for part in (head, *rest)]
    for part in order:
        yield {"tool_calls": [part]}


def _detail(**fields: str) -> Json:
    return {"type": "reasoning.text", **fields, "format": "unknown", "index": 0}


def _signed(answer: Answer) -> dict[str, str]:
    return {"signature": signature_of(answer.reasoning) if answer.signature is None else answer.signature}


def _sealed_detail(answer: Answer) -> Json:
    data = sealed(answer.reasoning) if answer.signature is None else answer.signature
    return {"type": "reasoning.encrypted", "data": data, "format": "unknown", "index": 0}


# -- old completions ---------------------------------------------------------------------------------------


def text_completion(answer: Answer, text: str, finish_reason: str | None, **fields: Any) -> Json:
    """A whole completion of the old kind, or a chunk of one."""
    choice = {"index": 0, "text": text, "finish_reason": finish_reason, "logprobs": None}
    return {**_head(answer, "text_completion"), "choices": [choice], **fields}


def _head(answer: Answer, object_: str) -> Json:
    id_ = f"{'cmpl' if object_ == 'text_completion' else 'chatcmpl'}-fake-{answer.number}"
    return {"id": id_, "object": object_, "created": CREATED, "model": answer.model}


# -- embeddings --------------------------------------------------------------------------------------------


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

"""Long histories in few messages: of some models the service takes no more. Pure.

Source: measurements of opencodex (192 messages pass, 208 fail), read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

Json = dict[str, Any]

MOST_MESSAGES = 190
STEP = 64
"""So many are folded at a time: in between, the prompt keeps its beginning, and the service finds it cached."""
HEAD = "The conversation so far, up to here:"


def folded(messages: Sequence[Json]) -> list[Json]:
    """The messages; where they are too many, the oldest as one that a user wrote. Nothing that was said is lost.

    A turn of the model and its tools' results stay together.
    """
    if len(messages) <= MOST_MESSAGES:
        return list(messages)
    surplus = len(messages) + 1 - MOST_MESSAGES
    cut = -(-surplus // STEP) * STEP
    while cut < len(messages) and messages[cut]["role"] == "tool":
        cut += 1
    parts = [part for message in messages[:cut] for part in _parts(message)]
    return [{"role": "user", "content": [_text(HEAD), *parts]}, *messages[cut:]]


def _parts(message: Json) -> Iterable[Json]:
    for part in message["content"]:
        match part["type"]:
            case "tool-call":
                yield _text(f"assistant called {part['toolName']}: {msgspec.json.encode(part['args']).decode()}")
            case "tool-result":
                failed = " (an error)" if part.get("isError") else ""
                yield _text(f"{part['toolName']} gave{failed}: {part['result']}")
            case "image":
                yield part
            case _:
                yield _text(f"{message['role']}: {part['text']}")


def _text(text: str) -> Json:
    return {"type": "text", "text": text}

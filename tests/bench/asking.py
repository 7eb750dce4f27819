"""One request that is sent over and over, and what a right answer to it looks like."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.bench.answers import PATHS, Dialect, knobs

PROMPT = ("the quick brown fox " * 20)[:400]
SYSTEM = "You are a helpful assistant."
WORDS = b"lorem ipsum"
"""In every right whole answer."""
LAST_EVENT: dict[Dialect, bytes] = {
    "chat": b"data: [DONE]",
    "messages": b"event: message_stop",
    "responses": b"event: response.completed",
}
TEXT_CHUNK: dict[Dialect, re.Pattern[bytes]] = {
    "chat": re.compile(rb'"content":"@(\d{19})'),
    "messages": re.compile(rb'"text":"@(\d{19})'),
    "responses": re.compile(rb'"delta":"@(\d{19})'),
}


@dataclass(frozen=True, slots=True)
class Ask:
    """What is sent, and what is expected.

    Attributes:
        request: head and body.
        text: finds the stamp of each text chunk; ``None`` when a whole answer is asked for.
        chunks: how many of these a stream has.
        last: how a stream's last event begins.
        refused: a refusal (4xx or 5xx) is the right answer.
        leave_after: the client hangs up after so many text chunks, 0 for never.
    """

    request: bytes
    text: re.Pattern[bytes] | None
    chunks: int
    last: bytes
    refused: bool = False
    leave_after: int = 0


def ask(
    model: str,
    *,
    port: int,
    key: str = "none",
    dialect: Dialect = "chat",
    stream: bool = False,
    refused: bool = False,
    leave_after: int = 0,
) -> Ask:
    """Ask for ``model`` (``PREFIX/fake-...``, see :mod:`tests.bench.answers`) in ``dialect``."""
    body = json.dumps(_body(model, dialect, stream), separators=(",", ":")).encode()
    head = (
        f"POST {PATHS[dialect]} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: bench\r\naccept: */*\r\n"
        f"content-type: application/json\r\nauthorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    text = TEXT_CHUNK[dialect] if stream else None
    return Ask(head.encode() + body, text, knobs(model)["n"], LAST_EVENT[dialect], refused, leave_after)


def _body(model: str, dialect: Dialect, stream: bool) -> dict[str, Any]:
    user = {"role": "user", "content": PROMPT}
    streamed: dict[str, Any] = {"stream": True} if stream else {}
    match dialect:
        case "messages":
            asked: dict[str, Any] = {"system": SYSTEM, "messages": [user], "max_tokens": 256}
        case "responses":
            asked = {"instructions": SYSTEM, "input": [user], "max_output_tokens": 256, "store": False}
        case "chat":
            asked = {"messages": [{"role": "system", "content": SYSTEM}, user], "max_tokens": 256}
            streamed |= {"stream_options": {"include_usage": True}} if stream else {}
    return {"model": model, "temperature": 0.7, **asked, **streamed}

"""What the agent says, as serialized ``AgentServerMessage``. Numbers: the vendor's SDK 1.0.31, read 2026-11."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from switchgear_cursor.fake.fields import Value, message, to_entries


def _update(number: int, fields: Mapping[int, Value]) -> bytes:
    return message({1: message({number: message(fields)})})


def text(piece: str) -> bytes:
    """A piece of the answer.

    >>> text("hi").hex()
    '0a060a040a026869'
    """
    return _update(1, {1: piece})


def thinking(piece: str) -> bytes:
    """A piece of the summary of its thoughts."""
    return _update(4, {1: piece})


def thinking_completed() -> bytes:
    """The thoughts are over."""
    return _update(5, {1: 12})


def announced(call_id: str, number: int = 2) -> bytes:
    """A call of a client's tool begins: 2 for started, 7 for a part of its arguments."""
    return _update(number, {1: call_id, 2: message({15: message({1: message({3: call_id})}), 57: call_id})})


def counted(calls: int) -> bytes:
    """How many calls the step will make."""
    return _update(27, {1: calls})


def tokens(made: int) -> bytes:
    """So many more were made."""
    return _update(8, {1: made})


def heartbeat() -> bytes:
    """The server is there."""
    return _update(13, {})


def turn_ended(used: Mapping[int, int]) -> bytes:
    """The answer is whole. ``used``: 1 input, 2 output, 3 cache read, 4 cache write, 5 reasoning."""
    return _update(14, dict(used))


def checkpoint(used_tokens: int) -> bytes:
    """The state of the conversation, with the size of its context."""
    return message({3: message({5: message({1: used_tokens, 2: 200_000}), 10: 1})})


def get_blob(number: int, blob_id: bytes) -> bytes:
    """A question for a blob."""
    return message({4: message({1: number, 2: message({1: blob_id})})})


def set_blob(number: int, blob_id: bytes, data: bytes) -> bytes:
    """A blob to keep."""
    return message({4: message({1: number, 3: message({1: blob_id, 2: data})})})


def execution(number: int, exec_id: str, kind: int, args: Mapping[int, Value]) -> bytes:
    """Something to be done on the client's machine."""
    return message({2: message({1: number, 15: exec_id, kind: message(args)})})


def abort(number: int) -> bytes:
    """Never mind an execution."""
    return message({5: message({1: message({1: number})})})


def query(number: int, kind: int) -> bytes:
    """Something to ask the person."""
    return message({7: message({1: number, kind: b""})})


def mcp_args(name: str, tool_name: str, provider: str, call_id: str, args: Mapping[str, Any]) -> dict[int, Value]:
    """A call of a client's tool; an empty ``tool_name`` is left out."""
    fields: dict[int, Value] = {1: name, 2: to_entries(args), 3: call_id, 4: provider}
    return {**fields, 5: tool_name} if tool_name else fields


def strange(payload: bytes) -> bytes:
    """The same message with a field that nobody knows yet."""
    return payload + message({4095: "new"})

"""Which conversation a request belongs to, so that it can stay on one account and find its prompt cached there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from switchgear.dialects.request_body import RequestBody  # the configuration names strategies, and needs no codec

HEADERS = ("x-session-id", "session-id", "session_id", "x-conversation-id")
"""Headers in which clients name their session (Codex ``session_id``, others alike; seen 2026-11)."""
BEGINNING = ("system", "instructions")
TURNS = ("messages", "input", "prompt")
MOST_TURNS = 4
LONGEST_NAME = 512


def conversation_key(body: RequestBody, headers: Mapping[str, str]) -> str:
    """A digest that all requests of one conversation share, and few others do.

    The client's own name for the session where it gives one; else how the conversation begins: its instructions and its
    turns up to the user's first, which later requests repeat.
    """
    named = _named(body, headers)
    if named is not None:
        return _digest(body.model.encode(), named)
    beginning = [bytes(raw) for name in BEGINNING if (raw := body.raw(name)) is not None]
    return _digest(body.model.encode(), *beginning, *_first_turns(body))


def _named(body: RequestBody, headers: Mapping[str, str]) -> bytes | None:
    for header in HEADERS:
        if value := headers.get(header):
            return value[:LONGEST_NAME].encode()
    metadata: Any = body.value("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("user_id"), str):
        return str(metadata["user_id"])[:LONGEST_NAME].encode()  # Claude Code names its session in it
    cache_key = body.value("prompt_cache_key")
    return cache_key[:LONGEST_NAME].encode() if isinstance(cache_key, str) and cache_key else None


class _Turn(msgspec.Struct):
    role: str = ""


def _first_turns(body: RequestBody) -> list[bytes]:
    raw = next((found for name in TURNS if (found := body.raw(name)) is not None), None)
    if raw is None:
        return []
    first: list[bytes] = []
    try:
        for turn in msgspec.json.decode(raw, type=list[msgspec.Raw])[:MOST_TURNS]:
            first.append(bytes(turn))
            if msgspec.json.decode(turn, type=_Turn).role == "user":
                break
    except (msgspec.DecodeError, RecursionError):  # a text, or turns without a role
        return first or [bytes(raw)]
    return first


def _digest(*parts: bytes) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def preference(key: str, names: Sequence[str]) -> list[int]:
    """The positions of ``names`` in the order in which the conversation prefers them (rendezvous hashing).

    The order depends on nothing else: one name more or less moves only the conversations that preferred it.
    """
    scored = [(hashlib.blake2b(f"{key}\0{name}".encode(), digest_size=8).digest(), at) for at, name in enumerate(names)]
    return [at for _, at in sorted(scored, reverse=True)]

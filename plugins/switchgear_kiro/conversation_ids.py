"""The name of a conversation, the same in all its requests: what the service keeps for it is found again. Pure."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping

from switchgear import Conversation, Part, Text

HEADERS = ("x-session-id", "session-id", "session_id", "x-conversation-id")
"""Headers in which clients name their session (seen 2026-11)."""


def conversation_id(conversation: Conversation, headers: Mapping[str, str], *, account_id: str, model: str) -> str:
    """A UUID for a conversation of one account with one model.

    It comes of the client's name for the session, where it gives one, and of the first turn of the user, which later
    requests repeat; without a name also of the instructions before it. Agents that share a session, or start over in
    it, so have a conversation each; and a client that writes the time of day into its instructions keeps its own.

    Args:
        headers: the client's, names in lower case.
    """
    session = next((found for name in HEADERS if (found := headers.get(name))), None)
    session = session or conversation.cache_key or conversation.user or ""
    digest = hashlib.sha256()
    for part in ("conversation", account_id, model, session, *_beginning(conversation, instructions=not session)):
        encoded = part.encode(errors="surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return str(uuid.uuid5(uuid.NAMESPACE_OID, digest.hexdigest()))


def continuation_id(conversation: Conversation, conversation_id: str) -> str:
    """A UUID for all requests between one message of the user and the next."""
    asked = sum(message.role == "user" for message in conversation.messages)
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{conversation_id}/{asked}"))


def _beginning(conversation: Conversation, *, instructions: bool) -> Iterable[str]:
    for message in conversation.messages:
        if message.role == "user" or instructions:
            yield message.role
            yield from _texts(message.parts)
        if message.role == "user":
            return


def _texts(parts: Iterable[Part]) -> Iterable[str]:
    return (part.text for part in parts if isinstance(part, Text))

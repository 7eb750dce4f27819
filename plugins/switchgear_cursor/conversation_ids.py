"""The ids under which runs are made: the same for one conversation, so that the service finds its prompt cached.

They are derived, not kept: another process gives the same conversation the same id. What is kept, in memory only, is
which of them are in use, for two runs must not share one, and which of them the service choked on.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from switchgear import Conversation, ForwardRequest, Text

SESSION_HEADERS = ("x-session-id", "session-id", "session_id", "x-conversation-id")
"""Headers in which clients name their session (Codex ``session_id``, others alike; seen 2026-11)."""
MOST_SPENT = 1000


class ConversationIds:
    """Gives them out."""

    def __init__(self) -> None:
        self._in_use: set[str] = set()
        self._spent: OrderedDict[str, None] = OrderedDict()

    @contextmanager
    def given(self, account_id: str, request: ForwardRequest) -> Iterator[str]:
        """An id for one run, an UUID; a fresh one where nothing names a session, or its id is in use."""
        derived = _derived(account_id, request)
        while derived is not None and derived in self._spent:
            derived = _uuid(derived.encode())
        given = str(uuid.uuid4()) if derived is None or derived in self._in_use else derived
        self._in_use.add(given)
        try:
            yield given
        finally:
            self._in_use.discard(given)

    def spend(self, conversation_id: str) -> None:
        """The service choked on it: do not use it again."""
        self._spent[conversation_id] = None
        while len(self._spent) > MOST_SPENT:
            self._spent.popitem(last=False)


def _derived(account_id: str, request: ForwardRequest) -> str | None:
    conversation = request.conversation
    named = next((value for header in SESSION_HEADERS if (value := request.headers.get(header))), None)
    session = named or conversation.cache_key or conversation.user
    if not session:
        return None
    return _uuid("\0".join((account_id, session, request.model, _first_text(conversation))).encode())


def _first_text(conversation: Conversation) -> str:
    first = next((message for message in conversation.messages if message.role == "user"), None)
    return "".join(part.text for part in first.parts if isinstance(part, Text)) if first is not None else ""


def _uuid(named: bytes) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256(named).digest()[:16], version=4))

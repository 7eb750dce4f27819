"""What the gateway learns of an entry while it serves, kept in memory only: a new process asks again."""

from __future__ import annotations

from dataclasses import dataclass, field

from switchgear_cursor.catalogue import Catalogue
from switchgear_cursor.conversation_ids import ConversationIds
from switchgear_cursor.retries import Lessons
from switchgear_cursor.server_config import Lines


@dataclass(slots=True)
class Known:
    """Of one account.

    Attributes:
        catalogue: its last list of models; an empty one while it had none.
        quota_resets_at: when its billing cycle ends, as the usage call said last, Unix seconds; ``None`` while unknown.
    """

    catalogue: Catalogue = field(default_factory=Catalogue)
    quota_resets_at: float | None = None


@dataclass(slots=True)
class Memory:
    """Of one entry.

    Attributes:
        lines: where the service wants the runs of each account.
        ids: conversation ids in use.
        lessons: which form of a request each model takes.
    """

    lines: Lines = field(default_factory=Lines)
    ids: ConversationIds = field(default_factory=ConversationIds)
    lessons: Lessons = field(default_factory=Lessons)
    _known: dict[str, Known] = field(default_factory=dict)

    def of(self, account_id: str) -> Known:
        """What is known of this account; nothing at first."""
        return self._known.setdefault(account_id, Known())

"""How one chat is asked, and what a refusal changes about it: all that is tried again within one call. Pure.

Each change is made once, and only while nothing of an answer has come; what is left goes to core, which knows about
other accounts and about waiting.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from switchgear import UpstreamError
from switchgear_kiro.answer import EmptyAnswer
from switchgear_kiro.errors import read_error
from switchgear_kiro.variants import ChatVariant

MOST_EMPTY_ANSWERS = 2
"""An empty stream is asked for again so often: asked anew, the service usually answers (read 2026-11)."""

UNKNOWN_OPERATION = "unknownoperation"
BODY_INVALID = "REQUEST_BODY_INVALID"
SIGNATURE_INVALID = "THINKING_SIGNATURE_INVALID"
CONVERSATION_REFUSED = frozenset({"INVALID_CONVERSATION_ID", "CONVERSATION_LIMIT_EXCEEDED"})


class Course:
    """What is tried next.

    Args:
        variants: the chat variants of the account, the first one first.
        working: the one that worked last; ``None`` while none has.
        conversation: the conversation's id.

    Attributes:
        variant: how to ask now.
        keep_reasoning: whether earlier reasoning goes along.
        conversation: the id to ask under.
    """

    def __init__(self, variants: Sequence[ChatVariant], working: ChatVariant | None, conversation: str) -> None:
        self._working = working if working in variants else None
        first = self._working or variants[0]
        self._others = [variant for variant in variants if variant != first]
        self.variant = first
        self.keep_reasoning = True
        self.conversation = conversation
        self._renamed = False
        self._empty = 0
        self._doubted: UpstreamError | None = None

    def changed_by(self, error: UpstreamError, *, has_reasoning: bool) -> bool:
        """Whether the call is to be made again, otherwise than before; if not, see :meth:`final`.

        Args:
            error: how the call failed, before anything of an answer came.
            has_reasoning: earlier reasoning went along.
        """
        if isinstance(error, EmptyAnswer):
            self._empty += 1
            return self._empty <= MOST_EMPTY_ANSWERS
        failure = error.failure
        said = read_error(failure.body, failure.headers)
        if failure.cause not in {"status", "in_band"}:
            return False
        if said.reason == SIGNATURE_INVALID and has_reasoning and self.keep_reasoning:
            self.keep_reasoning = False
            return True
        if said.reason in CONVERSATION_REFUSED and not self._renamed:
            self.conversation, self._renamed = str(uuid.uuid4()), True
            return True
        unknown = failure.status == 404 and said.name == UNKNOWN_OPERATION
        doubtful = failure.status == 400 and said.reason == BODY_INVALID and self.variant != self._working
        if not self._others or not (unknown or doubtful):
            return False
        if doubtful and self._doubted is None:
            self._doubted = error
        self.variant = self._others.pop(0)
        return True

    def final(self, error: UpstreamError) -> UpstreamError:
        """What the call failed of, when ``error`` came last.

        Where a body was refused and no other variant took it either, that refusal tells more than what a host says
        that the account may not be made for.
        """
        return self._doubted or error

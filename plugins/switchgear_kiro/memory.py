"""What the gateway learns of an account while it serves, kept in memory only: a new process asks again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from switchgear_kiro.models import BY_ID, Listed
from switchgear_kiro.variants import ChatVariant

MOST_CONVERSATIONS = 64


@dataclass(slots=True)
class Known:
    """Of one account.

    Attributes:
        variant: the chat variant that worked last; ``None`` while none has.
        profile_arn: the profile that was found for an account that came without one.
        listed: the models of its last list, by id; empty while it had none.
        rate_refusals: rate limits in a row.
        quota_resets_at: when its quota comes back, as the usage call said last, Unix seconds; ``None`` while unknown.
        renamed: conversations that the service would not take on, by their id, with the id they go on under.
    """

    variant: ChatVariant | None = None
    profile_arn: str = ""
    listed: Mapping[str, Listed] = field(default_factory=dict)
    rate_refusals: int = 0
    quota_resets_at: float | None = None
    renamed: dict[str, str] = field(default_factory=dict)

    def worked(self, variant: ChatVariant, conversation: str, renamed: str) -> None:
        """A chat was answered, in this way, and for a conversation that goes on under the id ``renamed``."""
        self.variant, self.rate_refusals = variant, 0
        if renamed == conversation:
            return
        while len(self.renamed) >= MOST_CONVERSATIONS:
            del self.renamed[next(iter(self.renamed))]
        self.renamed[conversation] = renamed

    def take_list(self, models: Iterable[Listed]) -> None:
        """These are its models now."""
        self.listed = {listed.id: listed for listed in models}

    def max_input_tokens(self, model: str) -> int | None:
        """How much a model reads: as listed, else as far as it is known."""
        for listed in (self.listed.get(model), BY_ID.get(model)):
            if listed is not None and listed.max_input_tokens is not None:
                return listed.max_input_tokens
        return None

    def schema(self, model: str) -> Mapping[str, Any] | None:
        """What a listed model takes beside the conversation; ``None`` for a model whose list was never had."""
        listed = self.listed.get(model)
        return None if listed is None else listed.schema


class Memory:
    """What is known of each account of one entry."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}

    def of(self, account_id: str) -> Known:
        """What is known of this account; nothing at first."""
        return self._known.setdefault(account_id, Known())

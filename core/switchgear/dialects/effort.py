"""How much to think, said as OpenAI's dialects do: by a word."""

from __future__ import annotations

from switchgear.conversation import ReasoningOptions

LOW_BELOW_TOKENS = 4096
MEDIUM_BELOW_TOKENS = 16_384


def effort_of(reasoning: ReasoningOptions, dropped: set[str]) -> str | None:
    """The word for it; ``None`` leaves it to the upstream. A budget is said by its size, and named in ``dropped``."""
    if reasoning.enabled is False:
        return "none"
    if reasoning.budget_tokens is not None:
        dropped.add("reasoning.budget_tokens")
    if reasoning.effort is not None or reasoning.budget_tokens is None:
        return reasoning.effort
    if reasoning.budget_tokens < LOW_BELOW_TOKENS:
        return "low"
    return "medium" if reasoning.budget_tokens < MEDIUM_BELOW_TOKENS else "high"

"""What the fake upstream says and counts, before an endpoint's form gives it a shape."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

CREATED = 1_764_000_000
"""The Unix time every answer claims: fixed, so that two answers to one request are equal."""
THOUGHT = "The person says something; I shall repeat it."
"""What the fake reasons wherever it is asked to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. Token counts are rough: a token is four letters.

    Attributes:
        number: what its ids end in.
        tool_calls: as chat completions write them, ``{"id", "type": "function", "function": {"name", "arguments"}}``.
        prompt_tokens: all that was read, ``cached_tokens`` of it from a cache.
        reasoning: comes before the text; empty for none.
        signature: of the reasoning; ``None`` for the fake's own, which alone it accepts back.
        redacted: the reasoning is given sealed, not as text.
        ended_by: ``length`` for a token limit, ``content_filter``, or any odd word; empty for an end of its own accord.
        split: the text as it is streamed; empty for word by word.
        made_tokens: what is said to be used for the answer; ``None`` for a guess.
    """

    number: int
    model: str
    text: str
    tool_calls: tuple[Json, ...] = ()
    prompt_tokens: int = 1
    cached_tokens: int = 0
    reasoning: str = ""
    signature: str | None = None
    redacted: bool = False
    ended_by: str = ""
    split: tuple[str, ...] = ()
    made_tokens: int | None = None

    @property
    def pieces(self) -> list[str]:
        """The text as it is streamed; joined it is the text again."""
        return list(self.split) or words(self.text)

    @property
    def finish_reason(self) -> str:
        """``tool_calls``, ``stop``, or what ended it."""
        return self.ended_by or ("tool_calls" if self.tool_calls else "stop")

    @property
    def reasoning_tokens(self) -> int:
        """How many of ``completion_tokens`` went into the reasoning."""
        return max(1, len(self.reasoning) // 4) if self.reasoning else 0

    @property
    def completion_tokens(self) -> int:
        """How many tokens the answer took, reasoning and all."""
        said = self.text + "".join(call["function"]["arguments"] for call in self.tool_calls)
        guess = max(1, len(said) // 4) + self.reasoning_tokens
        return guess if self.made_tokens is None else self.made_tokens

    @property
    def usage(self) -> Json:
        """The usage object of chat completions."""
        made = self.completion_tokens
        usage: Json = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": made,
            "total_tokens": self.prompt_tokens + made,
        }
        if self.cached_tokens:
            usage["prompt_tokens_details"] = {"cached_tokens": self.cached_tokens}
        if self.reasoning:
            usage["completion_tokens_details"] = {"reasoning_tokens": self.reasoning_tokens}
        return usage


def words(text: str) -> list[str]:
    """``text`` word by word, each with the white space behind it."""
    return re.split(r"(?<=\s)(?=\S)", text) if text else []


def fragments(text: str, size: int = 7) -> list[str]:
    """``text`` in pieces of ``size`` letters."""
    return [text[start : start + size] for start in range(0, len(text), size)]

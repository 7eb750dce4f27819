"""What an upstream's refusals teach about the fields that a gateway, rather than a client, has put into a chat body.

Which field name OpenAI's and Azure's reasoning models want, and that Mistral refused ``stream_options``, is said in the
refusals themselves (documentation and bug reports, read by autumn 2026); hence nothing has to be guessed from names.
"""

from __future__ import annotations

import re

from switchgear import Failure, Kind
from switchgear_openai_compatibility.errors import read_error
from switchgear_openai_compatibility.quirks import NO_LESSONS, Lesson, Quirks
from switchgear_openai_compatibility.verdicts import verdict_on

REFUSALS = frozenset({400, 422})

_NAMED: dict[Lesson, tuple[re.Pattern[str], ...]] = {
    "max_completion_tokens": (re.compile(r"\bmax_tokens\b"), re.compile(r"\bmax_completion_tokens\b")),
    "no_stream_options": (re.compile(r"\bstream_options\b"),),
    "no_reasoning_effort": (re.compile(r"\breasoning_effort\b"),),
}
"""A refusal teaches a lesson when it names all of these."""


class Lessons:
    """What is known of each model of one upstream. In memory only: a new process asks again."""

    def __init__(self) -> None:
        self._of: dict[str, frozenset[Lesson]] = {}

    def of(self, model: str) -> frozenset[Lesson]:
        """What is known of a model."""
        return self._of.get(model, NO_LESSONS)

    def learn(self, model: str, taught: frozenset[Lesson], used: frozenset[Lesson]) -> frozenset[Lesson]:
        """Take in what the refusal of a body teaches that was made by the lessons ``used``; give all that is known now.

        What was heeded already and refused all the same was wrong, and is forgotten.
        """
        known = self._of[model] = (self.of(model) - taught) | (taught - used)
        return known


def open_questions(quirks: Quirks, body: bytes, *, converted: bool) -> frozenset[Lesson]:
    """What a refusal of ``body`` could teach: only what no client asked for and no operator decided.

    Usage in a stream is the exception: who asks for it wants the answer more.
    """
    found: set[Lesson] = set()
    if quirks.stream_usage == "auto" and b'"stream_options"' in body:
        found.add("no_stream_options")
    if converted and quirks.max_tokens_field == "auto" and (b'"max_tokens"' in body or b'"max_completion_' in body):
        found.add("max_completion_tokens")
    if converted and quirks.reasoning_request == "auto" and b'"reasoning_effort"' in body:
        found.add("no_reasoning_effort")
    return frozenset(found)


def taught_by(failure: Failure, questions: frozenset[Lesson]) -> frozenset[Lesson]:
    """Which of the questions a refusal answers; none where it is about something else, such as the context's length."""
    said = read_error(failure)
    words = f"{said.text}\n{said.param or ''}".lower()
    named = frozenset(lesson for lesson in questions if all(word.search(words) for word in _NAMED[lesson]))
    return named if named and verdict_on(failure).kind is Kind.INVALID_REQUEST else NO_LESSONS

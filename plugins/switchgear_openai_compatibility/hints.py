"""When an upstream says to come back. Pure.

In this order: ``retry-after-ms``, ``retry-after``, Gemini's ``retryDelay``, the message's own words, and the reset
header of a limit of which nothing remains. Sources: the documentation of OpenAI, Azure, Groq, OpenRouter, Together and
Gemini, read by autumn 2026.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from switchgear import Failure, retry_hint
from switchgear_openai_compatibility.errors import Said

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_GO_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_GO = re.compile(rf"(?:{_GO_PART.pattern})+")
_TEXT_PART = re.compile(
    r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|days?|d)(?![a-z])\s*"
)
_TEXT = re.compile(rf"(?:again|retry|retrying|wait)\s+(?:in|after|for)?\s*((?:{_TEXT_PART.pattern})+)")
_REMAINING = ("x-ratelimit-remaining", "x-tokenlimit-remaining")


class Hint(NamedTuple):
    """Seconds from the answer, or a point in time (Unix seconds); both ``None`` for no hint."""

    retry_after: float | None = None
    reset_at: float | None = None


NO_HINT = Hint()


def header_hint(headers: Mapping[str, str]) -> Hint:
    """What ``retry-after-ms`` or ``retry-after`` say."""
    return Hint(*retry_hint(headers))


def wait_hint(failure: Failure, said: Said) -> Hint:
    """The first hint of all that are there."""
    first = header_hint(failure.headers)
    if first != NO_HINT:
        return first
    delay = _retry_delay(said.error)
    if delay is None:
        delay = seconds_in_words(said.message)
    return _spent(_with_metadata(failure.headers, said.error)) if delay is None else Hint(delay)


def go_duration(text: str) -> float | None:
    """Go's way to write a duration, in seconds.

    >>> go_duration("6m0s"), go_duration("12ms"), go_duration("soon")
    (360.0, 0.012, None)
    """
    text = text.strip()
    if not _GO.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _GO_PART.findall(text))


def seconds_in_words(text: str) -> float | None:
    """The duration in ``Please try again in 1m2.3s`` or ``Please retry after 26 seconds``."""
    match = _TEXT.search(text.lower())
    if match is None:
        return None
    return sum(float(number) * _unit(unit) for number, unit in _TEXT_PART.findall(match[1]))


def _unit(word: str) -> float:
    return _SECONDS["ms" if word.startswith(("ms", "milli")) else word[0]]


def _retry_delay(error: Mapping[str, Any]) -> float | None:
    """Gemini's ``details[].retryDelay``, such as ``45.837906927s``."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str):
            return go_duration(delay)
    return None


def _with_metadata(headers: Mapping[str, str], error: Mapping[str, Any]) -> Mapping[str, str]:
    """The headers, with those that OpenRouter puts into ``metadata.headers``."""
    metadata = error.get("metadata")
    more = metadata.get("headers") if isinstance(metadata, dict) else None
    if not isinstance(more, dict):
        return headers
    return {**headers, **{str(name).lower(): str(value) for name, value in more.items()}}


def _spent(headers: Mapping[str, str]) -> Hint:
    """The latest reset of the limits of which nothing remains."""
    hints = [
        _reset(headers.get(name.replace("-remaining", "-reset"), ""))
        for name, remaining in headers.items()
        if name.startswith(_REMAINING) and remaining.strip() in {"0", "0.0"}
    ]
    return max(hints, key=lambda hint: (hint.reset_at or 0, hint.retry_after or 0), default=NO_HINT)


def _reset(text: str) -> Hint:
    """A Go duration, or a bare number by its magnitude: seconds from now, Unix seconds or milliseconds."""
    seconds = go_duration(text)
    return header_hint({"retry-after": text}) if seconds is None else Hint(seconds)

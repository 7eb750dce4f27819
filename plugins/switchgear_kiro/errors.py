"""What a failure of Kiro means. Pure.

An error is ``{"message", "reason", "__type", "retryAfterMilliseconds"}``, all of them optional: as the body of an HTTP
error, or as an exception inside a stream, which comes here with its name in the header that HTTP errors have for it.
What the words mean stands in :mod:`switchgear_kiro.reasons`.
"""

from __future__ import annotations

import datetime
import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from switchgear import Failure, Kind, Verdict, default_verdict, retry_hint
from switchgear_kiro.reasons import NAMES, REASON_PREFIXES, REASONS, SERVER, STATUSES, TOKEN, WORDS, Meaning, plain_name

ERROR_TYPE = "x-amzn-errortype"
"""The header that names the exception."""
LONGEST_MESSAGE_CHARS = 500
SHORTEST_RATE_WAIT_S = 10.0
HOUR_S, DAY_S = 3600.0, 86400
SUSPENDED_ADVICE = (
    "Kiro has suspended this account: only its owner can settle that with Kiro, a new sign-in does not help"
)
TOO_LONG_MARK = "prompt is too long"
"""What clients look for before they shorten a conversation."""

_USER_ID = re.compile(r"(User ID) *\([^)]*\)", re.IGNORECASE)
_WAITS = frozenset({Kind.RATE_LIMITED, Kind.QUOTA_EXHAUSTED, Kind.OVERLOADED})


@dataclass(frozen=True, slots=True)
class Said:
    """An error's own words; empty where it has none.

    Attributes:
        reason: the code in its ``reason``.
        name: of its exception, plain.
        message: for people.
        retry_after: seconds to wait; ``None`` when it does not say.
        field: the first member of the request that it blames.
    """

    reason: str = ""
    name: str = ""
    message: str = ""
    retry_after: float | None = None
    field: str = ""


def read_error(body: bytes, headers: Mapping[str, str]) -> Said:
    """What an error says, in whichever of the spellings that were seen."""
    error = _object_in(body)
    name = _text(error, "__type", "_type") or headers.get(ERROR_TYPE, "")
    fields = error.get("fieldList")
    first = fields[0] if isinstance(fields, list) and fields else None
    return Said(
        reason=_text(error, "reason").upper(),
        name=plain_name(name),
        message=_text(error, "message", "Message", "errorMessage"),
        retry_after=_seconds(error.get("retryAfterMilliseconds")),
        field=_text(first, "path", "name") if isinstance(first, dict) else "",
    )


def meaning_of(said: Said, status: int | None) -> Meaning | None:
    """What an error means, by its reason, then its name, then its status, refined by its text.

    Args:
        said: its words.
        status: the HTTP status; ``None`` inside a stream, where an unknown exception is the server's.

    Returns:
        ``None`` where the status is none of the service's own.
    """
    known = REASONS.get(said.reason)
    if known is None and said.reason:
        known = next((meaning for prefix, meaning in REASON_PREFIXES.items() if said.reason.startswith(prefix)), None)
    if known is not None:
        return known
    if status == 401:
        return TOKEN
    known = NAMES.get(said.name) or (SERVER if status is None else STATUSES.get(status))
    for pattern, refined in WORDS.get(known, ()) if known is not None else ():
        if pattern.search(said.message):
            return refined
    return known


def verdict(failure: Failure) -> Verdict | None:
    """What a failure means; ``None`` where there was no answer that could say so."""
    if failure.cause not in {"status", "in_band"}:
        return None
    default = default_verdict(failure)
    status = failure.status if failure.status is not None and failure.status >= 400 else None
    said = read_error(failure.body, failure.headers)
    meaning = meaning_of(said, status)
    message = (said.message or default.message)[:LONGEST_MESSAGE_CHARS]
    if meaning is None:
        return replace(default, scope=None, message=message, code=said.reason or None, type=None, param=None)
    found = Verdict(
        meaning.kind,
        meaning.scope,
        message=_worded(meaning.kind, message),
        code="context_length_exceeded" if meaning.kind is Kind.CONTEXT_TOO_LONG else said.reason or None,
        param=said.field or None,
        status=meaning.status,
    )
    return _timed(found, meaning, said, failure.headers) if meaning.kind in _WAITS else found


def _worded(kind: Kind, message: str) -> str:
    """The service's words; of a suspended account without its id, and with what to do."""
    if kind is Kind.SUSPENDED:
        return _USER_ID.sub(r"\1", message) + f" ({SUSPENDED_ADVICE})"
    if kind is Kind.CONTEXT_TOO_LONG and TOO_LONG_MARK not in message.lower():
        return f"{TOO_LONG_MARK}: {message}"
    return message


def _timed(found: Verdict, meaning: Meaning, said: Said, headers: Mapping[str, str]) -> Verdict:
    """With how long to wait: the longer one of what body and headers say, else what the meaning implies."""
    hint = retry_hint(headers)
    seconds = [wait for wait in (said.retry_after, hint.retry_after) if wait is not None]
    if seconds and meaning.kind is Kind.RATE_LIMITED:
        seconds.append(SHORTEST_RATE_WAIT_S)
    if not seconds and hint.reset_at is None:
        implied = _implied(meaning, headers)
        seconds = [] if implied is None else [implied]
    return replace(found, retry_after=max(seconds, default=None), reset_at=hint.reset_at)


def _implied(meaning: Meaning, headers: Mapping[str, str]) -> float | None:
    """Seconds until a count starts anew, by the answer's own clock; ``None`` leaves it to core."""
    match meaning.wait:
        case "hour":
            return HOUR_S
        case "next-day":
            try:
                answered = email.utils.parsedate_to_datetime(headers.get("date", "")).astimezone(datetime.UTC)
            except (ValueError, TypeError, OverflowError):
                return None
            return float(DAY_S - (answered.hour * 3600 + answered.minute * 60 + answered.second))
        case None:
            return None


def _object_in(body: bytes) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(error: Mapping[str, Any], *names: str) -> str:
    """The first of the members that is a text with something in it."""
    values = (error.get(name) for name in names)
    return next((value.strip() for value in values if isinstance(value, str) and value.strip()), "")


def _seconds(milliseconds: object) -> float | None:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float) or milliseconds < 0:
        return None
    return milliseconds / 1000

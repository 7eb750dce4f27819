"""Core's default meaning of a failure, for every plugin that does not say better.

Pure functions over what was seen: an author's ``classify_error`` may call them and refine the result.
"""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from switchgear.types import Failure, Kind, Verdict

LONGEST_MESSAGE_CHARS = 500
EPOCH_SECONDS_FROM = 1e6
"""A bare number below this is seconds from now, above it a point in time: nobody asks for eleven days' patience."""
EPOCH_MILLISECONDS_FROM = 1e11

_BY_CAUSE = {
    "connection": Kind.CONNECTION,
    "timeout": Kind.TIMEOUT,
    "protocol": Kind.PROTOCOL,
}
_BY_STATUS = {
    401: Kind.TOKEN_EXPIRED,
    402: Kind.QUOTA_EXHAUSTED,
    403: Kind.FORBIDDEN,
    404: Kind.MODEL_NOT_FOUND,
    408: Kind.TIMEOUT,
    425: Kind.OVERLOADED,
    429: Kind.RATE_LIMITED,
    502: Kind.OVERLOADED,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
    529: Kind.OVERLOADED,
}


class RetryHint(NamedTuple):
    """When the upstream says to come back: seconds from its answer, or a point in time (Unix seconds)."""

    retry_after: float | None = None
    reset_at: float | None = None


def retry_hint(headers: Mapping[str, str]) -> RetryHint:
    """Read ``retry-after-ms`` and ``retry-after`` (seconds, decimal or HTTP date); a wrong one is no hint.

    A date is taken relative to the answer's own ``Date``, so that a skewed clock does no harm. Source: RFC 9110
    sections 10.2.3 and 6.6.1; ``retry-after-ms`` as sent by OpenAI and Azure, read 2026-11.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return RetryHint(retry_after=milliseconds / 1000)
    text = headers.get("retry-after", "").strip()
    if not text:
        return RetryHint()
    number = _number(text)
    if number is not None:
        return hint_from_number(number)
    moment = _http_date(text)
    if moment is None:
        return RetryHint()
    answered = _http_date(headers.get("date", ""))
    return RetryHint(reset_at=moment) if answered is None else RetryHint(retry_after=max(0.0, moment - answered))


def hint_from_number(number: float) -> RetryHint:
    """A bare number as a hint, by its magnitude: seconds from now, Unix seconds or Unix milliseconds."""
    if number < EPOCH_SECONDS_FROM:
        return RetryHint(retry_after=number)
    return RetryHint(reset_at=number if number < EPOCH_MILLISECONDS_FROM else number / 1000)


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) and number >= 0 else None


def _http_date(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def default_verdict(failure: Failure) -> Verdict:
    """What ``failure`` means by its cause and status alone, with the message of the usual error envelopes."""
    error = _error_object(failure.body)
    message = _text(error.get("message")) or failure.message or plain_text(failure.body)
    hint = retry_hint(failure.headers)
    return Verdict(
        kind=kind_of(failure),
        retry_after=hint.retry_after,
        reset_at=hint.reset_at,
        message=(message or str(failure))[:LONGEST_MESSAGE_CHARS],
        code=_text(error.get("code")),
        type=_text(error.get("type")),
        param=_text(error.get("param")),
        status=_status_in(error) if failure.status is None or failure.status < 400 else None,
    )


def kind_of(failure: Failure) -> Kind:
    """The kind by cause and status alone; an error inside a 200 without a status is the server's."""
    by_cause = _BY_CAUSE.get(failure.cause)
    if by_cause is not None:
        return by_cause
    status = failure.status if failure.status is not None and failure.status >= 400 else 500
    by_status = _BY_STATUS.get(status)
    if by_status is not None:
        return by_status
    return Kind.INVALID_REQUEST if 400 <= status < 500 else Kind.SERVER_ERROR


def _error_object(body: bytes) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}
    if not isinstance(decoded, dict):
        return {}
    error = decoded.get("error", decoded)
    return error if isinstance(error, dict) else {"message": error}


def _status_in(error: dict[str, Any]) -> int | None:
    """The HTTP status an error object names, where the error came inside a 200."""
    for key in ("code", "status", "status_code"):
        value = error.get(key)
        if isinstance(value, int | str) and str(value).isdigit() and 400 <= int(value) < 600:
            return int(value)
    return None


def _text(value: object) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    return str(value) if isinstance(value, str | int) and value != "" else None


_SCRIPT = re.compile(r"<(script|style|head)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]{0,500}>")


def plain_text(body: bytes) -> str:
    """The readable text of a body that is no JSON, without markup, at most 500 characters."""
    text = body[: 16 * 1024].decode(errors="replace")
    return " ".join(_TAG.sub(" ", _SCRIPT.sub(" ", text)).split())[:LONGEST_MESSAGE_CHARS]

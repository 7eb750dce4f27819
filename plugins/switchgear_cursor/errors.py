"""What a failure of Cursor means. Pure.

An error is the same JSON in the body of an HTTP error and in the end frame of a run, which comes here whole:
``{"error": {"code", "message", "details": [{"debug": {"error", "details": {"title", "detail"}}}]}}``. What
:mod:`switchgear_cursor.chat` knows beside it stands next to ``error``: ``prompt`` where the prompt fills much of the
model's window, ``quota`` with when the billing cycle ends.

It is decided by the region, then the service's own name for the error, then the Connect code, then the HTTP status.
No answer ever says how long to wait. Source: live answers and the vendor's SDK, read 2026-11.
"""

from __future__ import annotations

import calendar
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from switchgear import Failure, Kind, Verdict, default_verdict
from switchgear_cursor.connect_errors import ConnectError, connect_error

LONGEST_MESSAGE_CHARS = 500
SHORTEST_WAIT_S, LONGEST_WAIT_S = 45.0, 75.0
"""After a rate limit; accounts that were refused together come back apart."""
TOO_LONG_MARK = "prompt is too long"
"""What clients look for before they shorten a conversation."""
OUTDATED_ADVICE = "raise client-version in the cursor block to a newer build of the vendor's command line"
SUSPENDED_ADVICE = "only the account's owner can settle that with Cursor; a new sign-in does not help"


Scope = Literal["model", "account", "provider"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind of error means; see :class:`~switchgear.Verdict`."""

    kind: Kind
    scope: Scope | None = None
    status: int | None = None


TOKEN = Meaning(Kind.TOKEN_EXPIRED, "account", 401)
LOGIN = Meaning(Kind.LOGIN_REQUIRED, "account", 401)
REGION = Meaning(Kind.FORBIDDEN, "account", 403)
FORBIDDEN = Meaning(Kind.FORBIDDEN, "model", 403)
QUOTA = Meaning(Kind.QUOTA_EXHAUSTED, "account", 429)
POOL = Meaning(Kind.QUOTA_EXHAUSTED, "model", 429)
RATE = Meaning(Kind.RATE_LIMITED, "account", 429)
MODEL_RATE = Meaning(Kind.RATE_LIMITED, "model", 429)
SUSPENDED = Meaning(Kind.SUSPENDED, "account", 403)
OVERLOADED = Meaning(Kind.OVERLOADED, "model", 503)
UNKNOWN_MODEL = Meaning(Kind.MODEL_NOT_FOUND, "model", 404)
TOO_LONG = Meaning(Kind.CONTEXT_TOO_LONG, None, 400)
REQUEST = Meaning(Kind.INVALID_REQUEST, None, 400)
OUTDATED = Meaning(Kind.PROTOCOL, "provider", 502)
CANCELLED = Meaning(Kind.CANCELLED, None, 499)
SERVER = Meaning(Kind.SERVER_ERROR, None, 502)
TIMEOUT = Meaning(Kind.TIMEOUT, None, 504)

NAMES: Mapping[str, Meaning] = {
    **dict.fromkeys(("NOT_LOGGED_IN", "INVALID_AUTH_ID", "AUTH_TOKEN_NOT_FOUND", "AUTH_TOKEN_EXPIRED"), TOKEN),
    **dict.fromkeys(("AGENT_REQUIRES_LOGIN", "UNAUTHORIZED", "USER_NOT_FOUND"), TOKEN),
    **dict.fromkeys(("BAD_API_KEY", "BAD_USER_API_KEY"), LOGIN),
    "UNSUPPORTED_REGION": REGION,
    **dict.fromkeys(("NOT_HIGH_ENOUGH_PERMISSIONS", "PRO_USER_ONLY", "MODEL_BLOCKED", "MAX_MODE_REQUIRED"), FORBIDDEN),
    **dict.fromkeys(("FREE_USER_USAGE_LIMIT", "PRO_USER_USAGE_LIMIT"), QUOTA),
    **dict.fromkeys(("USAGE_PRICING_REQUIRED", "USAGE_PRICING_REQUIRED_CHANGEABLE"), QUOTA),
    "RATE_LIMITED_CHANGEABLE": RATE,
    "RATE_LIMITED": RATE,
    **dict.fromkeys(("FREE_USER_RATE_LIMIT_EXCEEDED", "PRO_USER_RATE_LIMIT_EXCEEDED"), RATE),
    **dict.fromkeys(("GENERIC_RATE_LIMIT_EXCEEDED", "API_KEY_RATE_LIMIT", "DEBOUNCED", "OPENAI_RATE_LIMIT"), RATE),
    **dict.fromkeys(("RESOURCE_EXHAUSTED", "SLOW_POOL", "PROVIDER_ERROR", "OPENAI"), OVERLOADED),
    **dict.fromkeys(("BAD_MODEL_NAME", "MODEL_NO_LONGER_SUPPORTED", "DEPRECATED", "NOT_FOUND"), UNKNOWN_MODEL),
    **dict.fromkeys(("CONVERSATION_TOO_LONG", "MAX_TOKENS"), TOO_LONG),
    **dict.fromkeys(("BAD_REQUEST", "CLAUDE_IMAGE_TOO_LARGE", "FILE_NOT_FOUND"), REQUEST),
    "OUTDATED_CLIENT": OUTDATED,
    **dict.fromkeys(("SUSPICIOUS_USAGE_BLOCKED", "ACCOUNT_CLOSED"), SUSPENDED),
    **dict.fromkeys(("HOOKS_BLOCKED", "USER_ABORTED_REQUEST"), CANCELLED),
    "TIMEOUT": TIMEOUT,
    **dict.fromkeys(("NETWORK_ERROR", "INTERNAL"), SERVER),
}
"""By the service's own name. Those that are missing (``CUSTOM`` and the like) say nothing; their code does."""

CODES: Mapping[str, Meaning] = {
    "invalid_argument": REQUEST,
    "failed_precondition": REQUEST,
    "out_of_range": REQUEST,
    "unauthenticated": TOKEN,
    "permission_denied": FORBIDDEN,
    "not_found": UNKNOWN_MODEL,
    "resource_exhausted": MODEL_RATE,
    "canceled": CANCELLED,
    "unavailable": Meaning(Kind.SERVER_ERROR, None, 503),
    "deadline_exceeded": TIMEOUT,
    **dict.fromkeys(("internal", "unknown", "data_loss", "aborted", "unimplemented"), SERVER),
}
"""By the Connect code."""

TEXTS: Mapping[str, tuple[tuple[re.Pattern[str], Meaning], ...]] = {
    "RATE_LIMITED_CHANGEABLE": ((re.compile("usage limit", re.IGNORECASE), POOL),),
    "RATE_LIMITED": ((re.compile("unpaid invoice", re.IGNORECASE), SUSPENDED),),
    "GPT_4_VISION_PREVIEW_RATE_LIMIT": ((re.compile("update required", re.IGNORECASE), OUTDATED),),
}
"""What a name means with these words; without any, what :data:`NAMES` and :data:`CODES` say."""

WRONG_PROTOCOL = 464
"""The status of a call over HTTP/1.1 where only HTTP/2 is served."""
_CYCLE_END = re.compile(r"cycle ends on (\d{1,2})/(\d{1,2})/(\d{4})", re.IGNORECASE)


def verdict(failure: Failure) -> Verdict | None:
    """What a failure means; ``None`` leaves one that says nothing of its own to core's default."""
    if failure.cause not in {"status", "in_band"}:
        return None
    error = connect_error(failure.body)
    if error is None:
        return _by_status(failure)
    beside = _beside(failure.body)
    meaning = _meaning(error, beside)
    if meaning is None:
        return _by_status(failure)
    status = meaning.status if failure.cause == "in_band" else None
    found = Verdict(
        meaning.kind,
        meaning.scope,
        message=_worded(meaning, error)[:LONGEST_MESSAGE_CHARS],
        code="context_length_exceeded" if meaning.kind is Kind.CONTEXT_TOO_LONG else error.name or error.code or None,
        status=status,
    )
    if meaning.kind is Kind.RATE_LIMITED:
        return replace(found, retry_after=_wait_s(failure))
    if meaning.kind is Kind.QUOTA_EXHAUSTED:
        return replace(found, reset_at=_cycle_end(error) or _number(beside, "quota", "resets_at"))
    return found


def is_quota(failure: Failure) -> bool:
    """Whether it comes back with the billing cycle."""
    found = verdict(failure)
    return found is not None and found.kind is Kind.QUOTA_EXHAUSTED


def _meaning(error: ConnectError, beside: Mapping[str, Any]) -> Meaning | None:
    if error.is_about_region:
        return REGION
    for pattern, meaning in TEXTS.get(error.name, ()):
        if pattern.search(error.words):
            return meaning
    if error.name in NAMES:
        return NAMES[error.name]
    if error.is_bare and error.code == "resource_exhausted" and "prompt" in beside:
        return TOO_LONG
    return CODES.get(error.code)


def _by_status(failure: Failure) -> Verdict | None:
    if failure.status == WRONG_PROTOCOL:
        message = "the service takes this call over HTTP/2 only, and something on the way speaks HTTP/1.1"
        return Verdict(Kind.PROTOCOL, "provider", message=message)
    if failure.status == 401:
        return replace(default_verdict(failure), scope="account")
    return None


def _worded(meaning: Meaning, error: ConnectError) -> str:
    """The service's words, with what to do where it matters."""
    said = error.words or error.name or error.code
    match meaning.kind:
        case Kind.CONTEXT_TOO_LONG if TOO_LONG_MARK not in said.lower():
            return f"{TOO_LONG_MARK}: {said}"
        case Kind.SUSPENDED:
            return f"{said} ({SUSPENDED_ADVICE})"
        case Kind.PROTOCOL:
            return f"{said} ({OUTDATED_ADVICE})"
    return said


def _wait_s(failure: Failure) -> float:
    """Between the bounds, by what came rather than by chance."""
    digest = hashlib.sha256(failure.body + repr(sorted(failure.headers.items())).encode()).digest()
    return SHORTEST_WAIT_S + (LONGEST_WAIT_S - SHORTEST_WAIT_S) * digest[0] / 255


def _cycle_end(error: ConnectError) -> float | None:
    """The end of the billing cycle as some refusals write it: a day, month first."""
    found = _CYCLE_END.search(error.words)
    if found is None:
        return None
    month, day, year = (int(part) for part in found.groups())
    if not (1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        return None
    return float(calendar.timegm((year, month, day, 0, 0, 0)))


def _beside(body: bytes) -> Mapping[str, Any]:
    """What stands next to the error."""
    document: Any = msgspec.json.decode(body)
    return document if isinstance(document, dict) and isinstance(document.get("error"), dict) else {}


def _number(document: Mapping[str, Any], *path: str) -> float | None:
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

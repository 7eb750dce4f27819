"""What a failure of MiniMax means. Pure.

Errors come in three envelopes: Anthropic's and OpenAI's with a true HTTP status, and a native one, ``base_resp``,
behind HTTP 200 (or 400). The business code is the native status code, or the number in brackets at the end of the
message: in "context window exceeds limit (2013)" 2013 is the code. Source: platform.minimax.io's error codes, and
captured answers of the service; read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from switchgear import Failure, Kind, Verdict, default_verdict, retry_hint

LONGEST_MESSAGE_CHARS = 500
NO_BALANCE = 1008

KINDS = {
    1000: Kind.SERVER_ERROR,
    1001: Kind.TIMEOUT,
    1002: Kind.RATE_LIMITED,
    1004: Kind.TOKEN_EXPIRED,
    NO_BALANCE: Kind.QUOTA_EXHAUSTED,
    1013: Kind.SERVER_ERROR,
    1024: Kind.SERVER_ERROR,
    1026: Kind.CONTENT_FILTERED,
    1027: Kind.CONTENT_FILTERED,
    1028: Kind.QUOTA_EXHAUSTED,
    1030: Kind.QUOTA_EXHAUSTED,
    1033: Kind.SERVER_ERROR,
    1039: Kind.RATE_LIMITED,  # the documentation's tokens per minute; the vendor's own program takes it for a filter
    2013: Kind.INVALID_REQUEST,
    2049: Kind.TOKEN_EXPIRED,
    2056: Kind.QUOTA_EXHAUSTED,
    2061: Kind.FORBIDDEN,
}
"""What a business code means. A refused key is ``token_expired`` too: ``refresh_token`` then says that it has none."""
TYPES = {
    "authorized_error": Kind.TOKEN_EXPIRED,
    "insufficient_balance_error": Kind.QUOTA_EXHAUSTED,
    "unprocessable_entity_error": Kind.CONTENT_FILTERED,
    "overloaded_error": Kind.OVERLOADED,
    "rate_limit_error": Kind.RATE_LIMITED,
}
STATUSES = {
    Kind.TOKEN_EXPIRED: 401,
    Kind.QUOTA_EXHAUSTED: 429,
    Kind.RATE_LIMITED: 429,
    Kind.FORBIDDEN: 403,
    Kind.MODEL_NOT_FOUND: 404,
    Kind.CONTEXT_TOO_LONG: 400,
    Kind.CONTENT_FILTERED: 400,
    Kind.INVALID_REQUEST: 400,
    Kind.OVERLOADED: 529,
    Kind.SERVER_ERROR: 500,
    Kind.TIMEOUT: 504,
}
"""The client's status for an error that came inside a 200."""

_TRAILING_CODE = re.compile(r"\((\d{4})\)\s*$")
_USAGE_LIMIT = re.compile(r"usage limit", re.IGNORECASE)
_NOT_ON_PLAN = re.compile(r"\(0/0 used\)", re.IGNORECASE)
_UNKNOWN_MODEL = re.compile(r"unknown model|invalid model\b", re.IGNORECASE)
_TOO_LONG = re.compile(r"context window exceeds|context length", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """An error out of its envelope. ``code`` is the business code, ``None`` where it has none; 0 means success."""

    message: str = ""
    code: int | None = None
    type: str | None = None
    param: str | None = None


def read_error(answer: object) -> Said:
    """What an answer's JSON says of an error, in whichever envelope; an answer that is none says nothing."""
    if not isinstance(answer, dict):
        return Said()
    native = answer.get("base_resp")
    if isinstance(native, dict):
        message = _text(native.get("status_msg"))
        return Said(message, _number(native.get("status_code")))
    error = answer.get("error")
    if not isinstance(error, dict):
        return Said(_text(error))
    message = _text(error.get("message"))
    trailing = _TRAILING_CODE.search(message)
    code = int(trailing[1]) if trailing else _number(error.get("code"))
    return Said(message, code, _text(error.get("type")) or None, _text(error.get("param")) or None)


def is_native_refusal(answer: Mapping[str, Any]) -> bool:
    """Whether the answer is an error behind HTTP 200."""
    return isinstance(answer.get("base_resp"), dict) and read_error(answer).code not in {0, None}


def verdict_on(failure: Failure) -> Verdict:
    """What a failure means: by its words where a code has several meanings, by code, by type, by status."""
    default = default_verdict(failure)
    if failure.cause not in {"status", "in_band"}:
        return default
    said = read_error(_decoded(failure.body))
    kind = _kind(said, failure.status) or default.kind
    inside_200 = failure.status is None or failure.status < 400
    hint = retry_hint(failure.headers)
    return replace(
        default,
        kind=kind,
        scope="model" if kind in {Kind.FORBIDDEN, Kind.MODEL_NOT_FOUND} else default.scope,
        retry_after=hint.retry_after,
        reset_at=hint.reset_at,
        message=(said.message or default.message)[:LONGEST_MESSAGE_CHARS],
        code=_code(said, kind),
        type=said.type,
        param=said.param,
        status=_status(said, kind) if inside_200 else None,
    )


def _kind(said: Said, status: int | None) -> Kind | None:
    words = said.message
    if _NOT_ON_PLAN.search(words):
        return Kind.FORBIDDEN
    if said.code == 2013 or (status == 400 and said.code is None):
        if _UNKNOWN_MODEL.search(words):
            return Kind.MODEL_NOT_FOUND
        if _TOO_LONG.search(words):
            return Kind.CONTEXT_TOO_LONG
    if said.code in KINDS:
        kind = KINDS[said.code]
        # a plan that is used up is told as a rate limit by some gateways of the service
        return Kind.QUOTA_EXHAUSTED if kind is Kind.RATE_LIMITED and _USAGE_LIMIT.search(words) else kind
    if status == 429 or said.type == "rate_limit_error":
        return Kind.QUOTA_EXHAUSTED if _USAGE_LIMIT.search(words) else Kind.RATE_LIMITED
    return TYPES.get(said.type or "")


def _status(said: Said, kind: Kind) -> int:
    return 402 if said.code == NO_BALANCE else STATUSES.get(kind, 500)


def _code(said: Said, kind: Kind) -> str | None:
    if kind is Kind.CONTEXT_TOO_LONG:
        return "context_length_exceeded"  # what clients look for
    return None if said.code is None else str(said.code)


def _decoded(body: bytes) -> object:
    try:
        answer: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    return answer


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""

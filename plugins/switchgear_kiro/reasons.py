"""What the words of a Kiro error mean: its reason, the name of its exception, its status, its text. Tables only.

One vocabulary serves HTTP errors and exceptions inside a stream, on all hosts. The reason decides, on any status; then
the exception's name, then the status; text is looked at last, within what these say. Source: the service's generated
models (generation 2 and 3), captured errors of 2025 and 2026, vendor statements in kirodotdev/Kiro; read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from switchgear import Kind

Scope = Literal["model", "account", "provider"]
Wait = Literal["hour", "next-day"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error means.

    Attributes:
        kind: decides what core does.
        scope: what it tells something about; ``None`` leaves it to core.
        status: what the client gets.
        wait: how long, where the service does not say; ``None`` leaves it to core.
    """

    kind: Kind
    scope: Scope | None
    status: int
    wait: Wait | None = None


SPENT = Meaning(Kind.QUOTA_EXHAUSTED, "account", 429)
SPENT_TODAY = Meaning(Kind.QUOTA_EXHAUSTED, "account", 429, "next-day")
SPENT_THIS_HOUR = Meaning(Kind.QUOTA_EXHAUSTED, "account", 429, "hour")
TOO_FAST = Meaning(Kind.RATE_LIMITED, "account", 429)
NO_CAPACITY = Meaning(Kind.OVERLOADED, "model", 503)
"""For everybody: another account gets the same."""
TOKEN = Meaning(Kind.TOKEN_EXPIRED, "account", 401)
SUSPENDED = Meaning(Kind.SUSPENDED, "account", 403)
NOT_ON_PLAN = Meaning(Kind.FORBIDDEN, "model", 403)
MISDIRECTED = Meaning(Kind.FORBIDDEN, "account", 502)
"""The account's host, region or profile is not the one its token is for. A refresh changes nothing."""
KEY_REFUSED = Meaning(Kind.FORBIDDEN, "account", 403)
"""The organisation's own encryption key cannot be used."""
TOO_LONG = Meaning(Kind.CONTEXT_TOO_LONG, None, 400)
NO_MODEL = Meaning(Kind.MODEL_NOT_FOUND, "model", 404)
MALFORMED = Meaning(Kind.INVALID_REQUEST, None, 400)
WRONG_CALL = Meaning(Kind.PROTOCOL, "provider", 502)
"""Nothing answers to this call at this host."""
NO_PROFILE = Meaning(Kind.PROTOCOL, "account", 502)
"""The call has to name the account's profile, and did not."""
SERVER = Meaning(Kind.SERVER_ERROR, None, 500)
UNAVAILABLE = Meaning(Kind.OVERLOADED, None, 503)

REASONS: Mapping[str, Meaning] = {
    "TEMPORARILY_SUSPENDED": SUSPENDED,
    "FEATURE_NOT_SUPPORTED": NOT_ON_PLAN,
    "UNAUTHORIZED_CUSTOMIZATION_RESOURCE_ACCESS": NOT_ON_PLAN,
    "UNAUTHORIZED_WORKSPACE_CONTEXT_FEATURE_ACCESS": NOT_ON_PLAN,
    "HOURLY_REQUEST_COUNT": SPENT_THIS_HOUR,
    "DAILY_REQUEST_COUNT": SPENT_TODAY,
    "WEEKLY_REQUEST_COUNT": SPENT,
    "MONTHLY_REQUEST_COUNT": SPENT,
    "USAGE_LIMIT_REACHED": SPENT,
    "OVERAGE_REQUEST_LIMIT_EXCEEDED": SPENT,
    "USER_REQUEST_RATE_EXCEEDED": TOO_FAST,
    "SERVICE_REQUEST_RATE_EXCEEDED": TOO_FAST,
    "CREDIT_CONSUMPTION_RATE_EXCEEDED": TOO_FAST,
    "INSUFFICIENT_MODEL_CAPACITY": NO_CAPACITY,
    "MODEL_TEMPORARILY_UNAVAILABLE": NO_CAPACITY,
    "CONTENT_LENGTH_EXCEEDS_THRESHOLD": TOO_LONG,
    "PROMPT_TOO_LONG": TOO_LONG,
    "INVALID_MODEL_ID": NO_MODEL,
    "CONVERSATION_LIMIT_EXCEEDED": MALFORMED,  # a 402: this conversation is full, not the account
    "INVALID_CONVERSATION_ID": MALFORMED,
    "THINKING_SIGNATURE_INVALID": MALFORMED,
    "REQUEST_BODY_INVALID": MALFORMED,
    "REQUEST_BODY_INVALID_JSON": MALFORMED,
    "INVALID_DOCUMENT_NAME": MALFORMED,
    "INVALID_KMS_GRANT": MALFORMED,
    "UNSUPPORTED_LANGUAGE": MALFORMED,
    "MISMATCHED_KMS_KEY": KEY_REFUSED,
}
REASON_PREFIXES: Mapping[str, Meaning] = {
    "TOOL_": MALFORMED,
    "IMAGE_": MALFORMED,
    "DOCUMENT_": MALFORMED,
    "CUSTOMER_KMS_KEY_": KEY_REFUSED,
}

NAMES: Mapping[str, Meaning] = {
    "throttling": TOO_FAST,
    "servicequotaexceeded": SPENT,
    "accessdenied": TOKEN,
    "expiredtoken": TOKEN,
    "validation": MALFORMED,
    "contentlengthexceeded": TOO_LONG,
    "serviceunavailable": UNAVAILABLE,
    "internalserver": SERVER,
    "invalidstateevent": SERVER,
    "unknownoperation": WRONG_CALL,
    "resourcenotfound": MISDIRECTED,
    "conflict": KEY_REFUSED,
}
"""By the exception's name as :func:`plain_name` gives it."""

STATUSES: Mapping[int, Meaning] = {
    400: MALFORMED,
    401: TOKEN,
    402: SPENT,
    403: TOKEN,
    404: WRONG_CALL,
    413: TOO_LONG,
    429: TOO_FAST,
    500: SERVER,
}
"""Where neither reason nor name is known. A 403 that says nothing is a stale token more often than not."""

_THIS_MONTH = r"\bthis month\b|\bmonthly\b"
_NO_CAPACITY = r"unexpectedly high load|model capacity|temporarily unavailable"
_BAD_BEARER = r"\b(bearer|security) token\b|\btoken (is )?(expired|invalid)\b|\binvalid token\b"
_TOO_LONG = r"(input|prompt) is too long|length exceeds threshold|context window is full"
_NOT_ON_PLAN = r"access this feature|does not support this|not supported for this"
_WRONG_HOST = r"not authorized to make this call"
_PROFILE = r"profileArn is required|invalid profileArn"

WORDS: Mapping[Meaning, tuple[tuple[re.Pattern[str], Meaning], ...]] = {
    known: tuple((re.compile(pattern, re.IGNORECASE), refined) for pattern, refined in rows)
    for known, rows in {
        TOO_FAST: ((_THIS_MONTH, SPENT), (_NO_CAPACITY, NO_CAPACITY)),
        SERVER: ((_NO_CAPACITY, NO_CAPACITY),),
        TOKEN: ((r"\bsuspended\b", SUSPENDED), (_NOT_ON_PLAN, NOT_ON_PLAN), (_WRONG_HOST, MISDIRECTED)),
        MALFORMED: (
            (_TOO_LONG, TOO_LONG),
            (r"invalid model\b", NO_MODEL),
            (_PROFILE, NO_PROFILE),
            (_WRONG_HOST, MISDIRECTED),
            (_BAD_BEARER, TOKEN),
        ),
    }.items()
}
"""What the text makes of what name or status said; nothing where a reason was known. A suspension is believed only of a
denied access: a model's own text may speak of one."""


def plain_name(name: str) -> str:
    """An exception's name without namespace, address and suffix, in lower case.

    >>> plain_name("com.amazon.kiro.runtimeservice#ThrottlingException"), plain_name("throttlingError")
    ('throttling', 'throttling')
    >>> plain_name("AccessDeniedException:http://internal.amazon.com/coral/"), plain_name("error")
    ('accessdenied', 'internalserver')
    """
    plain = name.partition(":")[0].rpartition("#")[2].strip().lower()
    if plain == "error":
        return "internalserver"
    return plain.removesuffix("exception").removesuffix("error")

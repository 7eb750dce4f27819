"""What a failure of the proxy means. Pure.

By status and code first. The bodies of its 402 and 403 were never published; OpenAI's envelope and OpenRouter's (a
numeric code, and metadata) are what its clients read. Source: src/api/providers/roo.ts of RooCodeInc/Roo-Code, read
2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from switchgear import Failure, Kind, Verdict, default_verdict
from switchgear_roo.sunset import ENDED, says_ended

CHECK_CREDIT_AGAIN_S = 3600.0
GONE = 410

_BY_STATUS = {
    401: Kind.TOKEN_EXPIRED,
    402: Kind.QUOTA_EXHAUSTED,
    403: Kind.FORBIDDEN,
    408: Kind.TIMEOUT,
    409: Kind.OVERLOADED,
    425: Kind.OVERLOADED,
    429: Kind.RATE_LIMITED,
}
_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context[ _-]?(?:length|window)|maximum context|prompt is too long|too many (?:input )?tokens"
    r"|(?:input|prompt|request)\b.{0,60}\b(?:too (?:long|large)|exceeds?)\b.{0,60}\btokens?",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content[ _-]?(?:filter|policy)|flagged|moderation", re.IGNORECASE)
_NO_CREDIT = re.compile(r"insufficient[ _-](?:credits?|quota|balance|funds)|out of credits?", re.IGNORECASE)
_WAITS = frozenset({Kind.RATE_LIMITED, Kind.OVERLOADED, Kind.SERVER_ERROR, Kind.TIMEOUT, Kind.QUOTA_EXHAUSTED})


def verdict_on(failure: Failure, *, own_hosts: bool = False) -> Verdict:
    """What a failure means.

    Args:
        failure: what was seen.
        own_hosts: whether the proxy is the one of the service that ended, for the message where nobody answers there.
    """
    if _has_ended(failure):
        return _ended(failure)
    verdict = default_verdict(failure)
    if failure.cause in {"connection", "timeout"}:
        advice = "; the service ended on 2026-05-15, see 'endpoints' for a host that still speaks the protocol"
        return replace(verdict, message=verdict.message + advice) if own_hosts else verdict
    if failure.cause == "protocol":
        return verdict
    status = verdict.status if failure.status is None or failure.status < 400 else failure.status
    kind = _kind(status, verdict, failure)
    waits = kind in _WAITS
    retry_after = verdict.retry_after if waits else None
    if kind is Kind.QUOTA_EXHAUSTED and retry_after is None and verdict.reset_at is None:
        retry_after = CHECK_CREDIT_AGAIN_S
    if kind is Kind.PROTOCOL:
        return Verdict(kind, "provider", message="no Roo router answers at this address: check endpoints.provider")
    return replace(
        verdict,
        kind=kind,
        scope=_SCOPE_OF.get(kind),
        retry_after=retry_after,
        reset_at=verdict.reset_at if waits else None,
        code=_code(verdict.code, kind),
    )


_SCOPE_OF: Mapping[Kind, Any] = {
    Kind.QUOTA_EXHAUSTED: "account",
    Kind.FORBIDDEN: "model",
    Kind.MODEL_NOT_FOUND: "model",
}
"""What a kind tells something about; for the others the policy table decides."""


def _kind(status: int | None, verdict: Verdict, failure: Failure) -> Kind:
    text = " ".join(part for part in (verdict.code, verdict.type, verdict.message) if part)
    if status in {400, 413, 422, None} and _TOO_LONG.search(text):
        return Kind.CONTEXT_TOO_LONG
    if status in {400, 403, None} and (_FILTERED.search(text) or _is_moderated(failure.body)):
        return Kind.CONTENT_FILTERED
    if status in {400, 403, 429, None} and _NO_CREDIT.search(text):
        return Kind.QUOTA_EXHAUSTED
    if status == 404:
        return Kind.MODEL_NOT_FOUND if _MODEL.search(text) else Kind.PROTOCOL
    if status is None:
        return Kind.OVERLOADED  # as a bad gateway
    return _BY_STATUS.get(status) or default_verdict(Failure("status", status)).kind


def _code(code: str | None, kind: Kind) -> str | None:
    """OpenRouter's codes are statuses; clients look for this one."""
    too_long = kind is Kind.CONTEXT_TOO_LONG and (code is None or code.isdigit())
    return "context_length_exceeded" if too_long else code


def _is_moderated(body: bytes) -> bool:
    """OpenRouter: ``metadata`` of a 403 says why the input was flagged."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return False
    error = answer.get("error") if isinstance(answer, dict) else None
    metadata = error.get("metadata") if isinstance(error, dict) else None
    return isinstance(metadata, dict) and ("flagged_input" in metadata or bool(metadata.get("reasons")))


def _has_ended(failure: Failure) -> bool:
    return says_ended(failure.message) or says_ended(failure.body.decode(errors="replace"))


def _ended(failure: Failure) -> Verdict:
    """For good, whoever asks for whatever; the nearest kind there is puts each account out and asks somebody else."""
    said = default_verdict(replace(failure, message="") if failure.body else failure).message
    inside_200 = failure.status is None or failure.status < 400
    return Verdict(
        Kind.FORBIDDEN,
        scope="provider",
        message=f"{ENDED}: take its block out, or name another host under endpoints. Its words: {said}",
        code="service_ended",
        status=GONE if inside_200 else None,
    )

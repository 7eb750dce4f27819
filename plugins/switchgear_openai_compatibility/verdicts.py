"""What an upstream's error means. Pure.

Looked at in this order: wrong address, content policy, context length, model, quota, rate, status. Codes decide before
words do, and words count only with the statuses they were seen with. Source: vendors' documentation, servers' code and
the tables of maintained clients, read by autumn 2026.
"""

from __future__ import annotations

import re
from typing import Literal

from switchgear import Failure, Kind, Verdict, default_verdict
from switchgear_openai_compatibility.errors import Said, read_error
from switchgear_openai_compatibility.hints import NO_HINT, Hint, header_hint, wait_hint

_FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})
_FILTERED = re.compile(r"\bcontent_filter\b|responsibleaipolicyviolation|content_policy_violation|\bflagged")
_TOO_LONG = re.compile(
    r"context_length_exceeded|maximum context length|context window|exceeds the available context size"
    r"|exceed_context_size_error|prompt is too long|too many tokens|reduce the length|context size has been exceeded"
    r"|input length\b.{0,200}\bexceeds?\b.{0,100}\bcontext|model_max_prompt_tokens",
    re.DOTALL,
)
_NO_MODEL_CODES = frozenset({"model_not_found", "deploymentnotfound", "invalid_model"})
_NO_MODEL = re.compile(
    r"model_not_found|deploymentnotfound|unknown model|invalid model\b|not a valid model id|no models loaded"
    r"|\bmodel\b.{0,300}?(does not exist|do(es)? not have access|\bnot found|\bnot exist)",
    re.DOTALL,
)
_WRONG_ADDRESS = re.compile(r"unexpected endpoint or method|^invalid url\b|^resource not found$|page not found")
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "insufficient_credits", "billing_error"})
_QUOTA = re.compile(
    r"insufficient_quota|billing_hard_limit_reached|insufficient[ _](balance|credit|funds|quota)"
    r"|credit balance is too low|reached your specified api usage limits"  # Anthropic, with a 400
)
_RATE_CODES = frozenset({"rate_limit_exceeded", "rate_limit_error", "rate_limited", "too_many_requests", "1300"})
_RATE = re.compile(
    r"capacity exceeded|rate.?limit.{0,40}(exceeded|reached)|exceeded.{0,60}rate.?limit|too many requests"
)
_NO_KEY_STORE = re.compile(r"^no connected db\b|\bno_db_connection\b")
"""LiteLLM without a database, asked with a key that is not its master key: a 400 (read 2026-11)."""
_OVERLOADED = re.compile(r"overloaded|no available model provider")
_SUSPENDED = re.compile(r"suspended|deactivated")

_STATUS_OF = {
    Kind.INVALID_REQUEST: 400,
    Kind.CONTEXT_TOO_LONG: 400,
    Kind.CONTENT_FILTERED: 400,
    Kind.LOGIN_REQUIRED: 401,
    Kind.QUOTA_EXHAUSTED: 402,
    Kind.FORBIDDEN: 403,
    Kind.SUSPENDED: 403,
    Kind.MODEL_NOT_FOUND: 404,
    Kind.RATE_LIMITED: 429,
}
"""The status of an error inside a 200 that names none."""

_SCOPE_OF: dict[Kind, Literal["model", "account"]] = {
    Kind.LOGIN_REQUIRED: "account",
    Kind.QUOTA_EXHAUSTED: "account",
    Kind.SUSPENDED: "account",
    Kind.MODEL_NOT_FOUND: "model",
}
"""What a kind tells something about; for the others the policy table decides."""


def verdict_on(failure: Failure, suggestion: str = "") -> Verdict:
    """What a failure means.

    Args:
        failure: what was seen.
        suggestion: the base URL that is probably meant, for the message where the configured one is wrong.
    """
    if failure.cause in {"connection", "timeout"}:
        return default_verdict(failure)
    said = read_error(failure)
    if failure.cause == "protocol":
        default = default_verdict(failure)
        return _elsewhere(failure, said, suggestion) if said.is_page else default
    if _is_wrong_address(said):
        return _elsewhere(failure, said, suggestion)
    kind = _kind(failure, said)
    hint = _hint(failure, said, kind)
    code = said.code
    if kind is Kind.CONTEXT_TOO_LONG and (code is None or code.isdigit()):
        code = "context_length_exceeded"  # what clients look for
    inside_200 = failure.status is None or failure.status < 400
    return Verdict(
        kind=kind,
        scope=_SCOPE_OF.get(kind),
        retry_after=hint.retry_after,
        reset_at=hint.reset_at,
        message=said.message or failure.message or _without_words(failure),
        code=code,
        type=said.type,
        param=said.param,
        status=(said.status or _STATUS_OF.get(kind)) if inside_200 else None,
    )


def _kind(failure: Failure, said: Said) -> Kind:
    codes = {(said.code or "").lower(), (said.type or "").lower()}
    status, text = said.status, said.text
    if status == 400 and _NO_KEY_STORE.search(text):
        return Kind.LOGIN_REQUIRED
    if codes & _FILTER_CODES or (status in {400, 403, None} and _FILTERED.search(text)):
        return Kind.CONTENT_FILTERED
    if "context_length_exceeded" in codes or (status in {400, 413, 422, 500, None} and _TOO_LONG.search(text)):
        return Kind.CONTEXT_TOO_LONG
    if codes & _NO_MODEL_CODES or (status in {400, 404, None} and _NO_MODEL.search(text)):
        return Kind.MODEL_NOT_FOUND
    if _is_quota(failure, said, codes):
        return Kind.QUOTA_EXHAUSTED
    if _is_rate(said, codes):
        return Kind.RATE_LIMITED
    return _by_status(said)


def _is_quota(failure: Failure, said: Said, codes: set[str]) -> bool:
    if codes & _QUOTA_CODES:
        return True
    if said.status == 402:
        # OpenRouter sends 402 with Retry-After for a budget of requests in flight: that passes soon.
        return header_hint(failure.headers) == NO_HINT
    if said.status in {400, 403, 429, None} and _QUOTA.search(said.text):
        return True
    return (said.status == 403 and "quota" in said.text) or (said.status == 429 and _per_day(said))


def _per_day(said: Said) -> bool:
    """Gemini: a ``QuotaFailure`` whose quota is counted per day."""
    details = said.error.get("details")
    return any(
        isinstance(detail, dict) and "QuotaFailure" in str(detail.get("@type")) and "PerDay" in str(detail)
        for detail in (details if isinstance(details, list) else ())
    )


def _is_rate(said: Said, codes: set[str]) -> bool:
    if said.status in {402, 429, 498}:
        return True
    by_words = bool(codes & _RATE_CODES) or bool(_RATE.search(said.text))
    return by_words and (said.status is None or said.status < 500)


def _by_status(said: Said) -> Kind:
    match said.status:
        case 401:
            return Kind.LOGIN_REQUIRED  # a key cannot be refreshed
        case 403 | 412 if _SUSPENDED.search(said.text):
            return Kind.SUSPENDED
        case None:
            return Kind.OVERLOADED  # as a bad gateway
        case status if status >= 500 and _OVERLOADED.search(said.text):
            return Kind.OVERLOADED
        case status:
            return default_verdict(Failure("status", status)).kind


def _hint(failure: Failure, said: Said, kind: Kind) -> Hint:
    """When to come back. The short-term limits in an answer say nothing of when a spent quota is back."""
    if kind is Kind.RATE_LIMITED:
        return wait_hint(failure, said)
    waits = {Kind.QUOTA_EXHAUSTED, Kind.OVERLOADED, Kind.SERVER_ERROR, Kind.TIMEOUT}
    return header_hint(failure.headers) if kind in waits else NO_HINT


def _is_wrong_address(said: Said) -> bool:
    """A 404 that knows nothing of models: no server of the kind answers there. LM Studio says so with status 200."""
    if _WRONG_ADDRESS.search(said.text) and said.status in {404, None}:
        return True
    return said.status == 404 and (said.is_page or not said.is_json or said.message.lower() == "not found")


def _elsewhere(failure: Failure, said: Said, suggestion: str) -> Verdict:
    what = "a web page" if said.is_page else f"HTTP {failure.status}"
    probably = f", probably {suggestion} is meant" if suggestion else ""
    message = f"no OpenAI-compatible server answers at this address ({what}): check base-url{probably}"
    return Verdict(Kind.PROTOCOL, scope="provider", message=message)


def _without_words(failure: Failure) -> str:
    inside_200 = failure.status is not None and failure.status < 400
    return "an error without a message came with status 200" if inside_200 else str(failure)

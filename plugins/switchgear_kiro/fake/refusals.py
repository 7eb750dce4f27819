"""What the service refuses, in its own words: statuses, exception names, reasons and texts (read 2026-11)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from switchgear.testing import Exchange
from switchgear_kiro.variants import Generation

Json = dict[str, Any]

NAMESPACES: Mapping[Generation, str] = {2: "com.amazon.aws.codewhisperer", 3: "com.amazon.kiro.runtimeservice"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal.

    Attributes:
        status: of the HTTP answer.
        name: of the exception, without its namespace; empty for a body that has none.
        message: for people.
        reason: for programs; ``None`` for none.
        more: further members of the body.
        headers: further headers of the answer.
    """

    status: int
    name: str
    message: str
    reason: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, generation: Generation, *, typed: bool) -> Json:
        """As it is sent; ``typed`` where one path serves every operation, and the exception's name has to be told."""
        body: Json = {"message": self.message, "reason": self.reason, **self.more}
        if typed and self.name:
            body["__type"] = f"{NAMESPACES[generation]}#{self.name}"
        return body


async def refuse(exchange: Exchange, refusal: Refusal, generation: Generation, *, typed: bool) -> None:
    """Send it."""
    headers = {"x-amzn-requestid": "00000000-0000-4000-8000-00000000fa4e", **refusal.headers}
    if typed and refusal.name:
        headers["x-amzn-errortype"] = f"{refusal.name}:http://internal.amazon.com/coral/"
    content_type = "application/x-amz-json-1.0" if typed else "application/json"
    await exchange.respond(refusal.status, json.dumps(refusal.body(generation, typed=typed)), headers, content_type)


def invalid(message: str, reason: str | None = None) -> Refusal:
    """A request that is wrong."""
    return Refusal(400, "ValidationError", message, reason)


def throttled(reason: str | None, message: str = "Too many requests, please wait before trying again.") -> Refusal:
    """A call too many."""
    return Refusal(429, "ThrottlingException", message, reason)


def after(refusal: Refusal, milliseconds: int, *, header: bool = False) -> Refusal:
    """The same, with when to come back; in a header, too, on request."""
    headers = {"retry-after": str(milliseconds // 1000)} if header else {}
    return replace(refusal, more={"retryAfterMilliseconds": milliseconds}, headers=headers)


IMPROPER = invalid("Improperly formed request.")
BODY_INVALID = invalid("Improperly formed request.", "REQUEST_BODY_INVALID")
NOT_JSON = invalid("The request body is not valid JSON.", "REQUEST_BODY_INVALID_JSON")
BAD_TOOL_USE = invalid("Invalid tool use format.", "TOOL_USE_RESULT_MISMATCH")
TOOLS_MISSING = invalid("Invalid tool use format.", "TOOL_CONFIG_MISSING")
TOOL_TWICE = invalid("Invalid tool use format.", "TOOL_DUPLICATE")
BAD_SCHEMA = invalid("Invalid tool use format.", "TOOL_SCHEMA_INVALID")
BAD_SIGNATURE = invalid("The thinking signature is invalid.", "THINKING_SIGNATURE_INVALID")
BAD_MODEL = invalid("Invalid model. Please select a different model to continue.", "INVALID_MODEL_ID")
TOO_LONG = invalid("Input is too long.", "CONTENT_LENGTH_EXCEEDS_THRESHOLD")
ARN_MISSING = invalid("profileArn is required for this request.")
BAD_CONVERSATION = invalid("The conversation id is invalid.", "INVALID_CONVERSATION_ID")
BAD_TOKEN = Refusal(403, "AccessDeniedException", "The bearer token included in the request is invalid.")
NOT_AUTHORIZED = Refusal(403, "AccessDeniedException", "User is not authorized to make this call.")
UNKNOWN_OPERATION = Refusal(404, "UnknownOperationException", "")
SUSPENDED = Refusal(
    403, "AccessDeniedException", "Your User ID is temporarily suspended. We detected unusual user activity.", None
)

TOLD: Mapping[str, Refusal] = {
    "suspended": replace(SUSPENDED, reason="TEMPORARILY_SUSPENDED"),
    "suspended in words": SUSPENDED,
    "suspended in older words": replace(SUSPENDED, message="Your User ID (123456789012) temporarily is suspended."),
    "forbidden": Refusal(
        403, "AccessDeniedException", "User is not authorized to access this feature.", "FEATURE_NOT_SUPPORTED"
    ),
    "not authorized": NOT_AUTHORIZED,
    "bad token": BAD_TOKEN,
    "expired token": Refusal(403, "ExpiredTokenException", "The security token included in the request is expired"),
    "rate_limited": after(throttled("USER_REQUEST_RATE_EXCEEDED"), 7000, header=True),
    "rate limited in words": throttled(None),
    "credits too fast": after(throttled("CREDIT_CONSUMPTION_RATE_EXCEEDED"), 300_000),
    "daily": throttled("DAILY_REQUEST_COUNT"),
    "quota_exhausted": Refusal(
        402, "ServiceQuotaExceededException", "You have reached the limit.", "MONTHLY_REQUEST_COUNT"
    ),
    "quota of another kind": Refusal(402, "ServiceQuotaExceededException", "You have reached a limit."),
    "overage": Refusal(
        402,
        "ServiceQuotaExceededException",
        "You've reached your overage limit.",
        "OVERAGE_REQUEST_LIMIT_EXCEEDED",
    ),
    "conversation full": Refusal(
        402, "ServiceQuotaExceededException", "The conversation is full.", "CONVERSATION_LIMIT_EXCEEDED"
    ),
    "model_not_found": BAD_MODEL,
    "overloaded": Refusal(
        500,
        "InternalServerException",
        "Encountered unexpectedly high load when processing the request, please try again.",
        "INSUFFICIENT_MODEL_CAPACITY",
    ),
    "model unavailable": Refusal(
        503, "ServiceUnavailableException", "The model is unavailable.", "MODEL_TEMPORARILY_UNAVAILABLE"
    ),
    "server_error": Refusal(500, "InternalServerException", "Encountered an unexpected error."),
    "invalid_request": IMPROPER,
    "body invalid": BODY_INVALID,
    "context_too_long": TOO_LONG,
    "prompt too long": invalid("Prompt is too long.", "PROMPT_TOO_LONG"),
    "bad signature": BAD_SIGNATURE,
    "bad conversation": BAD_CONVERSATION,
    "arn missing": ARN_MISSING,
    "unknown operation": UNKNOWN_OPERATION,
}
"""Refusals by the name a test gives them; those without spaces are the conformance kit's."""

"""How the agent refuses: in the end frame, while HTTP says 200.

Codes and names by what is known of real answers (captures and the vendor's SDK, read 2026-11); titles are made up where
no capture has one.
"""

from __future__ import annotations

import base64
from typing import Any

from switchgear_cursor.fake.fields import message
from switchgear_cursor.fake.refusals import REGION, Refusal

Json = dict[str, Any]


class Refused(Exception):
    """The service does not do it; ``error`` is what the end frame says."""

    def __init__(self, error: Json) -> None:
        super().__init__(str(error))
        self.error = error


class Breach(Exception):
    """The client broke the protocol: never right, whatever the service answers."""


def bare(code: str, words: str = "Error") -> Json:
    """An error without details."""
    return {"code": code, "message": words}


def undebugged(code: str, number: int, title: str, detail: str, *, retryable: bool | None = None) -> Json:
    """One without ``debug``: the number and the words stand in a serialized message alone."""
    value = _value(number, title, detail, retryable)
    return {**bare(code), "details": [{"type": "aiserver.v1.ErrorDetails", "value": value}]}


def _value(number: int, title: str, detail: str, retryable: bool | None) -> str:
    words = message({1: title, 2: detail, **({} if retryable is None else {4: retryable})})
    return base64.b64encode(message({1: number, 2: words, 3: True})).decode().rstrip("=")


ERRORS: dict[str, Json] = {
    "login_required": Refusal("unauthenticated", "BAD_USER_API_KEY", "Invalid User API Key", "It was revoked.").error,
    "suspended": Refusal("permission_denied", "SUSPICIOUS_USAGE_BLOCKED", "Blocked", "Suspicious activity.").error,
    "forbidden": Refusal("permission_denied", "PRO_USER_ONLY", "Upgrade", "This model is for Pro users only.").error,
    "rate_limited": Refusal("resource_exhausted", "RATE_LIMITED", "Too many requests", "Please slow down.").error,
    "quota_exhausted": Refusal(
        "resource_exhausted", "PRO_USER_USAGE_LIMIT", "Usage limit", "You've hit your usage limit."
    ).error,
    "model_not_found": Refusal("not_found", "BAD_MODEL_NAME", "AI Model Not Found", "Model name is not valid: x").error,
    "overloaded": undebugged("resource_exhausted", 41, "High Load", "We are experiencing high demand.", retryable=True),
    "server_error": Refusal("internal", "INTERNAL", "Internal error", "Something went wrong.").error,
    "invalid_request": Refusal("invalid_argument", "CLAUDE_IMAGE_TOO_LARGE", "Bad request", "Too large.").error,
    "context_too_long": Refusal("invalid_argument", "CONVERSATION_TOO_LONG", "Too long", "Start a new chat.").error,
    "max_mode": Refusal("failed_precondition", "MAX_MODE_REQUIRED", "Max Mode", "This model needs Max Mode.").error,
    "region": REGION.error,
    "exhausted": bare("resource_exhausted"),
    "invalid_form": bare("invalid_argument"),
    "in_band": bare("internal"),
}
"""By the fault's name: the conformance kit's, and what else there is."""

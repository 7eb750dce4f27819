"""What the fake services say when they refuse, as the real ones do. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from switchgear.testing import Exchange

Json = dict[str, Any]
STATUSES = {
    "invalid_argument": 400,
    "failed_precondition": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "resource_exhausted": 429,
    "internal": 500,
    "unavailable": 503,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of the service. ``name`` is its own, without ``ERROR_``; empty for an error that says only its code."""

    code: str
    name: str = ""
    title: str = ""
    detail: str = ""
    message: str = "Error"

    @property
    def status(self) -> int:
        """Of a unary call."""
        return STATUSES[self.code]

    @property
    def error(self) -> Json:
        """The error: the body of a unary call, and what an end frame has under ``error``."""
        told: Json = {"code": self.code, "message": self.message}
        if self.name or self.detail:
            words = {"title": self.title, "detail": self.detail, "isRetryable": False}
            debug = {"error": f"ERROR_{self.name or 'CUSTOM'}", "details": words, "isExpected": True}
            told["details"] = [{"type": "aiserver.v1.ErrorDetails", "debug": debug, "value": ""}]
        return told


NOT_LOGGED_IN = Refusal("unauthenticated", "NOT_LOGGED_IN", "Not logged in", "Please log in to continue.")
TOKEN_EXPIRED = Refusal("unauthenticated", "AUTH_TOKEN_EXPIRED", "Session expired", "Your session has expired.")
NO_KEYS = Refusal("permission_denied", "CUSTOM", "API keys are disabled", "Your team does not allow user API keys.")
SUSPENDED = Refusal("permission_denied", "ACCOUNT_CLOSED", "Account closed", "Contact support.")
REGION = Refusal("unauthenticated", "", "", "This region is not yet available for your team")
ILLEGAL_TAG = Refusal("invalid_argument", message="parse binary: illegal tag: field no 0")
OUTDATED = Refusal("failed_precondition", "OUTDATED_CLIENT", "Update Required", "Please update Cursor.")
NO_HEADER = Refusal("invalid_argument", message="missing required header: set Connect-Protocol-Version to 1")


async def refuse(exchange: Exchange, refusal: Refusal) -> None:
    """Answer a unary call with it."""
    await exchange.respond(refusal.status, json.dumps(refusal.error), content_type="application/json")

"""Anthropic's error envelope, whole and as the last event of a stream.

Source: https://platform.claude.com/docs/en/api/errors and ``ErrorType`` of the Python SDK 2.14, read 2026-11. The SDKs
choose their exception by status; programs read ``error.type`` and ``error.details.error_code``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear.dialects.anthropic_messages.stream import encode_typed
from switchgear.dialects.codec import ErrorDetail

_BY_STATUS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_TYPES = frozenset({*_BY_STATUS.values(), "invalid_request_error", "api_error"})


def error_body(error: ErrorDetail, request_id: str = "") -> bytes:
    """``{"type": "error", "error": {"type", "message", ["details"]}, ["request_id"]}``."""
    return msgspec.json.encode(_envelope(error, request_id))


def error_event(error: ErrorDetail, request_id: str = "") -> bytes:
    """The same as an ``error`` event; no ``message_stop`` follows."""
    return encode_typed("error", _envelope(error, request_id))


def _envelope(error: ErrorDetail, request_id: str) -> dict[str, Any]:
    fallback = "invalid_request_error" if error.status < 500 else "api_error"
    kind = _BY_STATUS.get(error.status, fallback)
    # OpenAI's upstreams call a wrong key and an unknown model "invalid_request_error" too: there the status says more.
    if error.type in _TYPES and not (error.type == "invalid_request_error" and error.status in _BY_STATUS):
        kind = error.type
    said: dict[str, Any] = {"type": kind, "message": error.message or error.code or kind}
    if error.details:
        said["details"] = dict(error.details)
    envelope: dict[str, Any] = {"type": "error", "error": said}
    if request_id:
        envelope["request_id"] = request_id
    return envelope

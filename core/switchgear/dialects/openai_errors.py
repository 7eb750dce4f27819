"""OpenAI's error envelope, shared by its dialects."""

from __future__ import annotations

import msgspec

from switchgear.dialects.codec import ErrorDetail
from switchgear.sse import encode_event

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


def error_fields(error: ErrorDetail) -> dict[str, str | None]:
    """``message``, ``type``, ``param`` and ``code``."""
    fallback = "invalid_request_error" if error.status < 500 else "server_error"
    return {
        "message": error.message,
        "type": error.type or _TYPES.get(error.status, fallback),
        "param": error.param,
        "code": error.code,
    }


def error_body(error: ErrorDetail) -> bytes:
    """The fields under ``error``; the official SDKs choose their exception by status."""
    return msgspec.json.encode({"error": error_fields(error)})


def error_event(error: ErrorDetail) -> bytes:
    """The same as an event; OpenAI's SDKs raise ``APIError`` at it. No ``[DONE]`` follows: it is not done."""
    return encode_event(error_body(error))

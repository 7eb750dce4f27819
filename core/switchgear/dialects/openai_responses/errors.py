"""Errors in a Responses stream. As a whole answer they have OpenAI's usual envelope."""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear.dialects.codec import ErrorDetail
from switchgear.dialects.openai_errors import error_fields


def error_events(error: ErrorDetail, sequence_number: int, response: dict[str, Any] | None = None) -> bytes:
    """The end of a stream that failed, from ``sequence_number`` on.

    Two events, as clients differ. ``error``, with an ``error`` object in it, makes OpenAI's SDKs raise ``APIError``; it
    comes first, since ``responses.stream()`` raises something else at a response it does not know. Codex ignores it,
    and takes ``response.failed`` for the end (SDK 3.57 and Codex 0.171, both tried 2026-11).

    Args:
        error: what happened.
        sequence_number: of the first of the two.
        response: the response object so far; ``None`` where the stream is another's.
    """
    fields = error_fields(error)
    code = error.code or fields["type"]
    said = {"code": code, "message": error.message}
    failed = {**(response or {"object": "response"}), "status": "failed", "error": said}
    first = {"type": "error", "sequence_number": sequence_number, **said, "param": error.param, "error": fields}
    second = {"type": "response.failed", "sequence_number": sequence_number + 1, "response": failed}
    return encode_named(first) + encode_named(second)


def encode_named(fields: dict[str, Any]) -> bytes:
    """One event under the name of its ``type``."""
    name: str = fields["type"]
    return b"".join((b"event: ", name.encode(), b"\ndata: ", msgspec.json.encode(fields), b"\n\n"))

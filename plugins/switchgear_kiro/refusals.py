"""What is refused before anything is sent: the client's fault, in the words the service has for it. Pure.

Said so, it is classified as the service's own refusal would be; and by a known reason, never by the text, in which a
client's own words may stand.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from switchgear import Failure, UpstreamError

Reason = Literal[
    "DOCUMENT_FORMAT_UNSUPPORTED",
    "IMAGE_COUNT_EXCEEDED",
    "IMAGE_FORMAT_UNSUPPORTED",
    "IMAGE_SIZE_EXCEEDED",
    "INVALID_MODEL_ID",
    "TOOL_CONFIG_MISSING",
    "TOOL_DUPLICATE",
    "TOOL_SCHEMA_INVALID",
]


def refused(reason: Reason, message: str, field: str = "messages") -> UpstreamError:
    """A 400 that blames a field of the client's; ``message`` says what is wrong, and what to do instead."""
    body = {"message": message, "reason": reason, "fieldList": [{"path": field, "message": message}]}
    return UpstreamError(Failure("status", 400, body=msgspec.json.encode(body), message=message))

"""The gateway's own calls: how long they may take, and what came back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import httpx2
import msgspec

from switchgear import Failure, Timeouts

TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=30.0, idle_s=30.0, total_s=60.0)
MAX_FAILURE_BYTES = 64 * 1024

Json = Mapping[str, Any]


def object_in(response: httpx2.Response) -> Json:
    """The answer's JSON object; an empty one where it is none."""
    try:
        answer = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def failure_of(
    response: httpx2.Response, message: str, cause: Literal["status", "in_band", "protocol"] = "in_band"
) -> Failure:
    """An answer as a failure; one with an error status fails by that, whatever ``cause`` says."""
    headers = dict(response.headers.items())
    found = "status" if response.status_code >= 400 else cause
    return Failure(found, response.status_code, headers, response.content[:MAX_FAILURE_BYTES], message)

"""A whole answer of an upstream to the gateway's own questions, as JSON or as what went wrong."""

from __future__ import annotations

from typing import Literal

import httpx2
import msgspec

from switchgear import Failure, UpstreamError, redact
from switchgear_openai_compatibility.settings import Settings
from switchgear_openai_compatibility.verdicts import verdict_on

MAX_ERROR_BYTES = 64 * 1024


def json_of(settings: Settings, response: httpx2.Response) -> object:
    """The answer's JSON.

    Raises:
        UpstreamError: it is an error, a redirect, or no JSON.
    """
    status = response.status_code
    if status >= 400:
        raise refused(settings, response, "status")
    if status >= 300:
        raise refused(settings, response, "protocol", "a redirect is not followed, it could carry the key elsewhere")
    try:
        answer: object = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refused(settings, response, "protocol", "the answer is no JSON") from None
    return answer


def refused(
    settings: Settings, response: httpx2.Response, cause: Literal["status", "protocol"], problem: str = ""
) -> UpstreamError:
    """The answer as a failure, with the upstream's words or, where it is none, ``problem``."""
    headers = dict(response.headers.items())
    body = response.content[:MAX_ERROR_BYTES]
    failure = Failure(cause, response.status_code, headers, body, message=problem)
    words = verdict_on(failure, str(settings.target.suggestion or "")).message
    message = redact(f"HTTP {response.status_code}: {words}")
    return UpstreamError(Failure(cause, response.status_code, headers, body, message))

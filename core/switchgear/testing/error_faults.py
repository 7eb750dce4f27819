"""The fake upstream's refusals by magic model id: an error instead of an answer.

``err-NNN`` for any status that is not in the tables answers with that status.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping

from switchgear.testing.form import SERVER_ERROR
from switchgear.testing.openai_personalities import ErrorSpec
from switchgear.testing.openai_turn import Behaviour, Turn

_HTML = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>nginx</body></html>"
_LIMIT = "Rate limit reached for model `{model}` on requests per min (RPM): Limit 3, Used 3, Requested 1."

ERRORS = {
    "err-400": ErrorSpec(400, "Invalid value for 'temperature'", param="temperature"),
    "err-401": ErrorSpec(401, "Incorrect API key provided.", code="invalid_api_key"),
    "err-402": ErrorSpec(402, "Insufficient credits. Add more on the billing page.", code="insufficient_credits"),
    "err-403": ErrorSpec(403, "Country, region, or territory not supported", "request_forbidden", "unsupported_region"),
    "err-404-model": ErrorSpec(
        404,
        "The model `gone` does not exist or you do not have access to it.",
        code="model_not_found",
        param="model",
    ),
    "err-413": ErrorSpec(413, "Request Entity Too Large", code="request_too_large"),
    "err-422": ErrorSpec(422, "Extra inputs are not permitted", param="messages"),
    "err-500": SERVER_ERROR,
    "err-502": ErrorSpec(502, "Bad gateway", "server_error"),
    "err-503": ErrorSpec(503, "The engine is currently overloaded, please try again later", "service_unavailable"),
    "err-504": ErrorSpec(504, "Gateway timeout", "server_error"),
    "err-529": ErrorSpec(529, "Overloaded", "overloaded_error"),
    "err-quota": ErrorSpec(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "err-context": ErrorSpec(
        400,
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        code="context_length_exceeded",
        param="messages",
    ),
    "err-filter": ErrorSpec(400, "The response was filtered", code="content_filter", param="prompt"),
}


def error(spec: ErrorSpec, headers: Mapping[str, str] | None = None) -> Behaviour:
    """A behaviour: this error, in the endpoint's envelope."""

    async def behave(turn: Turn) -> None:
        await turn.error(spec, headers)

    return behave


def any_error(name: str) -> Behaviour | None:
    """The behaviour of ``err-NNN``; ``None`` when ``name`` is no such id."""
    match = re.fullmatch(r"err-([45]\d\d)", name)
    return None if match is None else error(ErrorSpec(int(match[1]), f"Fake error {match[1]}"))


def _limited(turn: Turn, hint: str = "") -> ErrorSpec:
    message = _LIMIT.format(model=turn.call.model) + hint
    return ErrorSpec(429, message, "requests", "rate_limit_exceeded")


async def _limited_header(turn: Turn) -> None:
    await turn.error(_limited(turn), {"retry-after": f"{turn.timings.retry_after_s:g}"})


async def _limited_ms(turn: Turn) -> None:
    headers = {"retry-after-ms": f"{turn.timings.retry_after_s * 1000:.0f}", "retry-after": "86400"}
    await turn.error(_limited(turn), headers)


async def _limited_date(turn: Turn) -> None:
    now = time.time()
    later = email.utils.formatdate(now + turn.timings.retry_after_s, usegmt=True)
    await turn.error(_limited(turn), {"date": email.utils.formatdate(now, usegmt=True), "retry-after": later})


async def _limited_text(turn: Turn) -> None:
    await turn.error(_limited(turn, f" Please try again in {turn.timings.retry_after_s:g}s."))


async def _html_404(turn: Turn) -> None:
    await turn.exchange.respond(404, _HTML.format("404 Not Found"), content_type="text/html")


async def _html_502(turn: Turn) -> None:
    await turn.exchange.respond(502, _HTML.format("502 Bad Gateway"), content_type="text/html")


async def _html_200(turn: Turn) -> None:
    await turn.exchange.respond(200, _HTML.format("Welcome"), content_type="text/html")


async def _error_in_200(turn: Turn) -> None:
    await turn.json(turn.form.error(ErrorSpec(500, "Provider returned error", "server_error"))[1])


REFUSALS: dict[str, Behaviour] = {
    **{name: error(spec) for name, spec in ERRORS.items()},
    "err-429-header": _limited_header,
    "err-429-ms": _limited_ms,
    "err-429-date": _limited_date,
    "err-429-text": _limited_text,
    "err-404-html": _html_404,
    "err-html": _html_502,
    "html-200": _html_200,
    "err-200-body": _error_in_200,
}

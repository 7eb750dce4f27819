"""The fake upstream's faults by magic model id: errors, broken answers, broken connections.

The ids and shapes follow the survey of real upstreams of autumn 2026. ``err-NNN`` for any status that is not in the
tables answers with that status.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
import zlib
from collections.abc import Mapping

from switchgear.testing.openai_answers import DONE, chunk, completion, sse
from switchgear.testing.openai_personalities import ErrorSpec
from switchgear.testing.openai_turn import EVENT_STREAM, Behaviour, Turn

_HTML = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>nginx</body></html>"
_LIMIT = "Rate limit reached for model `{model}` on requests per min (RPM): Limit 3, Used 3, Requested 1."
_SERVER = "The server had an error while processing your request. Sorry about that!"
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
_BLOCK_BYTES = 1024 * 1024

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
    "err-500": ErrorSpec(500, _SERVER, "server_error"),
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
    """A behaviour: this error, in the personality's envelope."""

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
    error_ = ErrorSpec(500, "Provider returned error", "server_error")
    await turn.json(turn.personality.envelope(error_))


# -- errors inside a stream --------------------------------------------------------------------------------


async def _instream_first(turn: Turn) -> None:
    await _stream_error(turn, words=0)


async def _instream_mid(turn: Turn) -> None:
    await _stream_error(turn, words=2)


async def _stream_error(turn: Turn, words: int) -> None:
    """``data: {"error": …}`` and the end of the stream (OpenAI, vLLM, SGLang)."""
    shape = turn.personality.envelope(ErrorSpec(500, _SERVER, "server_error"))
    if not turn.stream:
        await turn.json(shape)
        return
    await turn.start()
    if words:
        await turn.send(turn.role(), *list(turn.words())[:words])
    await turn.send(shape)
    await turn.exchange.end()


async def _error_event(turn: Turn) -> None:
    """``event: error`` after some output."""
    shape = turn.personality.envelope(ErrorSpec(500, _SERVER, "server_error"))
    if not turn.stream:
        await turn.json(shape)
        return
    await turn.start()
    await turn.send(turn.role(), *list(turn.words())[:2])
    await turn.exchange.send(b"event: error\n" + sse(shape))
    await turn.exchange.end()


async def _abort(turn: Turn) -> None:
    """``finish_reason: abort`` and a normal end (vLLM, SGLang)."""
    if not turn.stream:
        whole = completion(turn.answer)
        whole["choices"][0]["finish_reason"] = "abort"
        await turn.json(whole)
        return
    await turn.start()
    await turn.send(turn.role(), *list(turn.words())[:2], chunk(turn.answer, {}, "abort"))
    await turn.exchange.send(DONE)
    await turn.exchange.end()


# -- broken connections and bodies -------------------------------------------------------------------------


async def _cut(turn: Turn) -> None:
    """Some output, then a TCP reset."""
    if turn.stream:
        await turn.start()
        await turn.send(turn.role(), *list(turn.words())[:2])
    else:
        data = json.dumps(completion(turn.answer)).encode()
        head = {"content-type": "application/json", "content-length": str(len(data))}
        await turn.exchange.start(200, head)
        await turn.exchange.send(data[: len(data) // 2])
    turn.exchange.cut()


async def _cut_before(turn: Turn) -> None:
    """A TCP reset instead of an answer."""
    turn.exchange.cut()


async def _empty(turn: Turn) -> None:
    """Status 200 and no output at all (LM Studio, when the prompt exceeds the loaded context)."""
    if not turn.stream:
        await turn.json({**completion(turn.answer), "choices": []})
        return
    await turn.start()
    await turn.exchange.send(DONE)
    await turn.exchange.end()


async def _empty_body(turn: Turn) -> None:
    await turn.exchange.respond(
        200, b"", content_type=EVENT_STREAM["content-type"] if turn.stream else "application/json"
    )


async def _huge_body(turn: Turn) -> None:
    """One text without end, as fast as the client reads."""
    await turn.exchange.start(200, EVENT_STREAM if turn.stream else {"content-type": "application/json"})
    await turn.exchange.send((b"data: " if turn.stream else b"") + b'{"choices":[{"message":{"content":"')
    block = b"a" * 65_536
    for _ in range(turn.timings.big_bytes // len(block)):
        await turn.exchange.send(block)
    await turn.exchange.send(b'"}}]}')
    await turn.exchange.end()


async def _gzip_bomb(turn: Turn) -> None:
    """``big_bytes`` of spaces, packed a thousandfold; the trailer is missing, for whoever gets that far."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(b" " * _BLOCK_BYTES) + packer.flush(zlib.Z_FULL_FLUSH)
    kind = EVENT_STREAM["content-type"] if turn.stream else "application/json"
    await turn.exchange.start(200, {"content-type": kind, "content-encoding": "gzip"})
    await turn.exchange.send(_GZIP_HEAD)
    for _ in range(turn.timings.big_bytes // _BLOCK_BYTES):
        await turn.exchange.send(block)
    await turn.exchange.end()


async def _no_http(turn: Turn) -> None:
    await turn.exchange.send_raw(b"SSH-2.0-Fake\r\n\r\n")


# -- broken timing -----------------------------------------------------------------------------------------


async def _never_starts(turn: Turn) -> None:
    await turn.exchange.closed.wait()


async def _idle(turn: Turn) -> None:
    """Some output, then silence."""
    if turn.stream:
        await turn.start()
        await turn.send(turn.role(), *list(turn.words())[:2])
    else:
        await turn.exchange.start(200, {"content-type": "application/json"})
        await turn.exchange.send(b'{"id": "chatcmpl-')
    await turn.exchange.closed.wait()


async def _never_ends(turn: Turn) -> None:
    """Output for ever; blanks before a JSON body that never comes."""
    if turn.stream:
        await turn.start()
        await turn.send(turn.role())
    else:
        await turn.exchange.start(200, {"content-type": "application/json"})
    while True:
        await turn.exchange.send(sse(chunk(turn.answer, {"content": "and so on "})) if turn.stream else b" ")
        await turn.exchange.pause(turn.timings.pause_s)


FAULTS: dict[str, Behaviour] = {
    **{name: error(spec) for name, spec in ERRORS.items()},
    "err-429-header": _limited_header,
    "err-429-ms": _limited_ms,
    "err-429-date": _limited_date,
    "err-429-text": _limited_text,
    "err-404-html": _html_404,
    "err-html": _html_502,
    "html-200": _html_200,
    "err-200-body": _error_in_200,
    "err-instream-first": _instream_first,
    "err-instream-mid": _instream_mid,
    "err-event": _error_event,
    "abort": _abort,
    "cut": _cut,
    "cut-before": _cut_before,
    "empty": _empty,
    "empty-body": _empty_body,
    "huge-body": _huge_body,
    "gzip-bomb": _gzip_bomb,
    "no-http": _no_http,
    "never-starts": _never_starts,
    "idle": _idle,
    "never-ends": _never_ends,
}

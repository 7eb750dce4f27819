"""What an upstream said of its error, whatever envelope it came in. Pure.

Seventeen shapes are in use: nested (OpenAI, Anthropic, vLLM from 0.10.1, OpenRouter, Fireworks, Azure), flat (older
vLLM, SGLang, Mistral), FastAPI's ``detail``, a bare text, an array (Gemini), HTML, errors inside a 200, and the
Responses API's events. Sources: vendors' documentation and servers' code, read by autumn 2026; Mistral's and Gemini's
from bug reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from switchgear import Failure, default_verdict

LONGEST_MESSAGE_CHARS = 500
LONGEST_RAW_CHARS = 300
LONGEST_TEXT_CHARS = 8000

Json = Mapping[str, Any]

_MARKUP = re.compile(rb"^\s*(<!doctype|<html|<head|<body|<\?xml|<h1|<center)", re.IGNORECASE)
_STATUS_KEYS = ("code", "status", "status_code", "statusCode", "raw_status_code")
_EVENTS = frozenset({"error", "response.failed"})
"""A root's ``type`` that names the event or the envelope (Anthropic, the Responses API), not the error."""
_WORDS = {
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "permission_error": 403,
    "model_not_found": 404,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "rate_limited": 429,
    "insufficient_quota": 429,
    "context_length_exceeded": 400,
    "invalid_prompt": 400,
    "request_too_large": 413,
    "badrequesterror": 400,
    "invalid_request_error": 400,
    "api_error": 500,
    "server_error": 500,
    "internal_server_error": 500,
    "internalservererror": 500,
    "overloaded_error": 503,
    "service_unavailable": 503,
    "timeout_error": 504,
    "vector_store_timeout": 504,
}
"""The status that an error's type or code stands for, where an error inside a 200 names no number."""
_PICTURE = re.compile(r"(^|_)(image|base64)(_|$)")
"""The Responses API's codes for a picture that it cannot take: ``image_too_large``, ``failed_to_download_image``."""


@dataclass(frozen=True, slots=True)
class Said:
    """An upstream's error, out of its envelope.

    Attributes:
        message: its words, 500 characters at most; empty when it had none.
        status: the HTTP status, or the one that the body names or implies; ``None`` when it is unknown.
        type: the error's type; ``None`` when it has none.
        code: the error's code, as text; a number that only repeats the status is left out.
        param: the request field it blames.
        text: all that may be matched on, in lower case: message, type, codes and reasons, never the echoed input.
        error: the error object itself, for details such as ``metadata``.
        is_json: the body was JSON.
        is_page: the body was a web page.
    """

    message: str = ""
    status: int | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    text: str = ""
    error: Json = field(default_factory=dict)
    is_json: bool = False
    is_page: bool = False


def read_error(failure: Failure) -> Said:
    """Take the error out of a failure's body."""
    http_status = failure.status if failure.status is not None and failure.status >= 400 else None
    is_json, root = _decoded(failure.body)
    if isinstance(root, list):
        root = root[0] if root else {}
    if not isinstance(root, dict):
        words = root if isinstance(root, str) else ""
        message = words[:LONGEST_MESSAGE_CHARS] or _plain(failure.body)
        is_page = bool(_MARKUP.match(failure.body)) or "html" in failure.headers.get("content-type", "").lower()
        return Said(message, http_status, text=message.lower(), is_json=is_json, is_page=is_page)
    root = _opened(root)
    nested = root.get("error")
    error: Json = nested if isinstance(nested, dict) else {}
    type_ = _text(error.get("type")) or _text(error.get("error_type")) or _text(root.get("type"))
    type_ = type_ or _text(root.get("error_type"))
    code = _text(error.get("code")) or _text(root.get("code")) or _text(_inner(root, "base_resp").get("status_code"))
    message = _message(root, error)
    status = http_status or _named_status(root, error) or _implied_status(code, type_)
    if code is not None and code.isdigit() and int(code) in {status, failure.status}:
        code = None
    return Said(
        message=message,
        status=status,
        type=type_ or _text(error.get("status"), letters=True),
        code=code,
        param=_text(error.get("param")) or _text(root.get("param")),
        text="\n".join((message, *_signals(root, error))).lower()[:LONGEST_TEXT_CHARS],
        error=error or root,
        is_json=True,
    )


def _decoded(body: bytes) -> tuple[bool, Any]:
    """The body as JSON; where it is an event stream, the data of its first event that is."""
    try:
        return True, msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    for line in body.splitlines()[:20]:
        if line.startswith(b"data:"):
            try:
                return True, msgspec.json.decode(line.removeprefix(b"data:"))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
    return False, None


def _opened(root: Json) -> Json:
    """The object that has the error: a failed response's out of its event; and no event's name for an error's type."""
    if root.get("type") not in _EVENTS:
        return root
    response = _inner(root, "response")
    return response or {key: value for key, value in root.items() if key != "type"}


def _message(root: Json, error: Json) -> str:
    """The first words there are, with what an aggregator's own upstream said."""
    first = next((words for words in map(_words, _places(root, error)) if words), "")
    raw = _words(_inner(error, "metadata").get("raw"))
    if raw and raw not in first:
        first = f"{first}: {raw[:LONGEST_RAW_CHARS]}" if first else raw
    if not first:
        reason = _finish_reason(root)
        first = f"the upstream broke its answer off (finish_reason {reason!r})" if reason else ""
    return first[:LONGEST_MESSAGE_CHARS]


def _places(root: Json, error: Json) -> Iterator[object]:
    yield error.get("message")
    if not error:
        yield root.get("error")
    for key in ("message", "detail", "msg", "error_message", "status_msg"):
        yield root.get(key)
    yield _inner(root, "base_resp").get("status_msg")


def _words(value: object) -> str:
    """The text in a value: itself, FastAPI's list of ``{"loc", "msg"}``, or a further object around it."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return "; ".join(words for item in value[:10] if (words := _words(item)))
    if isinstance(value, dict):
        said = next((words for key in ("message", "msg", "detail", "error") if (words := _words(value.get(key)))), "")
        loc = value.get("loc")
        return f"{'.'.join(map(str, loc))}: {said}" if isinstance(loc, list) and loc and said else said
    return ""


def _finish_reason(root: Json) -> str:
    choices = root.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return _text(choice.get("finish_reason")) or "" if isinstance(choice, dict) else ""


def _signals(root: Json, error: Json) -> Iterator[str]:
    """Everything beside the message that tells errors apart."""
    for source in (error, root, _inner(error, "innererror")):
        for key in ("code", "type", "error_type", "status"):
            yield _text(source.get(key)) or ""
    metadata = _inner(error, "metadata")
    yield " ".join(map(str, metadata))  # the keys: flagged_input, limit_source
    yield _words(metadata.get("raw"))
    if "failed_generation" in error:
        yield "failed_generation"


def _named_status(root: Json, error: Json) -> int | None:
    """The first number that is an error's HTTP status."""
    for source in (error, root):
        for key in _STATUS_KEYS:
            text = _text(source.get(key))
            if text is not None and text.isdigit() and 400 <= int(text) < 600:
                return int(text)
    return None


def _implied_status(code: str | None, type_: str | None) -> int | None:
    code, type_ = (code or "").lower(), (type_ or "").lower()
    return _WORDS.get(code) or _WORDS.get(type_) or (400 if _PICTURE.search(code) else None)


def _plain(body: bytes) -> str:
    """The readable text of a body that is no JSON, as core makes it."""
    return default_verdict(Failure("status", 500, body=body)).message if body.strip() else ""


def _inner(value: Json, key: str) -> Json:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _text(value: object, *, letters: bool = False) -> str | None:
    """A text or a whole number as text; with ``letters``, only what is no number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()[:200]
    return None if not text or (letters and text.isdigit()) else text

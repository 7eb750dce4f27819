"""What an iFlow error means. Pure.

Its codes come in the body, usually behind a status of 200: ``{"status": "<code>", "msg": "...", "body": null}``, with
``error_code`` for ``status``, ``message`` for ``msg``, or the text as ``body``. Sources: the vendor's client 0.5,
KooshaPari/cliproxyapi-plusplus, router-for-me/CLIProxyAPI issues 239, 1576, 1689, 2561; read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from switchgear import Failure, Kind, Verdict, default_verdict, retry_hint

BUSY = "当前找我聊的人太多了"
"""「Too many people are talking to me now」."""
CLOSED = "iFlow closed this service to other clients in 2026 (see the provider's page in the documentation)"
BLOCKED_ADVICE = "iFlow has blocked this key, since it restricts its API to its own client; nothing is tried around it"
ACCOUNT_BUSY_S = 2.0
MODEL_BUSY_S = 5.0
LONGEST_MESSAGE_CHARS = 500

_BLOCKED = re.compile(r"\bhas been blocked\b|\bblocked due to\b", re.IGNORECASE)
_EXPIRED = re.compile(r"expired", re.IGNORECASE)
_BUSY = re.compile(f"{BUSY}|server busy", re.IGNORECASE)
_FINE = frozenset({"", "0", "200"})

Scope = Literal["model", "account", "provider"]

_BY_CODE: Mapping[str, tuple[Kind, Scope | None, int, float | None]] = {
    "401": (Kind.TOKEN_EXPIRED, "account", 401, None),
    "403": (Kind.FORBIDDEN, None, 403, None),
    "406": (Kind.FORBIDDEN, "model", 403, None),
    "413": (Kind.CONTEXT_TOO_LONG, None, 400, None),
    "429": (Kind.RATE_LIMITED, "model", 429, MODEL_BUSY_S),
    "434": (Kind.TOKEN_EXPIRED, "account", 401, None),
    "435": (Kind.MODEL_NOT_FOUND, "model", 404, None),
    "438": (Kind.SUSPENDED, "account", 403, None),
    "439": (Kind.TOKEN_EXPIRED, "account", 401, None),
    "449": (Kind.RATE_LIMITED, "account", 429, ACCOUNT_BUSY_S),
    "500": (Kind.SERVER_ERROR, None, 500, None),
    "502": (Kind.OVERLOADED, None, 503, None),
    "503": (Kind.OVERLOADED, None, 503, None),
    "504": (Kind.OVERLOADED, None, 504, None),
    "511": (Kind.CONTEXT_TOO_LONG, None, 400, None),
    "514": (Kind.SERVER_ERROR, None, 502, None),
    "8211": (Kind.RATE_LIMITED, "model", 429, MODEL_BUSY_S),
}
"""Code, in the body or as the HTTP status: kind, scope, the HTTP status it stands for, seconds to wait."""


@dataclass(frozen=True, slots=True)
class BusinessError:
    """An error in the body: its code as text, and its words; either may be empty."""

    code: str
    message: str


def business_error(answer: Mapping[str, Any]) -> BusinessError | None:
    """The error in an answer; ``None`` where it is none, or in another envelope."""
    if "choices" in answer or str(answer.get("object", "")).startswith("chat.completion"):
        return None
    named = [name for name in ("status", "error_code") if name in answer]
    failed = answer.get("success") is False
    if not named and not failed:
        return None
    codes = [_text(answer[name]) for name in named] + ([_text(answer.get("code"))] if failed else [])
    code = next((code for code in codes if code not in _FINE), "")
    if not code and not failed:
        return None
    words = (_text(answer.get(name)) for name in ("msg", "message", "body"))
    return BusinessError(code, next((said for said in words if said), "")[:LONGEST_MESSAGE_CHARS])


def verdict_on(failure: Failure) -> Verdict:
    """What a failure means: first the words that stand above every code, then the code, then the HTTP status."""
    default = default_verdict(failure)
    if failure.cause in {"connection", "timeout"}:
        return default
    found = business_error(object_in(failure.body))
    said = BusinessError(default.code or "", default.message) if found is None else found
    message = said.message or failure.message or default.message
    if _BLOCKED.search(said.message):
        advice = f"{message} ({BLOCKED_ADVICE})"
        return Verdict(Kind.SUSPENDED, "account", message=advice, code=said.code or None, status=403)
    if _EXPIRED.search(said.message):
        return Verdict(Kind.TOKEN_EXPIRED, "account", message=message, code=said.code or None, status=401)
    if _BUSY.search(said.message):
        return Verdict(Kind.OVERLOADED, None, default.retry_after, message=message, code=said.code or None, status=503)
    if failure.cause == "protocol":
        return default
    if found is None and failure.status in {404, 410}:
        return Verdict(Kind.PROTOCOL, "provider", message=f"HTTP {failure.status}: nothing answers here; {CLOSED}")
    known = _BY_CODE.get(said.code) or _BY_CODE.get(str(failure.status))
    if known is None:
        return Verdict(default.kind, default.scope, default.retry_after, default.reset_at, message, said.code or None)
    kind, scope, status, wait_s = known
    hint = retry_hint(failure.headers)
    if hint.retry_after is not None or hint.reset_at is not None:
        wait_s = hint.retry_after
    if failure.status == 406 and not failure.body.strip():
        message = f"iFlow does not give this model to this client (HTTP 406); {CLOSED}"
    code = "context_length_exceeded" if kind is Kind.CONTEXT_TOO_LONG else said.code or None
    return Verdict(kind, scope, wait_s, hint.reset_at, message, code, status=status)


def refuses_model(verdict: Verdict) -> bool:
    """Whether it is the model that is refused, so that another one may be tried."""
    return verdict.scope == "model" and verdict.kind in {Kind.MODEL_NOT_FOUND, Kind.FORBIDDEN}


def object_in(body: bytes) -> Mapping[str, Any]:
    """The body's JSON object; empty where it has none."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    return str(value).strip()

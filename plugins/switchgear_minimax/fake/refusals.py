"""What the fake refuses, in the words and envelopes of real refusals (public reports, read 2026-11)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from switchgear_minimax.models import FALLBACK

Json = dict[str, Any]
MODELS = {model.id: model for model in FALLBACK}


def messages_problems(body: Json) -> Iterator[str]:
    """What is wrong with a Messages request."""
    yield from _model(body)
    temperature = body.get("temperature", 1)
    if not _is_number(temperature) or not 0 < temperature <= 1:
        yield "invalid params, temperature must be in (0, 1] (2013)"


def responses_problems(body: Json) -> Iterator[str]:
    """What is wrong with a Responses request."""
    yield from _model(body)
    if not 0 <= body.get("temperature", 1) <= 1:
        yield "invalid params, temperature must be in (0, 1] (2013)"


def chat_problems(body: Json) -> Iterator[str]:
    """What is wrong with a chat request."""
    yield from responses_problems(body)
    if not isinstance(body.get("reasoning_split", True), bool):
        yield "invalid params, Mismatch type bool with value number (2013)"
    if "thinking" in body and not isinstance(body["thinking"], dict):
        yield "invalid params, Mismatch type map with value bool (2013)"
    most = MODELS[body["model"]].max_output_tokens if body.get("model") in MODELS else None
    for name in ("max_tokens", "max_completion_tokens"):
        if most is not None and body.get(name, 1) > most:
            yield f"invalid params, {name} exceeds {most} (2013)"
    yield from _tools(body.get("tools") or [])
    yield from _messages(body.get("messages") or [])


def _model(body: Json) -> Iterator[str]:
    if body.get("model") not in MODELS:
        yield f"unknown model '{str(body.get('model')).lower()}' (2013)"


def _tools(tools: list[Json]) -> Iterator[str]:
    for tool in tools:
        if tool.get("type") != "function":
            yield "invalid tool type (2013)"
        elif not tool.get("function", {}).get("name") or "parameters" not in tool.get("function", {}):
            yield "function name or parameters is empty (2013)"


def _messages(messages: list[Json]) -> Iterator[str]:
    if not messages:
        yield "invalid params, chat content is empty (2013)"
    for number, message in enumerate(messages):
        role = message.get("role")
        if role not in {"system", "user", "assistant", "tool"} or (role == "system" and number > 0):
            yield f"chat content has invalid message role: {role} (2013)"
        for call in message.get("tool_calls") or ():
            try:
                json.loads(call["function"]["arguments"])
            except ValueError:
                yield "invalid params, invalid function arguments json string (2013)"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# -- envelopes -------------------------------------------------------------------------------------------------

TOLD: dict[str, tuple[int, str, str]] = {
    "token_expired": (401, "authorized_error", "login fail: Please carry the API secret key (1004)"),
    "forbidden": (400, "invalid_request_error", "your current plan does not support this model (2061)"),
    "rate_limited": (429, "rate_limit_error", "rate limit exceeded(RPM) (1002)"),
    "quota_exhausted": (429, "rate_limit_error", "usage limit exceeded, 5-hour usage limit reached (2056)"),
    "model_not_found": (400, "bad_request_error", "unknown model 'minimax-m0' (2013)"),
    "overloaded": (529, "overloaded_error", "server cluster under high load (2064)"),
    "server_error": (500, "api_error", "unknown error, 999 (1000)"),
    "invalid_request": (400, "bad_request_error", "invalid params, tool result's tool id is missing (2013)"),
    "context_too_long": (400, "bad_request_error", "context window exceeds limit (2013)"),
    "content_filtered": (422, "unprocessable_entity_error", "input new_sensitive (1026)"),
}
"""Errors with a true HTTP status, by the kind they are: status, type, message."""


def envelope(dialect: str, status: int, type_: str, message: str) -> Json:
    """An error as the dialect's endpoint tells it."""
    if dialect == "anthropic-messages":
        error = {"type": type_, "message": message, "http_code": str(status)}
        return {"type": "error", "error": error, "request_id": "0633a1c2"}
    return {"error": {"message": message, "type": type_, "param": None, "code": None}}


def native(code: int, message: str, **fields: Any) -> Json:
    """An error (or with code 0, none) as the native endpoints tell it, and all of them now and then."""
    return {**fields, "base_resp": {"status_code": code, "status_msg": message}}

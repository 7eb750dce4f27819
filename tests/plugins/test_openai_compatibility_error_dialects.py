"""Errors in the envelopes of Anthropic's messages and of the Responses API, and LiteLLM's of an unknown key."""

from __future__ import annotations

from typing import Any

import pytest

from switchgear import Kind
from switchgear_openai_compatibility.errors import read_error
from tests.plugins.test_openai_compatibility_errors import error, failure, verdict


def anthropic(type_: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": type_, "message": message}, "request_id": "req_1"}


def failed(code: str, message: str) -> dict[str, Any]:
    response = {"id": "resp_1", "object": "response", "status": "failed", "error": {"code": code, "message": message}}
    return {"type": "response.failed", "sequence_number": 4, "response": response}


@pytest.mark.parametrize(
    ("status", "body", "message", "named_status", "type_", "code"),
    [
        pytest.param(
            529, anthropic("overloaded_error", "Overloaded"), "Overloaded", 529, "overloaded_error", None, id="16 anthropic"
        ),
        pytest.param(
            200, anthropic("overloaded_error", "Overloaded"), "Overloaded", 503, "overloaded_error", None,
            id="16 anthropic, in stream",
        ),
        pytest.param(
            200, b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"m"}}\n\n', "m", 500,
            "api_error", None, id="16 anthropic, as an event",
        ),
        pytest.param(200, failed("server_error", "died"), "died", 500, None, "server_error", id="17 response.failed"),
        pytest.param(
            200, failed("rate_limit_exceeded", "slow"), "slow", 429, None, "rate_limit_exceeded",
            id="17 response.failed, limited",
        ),
        pytest.param(
            200, {"type": "error", "code": "server_error", "message": "died", "param": None, "sequence_number": 3},
            "died", 500, None, "server_error", id="17 responses' error event",
        ),
        pytest.param(
            200, {"object": "response", "status": "failed", "error": {"code": "invalid_prompt", "message": "bad"}},
            "bad", 400, None, "invalid_prompt", id="17 a whole failed response",
        ),
        pytest.param(200, {"type": "response.failed"}, "", None, None, None, id="17 response.failed, empty"),
        pytest.param(
            200, {"type": "response.failed", "response": {"error": None, "status": "failed"}}, "", None, None, None,
            id="17 response.failed, without an error",
        ),
    ],
)  # fmt: skip
def test_envelopes(
    status: int, body: object, message: str, named_status: int | None, type_: str | None, code: str | None
) -> None:
    said = read_error(failure(status, body))
    assert (said.message, said.status, said.type, said.code) == (message, named_status, type_, code)


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind"),
    [
        # anthropic
        pytest.param(
            400, anthropic("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), {},
            Kind.CONTEXT_TOO_LONG, id="anthropic, prompt is too long",
        ),
        pytest.param(
            400, anthropic("invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2"), {},
            Kind.CONTEXT_TOO_LONG, id="anthropic, input and output together",
        ),
        pytest.param(
            400, anthropic("invalid_request_error", "Your credit balance is too low to access the Anthropic API."), {},
            Kind.QUOTA_EXHAUSTED, id="anthropic, credit balance",
        ),
        pytest.param(
            400, anthropic("invalid_request_error", "You have reached your specified API usage limits."), {},
            Kind.QUOTA_EXHAUSTED, id="anthropic, spending limit",
        ),
        pytest.param(
            400, anthropic("invalid_request_error", "messages: at least one message is required"), {},
            Kind.INVALID_REQUEST, id="anthropic, 400",
        ),
        pytest.param(
            401, anthropic("authentication_error", "invalid x-api-key"), {}, Kind.LOGIN_REQUIRED, id="anthropic, 401"
        ),
        pytest.param(402, anthropic("billing_error", "pay"), {}, Kind.QUOTA_EXHAUSTED, id="anthropic, 402"),
        pytest.param(
            402, anthropic("billing_error", "pay"), {"retry-after": "3"}, Kind.QUOTA_EXHAUSTED,
            id="anthropic, 402 with retry-after",
        ),
        pytest.param(403, anthropic("permission_error", "no access"), {}, Kind.FORBIDDEN, id="anthropic, 403"),
        pytest.param(
            404, anthropic("not_found_error", "model: claude-x"), {}, Kind.MODEL_NOT_FOUND, id="anthropic, model"
        ),
        pytest.param(404, anthropic("not_found_error", "Not found"), {}, Kind.PROTOCOL, id="anthropic, address"),
        pytest.param(
            413, anthropic("request_too_large", "Request exceeds the maximum size"), {}, Kind.INVALID_REQUEST,
            id="anthropic, 413",
        ),
        pytest.param(
            429, anthropic("rate_limit_error", "This request would exceed your organization's rate limit"),
            {"retry-after": "9"}, Kind.RATE_LIMITED, id="anthropic, 429",
        ),
        pytest.param(500, anthropic("api_error", "Internal server error"), {}, Kind.SERVER_ERROR, id="anthropic, 500"),
        pytest.param(504, anthropic("timeout_error", "timed out"), {}, Kind.TIMEOUT, id="anthropic, 504"),
        pytest.param(529, anthropic("overloaded_error", "Overloaded"), {}, Kind.OVERLOADED, id="anthropic, 529"),
        *(
            pytest.param(200, anthropic(type_, "m"), {}, kind, id=f"anthropic in 200, {type_}")
            for type_, kind in {
                "authentication_error": Kind.LOGIN_REQUIRED,
                "billing_error": Kind.QUOTA_EXHAUSTED,
                "permission_error": Kind.FORBIDDEN,
                "not_found_error": Kind.MODEL_NOT_FOUND,
                "request_too_large": Kind.INVALID_REQUEST,
                "invalid_request_error": Kind.INVALID_REQUEST,
                "rate_limit_error": Kind.RATE_LIMITED,
                "api_error": Kind.SERVER_ERROR,
                "overloaded_error": Kind.OVERLOADED,
                "timeout_error": Kind.TIMEOUT,
            }.items()
        ),
        # responses
        *(
            pytest.param(200, failed(code, "m"), {}, kind, id=f"response.failed, {code}")
            for code, kind in {
                "server_error": Kind.SERVER_ERROR,
                "rate_limit_exceeded": Kind.RATE_LIMITED,
                "insufficient_quota": Kind.QUOTA_EXHAUSTED,
                "context_length_exceeded": Kind.CONTEXT_TOO_LONG,
                "invalid_prompt": Kind.INVALID_REQUEST,
                "image_too_large": Kind.INVALID_REQUEST,
                "failed_to_download_image": Kind.INVALID_REQUEST,
                "invalid_base64_image": Kind.INVALID_REQUEST,
                "image_content_policy_violation": Kind.CONTENT_FILTERED,
                "vector_store_timeout": Kind.TIMEOUT,
                "new_and_unknown": Kind.OVERLOADED,
            }.items()
        ),
        # litellm
        pytest.param(
            400, error("No connected db.", type="no_db_connection", code="400"), {}, Kind.LOGIN_REQUIRED,
            id="litellm, an unknown key",
        ),
        pytest.param(
            400, error("invalid token; only the master key works", type="no_db_connection", code="400"), {},
            Kind.LOGIN_REQUIRED, id="litellm, an unknown key, by type",
        ),
        pytest.param(
            400, error("tool said: No connected db."), {}, Kind.INVALID_REQUEST, id="litellm's words in other words"
        ),
    ],
)  # fmt: skip
def test_kinds(status: int, body: object, headers: dict[str, str], kind: Kind) -> None:
    found = verdict(status, body, headers)
    assert found.kind is kind
    assert found.message


def test_codes_for_the_client() -> None:
    found = verdict(400, anthropic("invalid_request_error", "prompt is too long: 2 tokens > 1 maximum"))
    assert (found.code, found.type) == ("context_length_exceeded", "invalid_request_error")
    assert verdict(429, anthropic("rate_limit_error", "m"), {"retry-after": "9"}).retry_after == 9
    assert verdict(200, failed("server_error", "m")).status == 500

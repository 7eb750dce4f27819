"""What MiniMax's errors mean, in each of their envelopes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Failure, Kind, Verdict
from switchgear_minimax import plugin
from switchgear_minimax.errors import KINDS
from switchgear_minimax.fake.refusals import TOLD, envelope, native

ROWS = [
    pytest.param(500, "api_error", "unknown error, 999 (1000)", Kind.SERVER_ERROR, id="1000 unknown"),
    pytest.param(500, "api_error", "timeout (1001)", Kind.TIMEOUT, id="1001 timeout"),
    pytest.param(429, "rate_limit_error", "rate limit exceeded(RPM) (1002)", Kind.RATE_LIMITED, id="1002 requests"),
    pytest.param(429, "rate_limit_error", "rate limit (1039)", Kind.RATE_LIMITED, id="1039 tokens per minute"),
    pytest.param(401, "authorized_error", "login fail (1004)", Kind.TOKEN_EXPIRED, id="1004 token or region"),
    pytest.param(401, "authorized_error", "invalid api key (2049)", Kind.TOKEN_EXPIRED, id="2049 key"),
    pytest.param(401, "authorized_error", "no", Kind.TOKEN_EXPIRED, id="401 without a code"),
    pytest.param(402, "insufficient_balance_error", "insufficient balance (1008)", Kind.QUOTA_EXHAUSTED, id="1008"),
    pytest.param(402, "insufficient_balance_error", "pay", Kind.QUOTA_EXHAUSTED, id="402 without a code"),
    pytest.param(429, "rate_limit_error", "limit (1028)", Kind.QUOTA_EXHAUSTED, id="1028 plan used up"),
    pytest.param(429, "rate_limit_error", "limit (1030)", Kind.QUOTA_EXHAUSTED, id="1030 plan used up"),
    pytest.param(429, "rate_limit_error", "usage limit exceeded (2056)", Kind.QUOTA_EXHAUSTED, id="2056 plan used up"),
    pytest.param(429, "rate_limit_error", "Usage limit reached", Kind.QUOTA_EXHAUSTED, id="usage limit in words"),
    pytest.param(429, "rate_limit_error", "slow down", Kind.RATE_LIMITED, id="429 in other words"),
    pytest.param(400, "invalid_request_error", "not on your plan (2061)", Kind.FORBIDDEN, id="2061 not on the plan"),
    pytest.param(
        429, "rate_limit_error", "Token Plan Starter (0/0 used) (2056)", Kind.FORBIDDEN, id="highspeed on a base plan"
    ),
    pytest.param(500, "api_error", "system error (1013)", Kind.SERVER_ERROR, id="1013"),
    pytest.param(500, "api_error", "system error (1024)", Kind.SERVER_ERROR, id="1024"),
    pytest.param(500, "api_error", "system error (1033)", Kind.SERVER_ERROR, id="1033"),
    pytest.param(422, "unprocessable_entity_error", "input sensitive (1026)", Kind.CONTENT_FILTERED, id="1026 input"),
    pytest.param(422, "unprocessable_entity_error", "output (1027)", Kind.CONTENT_FILTERED, id="1027 output"),
    pytest.param(422, "unprocessable_entity_error", "no", Kind.CONTENT_FILTERED, id="422 without a code"),
    pytest.param(400, "bad_request_error", "unknown model 'x' (2013)", Kind.MODEL_NOT_FOUND, id="2013 model"),
    pytest.param(
        400, "bad_request_error", "context window exceeds limit (2013)", Kind.CONTEXT_TOO_LONG, id="2013 context"
    ),
    pytest.param(400, "bad_request_error", "invalid params (2013)", Kind.INVALID_REQUEST, id="2013 anything else"),
    pytest.param(400, "invalid_request_error", "bad", Kind.INVALID_REQUEST, id="400 without a code"),
    pytest.param(529, "overloaded_error", "server cluster under high load", Kind.OVERLOADED, id="529 overloaded"),
    pytest.param(503, "api_error", "no", Kind.OVERLOADED, id="503"),
    pytest.param(502, "api_error", "unknown error (9999)", Kind.OVERLOADED, id="a code nobody knows"),
]


def verdict(status: int, body: Any, cause: Any = "status") -> Verdict:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return plugin.classify_error(Failure(cause, status, {}, raw))


@pytest.mark.parametrize("dialect", ["anthropic-messages", "openai-chat"])
@pytest.mark.parametrize(("status", "type_", "message", "kind"), ROWS)
def test_with_a_status(dialect: str, status: int, type_: str, message: str, kind: Kind) -> None:
    found = verdict(status, envelope(dialect, status, type_, message))
    assert (found.kind, found.message, found.type, found.status) == (kind, message, type_, None)
    assert found.scope == ("model" if kind in {Kind.FORBIDDEN, Kind.MODEL_NOT_FOUND} else None)


@pytest.mark.parametrize("fault", sorted(TOLD))
def test_the_fakes_faults_are_what_they_are_called(fault: str) -> None:
    assert verdict(TOLD[fault][0], envelope("openai-chat", *TOLD[fault])).kind == fault


@pytest.mark.parametrize(
    ("code", "message", "kind", "status"),
    [
        pytest.param(1002, "rate limit exceeded(RPM)", Kind.RATE_LIMITED, 429, id="requests per minute"),
        pytest.param(1002, "usage limit exceeded", Kind.QUOTA_EXHAUSTED, 429, id="a plan used up, told as a rate"),
        pytest.param(1004, "login fail", Kind.TOKEN_EXPIRED, 401, id="a token"),
        pytest.param(1008, "insufficient balance", Kind.QUOTA_EXHAUSTED, 402, id="a balance"),
        pytest.param(2056, "usage limit exceeded", Kind.QUOTA_EXHAUSTED, 429, id="a plan used up"),
        pytest.param(2061, "plan", Kind.FORBIDDEN, 403, id="a plan without the model"),
        pytest.param(2013, "unknown model 'x'", Kind.MODEL_NOT_FOUND, 404, id="a model"),
        pytest.param(2013, "context window exceeds limit", Kind.CONTEXT_TOO_LONG, 400, id="a context"),
        pytest.param(2013, "invalid params", Kind.INVALID_REQUEST, 400, id="a parameter"),
        pytest.param(1027, "sensitive", Kind.CONTENT_FILTERED, 400, id="a filter"),
        pytest.param(1000, "unknown error", Kind.SERVER_ERROR, 500, id="a fault"),
        pytest.param(1001, "timeout", Kind.TIMEOUT, 504, id="a timeout"),
        pytest.param(4711, "new", Kind.SERVER_ERROR, 500, id="a code nobody knows"),
    ],
)
def test_behind_a_200(code: int, message: str, kind: Kind, status: int) -> None:
    found = verdict(200, native(code, message, choices=None), "in_band")
    assert (found.kind, found.status, found.message) == (kind, status, message)


def test_an_overload_inside_a_messages_stream() -> None:
    found = verdict(200, envelope("anthropic-messages", 529, "overloaded_error", "high load (2064)"), "in_band")
    assert (found.kind, found.status) == (Kind.OVERLOADED, 529)


def test_clients_are_told_of_a_long_context_by_the_usual_code() -> None:
    found = verdict(400, envelope("openai-chat", 400, "bad_request_error", "context window exceeds limit (2013)"))
    assert found.code == "context_length_exceeded"
    assert verdict(400, envelope("openai-chat", 400, "bad_request_error", "invalid params (2013)")).code == "2013"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        pytest.param(Failure("connection"), Kind.CONNECTION, id="connection"),
        pytest.param(Failure("timeout"), Kind.TIMEOUT, id="timeout"),
        pytest.param(Failure("protocol", 200, body=b"<html>"), Kind.PROTOCOL, id="a page"),
        pytest.param(Failure("status", 504, body=b"<html>bad gateway</html>"), Kind.TIMEOUT, id="a gateway's page"),
        pytest.param(Failure("status", 404, body=b"404 page not found"), Kind.MODEL_NOT_FOUND, id="a bare 404"),
    ],
)
def test_without_an_envelope(failure: Failure, kind: Kind) -> None:
    assert plugin.classify_error(failure).kind is kind


def test_a_hint_is_taken_where_there_is_one() -> None:
    body = json.dumps(envelope("openai-chat", *TOLD["rate_limited"])).encode()
    found = plugin.classify_error(Failure("status", 429, {"retry-after": "7"}, body))
    assert found.retry_after == 7
    assert plugin.classify_error(Failure("status", 429, {}, body)).retry_after is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "base_resp", "status_code", "status_msg", "message", "type", "code", "param"]),
            inner,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(ANYTHING, st.sampled_from([None, 200, 400, 401, 429, 500]), st.sampled_from(["status", "in_band"]))
def test_any_body_has_a_meaning(body: object, status: int | None, cause: Any) -> None:
    found = plugin.classify_error(Failure(cause, status, {}, json.dumps(body).encode()))
    assert found.kind in Kind
    assert len(found.message) <= 500


@given(st.sampled_from(sorted(KINDS)), st.sampled_from(["anthropic-messages", "openai-chat"]))
def test_the_code_at_the_end_counts_and_no_number_before_it(code: int, dialect: str) -> None:
    message = f"9999 tokens of (1234) at most ({code})"
    assert verdict(400, envelope(dialect, 400, "x", message)).kind is KINDS[code]

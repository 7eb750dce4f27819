"""What Cursor's errors mean: by region, by the service's own name, by code, by status."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Failure, Kind
from switchgear_cursor.connect_errors import NAMES as WIRE_NAMES
from switchgear_cursor.errors import CODES, LONGEST_WAIT_S, NAMES, SHORTEST_WAIT_S, TEXTS, is_quota, verdict
from switchgear_cursor.forwarding import with_reset
from switchgear_cursor.proto.agent_pb2 import CustomErrorDetails, ErrorDetails

NEW_YEAR_2100 = 4_102_444_800.0


def said(code: str, name: str = "", detail: str = "", title: str = "", **beside: Any) -> bytes:
    """An end frame's payload."""
    error: dict[str, Any] = {"code": code, "message": "Error"}
    if name or detail or title:
        words = {"title": title, "detail": detail, "isRetryable": False}
        error["details"] = [{"debug": {"error": f"ERROR_{name or 'CUSTOM'}", "details": words}}]
    return msgspec.json.encode({"error": error, **beside})


def in_band(body: bytes) -> Failure:
    return Failure("in_band", 200, {"content-type": "application/connect+proto"}, body)


CASES = [
    pytest.param("unauthenticated", "NOT_LOGGED_IN", "", Kind.TOKEN_EXPIRED, "account", id="not logged in"),
    pytest.param("unauthenticated", "AUTH_TOKEN_EXPIRED", "", Kind.TOKEN_EXPIRED, "account", id="token expired"),
    pytest.param("unauthenticated", "", "", Kind.TOKEN_EXPIRED, "account", id="no word but the code"),
    pytest.param("unauthenticated", "BAD_USER_API_KEY", "", Kind.LOGIN_REQUIRED, "account", id="bad key"),
    pytest.param(
        "unauthenticated",
        "",
        "This region is not yet available for your team",
        Kind.FORBIDDEN,
        "account",
        id="a region is no login",
    ),
    pytest.param("permission_denied", "UNSUPPORTED_REGION", "", Kind.FORBIDDEN, "account", id="region by name"),
    pytest.param("permission_denied", "PRO_USER_ONLY", "", Kind.FORBIDDEN, "model", id="not in this plan"),
    pytest.param("permission_denied", "", "", Kind.FORBIDDEN, "model", id="denied, no word"),
    pytest.param("failed_precondition", "MAX_MODE_REQUIRED", "", Kind.FORBIDDEN, "model", id="Max Mode"),
    pytest.param("resource_exhausted", "PRO_USER_USAGE_LIMIT", "", Kind.QUOTA_EXHAUSTED, "account", id="usage limit"),
    pytest.param("resource_exhausted", "USAGE_PRICING_REQUIRED", "", Kind.QUOTA_EXHAUSTED, "account", id="pricing"),
    pytest.param(
        "resource_exhausted",
        "RATE_LIMITED_CHANGEABLE",
        "You've hit your usage limit",
        Kind.QUOTA_EXHAUSTED,
        "model",
        id="one pool's limit",
    ),
    pytest.param("resource_exhausted", "RATE_LIMITED_CHANGEABLE", "slow", Kind.RATE_LIMITED, "account", id="or a rate"),
    pytest.param(
        "resource_exhausted", "RATE_LIMITED", "You have an unpaid invoice", Kind.SUSPENDED, "account", id="unpaid"
    ),
    pytest.param("resource_exhausted", "RATE_LIMITED", "", Kind.RATE_LIMITED, "account", id="rate"),
    pytest.param(
        "resource_exhausted", "GENERIC_RATE_LIMIT_EXCEEDED", "", Kind.RATE_LIMITED, "account", id="generic rate"
    ),
    pytest.param("resource_exhausted", "RESOURCE_EXHAUSTED", "High Load", Kind.OVERLOADED, "model", id="high load"),
    pytest.param("resource_exhausted", "", "", Kind.RATE_LIMITED, "model", id="exhausted, nobody says what"),
    pytest.param("unavailable", "PROVIDER_ERROR", "", Kind.OVERLOADED, "model", id="the provider behind"),
    pytest.param("not_found", "BAD_MODEL_NAME", "", Kind.MODEL_NOT_FOUND, "model", id="bad model"),
    pytest.param("not_found", "", "", Kind.MODEL_NOT_FOUND, "model", id="not found"),
    pytest.param("invalid_argument", "CONVERSATION_TOO_LONG", "", Kind.CONTEXT_TOO_LONG, None, id="too long"),
    pytest.param("invalid_argument", "CLAUDE_IMAGE_TOO_LARGE", "", Kind.INVALID_REQUEST, None, id="image too large"),
    pytest.param("invalid_argument", "", "", Kind.INVALID_REQUEST, None, id="bad request, no word"),
    pytest.param("failed_precondition", "OUTDATED_CLIENT", "", Kind.PROTOCOL, "provider", id="outdated"),
    pytest.param(
        "failed_precondition",
        "GPT_4_VISION_PREVIEW_RATE_LIMIT",
        "Update Required",
        Kind.PROTOCOL,
        "provider",
        id="outdated in disguise",
    ),
    pytest.param(
        "resource_exhausted", "GPT_4_VISION_PREVIEW_RATE_LIMIT", "", Kind.RATE_LIMITED, "model", id="or by its code"
    ),
    pytest.param("permission_denied", "ACCOUNT_CLOSED", "", Kind.SUSPENDED, "account", id="closed"),
    pytest.param("permission_denied", "SUSPICIOUS_USAGE_BLOCKED", "", Kind.SUSPENDED, "account", id="suspicious"),
    pytest.param("canceled", "", "", Kind.CANCELLED, None, id="cancelled"),
    pytest.param("aborted", "USER_ABORTED_REQUEST", "", Kind.CANCELLED, None, id="aborted"),
    pytest.param("deadline_exceeded", "TIMEOUT", "", Kind.TIMEOUT, None, id="timeout"),
    pytest.param("internal", "INTERNAL", "", Kind.SERVER_ERROR, None, id="internal"),
    pytest.param("unavailable", "", "", Kind.SERVER_ERROR, None, id="unavailable"),
    pytest.param(
        "permission_denied", "CUSTOM_MESSAGE", "Ask your admin", Kind.FORBIDDEN, "model", id="custom, by code"
    ),
    pytest.param("internal", "NOBODY_KNOWS_THIS", "", Kind.SERVER_ERROR, None, id="an unknown name, by code"),
]


@pytest.mark.parametrize(("code", "name", "detail", "kind", "scope"), CASES)
def test_it_says_what_happened(code: str, name: str, detail: str, kind: Kind, scope: str | None) -> None:
    found = verdict(in_band(said(code, name, detail)))
    assert found is not None
    assert (found.kind, found.scope) == (kind, scope)
    assert found.status is not None
    assert detail in found.message


@pytest.mark.parametrize(("code", "name", "detail", "kind", "scope"), CASES)
def test_an_http_error_means_the_same(code: str, name: str, detail: str, kind: Kind, scope: str | None) -> None:
    body = msgspec.json.encode(msgspec.json.decode(said(code, name, detail))["error"])
    found = verdict(Failure("status", 400, {}, body))
    assert found is not None
    assert (found.kind, found.scope, found.status) == (kind, scope, None)


def test_every_name_of_the_wire_is_known_or_left_to_its_code() -> None:
    by_code = {"GPT_4_VISION_PREVIEW_RATE_LIMIT", "CUSTOM_MESSAGE", "CUSTOM", "PRICING_WARNING"}
    assert set(WIRE_NAMES.values()) - set(NAMES) == by_code
    assert set(NAMES) | set(TEXTS) <= set(WIRE_NAMES.values())


def test_the_name_counts_more_than_the_code_and_the_region_more_than_the_name() -> None:
    found = verdict(in_band(said("internal", "BAD_MODEL_NAME")))
    assert found is not None
    assert found.kind is Kind.MODEL_NOT_FOUND
    found = verdict(in_band(said("unauthenticated", "NOT_LOGGED_IN", "This region is not yet available for your team")))
    assert found is not None
    assert found.kind is Kind.FORBIDDEN


def test_details_without_debug_are_read_from_their_bytes() -> None:
    details = ErrorDetails(error=5, details=CustomErrorDetails(title="AI Model Not Found", detail="no x"))
    value = base64.b64encode(details.SerializeToString()).rstrip(b"=").decode()
    body = msgspec.json.encode({"error": {"code": "internal", "message": "Error", "details": [{"value": value}]}})
    found = verdict(in_band(body))
    assert found is not None
    assert (found.kind, found.message) == (Kind.MODEL_NOT_FOUND, "AI Model Not Found: no x")


# -- how long ------------------------------------------------------------------------------------------------


def test_a_rate_limit_lasts_about_a_minute_and_not_always_the_same() -> None:
    waits = set()
    for number in range(20):
        found = verdict(in_band(said("resource_exhausted", "RATE_LIMITED", f"{number}")))
        assert found is not None
        assert found.retry_after is not None
        assert SHORTEST_WAIT_S <= found.retry_after <= LONGEST_WAIT_S
        waits.add(found.retry_after)
    assert len(waits) > 3


@pytest.mark.parametrize(
    ("detail", "reset_at"),
    [
        pytest.param("... your cycle ends on 1/1/2100", NEW_YEAR_2100, id="as it is written"),
        pytest.param("Your cycle ends on 13/1/2100.", None, id="a month that is none"),
        pytest.param("Your cycle ends on 2/30/2100.", None, id="a day that is none"),
        pytest.param("Your cycle ends soon", None, id="no day"),
    ],
)
def test_a_spent_quota_may_say_when_it_comes_back(detail: str, reset_at: float | None) -> None:
    found = verdict(in_band(said("resource_exhausted", "PRO_USER_USAGE_LIMIT", detail)))
    assert found is not None
    assert found.reset_at == reset_at


def test_what_the_usage_call_told_is_the_reset_where_the_error_says_none() -> None:
    failure = in_band(said("resource_exhausted", "PRO_USER_USAGE_LIMIT"))
    found = verdict(with_reset(failure, NEW_YEAR_2100))
    assert found is not None
    assert (found.kind, found.reset_at) == (Kind.QUOTA_EXHAUSTED, NEW_YEAR_2100)
    unary = Failure("status", 429, {}, msgspec.json.encode(msgspec.json.decode(failure.body)["error"]))
    found = verdict(with_reset(unary, NEW_YEAR_2100))
    assert found is not None
    assert (found.kind, found.reset_at) == (Kind.QUOTA_EXHAUSTED, NEW_YEAR_2100)


@pytest.mark.parametrize(
    ("failure", "resets_at"),
    [
        pytest.param(in_band(said("resource_exhausted", "RATE_LIMITED")), NEW_YEAR_2100, id="a rate"),
        pytest.param(in_band(said("resource_exhausted", "PRO_USER_USAGE_LIMIT")), 1.0, id="a cycle that has ended"),
        pytest.param(in_band(said("resource_exhausted", "PRO_USER_USAGE_LIMIT")), None, id="nobody knows"),
        pytest.param(Failure("connection", message="gone"), NEW_YEAR_2100, id="no answer"),
    ],
)
def test_other_failures_are_left_as_they_are(failure: Failure, resets_at: float | None) -> None:
    assert with_reset(failure, resets_at) is failure


def test_quota_is_told_from_a_rate() -> None:
    assert is_quota(in_band(said("resource_exhausted", "FREE_USER_USAGE_LIMIT")))
    assert not is_quota(in_band(said("resource_exhausted", "RATE_LIMITED")))
    assert not is_quota(Failure("timeout"))


# -- what is not said ----------------------------------------------------------------------------------------


def test_an_exhaustion_of_nothing_is_the_prompts_where_it_fills_the_window() -> None:
    prompt = {"estimated_tokens": 150_000, "context_length": 200_000}
    found = verdict(in_band(said("resource_exhausted", prompt=prompt)))
    assert found is not None
    assert (found.kind, found.code) == (Kind.CONTEXT_TOO_LONG, "context_length_exceeded")
    assert found.message.startswith("prompt is too long")
    found = verdict(in_band(said("resource_exhausted", "RATE_LIMITED", prompt=prompt)))
    assert found is not None
    assert found.kind is Kind.RATE_LIMITED


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        pytest.param(Failure("connection", message="reset"), None, id="no answer"),
        pytest.param(Failure("timeout"), None, id="no answer in time"),
        pytest.param(Failure("protocol", 200), None, id="no answer that is one"),
        pytest.param(Failure("status", 502, {}, b"<html>"), None, id="a page"),
        pytest.param(Failure("status", 500, {}, b'{"code": "made_up"}'), None, id="an unknown code"),
        pytest.param(Failure("status", 464), Kind.PROTOCOL, id="HTTP/1.1 where HTTP/2 is served"),
        pytest.param(
            Failure("status", 401, {}, b"Invalid User API Key"), Kind.TOKEN_EXPIRED, id="a 401 in plain words"
        ),
    ],
)
def test_what_says_nothing_of_its_own_is_left_to_the_default(failure: Failure, kind: Kind | None) -> None:
    found = verdict(failure)
    assert (None if found is None else found.kind) is kind


@pytest.mark.parametrize(
    ("name", "advice"), [("OUTDATED_CLIENT", "client-version"), ("ACCOUNT_CLOSED", "owner")], ids=["outdated", "closed"]
)
def test_what_only_a_person_can_mend_says_how(name: str, advice: str) -> None:
    found = verdict(in_band(said("permission_denied", name)))
    assert found is not None
    assert advice in found.message


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=60)
    | st.builds(
        said,
        st.sampled_from([*CODES, "", "x"]),
        st.sampled_from([*NAMES, "", "x"]),
        st.text(max_size=30),
        st.text(max_size=5),
        prompt=st.none() | st.integers(),
        quota=st.none() | st.dictionaries(st.just("resets_at"), st.none() | st.text() | st.integers(0, 10**12)),
    ),
    st.sampled_from(["status", "in_band"]),
)
def test_no_error_breaks_the_reading(body: bytes, cause: Any) -> None:
    found = verdict(Failure(cause, 429 if cause == "status" else 200, {}, body))
    assert found is None or found.kind in Kind

"""What errors of Kiro mean: over HTTP, and the same inside a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Failure, Kind, Verdict
from switchgear_kiro.answer import AnswerReader
from switchgear_kiro.errors import verdict
from tests.plugins.kiro_streams import answered, exception

GEN_2, GEN_3 = "com.amazon.aws.codewhisperer#", "com.amazon.kiro.runtimeservice#"
BAD_BEARER = "The bearer token included in the request is invalid."
SUSPENDED_OLD = "Your User ID (d-12.ab) temporarily is suspended. Contact support."
SUSPENDED_NEW = "Your User ID is temporarily suspended. We detected unusual user activity and locked it."
MISDIRECTED = "User is not authorized to make this call."


def judged(status: int | None, message: str = "", reason: str | None = None, name: str = "", **more: Any) -> Verdict:
    """The verdict on an error of HTTP, or (without a status) of a stream."""
    headers = more.pop("headers", {})
    body = json.dumps({"message": message, "reason": reason} | ({"__type": name} if name else {}) | more).encode()
    cause: Any = "status" if status else "in_band"
    found = verdict(Failure(cause, status or 200, headers, body))
    assert found is not None
    return found


ROWS = [
    pytest.param(402, "You have reached the limit.", "MONTHLY_REQUEST_COUNT", "", Kind.QUOTA_EXHAUSTED, "account", 429, id="month, 402"),
    pytest.param(429, "", "MONTHLY_REQUEST_COUNT", "ThrottlingException", Kind.QUOTA_EXHAUSTED, "account", 429, id="month, 429"),
    pytest.param(400, "Maximum Request reached for this month.", None, "ThrottlingException", Kind.QUOTA_EXHAUSTED, "account", 429, id="month, 400 in words"),
    pytest.param(402, "no", None, GEN_3 + "ServiceQuotaExceededException", Kind.QUOTA_EXHAUSTED, "account", 429, id="402 without a reason"),
    pytest.param(402, "no", "SOMETHING_NEW", "", Kind.QUOTA_EXHAUSTED, "account", 429, id="402 for a new reason"),
    pytest.param(402, "You've reached your overage limit.", "OVERAGE_REQUEST_LIMIT_EXCEEDED", "", Kind.QUOTA_EXHAUSTED, "account", 429, id="overage"),
    pytest.param(429, "", "DAILY_REQUEST_COUNT", "", Kind.QUOTA_EXHAUSTED, "account", 429, id="day"),
    pytest.param(429, "", "HOURLY_REQUEST_COUNT", "", Kind.QUOTA_EXHAUSTED, "account", 429, id="hour"),
    pytest.param(429, "", "WEEKLY_REQUEST_COUNT", "", Kind.QUOTA_EXHAUSTED, "account", 429, id="week"),
    pytest.param(429, "", "USAGE_LIMIT_REACHED", "", Kind.QUOTA_EXHAUSTED, "account", 429, id="usage limit"),
    pytest.param(429, "", "USER_REQUEST_RATE_EXCEEDED", "", Kind.RATE_LIMITED, "account", 429, id="rate of the user"),
    pytest.param(429, "", "SERVICE_REQUEST_RATE_EXCEEDED", "", Kind.RATE_LIMITED, "account", 429, id="rate of the service"),
    pytest.param(429, "", "CREDIT_CONSUMPTION_RATE_EXCEEDED", "", Kind.RATE_LIMITED, "account", 429, id="rate of credits"),
    pytest.param(429, "Too many requests, please wait before trying again.", None, "", Kind.RATE_LIMITED, "account", 429, id="rate in words"),
    pytest.param(429, "", "INSUFFICIENT_MODEL_CAPACITY", GEN_2 + "ThrottlingException", Kind.OVERLOADED, "model", 503, id="capacity, 429"),
    pytest.param(500, "", "INSUFFICIENT_MODEL_CAPACITY", "", Kind.OVERLOADED, "model", 503, id="capacity, 500"),
    pytest.param(500, "Encountered unexpectedly high load when processing the request, please try again.", None, "", Kind.OVERLOADED, "model", 503, id="capacity in words"),
    pytest.param(503, "", "MODEL_TEMPORARILY_UNAVAILABLE", "", Kind.OVERLOADED, "model", 503, id="model unavailable, 503"),
    pytest.param(500, "", "MODEL_TEMPORARILY_UNAVAILABLE", "", Kind.OVERLOADED, "model", 503, id="model unavailable, 500"),
    pytest.param(503, "", None, GEN_3 + "ServiceUnavailableException", Kind.OVERLOADED, None, 503, id="service unavailable"),
    pytest.param(403, BAD_BEARER, None, "", Kind.TOKEN_EXPIRED, "account", 401, id="bearer, 403"),
    pytest.param(400, "Invalid token", None, "AccessDeniedException", Kind.TOKEN_EXPIRED, "account", 401, id="bearer, 400 of the control plane"),
    pytest.param(400, BAD_BEARER, None, "", Kind.TOKEN_EXPIRED, "account", 401, id="bearer, 400 in words"),
    pytest.param(401, "anything", None, "", Kind.TOKEN_EXPIRED, "account", 401, id="any 401"),
    pytest.param(403, "The security token included in the request is expired", None, "ExpiredTokenException", Kind.TOKEN_EXPIRED, "account", 401, id="expired, 403"),
    pytest.param(400, "The security token included in the request is expired", None, "SomeException", Kind.TOKEN_EXPIRED, "account", 401, id="expired, 400 in words"),
    pytest.param(403, "Token expired", None, "", Kind.TOKEN_EXPIRED, "account", 401, id="expired in the control plane"),
    pytest.param(403, "", None, "", Kind.TOKEN_EXPIRED, "account", 401, id="a 403 that says nothing"),
    pytest.param(403, MISDIRECTED, None, GEN_3 + "AccessDeniedException", Kind.FORBIDDEN, "account", 502, id="wrong host or ARN"),
    pytest.param(400, MISDIRECTED, None, "ValidationException", Kind.FORBIDDEN, "account", 502, id="wrong host or ARN, 400"),
    pytest.param(403, "x", "TEMPORARILY_SUSPENDED", "", Kind.SUSPENDED, "account", 403, id="suspended"),
    pytest.param(403, SUSPENDED_OLD, None, "", Kind.SUSPENDED, "account", 403, id="suspended in older words"),
    pytest.param(403, SUSPENDED_NEW, None, "", Kind.SUSPENDED, "account", 403, id="suspended in newer words"),
    pytest.param(400, SUSPENDED_NEW, None, "AccessDeniedException", Kind.SUSPENDED, "account", 403, id="suspended, 400 of the control plane"),
    pytest.param(400, SUSPENDED_NEW, None, "ValidationException", Kind.INVALID_REQUEST, None, 400, id="a suspension is not believed of a 400"),
    pytest.param(403, "", "FEATURE_NOT_SUPPORTED", "", Kind.FORBIDDEN, "model", 403, id="feature"),
    pytest.param(403, "User is not authorized to access this feature.", None, "", Kind.FORBIDDEN, "model", 403, id="feature in words"),
    pytest.param(403, "Your subscription does not support this application", None, "", Kind.FORBIDDEN, "model", 403, id="subscription"),
    pytest.param(403, "AWS Builder ID is not supported for this operation.", None, "", Kind.FORBIDDEN, "model", 403, id="kind of account"),
    pytest.param(403, "", "UNAUTHORIZED_CUSTOMIZATION_RESOURCE_ACCESS", "", Kind.FORBIDDEN, "model", 403, id="customization"),
    pytest.param(403, "", "UNAUTHORIZED_WORKSPACE_CONTEXT_FEATURE_ACCESS", "", Kind.FORBIDDEN, "model", 403, id="workspace"),
    pytest.param(400, "Input is too long.", "CONTENT_LENGTH_EXCEEDS_THRESHOLD", "", Kind.CONTEXT_TOO_LONG, None, 400, id="length"),
    pytest.param(400, "", "PROMPT_TOO_LONG", "", Kind.CONTEXT_TOO_LONG, None, 400, id="prompt"),
    pytest.param(400, "Input is too long.", None, "ValidationException", Kind.CONTEXT_TOO_LONG, None, 400, id="input in words"),
    pytest.param(400, "Prompt is too long.", None, "", Kind.CONTEXT_TOO_LONG, None, 400, id="prompt in words"),
    pytest.param(400, "Input content length exceeds threshold", None, "", Kind.CONTEXT_TOO_LONG, None, 400, id="threshold in words"),
    pytest.param(400, "Context window is full", None, "", Kind.CONTEXT_TOO_LONG, None, 400, id="window in words"),
    pytest.param(413, "", None, "", Kind.CONTEXT_TOO_LONG, None, 400, id="413"),
    pytest.param(400, "Invalid model. Please select a different model.", "INVALID_MODEL_ID", "", Kind.MODEL_NOT_FOUND, "model", 404, id="model"),
    pytest.param(400, "Invalid model. Please select a different model.", None, "", Kind.MODEL_NOT_FOUND, "model", 404, id="model in words"),
    pytest.param(400, "Improperly formed request.", None, GEN_3 + "ValidationError", Kind.INVALID_REQUEST, None, 400, id="malformed"),
    pytest.param(400, "Improperly formed request.", "REQUEST_BODY_INVALID", "", Kind.INVALID_REQUEST, None, 400, id="body"),
    pytest.param(400, "The request body is not valid JSON.", "REQUEST_BODY_INVALID_JSON", "", Kind.INVALID_REQUEST, None, 400, id="JSON"),
    pytest.param(400, "Invalid tokens: max_tokens is 7", None, "", Kind.INVALID_REQUEST, None, 400, id="other tokens"),
    pytest.param(400, "Invalid tool use format.", None, "", Kind.INVALID_REQUEST, None, 400, id="tool use format"),
    pytest.param(500, "", "TOOL_USE_RESULT_MISMATCH", "", Kind.INVALID_REQUEST, None, 400, id="malformed, wrapped in a 500"),
    pytest.param(503, "", "IMAGE_SIZE_EXCEEDED", "", Kind.INVALID_REQUEST, None, 400, id="image, wrapped in a 503"),
    pytest.param(400, "", "DOCUMENT_COUNT_EXCEEDED", "", Kind.INVALID_REQUEST, None, 400, id="document"),
    pytest.param(400, "", "THINKING_SIGNATURE_INVALID", "", Kind.INVALID_REQUEST, None, 400, id="thinking signature"),
    pytest.param(400, "profileArn is required for this request.", None, "", Kind.PROTOCOL, "account", 502, id="ARN missing"),
    pytest.param(400, "Invalid profileArn.", None, "ValidationException", Kind.PROTOCOL, "account", 502, id="ARN missing in the control plane"),
    pytest.param(400, "", "INVALID_CONVERSATION_ID", "", Kind.INVALID_REQUEST, None, 400, id="conversation"),
    pytest.param(402, "", "CONVERSATION_LIMIT_EXCEEDED", "", Kind.INVALID_REQUEST, None, 400, id="a full conversation is not a spent account"),
    pytest.param(404, "", None, "UnknownOperationException", Kind.PROTOCOL, "provider", 502, id="unknown operation"),
    pytest.param(404, "Not Found", None, "", Kind.PROTOCOL, "provider", 502, id="a bare 404"),
    pytest.param(404, "", None, GEN_2 + "ResourceNotFoundException", Kind.FORBIDDEN, "account", 502, id="resource"),
    pytest.param(409, "", "CUSTOMER_KMS_KEY_DISABLED", "ConflictException", Kind.FORBIDDEN, "account", 403, id="encryption key"),
    pytest.param(409, "", "MISMATCHED_KMS_KEY", "", Kind.FORBIDDEN, "account", 403, id="another encryption key"),
    pytest.param(500, "oops", None, GEN_3 + "InternalServerException", Kind.SERVER_ERROR, None, 500, id="internal"),
]  # fmt: skip
COLUMNS = ("status", "message", "reason", "name", "kind", "scope", "client_status")


@pytest.mark.parametrize(COLUMNS, ROWS)
def test_says_what_happened(
    status: int, message: str, reason: str | None, name: str, kind: Kind, scope: str | None, client_status: int
) -> None:
    found = judged(status, message, reason, name)
    assert (found.kind, found.scope, found.status) == (kind, scope, client_status)
    assert message.split("(")[0] in found.message
    assert found.code == ("context_length_exceeded" if kind is Kind.CONTEXT_TOO_LONG else reason)


MALFORMED = [
    *["REQUEST_BODY_INVALID", "REQUEST_BODY_INVALID_JSON", "THINKING_SIGNATURE_INVALID", "INVALID_CONVERSATION_ID"],
    *[
        "TOOL_USE_RESULT_MISMATCH",
        "TOOL_CONFIG_MISSING",
        "TOOL_DUPLICATE",
        "TOOL_SCHEMA_INVALID",
        "IMAGE_COUNT_EXCEEDED",
    ],
    *["IMAGE_SIZE_EXCEEDED", "IMAGE_DIMENSION_EXCEEDED", "IMAGE_FORMAT_UNSUPPORTED", "IMAGE_MIME_MISMATCH"],
    *["DOCUMENT_SIZE_EXCEEDED", "INVALID_DOCUMENT_NAME", "UNSUPPORTED_LANGUAGE", "INVALID_KMS_GRANT"],
]


@pytest.mark.parametrize("status", [None, 400, 403, 500])
@pytest.mark.parametrize("reason", MALFORMED)
def test_a_reason_of_a_malformed_request_is_the_clients_on_any_status(reason: str, status: int | None) -> None:
    found = judged(status, "bad", reason)
    assert (found.kind, found.scope, found.status, found.code) == (Kind.INVALID_REQUEST, None, 400, reason)


IN_STREAMS = [row for row in ROWS if {*row.values[2:4]} - {None, "", "SomeException", "SOMETHING_NEW"}]
"""Rows in which reason or name decide: in a stream there is no status that could."""


@pytest.mark.parametrize(COLUMNS, IN_STREAMS)
def test_a_stream_says_the_same(
    status: int, message: str, reason: str | None, name: str, kind: Kind, scope: str | None, client_status: int
) -> None:
    found = judged(None, message, reason, name)
    assert (found.kind, found.scope, found.status) == (kind, scope, client_status)


def test_a_stream_fails_as_the_server_does_where_nothing_is_known() -> None:
    found = judged(None, "Your User ID is temporarily suspended", "SOMETHING_NEW", "SomeException")
    assert (found.kind, found.status) == (Kind.SERVER_ERROR, 500)


@pytest.mark.parametrize(
    "name",
    [
        "ThrottlingException",
        "throttlingError",
        "ThrottlingError",
        GEN_3 + "ThrottlingException",
        "ThrottlingException:http://internal.amazon.com/coral/com.amazon.coral.availability/",
        " THROTTLINGEXCEPTION ",
    ],
)
def test_every_spelling_of_a_name_is_one(name: str) -> None:
    assert judged(500, name=name).kind is Kind.RATE_LIMITED
    assert judged(500, _type=name).kind is Kind.RATE_LIMITED
    assert judged(500, headers={"x-amzn-errortype": name}).kind is Kind.RATE_LIMITED
    reader = AnswerReader(generation=3, tool_names={})
    _, error = answered(reader, [exception(name, {})])
    assert error is not None
    assert getattr(verdict(error.failure), "kind", None) is Kind.RATE_LIMITED


def test_the_reason_decides_first_then_the_name_then_the_status() -> None:
    assert judged(403, BAD_BEARER, "PROMPT_TOO_LONG", "ThrottlingException").kind is Kind.CONTEXT_TOO_LONG
    assert judged(403, BAD_BEARER, "NOBODY_KNOWS", "ThrottlingException").kind is Kind.RATE_LIMITED
    assert judged(403, BAD_BEARER, "NOBODY_KNOWS", "NobodyKnows").kind is Kind.TOKEN_EXPIRED
    assert judged(403, "x", "temporarily_suspended").kind is Kind.SUSPENDED


@pytest.mark.parametrize(
    ("status", "kind", "client_status"),
    [
        pytest.param(408, Kind.TIMEOUT, None, id="408"),
        pytest.param(502, Kind.OVERLOADED, None, id="502"),
        pytest.param(503, Kind.OVERLOADED, None, id="503"),
        pytest.param(504, Kind.TIMEOUT, None, id="504"),
        pytest.param(418, Kind.INVALID_REQUEST, None, id="no status of the service"),
    ],
)
def test_other_statuses_are_what_they_are(status: int, kind: Kind, client_status: int | None) -> None:
    found = verdict(Failure("status", status, {"content-type": "text/html"}, b"<h1>Bad <b>Gateway</b></h1>"))
    assert found is not None
    assert (found.kind, found.status, found.message) == (kind, client_status, "Bad Gateway")


def test_a_page_instead_of_an_error_keeps_its_words() -> None:
    found = verdict(Failure("status", 403, {}, b"<html><body>Request blocked</body></html>"))
    assert found == Verdict(Kind.TOKEN_EXPIRED, "account", message="Request blocked", status=401)


@pytest.mark.parametrize("cause", ["connection", "timeout", "protocol"])
def test_leaves_what_was_no_answer_to_core(cause: Any) -> None:
    assert verdict(Failure(cause, message="gone")) is None


# -- words -------------------------------------------------------------------------------------------------


def test_a_suspension_says_what_to_do_and_not_whose_account_it_is() -> None:
    assert judged(403, SUSPENDED_OLD).message == (
        "Your User ID temporarily is suspended. Contact support. (Kiro has suspended this account: only its owner can "
        "settle that with Kiro, a new sign-in does not help)"
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param("Input is too long.", "prompt is too long: Input is too long.", id="added"),
        pytest.param("Prompt is too long.", "Prompt is too long.", id="there already"),
    ],
)
def test_a_long_prompt_is_named_as_clients_look_for_it(said: str, told: str) -> None:
    assert judged(400, said, "PROMPT_TOO_LONG").message == told


def test_names_the_field_that_is_to_blame() -> None:
    fields = [{"path": "/conversationState/history", "message": "must not be null"}, {"path": "/x"}]
    found = judged(400, "1 validation error detected.", name="smithy.framework#ValidationException", fieldList=fields)
    assert (found.kind, found.param) == (Kind.INVALID_REQUEST, "/conversationState/history")


@pytest.mark.parametrize("spelling", ["Message", "errorMessage"])
def test_other_spellings_of_the_message(spelling: str) -> None:
    assert judged(400, **{spelling: "bad"}).message == "bad"


# -- how long to wait --------------------------------------------------------------------------------------

RATE, DAY, HOUR = "USER_REQUEST_RATE_EXCEEDED", "DAILY_REQUEST_COUNT", "HOURLY_REQUEST_COUNT"
EVENING = {"date": "Sat, 28 Nov 2026 23:59:50 GMT"}


@pytest.mark.parametrize(
    ("reason", "milliseconds", "headers", "wait"),
    [
        pytest.param("CREDIT_CONSUMPTION_RATE_EXCEEDED", 300_000, {}, 300.0, id="body"),
        pytest.param(RATE, 30_000, {"retry-after": "60"}, 60.0, id="the header is longer"),
        pytest.param(RATE, 90_000, {"retry-after": "60"}, 90.0, id="the body is longer"),
        pytest.param(RATE, None, {"retry-after": "60"}, 60.0, id="header"),
        pytest.param(RATE, None, {"retry-after": "Sat, 28 Nov 2026 23:59:59 GMT"} | EVENING, 10.0, id="date, too soon"),
        pytest.param(RATE, 300, {}, 10.0, id="too soon"),
        pytest.param(RATE, None, {}, None, id="nothing said"),
        pytest.param(RATE, -1, {}, None, id="a wait that cannot be"),
        pytest.param(RATE, "soon", {}, None, id="a wait that is none"),
        pytest.param(RATE, True, {}, None, id="a wait that is no number"),
        pytest.param(DAY, None, EVENING, 10.0, id="until the next day"),
        pytest.param(DAY, None, {}, None, id="the next day of nobody knows which"),
        pytest.param(DAY, None, {"date": "soon"}, None, id="the next day after no date"),
        pytest.param(DAY, 5000, EVENING, 5.0, id="the service says when the day's count is over"),
        pytest.param(HOUR, None, {}, 3600.0, id="an hour"),
        pytest.param("MONTHLY_REQUEST_COUNT", None, {}, None, id="month"),
        pytest.param("INSUFFICIENT_MODEL_CAPACITY", 2000, {}, 2.0, id="capacity"),
        pytest.param("PROMPT_TOO_LONG", 2000, {"retry-after": "60"}, None, id="no wait helps"),
    ],
)
def test_says_how_long_to_wait(reason: str, milliseconds: object, headers: dict[str, str], wait: float | None) -> None:
    assert judged(429, reason=reason, retryAfterMilliseconds=milliseconds, headers=headers).retry_after == wait


def test_a_date_without_the_upstreams_clock_is_a_point_in_time() -> None:
    found = judged(429, reason=RATE, headers={"retry-after": "Sat, 28 Nov 2026 23:59:59 GMT"})
    assert (found.retry_after, found.reset_at) == (None, 1795910399.0)


@settings(max_examples=50)
@given(
    st.sampled_from([b"", b"[]", b"[" * 100_000, b"1e999", b'{"message":"\xff"}', b'"x"', b"NaN"])
    | st.binary(max_size=60),
    st.integers(400, 599),
    st.dictionaries(st.sampled_from(["x-amzn-errortype", "retry-after", "date"]), st.text(max_size=12)),
)
def test_no_body_is_too_strange(body: bytes, status: int, headers: dict[str, str]) -> None:
    for failure in (Failure("status", status, headers, body), Failure("in_band", 200, headers, body)):
        found = verdict(failure)
        assert found is not None
        assert found.status is None or 400 <= found.status < 600


MEMBERS = ["message", "Message", "reason", "__type", "_type", "retryAfterMilliseconds", "fieldList"]


@settings(max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from(MEMBERS), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.none())
    )
)
def test_no_member_is_too_strange(error: dict[str, Any]) -> None:
    assert verdict(Failure("status", 403, {}, json.dumps(error).encode())) is not None

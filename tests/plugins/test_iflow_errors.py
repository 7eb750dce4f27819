"""What iflow's errors mean: every code, in every place it comes in, and the words that stand above codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Failure, Kind, Verdict
from switchgear_iflow.errors import business_error
from switchgear_iflow.plugin import classify_error

BLOCKED = "Access to the current AK has been blocked due to unauthorized requests"
BUSY = "当前找我聊的人太多了"
CODES = [
    pytest.param("439", "Your API Token has expired", Kind.TOKEN_EXPIRED, "account", 401, id="439"),
    pytest.param("434", "Invalid apiKey provided", Kind.TOKEN_EXPIRED, "account", 401, id="434 bad key"),
    pytest.param("434", BLOCKED, Kind.SUSPENDED, "account", 403, id="434 blocked"),
    pytest.param("438", BLOCKED, Kind.SUSPENDED, "account", 403, id="438 blocked"),
    pytest.param("438", "no", Kind.SUSPENDED, "account", 403, id="438 without the words"),
    pytest.param("435", "Model not support", Kind.MODEL_NOT_FOUND, "model", 404, id="435"),
    pytest.param("406", "not permitted", Kind.FORBIDDEN, "model", 403, id="406"),
    pytest.param("449", "You exceeded your current rate limit", Kind.RATE_LIMITED, "account", 429, id="449"),
    pytest.param("429", "too many", Kind.RATE_LIMITED, "model", 429, id="429"),
    pytest.param("8211", "model limit", Kind.RATE_LIMITED, "model", 429, id="8211"),
    pytest.param("511", "input too long", Kind.CONTEXT_TOO_LONG, None, 400, id="511"),
    pytest.param("413", "input too long", Kind.CONTEXT_TOO_LONG, None, 400, id="413"),
    pytest.param("514", "model error", Kind.SERVER_ERROR, None, 502, id="514"),
    pytest.param("401", "no", Kind.TOKEN_EXPIRED, "account", 401, id="401"),
    pytest.param("403", "no", Kind.FORBIDDEN, None, 403, id="403"),
    pytest.param("500", "oops", Kind.SERVER_ERROR, None, 500, id="500"),
    pytest.param("502", "oops", Kind.OVERLOADED, None, 503, id="502"),
    pytest.param("503", "oops", Kind.OVERLOADED, None, 503, id="503"),
    pytest.param("504", "oops", Kind.OVERLOADED, None, 504, id="504"),
    pytest.param("500", BUSY, Kind.OVERLOADED, None, 503, id="busy words above the code"),
    pytest.param("500", "the token has expired", Kind.TOKEN_EXPIRED, "account", 401, id="expired above the code"),
    pytest.param("439", f"{BLOCKED}, it has expired", Kind.SUSPENDED, "account", 403, id="blocked above expired"),
]
Form = Callable[[str, str], dict[str, Any]]
FORMS: dict[str, Form] = {
    "status and msg": lambda code, words: {"status": code, "msg": words, "body": None},
    "a number": lambda code, words: {"status": int(code), "msg": words},
    "error_code and message": lambda code, words: {"error_code": code, "message": words},
    "the text as body": lambda code, words: {"status": code, "msg": None, "body": words},
    "success: false": lambda code, words: {"success": False, "code": code, "message": words},
    "OpenAI's envelope": lambda code, words: {"error": {"code": code, "message": words}},
}


def failure(body: object, status: int = 200) -> Failure:
    cause = "status" if status >= 400 else "in_band"
    return Failure(cause, status, {}, json.dumps(body).encode())  # type: ignore[arg-type]


@pytest.mark.parametrize(("code", "words", "kind", "scope", "status"), CODES)
def test_codes(code: str, words: str, kind: Kind, scope: str | None, status: int) -> None:
    http_status = int(code) if int(code) < 600 else 400
    for name, form in FORMS.items():
        for seen in (failure(form(code, words)), failure(form(code, words), http_status)):
            found = classify_error(seen)
            assert (found.kind, found.scope, found.status) == (kind, scope, status), (name, seen.status)
            assert found.message.startswith(words)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Kind.TOKEN_EXPIRED),
        (403, Kind.FORBIDDEN),
        (406, Kind.FORBIDDEN),
        (429, Kind.RATE_LIMITED),
        (434, Kind.TOKEN_EXPIRED),
        (435, Kind.MODEL_NOT_FOUND),
        (439, Kind.TOKEN_EXPIRED),
        (449, Kind.RATE_LIMITED),
        (500, Kind.SERVER_ERROR),
        (503, Kind.OVERLOADED),
        (511, Kind.CONTEXT_TOO_LONG),
    ],
)
def test_an_http_status_without_a_body(status: int, kind: Kind) -> None:
    assert classify_error(Failure("status", status)).kind is kind


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        pytest.param(Failure("status", 406), Kind.FORBIDDEN, id="406 without a body"),
        pytest.param(Failure("status", 404, {}, b"<html>gone</html>"), Kind.PROTOCOL, id="nothing is there any more"),
        pytest.param(Failure("status", 410), Kind.PROTOCOL, id="gone"),
        pytest.param(Failure("status", 400, {}, b'{"error": {"message": "bad"}}'), Kind.INVALID_REQUEST, id="400"),
        pytest.param(Failure("timeout"), Kind.TIMEOUT, id="too late"),
        pytest.param(Failure("connection"), Kind.CONNECTION, id="nobody there"),
        pytest.param(Failure("protocol", 200), Kind.PROTOCOL, id="no answer"),
        pytest.param(Failure("in_band", 200, {}, b'{"status": "999", "msg": "odd"}'), Kind.SERVER_ERROR, id="unknown"),
    ],
)
def test_other_failures(seen: Failure, kind: Kind) -> None:
    assert classify_error(seen).kind is kind


def test_a_406_says_why() -> None:
    assert "closed this service to other clients" in classify_error(Failure("status", 406)).message


@pytest.mark.parametrize(
    ("code", "headers", "wait_s"),
    [
        pytest.param("449", {}, 2.0, id="the account's own call ends soon"),
        pytest.param("429", {}, 5.0, id="the model's limit"),
        pytest.param("429", {"retry-after": "7"}, 7.0, id="if it ever says so"),
        pytest.param("435", {}, None, id="no wait helps"),
    ],
)
def test_how_long_to_wait(code: str, headers: dict[str, str], wait_s: float | None) -> None:
    body = json.dumps({"status": code, "msg": "x"}).encode()
    assert classify_error(Failure("in_band", 200, headers, body)).retry_after == wait_s


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"status": "435", "choices": []}, id="choices"),
        pytest.param({"status": "435", "object": "chat.completion"}, id="a completion"),
        pytest.param({"status": "", "msg": "fine"}, id="no status"),
        pytest.param({"status": 0}, id="0"),
        pytest.param({"status": "200", "msg": "ok"}, id="200"),
        pytest.param({"success": True, "data": {}}, id="an envelope"),
        pytest.param({}, id="nothing"),
    ],
)
def test_what_is_no_error(answer: dict[str, Any]) -> None:
    assert business_error(answer) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["status", "error_code", "msg", "message", "body", "code", "success", "error", "object"])


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(FIELDS, JSON, max_size=5) | JSON, st.sampled_from([200, 400, 406, 434, 500]))
def test_any_body_has_a_meaning(body: object, status: int) -> None:
    found = classify_error(failure(body, status))
    assert isinstance(found, Verdict)
    assert len(found.message) <= 800

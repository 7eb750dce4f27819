"""What an error says, and which changed request may follow it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from switchgear import Failure
from switchgear_cursor.connect_errors import NAMES, ConnectError, connect_error
from switchgear_cursor.proto.agent_pb2 import CustomErrorDetails, ErrorDetails
from switchgear_cursor.retries import Lessons, Tries
from switchgear_cursor.run_request import ModelChoice
from tests.plugins.cursor_frames import error_end

PLAIN = ModelChoice("gpt-5.5-high")
HIGH = ModelChoice("gpt-5.5-high", (("reasoning", "high"),))
BASE = ModelChoice("gpt-5.5", (("reasoning", "high"),))


def failure(code: str, name: str = "", detail: str = "") -> Failure:
    return Failure("in_band", 200, body=error_end(code, name, detail)[5:])


VALUE = ErrorDetails(
    error=60, details=CustomErrorDetails(title="T", detail="D", is_retryable=False)
).SerializeToString()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(
            error_end("invalid_argument", "BAD_MODEL_NAME", "no such model")[5:],
            ConnectError("invalid_argument", "Error", "BAD_MODEL_NAME", "Title", "no such model", False),
            id="debug",
        ),
        pytest.param(
            error_end("failed_precondition", in_value=VALUE)[5:],
            ConnectError("failed_precondition", "Error", "MAX_MODE_REQUIRED", "T", "D", False),
            id="value, unpadded",
        ),
        pytest.param(error_end("resource_exhausted")[5:], ConnectError("resource_exhausted", "Error"), id="bare"),
        pytest.param(b'{"code":"unauthenticated","message":"m"}', ConnectError("unauthenticated", "m"), id="of an HTTP error"),
        pytest.param(b'{"error":{"code":"x","details":[{"value":"!"},7,{"value":"CP//////"}]}}', ConnectError("x"), id="damaged details"),
        pytest.param(b'{"error":{"code":5,"message":[]}}', ConnectError(), id="other types"),
    ],
)  # fmt: skip
def test_an_error_is_read(body: bytes, error: ConnectError) -> None:
    assert connect_error(body) == error


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"error":"Not found"}'])
def test_what_is_no_error_of_the_service(body: bytes) -> None:
    assert connect_error(body) is None


@pytest.mark.parametrize(
    ("error", "about"),
    [
        pytest.param(ConnectError("unauthenticated", name="CUSTOM", detail="This region is not yet available for your team"), True, id="detail"),
        pytest.param(ConnectError("unauthenticated", "This region is not available"), True, id="message"),
        pytest.param(ConnectError("permission_denied", name="UNSUPPORTED_REGION"), True, id="name"),
        pytest.param(ConnectError("unauthenticated", name="NOT_LOGGED_IN", title="Log in"), False, id="a real login"),
    ],
)  # fmt: skip
def test_a_region_is_no_login(error: ConnectError, about: bool) -> None:
    assert error.is_about_region is about


def test_the_names_are_those_of_one_enum() -> None:
    assert len(set(NAMES.values())) == len(NAMES)


def tries(*choices: ModelChoice, lessons: Lessons | None = None) -> Tries:
    return Tries(choices, lessons or Lessons())


def test_a_refused_form_is_asked_without_its_details_once() -> None:
    asked = tries(HIGH, BASE)
    changed = asked.after(failure("invalid_argument"))
    assert changed is not None
    assert changed.choice == ModelChoice(HIGH.model_id, HIGH.parameters, with_details=False)
    assert asked.after(failure("invalid_argument")) is None


def test_max_mode_is_asked_for_once() -> None:
    asked = tries(HIGH)
    changed = asked.after(failure("failed_precondition", "MAX_MODE_REQUIRED"))
    assert changed is not None
    assert changed.choice.max_mode
    assert asked.after(failure("failed_precondition", "MAX_MODE_REQUIRED")) is None


def test_an_unknown_model_is_asked_for_under_its_other_name_once() -> None:
    asked = tries(HIGH, BASE)
    changed = asked.after(failure("not_found"))
    assert changed is not None
    assert changed.choice == BASE
    assert asked.after(failure("invalid_argument", "BAD_MODEL_NAME")) is None


def test_a_region_is_looked_up_anew_once() -> None:
    asked = tries(PLAIN)
    refused = failure("unauthenticated", "CUSTOM", "This region is not yet available for your team")
    changed = asked.after(refused)
    assert changed is not None
    assert changed.other_line
    assert asked.after(refused) is None


def test_a_bare_exhaustion_gets_another_conversation_once() -> None:
    asked = tries(PLAIN)
    changed = asked.after(failure("resource_exhausted"))
    assert changed is not None
    assert changed.other_id
    assert asked.after(failure("resource_exhausted")) is None


def test_changes_add_up() -> None:
    asked = tries(HIGH)
    asked.after(failure("failed_precondition", "MAX_MODE_REQUIRED"))
    asked.after(failure("resource_exhausted"))
    changed = asked.after(failure("invalid_argument"))
    assert changed is not None
    assert (changed.choice.max_mode, changed.choice.with_details, changed.other_id) == (True, False, True)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(failure("unauthenticated", "NOT_LOGGED_IN"), id="not signed in"),
        pytest.param(failure("resource_exhausted", "FREE_USER_USAGE_LIMIT"), id="a quota"),
        pytest.param(failure("invalid_argument", "CLAUDE_IMAGE_TOO_LARGE"), id="an image"),
        pytest.param(failure("not_found"), id="an unknown model without another name"),
        pytest.param(failure("invalid_argument"), id="a refused form without parameters"),
        pytest.param(Failure("connection", message="reset"), id="a broken connection"),
        pytest.param(Failure("status", 502, body=b"<html>"), id="a proxy's page"),
    ],
)
def test_the_same_is_not_asked_again(seen: Failure) -> None:
    assert tries(PLAIN).after(seen) is None


def test_what_worked_is_remembered_for_the_model() -> None:
    lessons = Lessons()
    asked = tries(HIGH, lessons=lessons)
    asked.after(failure("invalid_argument"))
    assert tries(HIGH, lessons=lessons).current.choice.with_details, "it has not worked yet"
    asked.worked()
    assert not tries(HIGH, lessons=lessons).current.choice.with_details
    assert tries(BASE, lessons=lessons).current.choice.with_details

    asked = tries(BASE, lessons=lessons)
    asked.after(failure("failed_precondition", "MAX_MODE_REQUIRED"))
    asked.worked()
    assert tries(BASE, lessons=lessons).current.choice.max_mode


def test_details_survive_being_rewritten() -> None:
    body: Any = msgspec.json.decode(error_end("not_found")[5:])
    assert connect_error(msgspec.json.encode({**body, "prompt": {"estimated_tokens": 1}})) == connect_error(
        error_end("not_found")[5:]
    )

"""When to come back, as upstreams say it in headers, bodies and words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear import Failure, Kind, Verdict
from switchgear_openai_compatibility.hints import go_duration, seconds_in_words
from switchgear_openai_compatibility.verdicts import verdict_on

PER_DAY = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "RequestsPerDayFree"}]}


def verdict(status: int, body: object = b"", headers: dict[str, str] | None = None) -> Verdict:
    return verdict_on(Failure("status", status, headers or {}, json.dumps(body).encode()))


def error(message: str = "m", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


NOW, LATER = "Tue, 24 Nov 2026 10:00:00 GMT", "Tue, 24 Nov 2026 10:00:45 GMT"


@pytest.mark.parametrize(
    ("headers", "body", "retry_after", "reset_at"),
    [
        pytest.param({"retry-after": "7"}, {}, 7, None, id="seconds"),
        pytest.param({"retry-after": "0.3"}, {}, 0.3, None, id="decimal seconds"),
        pytest.param({"retry-after-ms": "1500", "retry-after": "60"}, {}, 1.5, None, id="milliseconds first"),
        pytest.param({"retry-after": LATER, "date": NOW}, {}, 45, None, id="date"),
        pytest.param({"retry-after": NOW, "date": LATER}, {}, 0, None, id="past date"),
        pytest.param({"retry-after": "864000"}, {}, 864_000, None, id="ten days, core caps"),
        pytest.param({"retry-after": "1764000000"}, {}, None, 1_764_000_000, id="epoch seconds"),
        pytest.param({"retry-after": "1764000000000"}, {}, None, 1_764_000_000, id="epoch milliseconds"),
        pytest.param({"retry-after": "soon"}, {}, None, None, id="garbage"),
        pytest.param({"retry-after": "-5"}, {}, None, None, id="negative"),
        pytest.param({"retry-after": "nan"}, {}, None, None, id="nan"),
        pytest.param({}, [error(details=[{"x": 1}, {"retryDelay": "45.837906927s"}])], 45.837906927, None, id="gemini"),
        pytest.param({"retry-after": "7"}, [error(details=[{"retryDelay": "45s"}])], 7, None, id="header before body"),
        pytest.param({}, error("Please try again in 5.289s. Visit"), 5.289, None, id="text, seconds"),
        pytest.param({}, error("Please try again in 1m2.3s."), 62.3, None, id="text, minutes"),
        pytest.param({}, error("Please retry after 26 seconds."), 26, None, id="text, azure"),
        pytest.param({}, error("try again in 320ms"), 0.32, None, id="text, milliseconds"),
        pytest.param({}, error("please try again in a while"), None, None, id="text, nothing"),
        pytest.param(
            {"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "1h",
             "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "2m59.56s"},
            {}, 179.56, None, id="the limit that is spent",
        ),
        pytest.param(
            {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1h2m3s",
             "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "12ms"},
            {}, 3723, None, id="both spent, the later",
        ),
        pytest.param(
            {"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "1h"}, {}, None, None, id="none spent"
        ),
        pytest.param({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, {}, 30, None, id="together"),
        pytest.param({"x-tokenlimit-remaining": "0", "x-tokenlimit-reset": "31"}, {}, 31, None, id="together, tokens"),
        pytest.param(
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1764000000000"}, {}, None, 1_764_000_000, id="openrouter"
        ),
        pytest.param(
            {}, error(metadata={"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1764000000000"}}),
            None, 1_764_000_000, id="openrouter, in the body",
        ),
        pytest.param(
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, error("Please try again in 5s"), 5, None,
            id="text before reset header",
        ),
        pytest.param({"x-ratelimit-remaining": "0"}, {}, None, None, id="spent, no reset"),
    ],
)  # fmt: skip
def test_hints(headers: dict[str, str], body: object, retry_after: float | None, reset_at: float | None) -> None:
    found = verdict(429, body, headers)
    assert found.kind is Kind.RATE_LIMITED
    assert found.retry_after == (None if retry_after is None else pytest.approx(retry_after))
    assert found.reset_at == reset_at


def test_short_limits_say_nothing_of_a_spent_quota() -> None:
    body = [error("try again in 5s", details=[PER_DAY, {"retryDelay": "5s"}])]
    assert verdict(429, body).retry_after is None
    assert verdict(429, body, {"retry-after": "7200"}).retry_after == 7200


def test_an_overloaded_server_may_say_when() -> None:
    assert verdict(503, error(), {"retry-after": "4"}).retry_after == 4
    assert verdict(400, error("try again in 5s"), {"retry-after": "4"}).retry_after is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12ms", 0.012), ("7.66s", 7.66), ("6m0s", 360), ("1h2m3s", 3723), ("500us", 0.0005), ("1.5h", 5400),
     ("", None), ("7", None), ("s", None), ("1m ", 60), ("-1s", None), ("1m2", None)],
)  # fmt: skip
def test_go_durations(text: str, seconds: float | None) -> None:
    assert go_duration(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("try again in 2 minutes", 120), ("Retry after 1 hour 30 minutes", 5400), ("wait for 10 seconds", 10),
     ("try again in 2 moons", None), ("try again in 3 model units", None), ("in 5s", None), ("again in 1 day", 86_400)],
)  # fmt: skip
def test_durations_in_words(text: str, seconds: float | None) -> None:
    assert seconds_in_words(text) == seconds

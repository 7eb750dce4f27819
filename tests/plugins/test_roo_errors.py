"""What the proxy's failures mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Failure, Kind, Verdict
from switchgear_roo import plugin
from switchgear_roo.errors import CHECK_CREDIT_AGAIN_S, verdict_on
from switchgear_roo.fake.proxy import TOLD
from tests.plugins.roo_service import roo, static_account


def status(http: int, message: str = "No", headers: dict[str, str] | None = None, **error: Any) -> Failure:
    body = json.dumps({"error": {"message": message, **error}}).encode()
    return Failure("status", http, headers or {}, body)


def in_band(message: str = "No", **error: Any) -> Failure:
    return Failure("in_band", 200, {}, json.dumps({"error": {"message": message, **error}}).encode())


@pytest.mark.parametrize(
    ("failure", "kind", "scope"),
    [
        pytest.param(status(401, code=401), Kind.TOKEN_EXPIRED, None, id="401"),
        pytest.param(status(402), Kind.QUOTA_EXHAUSTED, "account", id="402"),
        pytest.param(status(403), Kind.FORBIDDEN, "model", id="403"),
        pytest.param(status(403, "Insufficient credits"), Kind.QUOTA_EXHAUSTED, "account", id="403 for want of credit"),
        pytest.param(
            status(403, "Flagged", metadata={"reasons": ["x"]}), Kind.CONTENT_FILTERED, None, id="403 of a moderator"
        ),
        pytest.param(status(403, "Blocked by content policy"), Kind.CONTENT_FILTERED, None, id="403 for the content"),
        pytest.param(status(404, "The model `x` does not exist"), Kind.MODEL_NOT_FOUND, "model", id="404 of a model"),
        pytest.param(status(404, "Not Found"), Kind.PROTOCOL, "provider", id="404 of nobody"),
        pytest.param(status(400), Kind.INVALID_REQUEST, None, id="400"),
        pytest.param(status(422), Kind.INVALID_REQUEST, None, id="422"),
        pytest.param(
            status(400, "This endpoint's maximum context length is 262144 tokens"),
            Kind.CONTEXT_TOO_LONG,
            None,
            id="400, too long",
        ),
        pytest.param(status(400, "prompt is too long"), Kind.CONTEXT_TOO_LONG, None, id="400, too long, otherwise"),
        pytest.param(
            status(413, "Input exceeds the limit of 1000 tokens"), Kind.CONTEXT_TOO_LONG, None, id="413, too long"
        ),
        pytest.param(status(400, "x", code="context_length_exceeded"), Kind.CONTEXT_TOO_LONG, None, id="400, by code"),
        pytest.param(status(408), Kind.TIMEOUT, None, id="408"),
        pytest.param(status(409), Kind.OVERLOADED, None, id="409"),
        pytest.param(status(425), Kind.OVERLOADED, None, id="425"),
        pytest.param(status(429), Kind.RATE_LIMITED, None, id="429"),
        pytest.param(status(429, "x", code="insufficient_quota"), Kind.QUOTA_EXHAUSTED, "account", id="429 of a quota"),
        pytest.param(status(500), Kind.SERVER_ERROR, None, id="500"),
        pytest.param(status(502), Kind.OVERLOADED, None, id="502"),
        pytest.param(status(503), Kind.OVERLOADED, None, id="503"),
        pytest.param(status(504), Kind.TIMEOUT, None, id="504"),
        pytest.param(status(529), Kind.OVERLOADED, None, id="529"),
        pytest.param(in_band(code=429), Kind.RATE_LIMITED, None, id="in band, a number"),
        pytest.param(in_band(code="402"), Kind.QUOTA_EXHAUSTED, "account", id="in band, a number as text"),
        pytest.param(in_band("Input is too long: 9 tokens"), Kind.CONTEXT_TOO_LONG, None, id="in band, words"),
        pytest.param(in_band(code="server_error"), Kind.OVERLOADED, None, id="in band, a word"),
        pytest.param(in_band(), Kind.OVERLOADED, None, id="in band, nothing"),
        pytest.param(Failure("in_band", 200, {}, b"odd"), Kind.OVERLOADED, None, id="in band, no JSON"),
        pytest.param(Failure("connection", message="refused"), Kind.CONNECTION, None, id="no connection"),
        pytest.param(Failure("timeout", message="late"), Kind.TIMEOUT, None, id="no answer in time"),
        pytest.param(Failure("protocol", 200, {}, b"<h1>Hi"), Kind.PROTOCOL, None, id="a page"),
    ],
)
def test_what_it_means(failure: Failure, kind: Kind, scope: str | None) -> None:
    verdict = verdict_on(failure)
    assert (verdict.kind, verdict.scope) == (kind, scope)
    assert verdict.message


@pytest.mark.parametrize(
    ("failure", "retry_after"),
    [
        pytest.param(status(429, headers={"retry-after": "7"}), 7.0, id="a limit says when"),
        pytest.param(status(429, headers={"retry-after-ms": "300"}), 0.3, id="in milliseconds"),
        pytest.param(status(429), None, id="a limit that does not"),
        pytest.param(status(503, headers={"retry-after": "7"}), 7.0, id="an overload says when"),
        pytest.param(status(402, headers={"retry-after": "60"}), 60.0, id="credit that comes back"),
        pytest.param(status(402), CHECK_CREDIT_AGAIN_S, id="credit is looked at again in an hour"),
        pytest.param(status(403, headers={"retry-after": "7"}), None, id="what does not pass by waiting"),
    ],
)
def test_when_to_come_back(failure: Failure, retry_after: float | None) -> None:
    assert verdict_on(failure).retry_after == retry_after


@pytest.mark.parametrize(("code", "kept"), [(400, "context_length_exceeded"), ("too_big", "too_big")])
def test_clients_find_the_code_they_look_for(code: object, kept: str) -> None:
    assert verdict_on(status(400, "maximum context length is 9", code=code)).code == kept


@pytest.mark.parametrize("cause", ["connection", "timeout"])
def test_a_host_that_is_gone_is_explained(cause: Any) -> None:
    failure = Failure(cause, message="cannot connect")
    assert "ended on 2026-05-15" in verdict_on(failure, own_hosts=True).message
    assert verdict_on(failure).message == "cannot connect"


def test_what_a_wrong_address_is_told() -> None:
    assert "endpoints.provider" in verdict_on(Failure("status", 404, {}, b"<html>404")).message


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["status", "in_band", "protocol"]),
    st.one_of(st.none(), st.integers(100, 599)),
    st.binary(max_size=40) | st.sampled_from([b'{"error": 7}', b'{"error": {"code": true}}', b"[]", b'{"error": []}']),
)
def test_every_failure_has_a_meaning(cause: Any, code: int | None, body: bytes) -> None:
    assert isinstance(verdict_on(Failure(cause, code, {}, body)), Verdict)


@pytest.mark.parametrize("fault", sorted(name for name in TOLD if not name.startswith("sunset")))
async def test_what_the_service_says_means_what_it_is_called(tmp_path: Path, fault: str) -> None:
    async with roo(tmp_path) as service:
        account = static_account(service.fake.people.static_key("ada"))
        service.fake.fail(fault)
        reply = await service.forward(account)
        body = b"".join([part async for part in reply.body])
        await reply.aclose()
        failure = Failure("status", reply.status, reply.headers, body)
        assert plugin.classify_error(service.provider, failure).kind == fault

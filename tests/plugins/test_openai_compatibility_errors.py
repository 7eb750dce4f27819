"""Error envelopes and their meaning."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear import Failure, Kind, Verdict
from switchgear_openai_compatibility.errors import read_error
from switchgear_openai_compatibility.verdicts import verdict_on

HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


def failure(status: int | None, body: object = b"", headers: dict[str, str] | None = None) -> Failure:
    cause = "in_band" if status is not None and status < 400 else "status"
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Failure(cause, status, headers or {}, data)  # type: ignore[arg-type]  # cause is one of the literals


def verdict(status: int | None, body: object = b"", headers: dict[str, str] | None = None) -> Verdict:
    return verdict_on(failure(status, body, headers))


def error(message: str = "m", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


# -- envelopes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "message", "named_status", "type_", "code"),
    [
        pytest.param(
            429,
            {"error": {"message": "slow down", "type": "tokens", "param": None, "code": "rate_limit_exceeded"}},
            "slow down", 429, "tokens", "rate_limit_exceeded", id="1 openai, groq",
        ),
        pytest.param(
            400, {"error": {"message": "bad", "type": "BadRequestError", "param": "x", "code": 400}},
            "bad", 400, "BadRequestError", None, id="2 vllm, code is the status",
        ),
        pytest.param(
            400, {"error": {"message": "too long", "type": "exceed_context_size_error", "code": 400, "n_ctx": 1}},
            "too long", 400, "exceed_context_size_error", None, id="2 llama.cpp",
        ),
        pytest.param(
            400, {"object": "error", "message": "bad", "type": "BadRequestError", "param": None, "code": 400},
            "bad", 400, "BadRequestError", None, id="3 old vllm, sglang, flat",
        ),
        pytest.param(
            402, {"error": {"code": 402, "message": "no credits", "metadata": {}}, "user_id": "u"},
            "no credits", 402, None, None, id="4 openrouter",
        ),
        pytest.param(
            502, {"error": {"code": 502, "message": "Provider returned error", "metadata": {
                "provider_name": "P", "raw": "the real reason"}}},
            "Provider returned error: the real reason", 502, None, None, id="4 openrouter, raw",
        ),
        pytest.param(
            400, {"error": {"object": "error", "type": "invalid_request_error", "code": "x", "message": "bad"}},
            "bad", 400, "invalid_request_error", "x", id="5 fireworks",
        ),
        pytest.param(500, {"error": "text"}, "text", 500, None, None, id="6 bare text"),
        pytest.param(
            401, {"error": "unauthorized", "signin_url": "https://x"}, "unauthorized", 401, None, None, id="6 ollama"
        ),
        pytest.param(404, {"detail": "No such thing"}, "No such thing", 404, None, None, id="7 fastapi, text"),
        pytest.param(
            422, {"detail": [{"loc": ["body", "n"], "msg": "wrong", "type": "t", "input": "echo"}, {"msg": "more"}]},
            "body.n: wrong; more", 422, None, None, id="7 fastapi, list",
        ),
        pytest.param(
            422, {"object": "error", "message": {"detail": [{"loc": ["body", 1], "msg": "extra"}]},
                  "type": "invalid_request_error", "param": None, "code": None},
            "body.1: extra", 422, "invalid_request_error", None, id="8 mistral, message is an object",
        ),
        pytest.param(401, {"message": "Unauthorized", "request_id": "r"}, "Unauthorized", 401, None, None, id="9 mistral"),
        pytest.param(
            429, {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300",
                  "raw_status_code": 429},
            "Rate limit exceeded", 429, "rate_limited", "1300", id="10 mistral",
        ),
        pytest.param(
            429, [{"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": []}}],
            "quota", 429, "RESOURCE_EXHAUSTED", None, id="11 gemini, array",
        ),
        pytest.param(
            400, {"error": {"code": "content_filter", "message": "filtered", "innererror": {"code": "R"}}},
            "filtered", 400, None, "content_filter", id="12 azure",
        ),
        pytest.param(401, {"statusCode": 401, "message": "denied"}, "denied", 401, None, None, id="12 azure front door"),
        pytest.param(
            200, {"error_type": "invalid", "error_message": "venice says no"}, "venice says no", None, "invalid", None,
            id="13 venice",
        ),
        pytest.param(502, HTML, "502 Bad Gateway", 502, None, None, id="14 html"),
        pytest.param(503, b"", "", 503, None, None, id="14 empty"),
        pytest.param(503, b"upstream timed out", "upstream timed out", 503, None, None, id="14 plain text"),
        pytest.param(200, {"error": {"message": "m", "code": 503}}, "m", 503, None, "503", id="15 error in 200"),
        pytest.param(
            200, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
            "insufficient balance", None, None, "1008", id="15 base_resp",
        ),
        pytest.param(200, {"status": "449", "msg": "limit"}, "limit", 449, None, None, id="15 status and msg"),
        pytest.param(
            200, {"error": {"message": "Compute error."}, "message": "more"}, "Compute error.", None, None, None,
            id="in stream, lm studio",
        ),
        pytest.param(
            200, {"error": {"code": "server_error", "message": "died"}, "choices": [{"finish_reason": "error"}]},
            "died", 500, None, "server_error", id="in stream, openrouter",
        ),
        pytest.param(
            200, {"choices": [{"delta": {}, "finish_reason": "abort"}]},
            "the upstream broke its answer off (finish_reason 'abort')", None, None, None, id="in stream, abort",
        ),
        pytest.param(
            429, b'event: error\ndata: {"error": {"message": "busy"}}\n\n', "busy", 429, None, None, id="as an event"
        ),
        pytest.param(500, {"error": None, "message": "m"}, "m", 500, None, None, id="null is no error"),
        pytest.param(500, '"just a text"', "just a text", 500, None, None, id="a JSON text"),
        pytest.param(500, "[]", "", 500, None, None, id="an empty array"),
        pytest.param(500, b"\xff\xfe{", "��{", 500, None, None, id="no UTF-8"),
        pytest.param(500, {"error": {"message": {"message": "inner"}}}, "inner", 500, None, None, id="nested message"),
    ],
)  # fmt: skip
def test_envelopes(
    status: int, body: object, message: str, named_status: int | None, type_: str | None, code: str | None
) -> None:
    said = read_error(failure(status, body))
    # inside a 200 the code that became the status is left out as well
    expected_code = None if code is not None and code == str(named_status) else code
    assert (said.message, said.status, said.type, said.code) == (message, named_status, type_, expected_code)


def test_the_blamed_field_is_kept() -> None:
    assert verdict(400, error(param="temperature")).param == "temperature"
    assert verdict(400, {"message": "m", "param": "top"}).param == "top"


@pytest.mark.parametrize(
    "body", [error("x" * 9000), "y" * 9000, {"detail": "z" * 9000}], ids=["json", "text", "detail"]
)
def test_messages_are_short(body: object) -> None:
    assert len(verdict(500, body).message) == 500


def test_the_clients_own_words_decide_nothing() -> None:
    echo = {"detail": [{"loc": ["body"], "msg": "wrong", "input": "maximum context length, flagged, model not found"}]}
    assert verdict(422, echo).kind is Kind.INVALID_REQUEST


# -- meaning -------------------------------------------------------------------------------------------------

FILTER = {"error": {"code": "content_filter", "message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}
MODERATED = {"error": {"code": 403, "message": "blocked", "metadata": {"flagged_input": "x", "reasons": ["y"]}}}
PER_DAY = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "RequestsPerDayFree"}]}
PER_MINUTE = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "RequestsPerMinute"}]}
TPM = "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 7000"


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind"),
    [
        pytest.param(401, error(code="invalid_api_key"), {}, Kind.LOGIN_REQUIRED, id="401, a key cannot be refreshed"),
        pytest.param(401, b"", {}, Kind.LOGIN_REQUIRED, id="401, empty"),
        pytest.param(403, error("region not supported"), {}, Kind.FORBIDDEN, id="403, region"),
        pytest.param(403, error("guardrail"), {}, Kind.FORBIDDEN, id="403, guardrail"),
        pytest.param(403, error("your account is suspended"), {}, Kind.SUSPENDED, id="403, suspended"),
        pytest.param(412, error("Account x is suspended"), {}, Kind.SUSPENDED, id="412, fireworks suspended"),
        pytest.param(412, error("precondition"), {}, Kind.INVALID_REQUEST, id="412, something else"),
        # quota
        pytest.param(402, error("no credits"), {}, Kind.QUOTA_EXHAUSTED, id="402"),
        pytest.param(402, error("in flight"), {"retry-after": "3"}, Kind.RATE_LIMITED, id="402 with retry-after"),
        pytest.param(429, error(code="insufficient_quota"), {}, Kind.QUOTA_EXHAUSTED, id="429, insufficient_quota"),
        pytest.param(429, error(type="insufficient_quota"), {}, Kind.QUOTA_EXHAUSTED, id="429, by type"),
        pytest.param(429, error(code="billing_hard_limit_reached"), {}, Kind.QUOTA_EXHAUSTED, id="429, billing"),
        pytest.param(400, error("Insufficient Balance"), {}, Kind.QUOTA_EXHAUSTED, id="400, balance"),
        pytest.param(403, error("quota exceeded"), {}, Kind.QUOTA_EXHAUSTED, id="403, quota"),
        pytest.param(429, [error(details=[PER_DAY])], {}, Kind.QUOTA_EXHAUSTED, id="429, gemini per day"),
        pytest.param(429, [error("current quota", details=[PER_MINUTE])], {}, Kind.RATE_LIMITED, id="429, per minute"),
        # rate
        pytest.param(429, error(), {}, Kind.RATE_LIMITED, id="429"),
        pytest.param(429, b"", {}, Kind.RATE_LIMITED, id="429, empty"),
        pytest.param(429, HTML, {}, Kind.RATE_LIMITED, id="429, html"),
        pytest.param(498, error("flex capacity"), {}, Kind.RATE_LIMITED, id="498, groq"),
        pytest.param(
            400, error("Service tier capacity exceeded", type="invalid_request_error"), {}, Kind.RATE_LIMITED,
            id="400, mistral capacity",
        ),
        pytest.param(400, {"message": "no", "code": "1300"}, {}, Kind.RATE_LIMITED, id="400, mistral 1300"),
        pytest.param(413, error(TPM, code="rate_limit_exceeded"), {}, Kind.RATE_LIMITED, id="413, groq tokens per minute"),
        # context
        pytest.param(400, error(code="context_length_exceeded"), {}, Kind.CONTEXT_TOO_LONG, id="context, by code"),
        pytest.param(400, error("maximum context length is 9"), {}, Kind.CONTEXT_TOO_LONG, id="context, openai"),
        pytest.param(422, error("exceeds the context window"), {}, Kind.CONTEXT_TOO_LONG, id="context, 422"),
        pytest.param(
            400, error("request exceeds the available context size", type="exceed_context_size_error"), {},
            Kind.CONTEXT_TOO_LONG, id="context, llama.cpp",
        ),
        pytest.param(413, error("Prompt is too long"), {}, Kind.CONTEXT_TOO_LONG, id="context, 413"),
        pytest.param(400, error("too many tokens"), {}, Kind.CONTEXT_TOO_LONG, id="context, too many tokens"),
        pytest.param(400, error("Please reduce the length of"), {}, Kind.CONTEXT_TOO_LONG, id="context, reduce"),
        pytest.param(500, error("Context size has been exceeded."), {}, Kind.CONTEXT_TOO_LONG, id="context, lm studio"),
        pytest.param(
            400, error("Input length 9 exceeds the maximum allowed context"), {}, Kind.CONTEXT_TOO_LONG,
            id="context, sglang",
        ),
        pytest.param(
            400, error("x", code="model_max_prompt_tokens_exceeded"), {}, Kind.CONTEXT_TOO_LONG, id="context, copilot"
        ),
        pytest.param(
            502, {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": "context window"}}}, {},
            Kind.OVERLOADED, id="context words with a 502 say nothing",
        ),
        # model
        pytest.param(404, error(code="model_not_found"), {}, Kind.MODEL_NOT_FOUND, id="model, by code"),
        pytest.param(403, error(code="model_not_found"), {}, Kind.MODEL_NOT_FOUND, id="model, not for this project"),
        pytest.param(404, error(code="DeploymentNotFound"), {}, Kind.MODEL_NOT_FOUND, id="model, azure"),
        pytest.param(400, error("Model Not Exist"), {}, Kind.MODEL_NOT_FOUND, id="model, deepseek"),
        pytest.param(400, error("x is not a valid model ID"), {}, Kind.MODEL_NOT_FOUND, id="model, openrouter"),
        pytest.param(404, error("model 'x' not found, pull it"), {}, Kind.MODEL_NOT_FOUND, id="model, ollama"),
        pytest.param(404, error("No models loaded"), {}, Kind.MODEL_NOT_FOUND, id="model, lm studio"),
        pytest.param(400, error("unknown model x"), {}, Kind.MODEL_NOT_FOUND, id="model, unknown"),
        pytest.param(
            400, {"message": "Invalid model: x", "type": "invalid_model"}, {}, Kind.MODEL_NOT_FOUND, id="model, mistral"
        ),
        pytest.param(404, error("No endpoints found"), {}, Kind.MODEL_NOT_FOUND, id="404 with an error of its own"),
        pytest.param(400, error("file does not exist"), {}, Kind.INVALID_REQUEST, id="something else does not exist"),
        # content
        pytest.param(400, FILTER, {}, Kind.CONTENT_FILTERED, id="content, azure"),
        pytest.param(403, MODERATED, {}, Kind.CONTENT_FILTERED, id="content, openrouter"),
        pytest.param(400, error("was flagged as"), {}, Kind.CONTENT_FILTERED, id="content, flagged"),
        # wrong address
        pytest.param(404, HTML, {}, Kind.PROTOCOL, id="404, html"),
        pytest.param(404, {"detail": "Not Found"}, {}, Kind.PROTOCOL, id="404, fastapi"),
        pytest.param(404, b"404 page not found", {}, Kind.PROTOCOL, id="404, go"),
        pytest.param(404, b"", {}, Kind.PROTOCOL, id="404, empty"),
        pytest.param(404, error("Invalid URL (POST /x)"), {}, Kind.PROTOCOL, id="404, openai"),
        pytest.param(200, {"error": "Unexpected endpoint or method. (POST /x)"}, {}, Kind.PROTOCOL, id="200, lm studio"),
        # the client's
        pytest.param(400, error(), {}, Kind.INVALID_REQUEST, id="400"),
        pytest.param(400, error(code="tool_use_failed", failed_generation="x"), {}, Kind.INVALID_REQUEST, id="groq tools"),
        pytest.param(405, error(), {}, Kind.INVALID_REQUEST, id="405"),
        pytest.param(409, error(), {}, Kind.INVALID_REQUEST, id="409"),
        pytest.param(413, error(), {}, Kind.INVALID_REQUEST, id="413"),
        pytest.param(415, error(), {}, Kind.INVALID_REQUEST, id="415"),
        pytest.param(422, error(), {}, Kind.INVALID_REQUEST, id="422"),
        # the server's
        pytest.param(500, error(), {}, Kind.SERVER_ERROR, id="500"),
        pytest.param(500, error("the engine is overloaded"), {}, Kind.OVERLOADED, id="500, overloaded"),
        pytest.param(501, error(), {}, Kind.SERVER_ERROR, id="501"),
        pytest.param(520, HTML, {}, Kind.SERVER_ERROR, id="520"),
        pytest.param(526, HTML, {}, Kind.SERVER_ERROR, id="526"),
        pytest.param(408, error(), {}, Kind.TIMEOUT, id="408"),
        pytest.param(425, error(), {}, Kind.OVERLOADED, id="425"),
        pytest.param(502, error(), {}, Kind.OVERLOADED, id="502"),
        pytest.param(502, HTML, {}, Kind.OVERLOADED, id="502, html"),
        pytest.param(503, error("no available model provider"), {}, Kind.OVERLOADED, id="503"),
        pytest.param(504, error(), {}, Kind.TIMEOUT, id="504"),
        pytest.param(529, error(), {}, Kind.OVERLOADED, id="529"),
        # inside a 200
        pytest.param(200, error(code=429), {}, Kind.RATE_LIMITED, id="in 200, by number"),
        pytest.param(200, error(code="rate_limit_exceeded"), {}, Kind.RATE_LIMITED, id="in 200, by code"),
        pytest.param(200, error(type="server_error"), {}, Kind.SERVER_ERROR, id="in 200, by type"),
        pytest.param(200, error(type="overloaded_error"), {}, Kind.OVERLOADED, id="in 200, overloaded"),
        pytest.param(200, error("maximum context length"), {}, Kind.CONTEXT_TOO_LONG, id="in 200, by words"),
        pytest.param(200, error("boom"), {}, Kind.OVERLOADED, id="in 200, unknown: as a bad gateway"),
        pytest.param(200, {}, {}, Kind.OVERLOADED, id="in 200, nothing"),
        pytest.param(200, {"choices": [{"finish_reason": "abort"}]}, {}, Kind.OVERLOADED, id="in 200, broken off"),
        pytest.param(
            200, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, {}, Kind.QUOTA_EXHAUSTED,
            id="in 200, base_resp",
        ),
        pytest.param(
            200, {"status": "449", "msg": "You exceeded your current rate limit"}, {}, Kind.RATE_LIMITED,
            id="in 200, status and msg",
        ),
    ],
)  # fmt: skip
def test_kinds(status: int, body: object, headers: dict[str, str], kind: Kind) -> None:
    found = verdict(status, body, headers)
    assert found.kind is kind
    assert found.message


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        pytest.param("flagged", "maximum context length", Kind.CONTENT_FILTERED, id="content before context"),
        pytest.param("maximum context length", "unknown model", Kind.CONTEXT_TOO_LONG, id="context before model"),
        pytest.param("unknown model", "insufficient balance", Kind.MODEL_NOT_FOUND, id="model before quota"),
        pytest.param("insufficient balance", "too many requests", Kind.QUOTA_EXHAUSTED, id="quota before rate"),
        pytest.param("too many requests", "", Kind.RATE_LIMITED, id="rate before status"),
    ],
)
def test_the_order(first: str, second: str, kind: Kind) -> None:
    assert verdict(400, error(f"{second}; {first}")).kind is kind


@pytest.mark.parametrize("cause", ["connection", "timeout", "protocol"])
def test_what_core_saw_stands(cause: Any) -> None:
    found = verdict_on(Failure(cause, message="it broke"))
    assert (str(found.kind), found.message) == (cause, "it broke")


def test_a_web_page_instead_of_an_answer_is_a_wrong_address() -> None:
    seen = Failure("protocol", 200, {"content-type": "text/html"}, HTML.encode(), "the answer is no JSON")
    found = verdict_on(seen, "https://host/v1")
    assert found.kind is Kind.PROTOCOL
    assert "check base-url, probably https://host/v1 is meant" in found.message


def test_codes_for_the_client() -> None:
    assert verdict(400, error("maximum context length", code=400)).code == "context_length_exceeded"
    assert verdict(400, error("maximum context length", code="theirs")).code == "theirs"
    assert verdict(404, error(code="model_not_found", type="t")).type == "t"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(429, error(code=503), None, id="an HTTP error keeps its own"),
        pytest.param(200, error(code=503), 503, id="named"),
        pytest.param(200, error(type="server_error"), 500, id="implied"),
        pytest.param(200, error("maximum context length"), 400, id="by kind"),
        pytest.param(200, error("boom"), None, id="unknown"),
    ],
)
def test_the_status_of_an_error_inside_a_200(status: int, body: object, expected: int | None) -> None:
    assert verdict(status, body).status == expected

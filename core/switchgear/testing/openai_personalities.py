"""Whose habits the fake upstream has: model lists, error envelopes and refusals of known vendors and servers.

Sources: vendors' documentation and the servers' code, as collected by autumn 2026; where a shape is known from a bug
report only (Mistral's errors, Gemini's array), the report's text is used.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from switchgear.testing.answer import CREATED, Json

Shape = list[Any] | Json


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """An error before it has a shape. ``code`` and ``type`` are OpenAI's words."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None


def _listed(ids: Sequence[str], owner: str, **extra: Any) -> list[Json]:
    return [{"id": id_, "object": "model", "created": CREATED, "owned_by": owner, **extra} for id_ in ids]


def _list(owner: str, **extra: Any) -> Callable[[Sequence[str]], Shape | None]:
    return lambda ids: {"object": "list", "data": _listed(ids, owner, **extra)}


# -- error envelopes ---------------------------------------------------------------------------------------


def _openai(error: ErrorSpec) -> Shape:
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def _vllm_new(error: ErrorSpec) -> Shape:
    names = {400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError", 429: "RateLimitError"}
    kind = names.get(error.status, "InternalServerError")
    return {"error": {"message": error.message, "type": kind, "param": error.param, "code": error.status}}


def _flat(error: ErrorSpec) -> Shape:
    kind = "BadRequestError" if error.status < 500 else "InternalServerError"
    return {"object": "error", "message": error.message, "type": kind, "param": error.param, "code": error.status}


def _openrouter(error: ErrorSpec) -> Shape:
    metadata = {"provider_name": "Fake", "raw": error.message} if error.status >= 500 else {}
    message = "Provider returned error" if metadata else error.message
    return {"error": {"code": error.status, "message": message, "metadata": metadata}, "user_id": "user_fake"}


def _fireworks(error: ErrorSpec) -> Shape:
    return {"error": {"object": "error", "type": error.type, "code": error.code, "message": error.message}}


def _mistral(error: ErrorSpec) -> Shape:
    match error.status:
        case 401:
            return {"message": "Unauthorized", "request_id": "fake"}
        case 404:
            return {"detail": error.message}
        case 422:
            problem = {"type": "extra_forbidden", "loc": ["body", error.param], "msg": error.message, "input": None}
            message: object = {"detail": [problem]}
            return {"object": "error", "message": message, "type": error.type, "param": None, "code": None}
        case 429:
            flat = {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "param": None}
            return {**flat, "code": "1300", "raw_status_code": 429}
    return {"object": "error", "message": error.message, "type": error.type, "param": error.param, "code": error.code}


def _gemini(error: ErrorSpec) -> Shape:
    names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
    inner: Json = {"code": error.status, "message": error.message, "status": names.get(error.status, "INTERNAL")}
    if error.status == 429:
        inner["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"}]
    return [{"error": inner}]


def _azure(error: ErrorSpec) -> Shape:
    if error.status == 401:
        return {"statusCode": 401, "message": error.message}
    codes = {404: "DeploymentNotFound", 429: "429"}
    return {"error": {"code": codes.get(error.status, error.code), "message": error.message}}


# -- model lists -------------------------------------------------------------------------------------------


def _openrouter_models(ids: Sequence[str]) -> Shape:
    return {
        "data": [
            {
                "id": id_,
                "canonical_slug": id_,
                "name": f"Fake: {id_}",
                "created": CREATED,
                "context_length": 131_072,
                "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
                "pricing": {"prompt": "0.0000006", "completion": "0.0000025"},
                "top_provider": {"context_length": 131_072, "max_completion_tokens": 16_384},
                "supported_parameters": ["tools", "max_tokens"],
            }
            for id_ in ids
        ],
        "links": {"next": None},
        "total_count": len(ids),
    }


def _mistral_models(ids: Sequence[str]) -> Shape:
    can = {"completion_chat": True, "function_calling": True, "vision": False}
    data = _listed(ids, "mistralai", capabilities=can, max_context_length=32_768, aliases=[], deprecation=None)
    embedder = _listed(["fake-embed"], "mistralai", capabilities={"completion_chat": False}, max_context_length=8192)
    return {"object": "list", "data": [*data, *data[:1], *embedder]}


def _groq_models(ids: Sequence[str]) -> Shape:
    data = _listed(ids, "Groq", active=True, context_window=131_072, max_completion_tokens=32_768)
    return {"object": "list", "data": [*data, *_listed(["fake-retired"], "Groq", active=False)]}


def _together_models(ids: Sequence[str]) -> Shape:
    return [
        *(
            {"id": i, "object": "model", "type": "chat", "display_name": f"Fake {i}", "context_length": 65_536}
            for i in ids
        ),
        {"id": "fake-pictures", "object": "model", "type": "image", "display_name": "Fake pictures"},
    ]


def _ollama_models(ids: Sequence[str]) -> Shape:
    return {"object": "list", "data": _listed(ids, "library") or None}


def _gemini_models(ids: Sequence[str]) -> Shape:
    return {"object": "list", "data": [{"id": f"models/{id_}", "object": "model", "owned_by": "google"} for id_ in ids]}


def _fake_models(ids: Sequence[str]) -> Shape:
    return {"object": "list", "data": _listed(ids, "fake")}


def _no_models(ids: Sequence[str]) -> Shape | None:
    return None


# -- refusals ----------------------------------------------------------------------------------------------

MISTRAL_FIELDS = frozenset(
    {"model", "messages", "stream", "temperature", "top_p", "max_tokens", "stop", "random_seed", "response_format"}
    | {"tools", "tool_choice", "presence_penalty", "frequency_penalty", "n", "prediction", "parallel_tool_calls"}
    | {"safe_prompt", "reasoning_effort", "prompt_mode", "input", "encoding_format", "output_dimension", "metadata"}
)


def _mistral_refusal(body: Mapping[str, Any]) -> ErrorSpec | None:
    unknown = next((name for name in body if name not in MISTRAL_FIELDS), None)
    if unknown is not None:
        return ErrorSpec(422, "Extra inputs are not permitted", param=unknown)
    for number, message in enumerate(body.get("messages") or ()):
        if isinstance(message, dict) and "reasoning_content" in message:
            return ErrorSpec(422, "Extra inputs are not permitted", param=f"messages.{number}.reasoning_content")
    return None


def _deepseek_refusal(body: Mapping[str, Any]) -> ErrorSpec | None:
    for number, message in enumerate(body.get("messages") or ()):
        if isinstance(message, dict) and message.get("tool_calls") and "reasoning_content" not in message:
            return ErrorSpec(400, f"Missing `reasoning_content` field in the assistant message at index {number}")
    return None


def _openai_refusal(body: Mapping[str, Any]) -> ErrorSpec | None:
    if body.get("tools") != []:
        return None
    problem = "Expected an array with minimum length 1, but got an empty array instead."
    return ErrorSpec(400, f"Invalid 'tools': empty array. {problem}", code="empty_array", param="tools")


def _no_refusal(body: Mapping[str, Any]) -> ErrorSpec | None:
    return None


@dataclass(frozen=True, slots=True)
class Personality:
    """One vendor's habits.

    Attributes:
        base: the base path; the endpoints are below it.
        models: the model list's JSON for these ids; ``None`` where there is no list.
        envelope: an error's JSON.
        refusal: what is wrong with a chat request beyond what any upstream refuses; ``None`` for nothing.
        prelude: what a stream begins with, before the first chunk.
        query: what the query must contain, or the path is unknown.
    """

    name: str
    base: str
    models: Callable[[Sequence[str]], Shape | None] = _fake_models
    envelope: Callable[[ErrorSpec], Shape] = _openai
    refusal: Callable[[Mapping[str, Any]], ErrorSpec | None] = _no_refusal
    prelude: bytes = b""
    query: str = ""


_AZURE_PRELUDE = b'data: {"choices":[],"id":"","model":"","prompt_filter_results":[{"prompt_index":0}]}\n\n'

PERSONALITIES = (
    Personality("openai", "/v1", refusal=_openai_refusal),
    Personality(
        "openrouter", "/openrouter/v1", _openrouter_models, _openrouter, prelude=b": OPENROUTER PROCESSING\n\n"
    ),
    Personality("mistral", "/mistral/v1", _mistral_models, _mistral, _mistral_refusal),
    Personality("groq", "/groq/v1", _groq_models),
    Personality("deepseek", "/deepseek", _list("deepseek"), _openai, _deepseek_refusal, b": keep-alive\n\n"),
    Personality("together", "/together/v1", _together_models),
    Personality("vllm-old", "/vllm-old/v1", _list("vllm", max_model_len=32_768, root=None, parent=None), _flat),
    Personality("vllm-new", "/vllm-new/v1", _list("vllm", max_model_len=32_768, root=None, parent=None), _vllm_new),
    Personality("sglang", "/sglang/v1", _list("sglang", max_model_len=32_768), _flat),
    Personality("ollama", "/ollama/v1", _ollama_models),
    Personality("lmstudio", "/lmstudio/v1", _list("organization_owner")),
    Personality(
        "azure",
        "/azure/openai/deployments/x",
        _no_models,
        _azure,
        _openai_refusal,
        prelude=_AZURE_PRELUDE,
        query="api-version=",
    ),
    Personality("gemini", "/gemini/v1beta/openai", _gemini_models, _gemini),
    Personality("fireworks", "/fireworks/inference/v1", _list("fireworks", context_length=131_072), _fireworks),
)
BY_NAME = {personality.name: personality for personality in PERSONALITIES}


@functools.lru_cache(maxsize=256)
def personality_of(path: str) -> tuple[Personality, str] | None:
    """Whose ``path`` this is, and the endpoint below its base; ``None`` for nobody's."""
    for personality in PERSONALITIES:
        if path.startswith(f"{personality.base}/"):
            endpoint = path.removeprefix(personality.base)
            if personality.name == "deepseek":  # works with and without /v1
                endpoint = endpoint.removeprefix("/v1")
            return personality, endpoint
    return None

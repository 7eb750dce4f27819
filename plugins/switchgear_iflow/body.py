"""A chat body as iFlow wants it. Pure.

Source: the vendor's client 0.5 (``modules/app/api``), read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from switchgear import Failure, UpstreamError
from switchgear_iflow.history import with_results, without_reasoning
from switchgear_iflow.thinking import Wish, apply_thinking, wish_of

Json = dict[str, Any]

_DEFAULTS: tuple[tuple[str, Json], ...] = (
    (r"glm-4\.7|glm-5", {"temperature": 1, "top_p": 0.95}),
    (r"iflow-rome", {"temperature": 0.7, "top_p": 0.8, "top_k": 20}),
    (r"kimi-k2\.5", {"top_p": 0.95, "n": 1, "presence_penalty": 0, "frequency_penalty": 0}),
)
"""What the vendor's client sends for a model; here only where the client says nothing."""
_KEEPS_REASONING = re.compile(r"glm-(4\.|5)|minimax-m2")
_PICKY = re.compile(r"kimi-k2\.5")
"""While it thinks, no tool can be forced on it."""


def wire_model(
    model: str, body: Mapping[str, Any], wire_ids: Mapping[str, str], thinking_ids: Mapping[str, str]
) -> str:
    """The id that is sent for ``model``: as the operator's tables say, the one for thinking first."""
    wish = wish_of(body)
    if wish is not None and wish != "off" and model in thinking_ids:
        return thinking_ids[model]
    return wire_ids.get(model, model)


def chat_body(given: Mapping[str, Any], model: str, *, stream: bool, vision: Sequence[str]) -> bytes:
    """The body for ``model``.

    Args:
        given: the client's, in ``openai-chat``; it is left as it is.
        model: the id that is sent.
        stream: whether a stream is asked for.
        vision: wildcards over the ids that take images.

    Raises:
        UpstreamError: it shows an image to a model that takes none (``invalid_request``).
    """
    body = {**given, "model": model}
    folded = model.casefold()
    messages = body.get("messages")
    if isinstance(messages, list):
        if _has_image(messages) and not any(fnmatchcase(folded, pattern.casefold()) for pattern in vision):
            raise _no_images(model)
        messages = with_results(messages)
        body["messages"] = messages if _KEEPS_REASONING.match(folded) else without_reasoning(messages)
    wish = apply_thinking(body, model)
    _say_stream(body, stream)
    _say_limit(body)
    _say_tools(body, folded, wish)
    for pattern, defaults in _DEFAULTS:
        if re.match(pattern, folded):
            for name, value in defaults.items():
                body.setdefault(name, value)
    return msgspec.json.encode(body)


def _say_stream(body: Json, stream: bool) -> None:
    if stream:
        options = body.get("stream_options")
        body["stream"] = True
        body["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    else:
        body.pop("stream", None)
        body.pop("stream_options", None)


def _say_limit(body: Json) -> None:
    """Under both names: some models read only one of them, and none minds the other."""
    modern = body.pop("max_completion_tokens", None)
    limit = body.get("max_new_tokens") or body.get("max_tokens") or modern
    for name in ("max_new_tokens", "max_tokens"):
        body.pop(name, None)
        if limit is not None:
            body[name] = limit


def _say_tools(body: Json, model: str, wish: Wish | None) -> None:
    if not body.get("tools"):
        for name in ("tools", "tool_choice", "parallel_tool_calls"):
            body.pop(name, None)
    thinks = wish is not None and wish != "off"
    if thinks and _PICKY.match(model) and body.get("tool_choice") not in (None, "auto", "none"):
        body["tool_choice"] = "auto"


def _has_image(messages: Iterable[Any]) -> bool:
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list) and any(isinstance(p, dict) and p.get("type") == "image_url" for p in content):
            return True
    return False


def _no_images(model: str) -> UpstreamError:
    message = f"{model} takes no images; ask a vision model (see vision-models in the configuration)"
    error = {"error": {"message": message, "code": "unsupported_content", "param": "messages"}}
    return UpstreamError(Failure("status", 400, body=msgspec.json.encode(error), message=message, model=model))

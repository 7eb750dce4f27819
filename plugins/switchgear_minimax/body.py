"""What a request's body needs before MiniMax takes it as it is meant. Pure.

A field that is fine stays as it came, and a body without a wrong one passes byte for byte. Source: the vendor's
documentation, and refusals as public reports quote them, read 2026-10.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from switchgear import ForwardRequest
from switchgear_minimax.models import canonical, max_output_tokens

Fields = Mapping[str, Any]
LEAST_TEMPERATURE = 0.01
"""In Messages the documentation wants more than 0; in chat 0 is known to be taken."""
SYSTEM_ROLES = frozenset({"system", "developer"})


def fit(request: ForwardRequest) -> bytes:
    """The body to send for a request, in its dialect."""
    fields = request.json
    changed = {**_model(request.model), **_RULES[request.dialect](fields, request)}
    changed = {name: value for name, value in changed.items() if not _is_same(fields.get(name), value)}
    return msgspec.json.encode({**fields, **changed}) if changed else request.body


def splits_reasoning(fields: Fields) -> bool:
    """Whether a chat request leaves it to the gateway to tell reasoning from text: its client did not decline."""
    return bool(fields.get("reasoning_split", True))


def _is_same(given: Any, wanted: Any) -> bool:
    """Equal, and of one type: to Python 1 is true."""
    return type(given) is type(wanted) and bool(given == wanted)


def _model(model: str) -> Fields:
    return {"model": canonical(model)}


def _messages(fields: Fields, request: ForwardRequest) -> Fields:
    return _temperature(fields, LEAST_TEMPERATURE)


def _responses(fields: Fields, request: ForwardRequest) -> Fields:
    return _temperature(fields, 0.0)


def _chat(fields: Fields, request: ForwardRequest) -> Fields:
    changed = {
        **_temperature(fields, 0.0),
        **_limits(fields, request.model),
        # a number was seen to be refused
        "reasoning_split": splits_reasoning(fields),
    }
    if isinstance(fields.get("thinking"), bool):  # an object, or code 2013
        changed["thinking"] = {"type": "adaptive" if fields["thinking"] else "disabled"}
    if request.stream:  # else a stream may say nothing of its usage
        options = fields.get("stream_options")
        changed["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    if isinstance(messages := fields.get("messages"), list):
        changed["messages"] = [_with_valid_calls(message) for message in _one_system(messages)]
    return changed


_RULES: dict[str, Callable[[Fields, ForwardRequest], Fields]] = {
    "anthropic-messages": _messages,
    "openai-chat": _chat,
    "openai-responses": _responses,
}


def _temperature(fields: Fields, least: float) -> dict[str, Any]:
    given = fields.get("temperature")
    if not isinstance(given, int | float) or isinstance(given, bool):
        return {}
    return {"temperature": min(max(given, least), 1)}


def _limits(fields: Fields, model: str) -> dict[str, Any]:
    """No more tokens than the model can make."""
    most = max_output_tokens(model)
    limits = {name: fields.get(name) for name in ("max_tokens", "max_completion_tokens")}
    return {name: min(limit, most) for name, limit in limits.items() if most is not None and type(limit) is int}


def _one_system(messages: list[Any]) -> list[Any]:
    """One leading ``system`` message, made of all ``system`` and ``developer`` ones: any other is refused."""
    systems = [message for message in messages if _role(message) in SYSTEM_ROLES]
    if not systems or (len(systems) == 1 and messages[0] is systems[0] and _role(systems[0]) == "system"):
        return messages
    contents = [message.get("content") for message in systems]
    content: Any = "\n\n".join(contents) if all(isinstance(c, str) for c in contents) else _parts(contents)
    rest = [message for message in messages if _role(message) not in SYSTEM_ROLES]
    return [{**systems[0], "role": "system", "content": content}, *rest]


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, dict) else None


def _parts(contents: list[Any]) -> list[Any]:
    listed = (
        [{"type": "text", "text": content}] if isinstance(content, str) else content or [] for content in contents
    )
    return [part for parts in listed for part in parts]


def _with_valid_calls(message: Any) -> Any:
    """Calls of earlier turns whose arguments are no JSON (cut off, or empty) fail the whole request: code 2013."""
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    if not isinstance(calls, list) or all(_is_valid(call) for call in calls):
        return message
    return {**message, "tool_calls": [call if _is_valid(call) else _mended(call) for call in calls]}


def _is_valid(call: Any) -> bool:
    function = call.get("function") if isinstance(call, dict) else None
    arguments = function.get("arguments") if isinstance(function, dict) else None
    if not isinstance(arguments, str):
        return True  # not what is mended here
    try:
        json.loads(arguments)
    except (ValueError, RecursionError):
        return False
    return True


def _mended(call: dict[str, Any]) -> dict[str, Any]:
    given = call["function"]["arguments"]
    mended = json.dumps({"arguments": given}) if given.strip() else "{}"
    return {**call, "function": {**call["function"], "arguments": mended}}

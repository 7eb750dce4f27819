"""Pure: what of a chat request the proxy reads otherwise than the client wrote it."""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear_roo.reasoning import Thinking, choice_of, field_for, merged

CHAT_PATH = "/chat/completions"
MODELS_PATH = "/models"
TASK_HEADER = "x-roo-task-id"
"""The client's conversation; passed on where it says one."""

_MESSAGES = (b'"developer"', b'"reasoning_details"')

Fields = dict[str, msgspec.Raw]


def chat_body(body: bytes, thinking: Thinking) -> bytes:
    """The body as the proxy wants it; one that needs no change is given back as it is.

    The effort is said by ``reasoning``, the limit by ``max_tokens``, instructions by ``system``; the details of
    earlier thoughts are whole. Fields it may not know are left to it.
    """
    fields = msgspec.json.decode(body, type=Fields)
    before = dict(fields)
    _set(fields, "reasoning", field_for(thinking, choice_of(*(_value(fields, name) for name in _CHOICE))))
    fields.pop("reasoning_effort", None)
    limit = fields.pop("max_completion_tokens", None)
    if limit is not None and bytes(fields.get("max_tokens", b"null")) == b"null":
        fields["max_tokens"] = limit
    if any(sign in body for sign in _MESSAGES):
        messages = _value(fields, "messages")
        if isinstance(messages, list):
            _set(fields, "messages", [_message(message) for message in messages])
    return body if fields == before else msgspec.json.encode(fields)


_CHOICE = ("reasoning", "reasoning_effort")


def _message(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    if message.get("role") == "developer":
        return {**message, "role": "system"}
    details = message.get("reasoning_details")
    return {**message, "reasoning_details": merged(details)} if isinstance(details, list) else message


def _value(fields: Fields, name: str) -> Any:
    raw = fields.get(name)
    return None if raw is None else msgspec.json.decode(raw)


def _set(fields: Fields, name: str, value: object) -> None:
    if value is None:
        fields.pop(name, None)
    else:
        fields[name] = msgspec.Raw(msgspec.json.encode(value))

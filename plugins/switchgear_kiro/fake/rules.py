"""Which chat bodies the service refuses. It was seen to be laxer at times (2026-09); the fake is always strict.

What is the fake's own choice: a member that no model knows is refused wherever it stands, and so is ``agentMode`` where
the header is what counts.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from switchgear_kiro.fake.checking import Refused, as_list, as_object, need
from switchgear_kiro.fake.refusals import (
    BAD_CONVERSATION,
    BAD_MODEL,
    BAD_SIGNATURE,
    BODY_INVALID,
    IMPROPER,
    NOT_JSON,
    TOO_LONG,
    Refusal,
    invalid,
)
from switchgear_kiro.fake.tool_rules import TOOL_NAME, TOOL_USE_ID, check_fields, check_pairs, check_tools

Json = dict[str, Any]

TOP = frozenset({"conversationState", "profileArn", "additionalModelRequestFields"})
STATE = frozenset(
    {
        "conversationId",
        "rootConversationId",
        "workspaceId",
        "customizationArn",
        "agentContinuationId",
        "agentTaskType",
        "chatTriggerType",
        "history",
        "currentMessage",
    }
)
USER = frozenset({"content", "modelId", "origin", "images", "userInputMessageContext"})
CONTEXT = frozenset({"tools", "toolResults", "envState"})
ASSISTANT = frozenset({"content", "toolUses", "messageId", "reasoningContent"})
ORIGINS = frozenset({"AI_EDITOR", "KIRO_CLI", "CLI"})
FORMATS = frozenset({"png", "jpeg", "gif", "webp"})

MODEL_ID = re.compile(r"[a-zA-Z0-9_:.-]+")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

MOST_IMAGES, MOST_TURNS = 10, 10_000
LONGEST_CONTENT = 10_000_000
CHARS_PER_TOKEN = 4

IMAGES = invalid("Too many images.", "IMAGE_COUNT_EXCEEDED")
IMAGE_FORMAT = invalid("Unsupported image.", "IMAGE_FORMAT_UNSUPPORTED")


def read_body(
    raw: bytes,
    models: Mapping[str, Json],
    signatures: Collection[str],
    *,
    takes_agent_mode: bool,
) -> Json | Refusal:
    """The body, or why it is refused.

    Args:
        raw: as it came.
        models: what the account may use, as listed.
        signatures: the reasoning signatures that were given out.
        takes_agent_mode: whether ``agentMode`` is a member of the body here.
    """
    try:
        body = json.loads(raw.decode())
        json.dumps(body, ensure_ascii=False).encode()  # a lone surrogate, written as an escape, ends here
    except ValueError:
        return NOT_JSON
    try:
        _check(body, models, signatures, takes_agent_mode=takes_agent_mode)
    except Refused as refused:
        return refused.refusal
    return dict(body)


def _check(body: Any, models: Mapping[str, Json], signatures: Collection[str], *, takes_agent_mode: bool) -> None:
    body = as_object(body, {*TOP, "agentMode"} if takes_agent_mode else TOP, BODY_INVALID)
    need("agentMode" not in body or body["agentMode"] in {"vibe", "spec"}, BODY_INVALID)
    state = as_object(body.get("conversationState"), STATE)
    id_ = state.get("conversationId", "x")
    need(isinstance(id_, str) and 1 <= len(id_) <= 128, BAD_CONVERSATION)
    need(UUID.fullmatch(state.get("agentContinuationId", "0" * 8 + "-0000" * 3 + "-" + "0" * 12)))
    need(state.get("agentTaskType", "vibe") in {"vibe", "spectask"})
    need(state.get("chatTriggerType") in {"MANUAL", "DIAGNOSTIC", "INLINE_CHAT"})
    history = as_list(state, "history")
    need(len(history) <= MOST_TURNS)
    current = as_object(state.get("currentMessage"), {"userInputMessage"}).get("userInputMessage", {})
    users, assistants = _turns(history)
    for message in (*users, current):
        _user(message, models, is_current=message is current)
    for message in assistants:
        _assistant(message, signatures)
    check_pairs([*users, current], assistants)
    tools = as_list(current.get("userInputMessageContext", {}), "tools")
    check_tools(tools, [*users, current], assistants)
    model = models.get(current.get("modelId", "auto"))
    need(model is not None, BAD_MODEL)
    check_fields(body, model or {})
    limit = (model or {}).get("tokenLimits", {}).get("maxInputTokens") or 200_000
    need(len(json.dumps(state)) <= limit * CHARS_PER_TOKEN, TOO_LONG)


def _turns(history: list[Any]) -> tuple[list[Any], list[Any]]:
    """The turns of the user and those of the assistant, which alternate, the user's first."""
    need(len(history) % 2 == 0)
    users: list[Any] = []
    assistants: list[Any] = []
    for place, turn in enumerate(history):
        role = "assistantResponseMessage" if place % 2 else "userInputMessage"
        need(isinstance(turn, dict) and set(turn) == {role})
        (assistants if place % 2 else users).append(turn[role])
    return users, assistants


def _user(message: Any, models: Mapping[str, Json], *, is_current: bool) -> None:
    message = as_object(message, USER)
    _content(message)
    if "modelId" in message:
        need(isinstance(message["modelId"], str) and MODEL_ID.fullmatch(message["modelId"]), BAD_MODEL)
        need(message["modelId"] in models, BAD_MODEL)
    need(message.get("origin") in ORIGINS)
    images = as_list(message, "images")
    need(len(images) <= MOST_IMAGES, IMAGES)
    for image in images:
        image = as_object(image, {"format", "source"})
        need(image.get("format") in FORMATS, IMAGE_FORMAT)
        _base64(as_object(image.get("source"), {"bytes"}).get("bytes"))
    if "userInputMessageContext" not in message:
        return
    context = as_object(message["userInputMessageContext"], CONTEXT)
    need(context)
    need(is_current or "tools" not in context)
    for result in as_list(context, "toolResults"):
        _result(result)


def _result(result: Any) -> None:
    result = as_object(result, {"toolUseId", "content", "status"})
    need(isinstance(result.get("toolUseId"), str) and TOOL_USE_ID.fullmatch(result["toolUseId"]))
    need(result.get("status", "success") in {"success", "error"})
    need("content" in result)
    for part in as_list(result, "content"):
        part = as_object(part, {"text", "json"})
        need(len(part) == 1)
        need(isinstance(part.get("text", ""), str) and isinstance(part.get("json", {}), dict))


def _assistant(message: Any, signatures: Collection[str]) -> None:
    message = as_object(message, ASSISTANT)
    _content(message)
    for use in as_list(message, "toolUses"):
        use = as_object(use, {"toolUseId", "name", "input"})
        need(isinstance(use.get("toolUseId"), str) and TOOL_USE_ID.fullmatch(use["toolUseId"]))
        need(isinstance(use.get("name"), str) and TOOL_NAME.fullmatch(use["name"]))
        need(isinstance(use.get("input"), dict))
    if "reasoningContent" not in message:
        return
    reasoning = as_object(message["reasoningContent"], {"reasoningText", "redactedContent"})
    need(len(reasoning) == 1)
    if "redactedContent" in reasoning:
        _base64(reasoning["redactedContent"])
        need(reasoning["redactedContent"] in signatures, BAD_SIGNATURE)
        return
    shown = as_object(reasoning["reasoningText"], {"text", "signature"})
    need(isinstance(shown.get("text"), str))
    need(shown.get("signature") in signatures, BAD_SIGNATURE)


def _content(message: Json) -> None:
    content = message.get("content")
    need(isinstance(content, str) and 0 < len(content) <= LONGEST_CONTENT)


def _base64(value: object) -> None:
    try:
        need(isinstance(value, str) and base64.b64decode(value, validate=True))
    except binascii.Error:
        raise Refused(IMPROPER) from None

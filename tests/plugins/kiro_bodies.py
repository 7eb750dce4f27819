"""Bodies that the plugin makes for kiro, and the short way to write a conversation."""

from __future__ import annotations

import json
from typing import Any

from switchgear import Conversation, Image, Message, Text, Tool, ToolCall, ToolResult
from switchgear_kiro.conversation_state import ChatBody, chat_body
from tests.core.conversations import PIXEL
from tests.plugins.kiro_rules import violations

Json = dict[str, Any]
ID = "6f0f3c1e-0000-4000-8000-000000000001"
ARN = "arn:aws:codewhisperer:us-east-1:111122223333:profile/ABCDEFGHIJKL"
IMAGE = Image("image/png", PIXEL)
READ = Tool("read_file", "Read a file", {"type": "object", "properties": {"path": {"type": "string"}}})


def made(conversation: Conversation, **how: Any) -> ChatBody:
    """The body of a conversation, which breaks no rule."""
    given: Json = {
        "model": "claude-sonnet-4.5",
        "origin": "AI_EDITOR",
        "profile_arn": ARN,
        "agent_mode": None,
        "conversation_id": ID,
        "thinking_schema": None,
        "thinking_tags": False,
        **how,
    }
    body = chat_body(conversation, **given)
    assert violations(body.body) == []
    return body


def state(*messages: Message, **fields: Any) -> Json:
    """The ``conversationState`` of these messages."""
    found: Json = json.loads(made(Conversation(messages, **fields)).body)["conversationState"]
    return found


def turns(*messages: Message, **fields: Any) -> list[Any]:
    """The turns in short: a user's text, or ``[text, results]``; and an assistant's likewise, with calls."""
    found = state(*messages, **fields)
    return [_short(entry) for entry in [*found.get("history", []), found["currentMessage"]]]


def _short(entry: Json) -> Any:
    ((_, message),) = entry.items()
    results = message.get("userInputMessageContext", {}).get("toolResults", [])
    said = [(one["toolUseId"], one["status"], *(b["text"] for b in one["content"])) for one in results]
    called = [(one["toolUseId"], one["name"], one["input"]) for one in message.get("toolUses", [])]
    return [message["content"], *said, *called] if said or called else message["content"]


def user(*parts: Any) -> Message:
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: Any) -> Message:
    return Message("assistant", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def system(text: str) -> Message:
    return Message("system", (Text(text),))


def result(call_id: str, *parts: Any, is_error: bool = False) -> Message:
    inner = tuple(Text(part) if isinstance(part, str) else part for part in parts)
    return Message("tool", (ToolResult(call_id, inner, is_error),))


def call(call_id: str, name: str = "read_file", arguments: str = "{}") -> ToolCall:
    return ToolCall(call_id, name, arguments)


ASKED, CALLED = user("ask"), assistant(call("c1"))

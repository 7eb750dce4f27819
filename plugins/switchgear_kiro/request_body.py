"""The body of a chat request, typed. Members that hold nothing are left out.

Source: the service models AWS generated its clients from (aws/amazon-q-developer-cli), read 2026-11.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Member(msgspec.Struct, omit_defaults=True, rename="camel"):
    """One JSON object of the body."""


class TextBlock(Member):
    """A text in a tool's result."""

    text: str


class ToolResultBlock(Member):
    """What the call ``tool_use_id`` gave; ``status`` is ``success`` or ``error``."""

    tool_use_id: str
    status: str
    content: list[TextBlock]


class ToolUse(Member):
    """A call the assistant made; ``input`` is a JSON object."""

    tool_use_id: str
    name: str
    input: msgspec.Raw


class InputSchema(Member):
    """A JSON schema, whose top is an object's."""

    json: dict[str, Any]


class ToolSpecification(Member):
    """A function the model may call."""

    name: str
    description: str
    input_schema: InputSchema


class ToolBlock(Member):
    """The union a tool stands in; it has this one member."""

    tool_specification: ToolSpecification


class ImageSource(Member):
    """Base64, without a data URL's head."""

    bytes: str


class ImageBlock(Member):
    """An image; ``format`` is ``png``, ``jpeg``, ``gif`` or ``webp``."""

    format: str
    source: ImageSource


class InputContext(Member):
    """What comes with a user's turn; ``tools`` only with the current one."""

    tool_results: list[ToolResultBlock] = []
    tools: list[ToolBlock] = []


class UserInput(Member):
    """A user's turn."""

    content: str
    model_id: str
    origin: str
    images: list[ImageBlock] = []
    user_input_message_context: InputContext | None = None


class ReasoningText(Member):
    """Reasoning that may be read, with its proof."""

    text: str
    signature: str


class ReasoningContent(Member):
    """One of the two."""

    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class AssistantResponse(Member):
    """An assistant's turn."""

    content: str
    tool_uses: list[ToolUse] = []
    reasoning_content: ReasoningContent | None = None


class Entry(Member):
    """One entry of the history, or the current message: one of the two."""

    user_input_message: UserInput | None = None
    assistant_response_message: AssistantResponse | None = None


class ConversationState(Member):
    """The conversation: turns in strict alternation, a user's first; the last of them is ``current_message``."""

    conversation_id: str
    agent_continuation_id: str
    agent_task_type: str
    chat_trigger_type: str
    current_message: Entry
    history: list[Entry] = []


class Body(Member):
    """The whole of it."""

    conversation_state: ConversationState
    profile_arn: str = ""
    agent_mode: str = ""
    additional_model_request_fields: dict[str, Any] = {}

"""A conversation as the prompt messages of the service, in JSON. Pure.

The forms are those that several clients of the wire use alike (senpi, jc01rho, opencodex, magpie), read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from switchgear import Conversation, File, Image, Message, ResponseFormat, Text, ToolCall, ToolResult
from switchgear_cursor.call_ids import for_service
from switchgear_cursor.folding import folded
from switchgear_cursor.images import MAX_IMAGES, file_text, image_bytes, image_part, unsupported
from switchgear_cursor.tools import ToolBox

Json = dict[str, Any]

NO_RESULT = "The tool was not run."
"""What a call gave that the client sent no result for: the service wants one for each."""
GO_ON = "Continue."
"""What is said where the conversation ends with the model's own turn."""
SEE_IMAGES = "See the attached images."


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation as it is sent.

    Attributes:
        before: the messages before the one to answer, the system's first.
        text: the user's message to answer; ``None`` where tool results are to be answered, which are in ``before``.
        images: those of the user's message.
    """

    before: list[Json]
    text: str | None
    images: tuple[Image, ...] = ()


def prompt_of(conversation: Conversation, tools: ToolBox) -> Prompt:
    """The conversation as it is sent.

    Raises:
        UpstreamError: it holds what the service cannot be sent (``invalid_request``).
    """
    messages = [message for message in conversation.messages if message.role not in {"system", "developer"}]
    if sum(isinstance(part, Image) for message in messages for part in _flat(message)) > MAX_IMAGES:
        raise unsupported(f"this service takes no more than {MAX_IMAGES} images in a conversation")
    system = _system(conversation)
    before: list[Json] = [{"role": "system", "content": system}] if system else []
    last = messages[-1] if messages else None
    if last is not None and last.role == "user":
        before += folded(_history(messages[:-1], tools))
        images = tuple(part for part in last.parts if isinstance(part, Image))
        for image in images:
            image_bytes(image)
        text = "\n\n".join(_texts(last.parts))
        return Prompt(before, text if text.strip() else SEE_IMAGES if images else GO_ON, images)
    before += folded(_history(messages, tools))
    return Prompt(before, None if last is not None and last.role == "tool" else GO_ON)


def _system(conversation: Conversation) -> str:
    texts = [
        text
        for message in conversation.messages
        if message.role in {"system", "developer"}
        for text in _texts(message.parts)
    ]
    if conversation.response_format is not None:
        texts.append(_json_wish(conversation.response_format))
    return "\n\n".join(texts)


def _json_wish(wish: ResponseFormat) -> str:
    words = "Answer with one JSON object and nothing else: no other words, no code fence."
    if not wish.schema:
        return words
    return f"{words} It has to be valid by this JSON schema:\n{msgspec.json.encode(wish.schema).decode()}"


def _history(messages: Sequence[Message], tools: ToolBox) -> list[Json]:
    """The messages, each call with exactly one result behind it, in the order of the calls."""
    history: list[Json] = []
    at = 0
    while at < len(messages):
        if messages[at].role == "user":
            history += _user(messages[at].parts)
            at += 1
            continue
        end = at
        while end < len(messages) and messages[end].role == "assistant":
            end += 1
        said = [part for message in messages[at:end] for part in message.parts]
        at = end
        while end < len(messages) and messages[end].role == "tool":
            end += 1
        results = [part for message in messages[at:end] for part in message.parts if isinstance(part, ToolResult)]
        at = end
        history += _turn(said, {result.call_id: result for result in results}, tools)
    return history


def _turn(said: Sequence[object], results: dict[str, ToolResult], tools: ToolBox) -> list[Json]:
    """What the model said, and what its calls gave; images among that follow as a user's message."""
    text = "".join(part.text for part in said if isinstance(part, Text))
    calls = list({part.id: part for part in said if isinstance(part, ToolCall)}.values())
    content: list[Json] = [{"type": "text", "text": text}] if text else []
    content += [
        {
            "type": "tool-call",
            "toolCallId": for_service(call.id),
            "toolName": tools.wire_name(call.name),
            "args": _arguments(call),
        }
        for call in calls
    ]
    turn: list[Json] = [{"role": "assistant", "content": content}] if content else []
    if calls:
        turn.append({"role": "tool", "content": [_result(call, results.get(call.id), tools) for call in calls]})
    shown = [(call, part) for call in calls if call.id in results for part in results[call.id].parts]
    images = [
        piece
        for call, part in shown
        if isinstance(part, Image)
        for piece in ({"type": "text", "text": f"An image that {call.name} gave:"}, image_part(part))
    ]
    return [*turn, {"role": "user", "content": images}] if images else turn


def _arguments(call: ToolCall) -> Any:
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except msgspec.DecodeError:
        arguments = None
    return arguments if isinstance(arguments, dict) else {"arguments": call.arguments}


def _result(call: ToolCall, result: ToolResult | None, tools: ToolBox) -> Json:
    is_error = result is None or result.is_error
    return {
        "type": "tool-result",
        "toolCallId": for_service(call.id),
        "toolName": tools.wire_name(call.name),
        "result": NO_RESULT if result is None else "\n\n".join(_texts(result.parts)),
        **({"isError": True} if is_error else {}),
    }


def _user(parts: Iterable[object]) -> list[Json]:
    content: list[Json] = []
    for part in parts:
        if isinstance(part, Image):
            content.append(image_part(part))
        elif texts := _texts((part,)):
            content.append({"type": "text", "text": texts[0]})
    return [{"role": "user", "content": content}] if content else []


def _texts(parts: Iterable[object]) -> list[str]:
    texts = (
        part.text if isinstance(part, Text) else file_text(part) if isinstance(part, File) else "" for part in parts
    )
    return [text for text in texts if text]


def _flat(message: Message) -> Iterable[object]:
    for part in message.parts:
        yield from part.parts if isinstance(part, ToolResult) else (part,)

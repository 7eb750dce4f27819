"""The ``input`` of a Responses request as messages."""

from __future__ import annotations

from typing import Any

from switchgear.conversation import File, Image, Message, Part, Role, ToolResult
from switchgear.dialects.data_url import image_of, split_data_url
from switchgear.dialects.fields import Fields, refuse
from switchgear.dialects.openai_responses.tools import Own, ToolNames, custom_arguments
from switchgear.events import Reasoning, Text, ToolCall

_ROLES: dict[str, Role] = {"system": "system", "developer": "developer", "user": "user", "assistant": "assistant"}


def parse_items(request: Fields, names: ToolNames) -> tuple[Message, ...]:
    """The messages: what an assistant did in a row is one turn, and so are the results of its calls.

    Raises:
        Refusal: 400; it is malformed, or holds what can be neither converted nor left out.
    """
    given: Any = request.take("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise refuse("input", "must be a text or a list of items")
    messages: list[Message] = []
    for position, raw in enumerate(given):
        item = Fields(raw, f"input.{position}", request.dropped)
        for name in ("id", "status", "phase"):
            item.take(name)
        role, parts = _item(item, names)
        item.close()
        if not parts:
            continue
        if messages and messages[-1].role == role and role in {"assistant", "tool"}:
            messages[-1] = Message(role, (*messages[-1].parts, *parts))
        else:
            messages.append(Message(role, tuple(parts)))
    return tuple(messages)


def _item(item: Fields, names: ToolNames) -> tuple[Role, list[Part]]:
    kind = item.text("type") or "message"
    match kind:
        case "message":
            role = _ROLES.get(item.needed("role"))
            if role is None:
                raise refuse(item.at("role"), "must be system, developer, user or assistant")
            return role, list(_content(item.take("content"), item.at("content"), item, role))
        case "function_call":
            own = Own(item.needed("name"), item.text("namespace") or "")
            return "assistant", [ToolCall(item.needed("call_id"), names.flat(own), item.text("arguments") or "{}")]
        case "custom_tool_call":
            own = Own(item.needed("name"), item.text("namespace") or "", "custom")
            arguments = custom_arguments(item.text("input") or "")
            return "assistant", [ToolCall(item.needed("call_id"), names.flat(own), arguments)]
        case "function_call_output" | "custom_tool_call_output":
            parts = _content(item.take("output"), item.at("output"), item, "user")
            for name in ("name", "namespace"):
                item.take(name)
            return "tool", [ToolResult(item.needed("call_id"), tuple(parts))]
        case "reasoning":
            return "assistant", list(_reasoning(item))
        case "item_reference":
            raise refuse(item.at("type"), "refers to an item kept elsewhere; send the item", "unsupported_content")
        case "compaction" | "compaction_summary":
            raise refuse(
                item.at("type"),
                "holds a conversation sealed by an upstream of this dialect; send it open",
                "unsupported_content",
            )
        case _:
            item.dropped.add(f"input.{kind}")
            item.forget()
            return "assistant", []


def _content(value: Any, path: str, item: Fields, role: Role) -> list[Text | Image | File]:
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(value)] if value else []
    if not isinstance(value, list):
        raise refuse(path, "must be a text or a list of content parts")
    parts: list[Text | Image | File] = []
    for position, raw in enumerate(value):
        piece = Fields(
            {"type": "input_text", "text": raw} if isinstance(raw, str) else raw, f"{path}.{position}", item.dropped
        )
        kind = piece.text("type") or "input_text"
        if kind in {"input_image", "input_file"} and role != "user":
            raise refuse(
                piece.at("type"), f"says {kind!r}, which only a user's message may hold", "unsupported_content"
            )
        parts += _piece(piece, kind)
        piece.close()
    return parts


def _piece(piece: Fields, kind: str) -> list[Text | Image | File]:
    match kind:
        case "input_text" | "output_text" | "text":
            text = piece.text("text")
            for name in ("annotations", "logprobs"):
                piece.take(name)
            return [Text(text)] if text else []
        case "refusal":
            text = piece.text("refusal")
            return [Text(text, refusal=True)] if text else []
        case "input_image":
            url, detail = piece.text("image_url"), piece.text("detail")
            if not url:
                raise refuse(
                    piece.at("image_url"),
                    "must hold the image; one kept elsewhere cannot be sent on",
                    "unsupported_content",
                )
            return [image_of(url, detail)]
        case "input_file":
            return [_file(piece)]
        case _:
            raise refuse(piece.at("type"), f"says {kind[:64]!r}, which cannot be converted here", "unsupported_content")


def _file(piece: Fields) -> File:
    name, data, url = piece.text("filename") or "", piece.text("file_data"), piece.text("file_url")
    if data:
        media_type, encoded = split_data_url(data) or ("application/pdf" if name.endswith(".pdf") else "", data)
        return File(name, media_type, encoded)
    if url:
        return File(name, url=url)
    raise refuse(
        piece.path, "must hold file_data or file_url; a file kept elsewhere cannot be sent on", "unsupported_content"
    )


def _reasoning(item: Fields) -> list[Reasoning]:
    signature = item.text("encrypted_content") or ""
    shown = reasoning_text(item.take("summary")), reasoning_text(item.take("content"))
    text = shown[0] or shown[1]
    if not text and not signature:
        return []
    return [Reasoning(text, signature, redacted=not text)]


def reasoning_text(pieces: object) -> str:
    """The text of a reasoning item's ``summary`` or ``content``, its pieces set apart by a blank line."""
    if not isinstance(pieces, list):
        return ""
    texts = [piece.get("text") for piece in pieces if isinstance(piece, dict)]
    return "\n\n".join(text for text in texts if isinstance(text, str) and text)

"""The content of a chat message as parts: a string, or a list of typed pieces; and the reasoning beside it."""

from __future__ import annotations

from typing import Any

from switchgear.conversation import File, Image, Role
from switchgear.dialects.data_url import image_of, split_data_url
from switchgear.dialects.fields import Fields, refuse
from switchgear.events import Reasoning, Text

_MEDIA = frozenset({"image_url", "file"})


def parse_content(message: Fields, role: Role) -> list[Text | Image | File | Reasoning]:
    """The ``content`` of a message; only a user's may hold images and files.

    Raises:
        Refusal: 400; it is malformed, or holds what can be neither converted nor left out.
    """
    content: Any = message.take("content")
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)] if content else []
    if not isinstance(content, list):
        raise refuse(message.at("content"), "must be a string or a list of content parts")
    parts: list[Text | Image | File | Reasoning] = []
    for position, raw in enumerate(content):
        path = f"{message.at('content')}.{position}"
        piece = Fields({"type": "text", "text": raw} if isinstance(raw, str) else raw, path, message.dropped)
        kind = piece.text("type") or "text"
        if kind in _MEDIA and role != "user":
            raise refuse(
                piece.at("type"), f"says {kind!r}, which only a user's message may hold", "unsupported_content"
            )
        parts += _piece(piece, kind)
        piece.close()
    return parts


def _piece(piece: Fields, kind: str) -> list[Text | Image | File | Reasoning]:
    match kind:
        case "text" | "input_text" | "output_text":
            text = piece.text("text")
            return [Text(text)] if text else []
        case "refusal":
            text = piece.text("refusal")
            return [Text(text, refusal=True)] if text else []
        case "image_url":
            return [_image(piece)]
        case "file":
            return [_file(piece)]
        case "thinking":
            text = thinking_text(piece.take("thinking"))
            return [Reasoning(text)] if text else []
        case _:
            raise refuse(piece.at("type"), f"says {kind[:64]!r}, which cannot be converted here", "unsupported_content")


def _image(piece: Fields) -> Image:
    given = piece.take("image_url")
    if isinstance(given, str):
        return image_of(given, None)
    inner = Fields(given, piece.at("image_url"), piece.dropped)
    image = image_of(inner.needed("url"), inner.text("detail"))
    inner.close()
    return image


def _file(piece: Fields) -> File:
    inner = Fields(piece.take("file"), piece.at("file"), piece.dropped)
    name, data, file_id = inner.text("filename") or "", inner.text("file_data"), inner.text("file_id")
    if not data:
        said = "names a file kept elsewhere, which cannot be sent on" if file_id else "must hold file_data"
        raise refuse(inner.at("file_id" if file_id else "file_data"), said, "unsupported_content")
    media_type, encoded = split_data_url(data) or ("application/pdf" if name.endswith(".pdf") else "", data)
    return File(name, media_type, encoded)


def parse_reasoning(message: Fields) -> list[Reasoning]:
    """The reasoning of an assistant's earlier turn, from whichever field has it: details, else one of the texts."""
    details, texts = (
        message.take("reasoning_details"),
        [message.take(name) for name in ("reasoning_content", "reasoning")],
    )
    found = [piece for detail in details for piece in detail_reasoning(detail)] if isinstance(details, list) else []
    if found:
        return merged(found)
    said = [text for text in texts if isinstance(text, str) and text]
    return [Reasoning(said[0])] if said else []


def detail_reasoning(detail: Any) -> list[Reasoning]:
    """One entry of ``reasoning_details``; empty for one that says nothing. Source: OpenRouter's pages, read 2026-11."""
    match detail:
        case {"type": "reasoning.encrypted", "data": str(data)} if data:
            return [Reasoning("", data, redacted=True)]
        case {"type": "reasoning.summary", "summary": str(text)} if text:
            return [Reasoning(text)]
        case {"type": "reasoning.text"}:
            text, signature = detail.get("text"), detail.get("signature")
            piece = Reasoning(text if isinstance(text, str) else "", signature if isinstance(signature, str) else "")
            return [piece] if piece.text or piece.signature else []
        case _:
            return []


def merged(pieces: list[Reasoning]) -> list[Reasoning]:
    """Details as a client keeps them: one each, or in the pieces in which they were streamed, the signature last."""
    whole: list[Reasoning] = []
    for piece in pieces:
        last = whole[-1] if whole else None
        goes_on = not piece.redacted and not (piece.text and piece.signature)
        if last is None or last.signature or not goes_on:
            whole.append(piece)
        else:
            whole[-1] = Reasoning(last.text + piece.text, piece.signature)
    return whole


def thinking_text(given: object) -> str:
    """Mistral's ``thinking``: a text, or a list of text pieces."""
    if isinstance(given, list):
        return "".join(str(piece.get("text") or "") for piece in given if isinstance(piece, dict))
    return given if isinstance(given, str) else ""

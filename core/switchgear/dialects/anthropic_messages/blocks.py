"""The content blocks of a client's request as parts of a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from switchgear.conversation import CachePoint, CacheTtl, File, Image, Part, ToolResult
from switchgear.dialects.fields import Dropped, Fields, refuse
from switchgear.errors import Refusal
from switchgear.events import Reasoning, Text, ToolCall

ResultPart = Text | Image | File | CachePoint

_SERVER_SIDE = frozenset(
    {
        "server_tool_use",
        "mcp_tool_use",
        "mcp_tool_listing",
        "tool_addition",
        "tool_removal",
        "fallback",
        "browser_state",
    }
)
"""Blocks of what ran at, or steers, Anthropic's own servers; also all whose type ends in ``_tool_result``."""


def parse_blocks(value: object, path: str, dropped: Dropped, readers: dict[str, _Reader]) -> list[Part]:
    """A message's ``content``: a string or a list of blocks, of which ``readers`` knows those that may stand there.

    Raises:
        Refusal: 400; it is malformed, or holds what can be neither kept nor left out.
    """
    if isinstance(value, str):
        return [Text(value)] if value else []
    if not isinstance(value, list):
        raise refuse(path, "must be a string or a list of content blocks")
    parts: list[Part] = []
    for position, raw in enumerate(value):
        block = Fields(raw, f"{path}.{position}", dropped)
        kind = block.needed("type")
        reader = readers.get(kind)
        if reader is None:
            if kind in _SERVER_SIDE or kind.endswith("_tool_result"):
                dropped.add(f"{path}.{kind}")
                continue
            raise _unsupported(block.at("type"), f"says {kind!r}, a content block that cannot be converted here")
        cache = take_cache(block) if kind not in _UNCACHED else None
        parts.extend(reader(block))
        if cache is not None:
            parts.append(CachePoint(cache))
        block.close()
    return parts


def take_cache(fields: Fields) -> CacheTtl | None:
    """The ``cache_control`` of a block, a tool or the whole request; ``None`` for none."""
    control = fields.inner("cache_control")
    if control is None:
        return None
    control.take("type")  # "ephemeral", the only one
    ttl = control.text("ttl")
    control.close()
    if ttl is None or ttl == "5m":
        return "5m"
    if ttl == "1h":
        return "1h"
    fields.dropped.add(control.at("ttl"))
    return "5m"


def _unsupported(path: str, complaint: str) -> Refusal:
    return refuse(path, complaint, "unsupported_content")


def _text(block: Fields) -> list[Part]:
    text = block.text("text")
    if text is None:
        raise refuse(block.at("text"), "must be a string")
    return [Text(text)] if text else []


def _image(block: Fields) -> list[Part]:
    source = _source(block)
    match source.needed("type"):
        case "base64":
            image = Image(source.needed("media_type"), source.needed("data"))
        case "url":
            image = Image(url=source.needed("url"))
        case _:
            raise _unsupported(source.at("type"), "must be 'base64' or 'url': a file kept elsewhere cannot be sent on")
    source.close()
    return [image]


def _document(block: Fields) -> list[Part]:
    source = _source(block)
    name = block.text("title") or ""
    context = block.text("context")
    about: list[Part] = [Text(context)] if context else []
    match source.needed("type"):
        case "base64":
            file = File(name, source.needed("media_type"), source.needed("data"))
        case "url":
            file = File(name, url=source.needed("url"))
        case "text":
            file = File(name, source.text("media_type") or "text/plain", text=source.needed("data"))
        case "content":
            content = parse_blocks(source.take("content"), source.at("content"), block.dropped, _SHOWN)
            texts = [part.text for part in content if isinstance(part, Text)]
            if len(texts) < len([part for part in content if not isinstance(part, CachePoint)]):
                return [*about, *content]
            return [*about, File(name, "text/plain", text="\n\n".join(texts))] if texts else about
        case _:
            raise _unsupported(
                source.at("type"),
                "must be 'base64', 'url', 'text' or 'content': a file kept elsewhere cannot be sent on",
            )
    source.close()
    return [*about, file]


def _source(block: Fields) -> Fields:
    return Fields(block.take("source"), block.at("source"), block.dropped)


def _search_result(block: Fields) -> list[Part]:
    head = [block.text("title"), block.text("source")]
    content = parse_blocks(block.take("content"), block.at("content"), block.dropped, {"text": _text})
    texts = [part.text for part in content if isinstance(part, Text)]
    return [Text("\n\n".join(filter(None, ["\n".join(filter(None, head)), *texts])))]


def _tool_reference(block: Fields) -> list[Part]:
    # All tools are known from the start, so all that is left of loading one is its name.
    return [Text(block.needed("tool_name"))]


def _thinking(block: Fields) -> list[Part]:
    text, signature = block.text("thinking") or "", block.text("signature") or ""
    return [Reasoning(text, signature)] if text or signature else []


def _redacted(block: Fields) -> list[Part]:
    return [Reasoning("", block.needed("data"), redacted=True)]


def _compaction(block: Fields) -> list[Part]:
    # A summary in place of the turns before it, which the client may have left out.
    text = block.text("content")
    return [Text(text)] if text else []


def _tool_use(block: Fields) -> list[Part]:
    given: Any = block.mapping("input") or {}
    if block.take("caller") not in (None, {"type": "direct"}):
        block.dropped.add(block.at("caller"))
    return [ToolCall(block.needed("id"), block.needed("name"), msgspec.json.encode(given).decode())]


def _tool_result(block: Fields) -> list[Part]:
    value = block.take("content")
    content = [] if value is None else parse_blocks(value, block.at("content"), block.dropped, _IN_RESULT)
    parts = tuple(part for part in content if isinstance(part, ResultPart))
    return [ToolResult(block.needed("tool_use_id"), parts, bool(block.flag("is_error")))]


_Reader = Callable[[Fields], list[Part]]
_UNCACHED = frozenset({"thinking", "redacted_thinking"})

_SHOWN: dict[str, _Reader] = {"text": _text, "image": _image}
_IN_RESULT: dict[str, _Reader] = {
    **_SHOWN,
    "document": _document,
    "search_result": _search_result,
    "tool_reference": _tool_reference,
}

SYSTEM_BLOCKS: dict[str, _Reader] = {"text": _text}
USER_BLOCKS: dict[str, _Reader] = {
    **_SHOWN,
    "document": _document,
    "search_result": _search_result,
    "tool_result": _tool_result,
}
ASSISTANT_BLOCKS: dict[str, _Reader] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
    "compaction": _compaction,
}

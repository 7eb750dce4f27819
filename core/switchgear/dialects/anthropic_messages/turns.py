"""A conversation's messages as ``system`` blocks and alternating turns of content blocks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Any

from switchgear.conversation import CachePoint, CacheTtl, File, Image, Message, Part, ToolResult
from switchgear.dialects.anthropic_messages.tool_input import tool_input
from switchgear.errors import Refusal
from switchgear.events import Reasoning, Text, ToolCall

Block = dict[str, Any]
_Convert = Callable[[Part], Block | None]

_FOREIGN_IN_ID = re.compile(r"[^A-Za-z0-9_-]")
_UNCACHED = frozenset({"thinking", "redacted_thinking"})
_TEXT_TYPES = frozenset({"application/json", "application/xml", "application/yaml"})
"""Media types that are text beside ``text/*``."""


class Turns:
    """Takes messages in one by one. ``dropped`` gets the canonical names of what cannot be carried."""

    def __init__(self, dropped: set[str]) -> None:
        self.system: list[Block] = []
        self._turns: list[tuple[str, list[Block]]] = []
        self._dropped = dropped

    def add(self, message: Message) -> None:
        """Take the next message in."""
        match message.role:
            case "system" | "developer":
                if message.role == "developer":
                    self._dropped.add("developer_role")
                blocks = self._blocks(message.parts, self._said)
                if self._turns:
                    self._extend("system", blocks)
                else:
                    self.system.extend(blocks)
            case "tool":
                self._add_results(self._blocks(message.parts, self._result))
            case "user":
                self._extend("user", self._blocks(message.parts, self._shown))
            case "assistant":
                self._extend("assistant", self._blocks(message.parts, self._made))

    def messages(self) -> list[Block]:
        """The turns as the request's ``messages``."""
        return [
            {"role": role, "content": without_blanks(_joined(blocks) if role == "assistant" else blocks)}
            for role, blocks in self._turns
        ]

    def _extend(self, role: str, blocks: list[Block]) -> None:
        if self._turns and self._turns[-1][0] == role:
            self._turns[-1][1].extend(blocks)
        elif blocks:
            self._turns.append((role, blocks))

    def _add_results(self, results: list[Block]) -> None:
        """Results stand first in the turn behind the calls: a system message between the two goes behind them."""
        if not results:
            return
        at = len(self._turns)
        while at and self._turns[at - 1][0] == "system":
            at -= 1
        if not at or self._turns[at - 1][0] != "user":
            self._turns.insert(at, ("user", results))
            return
        blocks = self._turns[at - 1][1]
        behind = sum(block["type"] == "tool_result" for block in blocks)
        blocks[behind:behind] = results

    # -- parts, by where they stand ------------------------------------------------------------------------

    def _blocks(self, parts: Iterable[Part], convert: _Convert) -> list[Block]:
        blocks: list[Block] = []
        for part in parts:
            if isinstance(part, CachePoint):
                self._cache(blocks, part.ttl)
                continue
            block = convert(part)
            if block is not None:
                blocks.append(block)
        return blocks

    def _cache(self, blocks: list[Block], ttl: CacheTtl) -> None:
        if blocks and blocks[-1]["type"] not in _UNCACHED:
            blocks[-1]["cache_control"] = cache_control(ttl)
        else:
            self._dropped.add("cache_hints")

    def _said(self, part: Part) -> Block | None:
        if not isinstance(part, Text) or not part.text:
            return None
        if part.refusal:
            self._dropped.add("refusal")
        return {"type": "text", "text": part.text}

    def _shown(self, part: Part) -> Block | None:
        match part:
            case Image():
                return self._image(part)
            case File():
                return _document(part)
        return self._said(part)

    def _made(self, part: Part) -> Block | None:
        match part:
            case Reasoning(_, signature, True):
                return {"type": "redacted_thinking", "data": signature}
            case Reasoning(text, signature) if signature:
                return {"type": "thinking", "thinking": text, "signature": signature}
            case Reasoning():
                self._dropped.add("reasoning_history")
                return None
            case ToolCall(id_, name, arguments):
                return {"type": "tool_use", "id": tool_id(id_), "name": name, "input": tool_input(arguments)}
        return self._said(part)

    def _result(self, part: Part) -> Block | None:
        if not isinstance(part, ToolResult):
            return None
        block: Block = {"type": "tool_result", "tool_use_id": tool_id(part.call_id)}
        content = without_blanks(self._blocks(part.parts, self._shown))
        if len(content) == 1 and content[0].keys() == {"type", "text"}:
            block["content"] = content[0]["text"]
        elif content:
            block["content"] = content
        if part.is_error:
            block["is_error"] = True
        return block

    def _image(self, image: Image) -> Block:
        if image.detail not in (None, "auto"):
            self._dropped.add("image.detail")
        if image.url:
            return {"type": "image", "source": {"type": "url", "url": image.url}}
        source = {"type": "base64", "media_type": image.media_type, "data": image.data}
        return {"type": "image", "source": source}


def _document(file: File) -> Block:
    """A document.

    Raises:
        Refusal: 400; its data is neither a PDF nor text.
    """
    if file.url:
        source = {"type": "url", "url": file.url}
    elif file.text:
        source = _plain(file.text)
    elif file.media_type == "application/pdf":
        source = {"type": "base64", "media_type": file.media_type, "data": file.data}
    elif file.media_type.startswith("text/") or file.media_type in _TEXT_TYPES:
        source = _plain(_decoded(file))
    else:
        raise Refusal(
            400,
            "unsupported_content",
            f"a file of the type {file.media_type[:64]!r} cannot be sent to this model; send a PDF, a text or an image",
        )
    block: Block = {"type": "document", "source": source}
    if file.name:
        block["title"] = file.name
    return block


def _plain(text: str) -> Block:
    return {"type": "text", "media_type": "text/plain", "data": text}


def _decoded(file: File) -> str:
    try:
        return base64.b64decode(file.data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal(
            400, "unsupported_content", f"the file {file.name[:64]!r} is said to be text, but is no UTF-8 in base64"
        ) from None


def cache_control(ttl: CacheTtl) -> Block:
    """The hint behind a block or a tool; five minutes are the default."""
    return {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}


def tool_id(call_id: str) -> str:
    """The id, made fit for Anthropic, which takes ``[A-Za-z0-9_-]+``: the same for the same, another for another.

    >>> tool_id("call_1")
    'call_1'
    >>> tool_id("functions.get:0") == tool_id("functions_get:0")
    False
    """
    if call_id and not _FOREIGN_IN_ID.search(call_id):
        return call_id
    digest = hashlib.sha256(call_id.encode()).hexdigest()[:24]
    return f"{_FOREIGN_IN_ID.sub('_', call_id)[:32]}_{digest}"


def _joined(blocks: list[Block]) -> list[Block]:
    """Texts side by side as one: they are pieces of one text. A cache hint between two keeps them apart."""
    joined: list[Block] = []
    for block in blocks:
        before = joined[-1] if joined else block
        if before is not block and block["type"] == "text" and before.keys() == {"type", "text"}:
            joined[-1] = {**block, "text": before["text"] + block["text"]}
        else:
            joined.append(block)
    return joined


def without_blanks(blocks: list[Block]) -> list[Block]:
    """Without texts of nothing but white space, which Anthropic refuses; where there is nothing else, all stay."""
    kept = [block for block in blocks if block["type"] != "text" or block["text"].strip()]
    return kept or blocks

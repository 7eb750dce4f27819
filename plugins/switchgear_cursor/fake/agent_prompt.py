"""What the fake makes of a prompt: strict about its form, and forgiving about nothing.

The forms are those of the clients that are known to be served (senpi, jc01rho, opencodex, magpie), read 2026-11.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from switchgear_cursor.fake.agent_errors import Breach

Json = dict[str, Any]
PART_KEYS = {
    "text": {"type", "text"},
    "image": {"type", "image", "mediaType"},
    "tool-call": {"type", "toolCallId", "toolName", "args"},
    "tool-result": {"type", "toolCallId", "toolName", "result", "isError", "experimental_content"},
}
PARTS_OF = {
    "user": {"text", "image"},
    "assistant": {"text", "tool-call"},
    "tool": {"tool-result"},
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a run is asked.

    Attributes:
        messages: the prompt, as its blobs hold it.
        said: the user's message to answer; empty where tool results are to be answered.
        images: how many images came with it.
    """

    messages: tuple[Json, ...]
    said: str
    images: int = 0

    @property
    def system(self) -> str:
        """The system's text."""
        first = self.messages[0] if self.messages else {}
        return str(first["content"]) if first.get("role") == "system" else ""

    @property
    def results(self) -> list[str]:
        """What the client's tools gave, if that is to be answered."""
        if self.said or not self.messages or self.messages[-1]["role"] != "tool":
            return []
        return [_plain(part["result"]) for part in self.messages[-1]["content"]]

    @property
    def letters(self) -> int:
        """How long everything is."""
        return len(json.dumps(self.messages)) + len(self.said)


def read_prompt(blobs: Sequence[bytes], said: str, images: int = 0) -> Prompt:
    """The prompt whose messages these blobs are.

    Raises:
        Breach: one of them is no such message, or a tool call stands without its result.
    """
    messages = tuple(_message(number, blob) for number, blob in enumerate(blobs))
    _check_calls(messages)
    return Prompt(messages, said, images)


def _message(number: int, blob: bytes) -> Json:
    try:
        message: Any = json.loads(blob)
    except ValueError:
        raise Breach("a root prompt blob is no JSON") from None
    if not isinstance(message, dict) or set(message) - {"id"} != {"role", "content"}:
        raise Breach(f"a root prompt message has {sorted(message)}")
    role, content = message["role"], message["content"]
    if role == "system":
        if number or not isinstance(content, str) or not content:
            raise Breach("a system message is the first one, a text, and not empty")
    elif role not in PARTS_OF or not isinstance(content, list) or not content:
        raise Breach(f"a message of the role {role!r} has a list of parts, not {content!r:.80}")
    else:
        for part in content:
            _check_part(role, part)
    return message


def _check_part(role: str, part: Any) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in PARTS_OF[role]:
        raise Breach(f"a message of the role {role!r} has a part of the kind {kind!r}")
    if unknown := set(part) - PART_KEYS[kind]:
        raise Breach(f"a part of the kind {kind!r} has {sorted(unknown)}")
    texts = {"text": ("text",), "image": ("image", "mediaType"), "tool-call": ("toolCallId", "toolName")}
    for name in texts.get(kind, ("toolCallId", "toolName")):
        if not isinstance(part.get(name), str) or not part[name]:
            raise Breach(f"a part of the kind {kind!r} has no {name}")
    if kind == "tool-call" and not isinstance(part.get("args"), dict):
        raise Breach("the arguments of a tool call are an object")
    if kind == "tool-result" and "result" not in part:
        raise Breach("a tool result has no result")
    if kind == "image":
        _check_image(part)


def _check_image(part: Json) -> None:
    head, _, data = part["image"].partition(",")
    try:
        base64.b64decode(data, validate=True)
    except binascii.Error:
        data = ""
    if head != f"data:{part['mediaType']};base64" or not data:
        raise Breach("Unable to parse image: no data URL")


def _check_calls(messages: Sequence[Json]) -> None:
    """Each call has one result, in the message behind it; no result is without a call."""
    for number, message in enumerate(messages):
        calls = [part["toolCallId"] for part in _parts(message, "tool-call")]
        results = [part["toolCallId"] for part in _parts(message, "tool-result")]
        after = messages[number + 1] if number + 1 < len(messages) else {}
        if calls and [part["toolCallId"] for part in _parts(after, "tool-result")] != calls:
            raise Breach(f"the tool calls {calls} are not followed by their results")
        if results:
            before = messages[number - 1] if number else {}
            if [part["toolCallId"] for part in _parts(before, "tool-call")] != results:
                raise Breach(f"the tool results {results} have no calls before them")


def _parts(message: Json, kind: str) -> list[Json]:
    content = message.get("content")
    return [part for part in content if part["type"] == kind] if isinstance(content, list) else []


def _plain(result: Any) -> str:
    return result if isinstance(result, str) else json.dumps(result)

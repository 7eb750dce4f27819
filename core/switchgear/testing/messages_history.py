"""What Anthropic refuses about the messages themselves, each with its own words.

Turns of one role that follow each other are one turn. A tool's results stand at the beginning of the turn behind its
call, and every call has one. The source is that of ``messages_refusals``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from switchgear.testing.answer import Json
from switchgear.testing.asked import object_at, objects, parts_of
from switchgear.testing.seals import is_own_seal, is_own_signature

ROLES = ("user", "assistant", "system")
TAGS = frozenset(
    {"text", "image", "document", "search_result", "thinking", "redacted_thinking", "tool_use", "tool_result"}
    | {"server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "container_upload", "compaction"}
)
_CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")

Turn = list[tuple[str, Json]]
"""The blocks of one turn, each with its path."""


def history_problems(body: Json) -> Iterator[str]:
    """Everything that is wrong with ``system`` and ``messages``."""
    messages = objects(body.get("messages"))
    if not messages:
        yield "messages: at least one message is required"
    yield from _texts("system", objects(body.get("system")))
    for number, message in enumerate(messages):
        last = number == len(messages) - 1
        yield from _message(f"messages.{number}", message, may_be_empty=last and message.get("role") == "assistant")
    turns = list(_turns(messages))
    yield from _pairs(turns)
    yield from _begins_with_thinking(turns, object_at(body, "thinking"))


def _message(path: str, message: Json, *, may_be_empty: bool) -> Iterator[str]:
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        yield f"{path}.role: Input should be 'user', 'assistant' or 'system'"
    if not isinstance(content, str | list):
        yield f"{path}.content: Input should be a valid string or list"
    elif not content and not may_be_empty:
        yield f"{path}: all messages must have non-empty content except for the optional final assistant message"
    elif isinstance(content, str) and content:
        yield from _texts("messages", [{"type": "text", "text": content}])
    for number, block in enumerate(objects(content)):
        yield from _block(f"{path}.content.{number}", block)
    yield from _texts("messages", parts_of(content, "text"))


def _texts(where: str, blocks: list[Json]) -> Iterator[str]:
    for block in blocks:
        text = block.get("text")
        if not isinstance(text, str):
            yield f"{where}: text: Field required"
        elif not text:
            yield f"{where}: text content blocks must be non-empty"
        elif not text.strip():
            yield f"{where}: text content blocks must contain non-whitespace text"


def _block(path: str, block: Json) -> Iterator[str]:
    kind = block.get("type")
    if kind not in TAGS:
        yield f"{path}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
    match kind:
        case "thinking" if not isinstance(block.get("signature"), str):
            yield f"{path}.thinking.signature: Field required"
        case "thinking" if not is_own_signature(block["signature"], block.get("thinking")):
            yield f"{path}: Invalid `signature` in `thinking` block"
        case "redacted_thinking" if not is_own_seal(block.get("data")):
            yield f"{path}: Invalid `data` in `redacted_thinking` block"
        case "tool_use":
            if not _CALL_ID.fullmatch(str(block.get("id", ""))):
                yield f"{path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
            if not isinstance(block.get("input"), dict):
                yield f"{path}.tool_use.input: Input should be a valid dictionary"
        case "tool_result":
            yield from _texts("messages", parts_of(block.get("content"), "text"))
            for number, part in enumerate(objects(block.get("content"))):
                if part.get("type") not in ("text", "image", "document", "search_result"):
                    tag = f"Input tag '{part.get('type')}' found using 'type' does not match any of the expected tags"
                    yield f"{path}.tool_result.content.{number}: {tag}"
        case "image" | "document" if not object_at(block, "source").get("type"):
            yield f"{path}.{kind}.source: Field required"


# -- turns ---------------------------------------------------------------------------------------------------


def _turns(messages: list[Json]) -> Iterator[tuple[str, str, Turn]]:
    """Each turn's role, its first message's path, and its blocks; system messages are in none."""
    role: Any = None
    path = ""
    turn: Turn = []
    for number, message in enumerate(messages):
        if message.get("role") == "system":
            continue
        if message.get("role") != role:
            if turn:
                yield role, path, turn
            role, path, turn = message.get("role"), f"messages.{number}", []
        content = message.get("content")
        found = objects(content) if isinstance(content, list) else [{"type": "text", "text": content}]
        turn += [(f"messages.{number}.content.{place}", block) for place, block in enumerate(found)]
    if turn:
        yield role, path, turn


def _pairs(turns: list[tuple[str, str, Turn]]) -> Iterator[str]:
    seen: set[str] = set()
    open_calls: list[str] = []
    called_at = ""
    for role, path, turn in turns:
        results = [str(block.get("tool_use_id")) for _, block in _leading(turn)]
        missing = [call for call in open_calls if call not in results]
        for where, block in turn:
            answers = str(block.get("tool_use_id"))
            if block.get("type") == "tool_result" and (role != "user" or answers not in open_calls):
                yield (
                    f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {answers}. Each `tool_result` "
                    "block must have a corresponding `tool_use` block in the previous message."
                )
        if missing:
            yield _unanswered(called_at, missing)
        if len(set(results)) < len(results):
            yield f"{path}: each tool_use must have a single result. Found multiple `tool_result` blocks"
        calls = [(where, str(block.get("id"))) for where, block in turn if block.get("type") == "tool_use"]
        for where, call in calls:
            if call in seen:
                yield f"{where}: `tool_use` ids must be unique"
            seen.add(call)
        open_calls, called_at = [call for _, call in calls], path
    if open_calls:
        yield _unanswered(called_at, open_calls)


def _leading(turn: Turn) -> Turn:
    """The tool results at the turn's beginning: those behind other blocks do not count."""
    end = next((place for place, (_, block) in enumerate(turn) if block.get("type") != "tool_result"), len(turn))
    return turn[:end]


def _unanswered(path: str, calls: list[str]) -> str:
    return (
        f"{path}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(calls)}. Each "
        "`tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def _begins_with_thinking(turns: list[tuple[str, str, Turn]], thinking: Json) -> Iterator[str]:
    """With a thinking budget, the last assistant turn of a loop of tool calls begins with its reasoning."""
    said = [turn for role, _, turn in turns if role == "assistant"]
    loops = bool(turns) and (turns[-1][0] == "assistant" or bool(_leading(turns[-1][2])))
    if thinking.get("type") != "enabled" or not said or not loops:
        return
    where, first = said[-1][0]
    if first.get("type") not in ("thinking", "redacted_thinking"):
        found = first.get("type")
        yield (
            f"{where}.type: Expected `thinking` or `redacted_thinking`, but found `{found}`. When `thinking` is "
            "enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of "
            "`tool_use` and `tool_result` blocks)."
        )

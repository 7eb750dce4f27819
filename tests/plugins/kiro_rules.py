"""What the service refuses in the body of a chat, written down from its models and public reports (read 2026-11).

Strict where implementations of the service differ. It knows nothing of the plugin's code.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MODEL = re.compile(r"[a-zA-Z0-9_:.-]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ARN = re.compile(r"arn:aws:(codewhisperer|transform):[a-z0-9-]+:\d{12}:profile/[a-zA-Z0-9]{12}")


def violations(body: bytes) -> list[str]:
    """Every rule that a body breaks, in words."""
    try:
        value = json.loads(body.decode(), parse_constant=_no_constant)
    except ValueError as error:
        return [f"is no JSON: {error}"]
    return [*_surrogates(value), *_empty(value), *_body(value)]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _surrogates(value: Any) -> Iterator[str]:
    for text in _strings(value):
        if _SURROGATE.search(text):
            yield "an unpaired surrogate"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _strings(inner)


def _empty(value: Any, at: str = "") -> Iterator[str]:
    """Empty arrays and nulls anywhere but in what clients and models wrote."""
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        if name in {"input", "json"}:
            continue
        if inner in ([], None):
            yield f"{at}{name} is empty"
        for one in inner if isinstance(inner, list) else [inner]:
            yield from _empty(one, f"{at}{name}.")


def _members(value: Any, at: str, needed: str, optional: str = "") -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at} is no object"
        return
    yield from (f"{at} lacks {name}" for name in needed.split() if name not in value)
    yield from (f"{at} has {name}" for name in value if name not in f"{needed} {optional}".split())


def _body(body: Any) -> Iterator[str]:
    yield from _members(body, "the body", "conversationState", "profileArn agentMode additionalModelRequestFields")
    if not _ARN.fullmatch(body.get("profileArn", "arn:aws:codewhisperer:x:000000000000:profile/AAAAAAAAAAAA")):
        yield "profileArn is none"
    state = body["conversationState"]
    needed = "conversationId agentContinuationId agentTaskType chatTriggerType currentMessage"
    yield from _members(state, "conversationState", needed, "history")
    if not 1 <= len(state["conversationId"]) <= 128:
        yield "conversationId is of a wrong length"
    if not _UUID.fullmatch(state["agentContinuationId"]):
        yield "agentContinuationId is no UUID"
    if state["agentTaskType"] not in {"vibe", "spectask"}:
        yield "agentTaskType is unknown"
    if state["chatTriggerType"] not in {"MANUAL", "DIAGNOSTIC", "INLINE_CHAT"}:
        yield "chatTriggerType is unknown"
    entries = [*state.get("history", []), state["currentMessage"]]
    for number, entry in enumerate(entries):
        at = "currentMessage" if number == len(entries) - 1 else f"history[{number}]"
        yield from _entry(entry, at, user=number % 2 == 0)
    if len(entries) % 2 == 0:
        yield "currentMessage does not follow an assistant's turn"
    yield from _pairing(entries)
    yield from _tools(entries)


def _entry(entry: Json, at: str, *, user: bool) -> Iterator[str]:
    wanted = "userInputMessage" if user else "assistantResponseMessage"
    if list(entry) != [wanted]:
        yield f"{at} is not one {wanted}, the roles do not alternate"
        return
    message = entry[wanted]
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        yield f"{at} has no content"
    elif len(content) > 10_000_000:
        yield f"{at} has too long a content"
    yield from _user(message, at) if user else _assistant(message, at)


def _user(message: Json, at: str) -> Iterator[str]:
    yield from _members(message, at, "content modelId origin", "images userInputMessageContext")
    if not _MODEL.fullmatch(message["modelId"]):
        yield f"{at} has no modelId"
    if message["origin"] not in {"AI_EDITOR", "KIRO_CLI", "CLI"}:
        yield f"{at} has an unknown origin"
    images = message.get("images", [])
    if len(images) > 10:
        yield f"{at} has more than 10 images"
    for image in images:
        yield from _image(image, at)
    context = message.get("userInputMessageContext")
    if context is None:
        return
    yield from _members(context, f"{at}.context", "", "toolResults tools")
    if not context:
        yield f"{at}.context is empty"
    if "tools" in context and at != "currentMessage":
        yield f"{at} has tools, which belong to currentMessage"
    for result in context.get("toolResults", []):
        yield from _members(result, f"{at}.toolResults", "toolUseId content", "status")
        if result.get("status", "success") not in {"success", "error"}:
            yield f"{at} has an unknown status"
        for block in result["content"]:
            yield from _members(block, f"{at}.toolResults.content", "", "text json")
            if len(block) != 1 or block.get("text", "x") == "":
                yield f"{at} has a result that is empty"


def _image(image: Json, at: str) -> Iterator[str]:
    yield from _members(image, f"{at}.images", "format source")
    if image["format"] not in {"png", "jpeg", "gif", "webp"}:
        yield f"{at} has an image of an unknown format"
    try:
        size = len(base64.b64decode(image["source"]["bytes"], validate=True))
    except ValueError:
        yield f"{at} has an image that is no base64"
        return
    if not 0 < size <= 10 * 2**20:
        yield f"{at} has an image of a wrong size"


def _assistant(message: Json, at: str) -> Iterator[str]:
    yield from _members(message, at, "content", "toolUses reasoningContent messageId")
    for use in message.get("toolUses", []):
        yield from _members(use, f"{at}.toolUses", "toolUseId name input")
        if not isinstance(use["input"], dict):
            yield f"{at} has a call whose input is no object"
        if not _NAME.fullmatch(use["toolUseId"]) or not _NAME.fullmatch(use["name"]):
            yield f"{at} has a call with an unfit id or name"
    reasoning = message.get("reasoningContent")
    if reasoning is None:
        return
    yield from _members(reasoning, f"{at}.reasoningContent", "", "reasoningText redactedContent")
    if len(reasoning) != 1:
        yield f"{at} has reasoning in two forms, or none"
    if "reasoningText" in reasoning:
        yield from _members(reasoning["reasoningText"], f"{at}.reasoningText", "text signature")
        if not reasoning["reasoningText"]["signature"]:
            yield f"{at} has unsigned reasoning"
    else:
        try:
            base64.b64decode(reasoning["redactedContent"], validate=True)
        except ValueError:
            yield f"{at} has redacted reasoning that is no base64"


def _results(entry: Json) -> list[Json]:
    context: Json = entry.get("userInputMessage", {}).get("userInputMessageContext", {})
    results: list[Json] = context.get("toolResults", [])
    return results


def _uses(entry: Json) -> list[Json]:
    uses: list[Json] = entry.get("assistantResponseMessage", {}).get("toolUses", [])
    return uses


def _pairing(entries: list[Json]) -> Iterator[str]:
    ids = [use["toolUseId"] for entry in entries for use in _uses(entry)]
    if len(ids) != len(set(ids)):
        yield "two calls have one id"
    if _results(entries[0]):
        yield "the first turn has results"
    for before, entry in itertools.pairwise(entries):
        called = [use["toolUseId"] for use in _uses(before)]
        answered = [result["toolUseId"] for result in _results(entry)]
        if sorted(called) != sorted(answered):
            yield "calls and results do not pair"


def _tools(entries: list[Json]) -> Iterator[str]:
    context: Json = entries[-1]["userInputMessage"].get("userInputMessageContext", {})
    tools = [tool["toolSpecification"] for tool in context.get("tools", [])]
    names = [tool["name"] for tool in tools]
    if len(names) != len(set(names)):
        yield "two tools have one name"
    for missing in {use["name"] for entry in entries for use in _uses(entry)} - set(names):
        yield f"the history calls {missing}, which is not defined"
    for tool in tools:
        yield from _members(tool, "toolSpecification", "name inputSchema", "description")
        if not _NAME.fullmatch(tool["name"]):
            yield f"the tool {tool['name']!r} has an unfit name"
        if not 1 <= len(tool.get("description", "x")) <= 10_240:
            yield f"the tool {tool['name']} has a description of a wrong length"
        schema = tool["inputSchema"]["json"]
        if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
            yield f"the tool {tool['name']} takes no object"
        yield from (f"the tool {tool['name']}: {what}" for what in _schema(schema))


def _schema(schema: Any) -> Iterator[str]:
    """Keywords that are refused, in this schema and the ones in it."""
    if not isinstance(schema, dict):
        return
    if "$schema" in schema or schema.get("required") == [] or schema.get("title") == "":
        yield "a keyword that says nothing"
    if any(value is None for value in schema.values()):
        yield "a keyword without a value"
    for named in ("properties", "$defs", "definitions"):
        yield from _schemas(schema.get(named, {}).values())
    for listed in ("anyOf", "oneOf", "allOf"):
        yield from _schemas(schema.get(listed, []))
    for inner in ("items", "additionalProperties", "not"):
        yield from _schemas([schema.get(inner)])


def _schemas(schemas: Iterable[Any]) -> Iterator[str]:
    for schema in schemas:
        yield from _schema(schema)

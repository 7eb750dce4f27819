"""What OpenAI refuses about a Responses request, each with status 400 and its own words.

Source: platform.openai.com/docs, "Responses", the types of the openai SDK 3.57, and messages of real errors as public
bug reports quote them; read 2026-11. It stores nothing, as for an organization with zero data retention, so that every
``previous_response_id`` is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from switchgear.testing.answer import Json
from switchgear.testing.asked import object_at, objects, parts_of
from switchgear.testing.openai_personalities import ErrorSpec
from switchgear.testing.seals import is_own_seal

FIELDS = frozenset(
    {"background", "client_metadata", "context_management", "conversation", "include", "input", "instructions"}
    | {"max_output_tokens", "max_tool_calls", "metadata", "model", "moderation", "parallel_tool_calls", "prompt"}
    | {"previous_response_id", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning"}
    | {"safety_identifier", "service_tier", "store", "stream", "stream_options", "temperature", "text", "tool_choice"}
    | {"tools", "top_logprobs", "top_p", "truncation", "user", "access_programs", "background_options", "image"}
)
PARTS = {
    "assistant": ("output_text", "refusal"),
    "user": ("input_text", "input_image", "input_file"),
    "developer": ("input_text", "input_image", "input_file"),
    "system": ("input_text", "input_image", "input_file"),
}
ITEMS = frozenset(
    {"message", "function_call", "function_call_output", "reasoning", "item_reference", "custom_tool_call"}
    | {"custom_tool_call_output", "web_search_call", "local_shell_call", "local_shell_call_output", "compaction"}
)
ID_PREFIXES = {"message": "msg", "function_call": "fc", "reasoning": "rs"}
LEAST_OUTPUT_TOKENS = 16
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]+")


def refusal(body: Json) -> ErrorSpec | None:
    """The first thing that is wrong with the request; ``None`` for nothing."""
    return next(_problems(body), None)


def _problems(body: Json) -> Iterator[ErrorSpec]:
    for name in body:
        if name not in FIELDS:
            yield _wrong(f"Unknown parameter: '{name}'.", "unknown_parameter", name)
    if not body.get("model"):
        yield _missing("model")
    if not isinstance(body.get("input"), str | list):
        yield _missing("input")
    limit, temperature = body.get("max_output_tokens"), body.get("temperature")
    if isinstance(limit, int) and limit < LEAST_OUTPUT_TOKENS:
        problem = "integer below minimum value. Expected a value >= 16, but got"
        yield _wrong(
            f"Invalid 'max_output_tokens': {problem} {limit} instead.", "integer_below_min_value", "max_output_tokens"
        )
    if isinstance(temperature, int | float) and not 0 <= temperature <= 2:
        problem = f"Invalid 'temperature': decimal out of range. Expected a value between 0 and 2, got {temperature}."
        yield _wrong(problem, "decimal_above_max_value", "temperature")
    if (earlier := body.get("previous_response_id")) is not None:
        yield _wrong(
            f"Previous response with id '{earlier}' not found.", "previous_response_not_found", "previous_response_id"
        )
    yield from _tools(body)
    found = objects(body.get("input"))
    for number, item in enumerate(found):
        yield from _item(f"input[{number}]", item)
    yield from _pairs(found)


def _tools(body: Json) -> Iterator[ErrorSpec]:
    for number, tool in enumerate(objects(body.get("tools"))):
        if not tool.get("type"):
            yield _missing(f"tools[{number}].type")
        elif tool["type"] == "function" and not tool.get("name"):
            yield _missing(f"tools[{number}].name")
        elif tool["type"] == "function" and not _TOOL_NAME.fullmatch(str(tool["name"])):
            problem = "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
            yield _wrong(f"Invalid 'tools[{number}].name': {problem}", "invalid_value", f"tools[{number}].name")
    choice, form = object_at(body, "tool_choice"), object_at(body, "text", "format")
    if choice.get("type") == "function" and not choice.get("name"):
        yield _missing("tool_choice.name")
    if form.get("type") == "json_schema":
        yield from (_missing(f"text.format.{name}") for name in ("name", "schema") if not form.get(name))


def _item(path: str, item: Json) -> Iterator[ErrorSpec]:
    kind = str(item.get("type", "message"))
    if kind not in ITEMS:
        yield _wrong(f"Invalid value: '{kind}'. Supported values are: {_listed(sorted(ITEMS))}.", "invalid_value", path)
    if (prefix := ID_PREFIXES.get(kind)) and item.get("id") and not str(item["id"]).startswith(prefix):
        problem = f"Invalid '{path}.id': '{item['id']}'. Expected an ID that begins with '{prefix}'."
        yield _wrong(problem, "invalid_value", f"{path}.id")
    match kind:
        case "message":
            yield from _message(path, item)
        case "function_call":
            yield from (_missing(f"{path}.{n}") for n in ("call_id", "name") if not item.get(n))
            if not isinstance(item.get("arguments"), str):
                yield _missing(f"{path}.arguments")
        case "function_call_output":
            if not isinstance(item.get("output"), str | list):
                yield _missing(f"{path}.output")
            yield from _parts(f"{path}.output", item.get("output"), PARTS["user"])
        case "reasoning":
            if not isinstance(item.get("summary"), list):
                yield _missing(f"{path}.summary")
            sealed = item.get("encrypted_content")
            if sealed is not None and not is_own_seal(sealed):
                problem = f"The encrypted content for item {item.get('id')} could not be verified."
                reason = "Reason: Encrypted content could not be decrypted or parsed."
                yield _wrong(f"{problem} {reason}", "invalid_encrypted_content", None)


def _message(path: str, item: Json) -> Iterator[ErrorSpec]:
    role, content = str(item.get("role")), item.get("content")
    if role not in PARTS:
        yield _wrong(
            f"Invalid value: '{role}'. Supported values are: {_listed(PARTS)}.", "invalid_value", f"{path}.role"
        )
    elif not isinstance(content, str | list):
        yield _missing(f"{path}.content")
    else:
        yield from _parts(f"{path}.content", content, PARTS[role])


def _parts(path: str, content: object, allowed: tuple[str, ...]) -> Iterator[ErrorSpec]:
    for number, part in enumerate(objects(content)):
        where, kind = f"{path}[{number}]", part.get("type")
        if kind not in allowed:
            problem = f"Invalid value: '{kind}'. Supported values are: {_listed(allowed)}."
            yield _wrong(problem, "invalid_value", where)
    for part in parts_of(content, "input_text", "output_text"):
        if not isinstance(part.get("text"), str):
            yield _missing(f"{path}.text")


def _pairs(found: list[Json]) -> Iterator[ErrorSpec]:
    """Calls and their outputs belong together; reasoning that has an id, and what came of it."""
    calls = [item.get("call_id") for item in found if item.get("type") == "function_call"]
    outputs = [item.get("call_id") for item in found if item.get("type") == "function_call_output"]
    called: set[object] = set()
    for item in found:
        if item.get("type") == "function_call":
            called.add(item.get("call_id"))
        elif item.get("type") == "function_call_output" and item.get("call_id") not in called:
            yield _wrong(
                f"No tool call found for function call output with call_id {item.get('call_id')}.", None, "input"
            )
    for call in calls:
        if call not in outputs:
            yield _wrong(f"No tool output found for function call {call}.", None, "input")
    following: Json
    for item, following in zip_longest(found, found[1:], fillvalue={}):
        said = following.get("role") == "assistant" or following.get("type") in ("function_call", "reasoning")
        if item.get("type") == "reasoning" and item.get("id") and not said:
            problem = f"Item '{item['id']}' of type 'reasoning' was provided without its required following item."
            yield _wrong(problem, None, "input")


def _listed(values: Iterable[str]) -> str:
    *most, last = [f"'{value}'" for value in values]
    return f"{', '.join(most)} and {last}" if len(most) < 2 else f"{', '.join(most)}, and {last}"


def _missing(name: str) -> ErrorSpec:
    return _wrong(f"Missing required parameter: '{name}'.", "missing_required_parameter", name)


def _wrong(message: str, code: str | None, param: str | None) -> ErrorSpec:
    return ErrorSpec(400, message, code=code, param=param)

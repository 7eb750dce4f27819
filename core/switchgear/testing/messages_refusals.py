"""What Anthropic refuses about a message's settings and tools, each with status 400 and its own words.

Source: platform.claude.com/docs, "Messages", "Extended thinking", "Adaptive thinking", "Tool use"; the wording is that
of real errors as public bug reports quote them; read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from switchgear.testing.answer import Json
from switchgear.testing.asked import object_at, objects
from switchgear.testing.messages_history import history_problems

FIELDS = frozenset(
    {"model", "messages", "max_tokens", "system", "metadata", "stop_sequences", "stream", "temperature", "top_k"}
    | {"top_p", "thinking", "tools", "tool_choice", "output_config", "service_tier", "container", "thread"}
    | {"context_management", "mcp_servers", "inference_geo", "cache_control", "speed", "diagnostics"}
)
EFFORTS = ("low", "medium", "high", "xhigh", "max")
LEAST_BUDGET = 1024
CACHE_POINTS = 4
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def refusal(body: Json, headers: Mapping[str, str], *, counts_only: bool = False) -> str | None:
    """The first thing that is wrong with the request; ``None`` for nothing."""
    return next(_problems(body, headers, counts_only), None)


def _problems(body: Json, headers: Mapping[str, str], counts_only: bool) -> Iterator[str]:
    if not headers.get("anthropic-version"):
        yield "anthropic-version: header is required"
    needed = ("model", "messages") if counts_only else ("model", "messages", "max_tokens")
    yield from (f"{name}: Field required" for name in needed if body.get(name) is None)
    yield from (f"{name}: Extra inputs are not permitted" for name in body if name not in FIELDS)
    messages = body.get("messages")
    if not isinstance(messages, list) or len(objects(messages)) < len(messages):
        yield "messages: Input should be a valid list of objects"
    yield from _settings(body)
    yield from _thinking(object_at(body, "thinking"), body)
    yield from _tools(body)
    yield from history_problems(body)
    points = _cache_points(body)
    if points > CACHE_POINTS:
        yield f"A maximum of {CACHE_POINTS} blocks with cache_control may be provided. Found {points}."


def _settings(body: Json) -> Iterator[str]:
    limit, temperature = body.get("max_tokens", 1), body.get("temperature", 1)
    if not isinstance(limit, int) or isinstance(limit, bool):
        yield "max_tokens: Input should be a valid integer"
    elif limit < 1:
        yield "max_tokens: Input should be greater than or equal to 1"
    if isinstance(temperature, int | float) and not 0 <= temperature <= 1:
        yield "temperature: range: 0..1"
    yield from (
        f"metadata.{name}: Extra inputs are not permitted" for name in object_at(body, "metadata") if name != "user_id"
    )
    if (body.get("service_tier") or "auto") not in ("auto", "standard_only"):
        yield "service_tier: Input should be 'auto' or 'standard_only'"
    if (object_at(body, "output_config").get("effort") or "high") not in EFFORTS:
        yield "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"
    form = object_at(body, "output_config", "format")
    if form and not (form.get("type") == "json_schema" and isinstance(form.get("schema"), dict)):
        yield "output_config.format.schema: Field required"


def _thinking(thinking: Json, body: Json) -> Iterator[str]:
    kind, budget, limit = thinking.get("type"), thinking.get("budget_tokens"), body.get("max_tokens")
    if thinking and kind not in ("enabled", "disabled", "adaptive"):
        yield (
            f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected tags: 'adaptive', "
            "'disabled', 'enabled'"
        )
    if kind == "enabled":
        if not isinstance(budget, int):
            yield "thinking.enabled.budget_tokens: Field required"
        elif budget < LEAST_BUDGET:
            yield f"thinking.enabled.budget_tokens: Input should be greater than or equal to {LEAST_BUDGET}"
        elif isinstance(limit, int) and budget >= limit:
            yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    if kind in ("enabled", "adaptive"):
        if body.get("temperature") not in (None, 1):
            yield "`temperature` may only be set to 1 when thinking is enabled."
        if object_at(body, "tool_choice").get("type") in ("any", "tool"):
            yield "Thinking may not be enabled when tool_choice forces tool use."


def _tools(body: Json) -> Iterator[str]:
    tools, choice = objects(body.get("tools")), object_at(body, "tool_choice")
    for number, tool in enumerate(tools):
        if tool.get("type", "custom") != "custom":
            continue
        where = f"tools.{number}.custom"
        schema = tool.get("input_schema")
        if not _TOOL_NAME.fullmatch(str(tool.get("name", ""))):
            yield f"{where}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
        if not isinstance(schema, dict):
            yield f"{where}.input_schema: Field required"
        elif schema.get("type") != "object":
            yield f"{where}.input_schema.type: Input should be 'object'"
    names = [tool.get("name") for tool in tools]
    if len(set(map(str, names))) < len(names):
        yield "tools: Tool names must be unique."
    if choice and choice.get("type") not in ("auto", "any", "tool", "none"):
        yield (
            f"tool_choice: Input tag '{choice.get('type')}' found using 'type' does not match any of the expected "
            "tags: 'any', 'auto', 'none', 'tool'"
        )
    if choice and not tools:
        yield "tool_choice may only be specified while providing tools."
    if choice.get("type") == "tool" and choice.get("name") not in names:
        yield f"Tool '{choice.get('name')}' not found in provided tools"


def _cache_points(value: Any) -> int:
    """How many cache hints there are, however deep."""
    if isinstance(value, list):
        return sum(map(_cache_points, value))
    if not isinstance(value, dict):
        return 0
    return sum(1 if name == "cache_control" and part else _cache_points(part) for name, part in value.items())

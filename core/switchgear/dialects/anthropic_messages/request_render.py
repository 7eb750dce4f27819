"""A conversation as a Messages request.

Source: https://platform.claude.com/docs/en/api/messages and, for what thinking excludes,
https://platform.claude.com/docs/en/build-with-claude/extended-thinking, read 2026-11.
"""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear.conversation import Conversation, ReasoningOptions, Sampling, Tool, ToolChoice
from switchgear.dialects.anthropic_messages.turns import Turns, cache_control, without_blanks
from switchgear.dialects.codec import Rendered

DEFAULT_MAX_TOKENS = 8192
"""For clients that set no limit: this dialect must have one."""
MIN_BUDGET_TOKENS = 1024
MAX_USER_CHARS = 256

_EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})
_CHOICES = {"auto": "auto", "none": "none", "required": "any"}
_TIERS = frozenset({"auto", "standard_only"})


def render_request(conversation: Conversation, model: str, *, stream: bool) -> Rendered:
    """See :class:`~switchgear.dialects.codec.Codec`.

    Raises:
        Refusal: 400 ``unsupported_content``; a file is of a type that the dialect has no place for.
    """
    dropped: set[str] = set()
    turns = Turns(dropped)
    for message in conversation.messages:
        turns.add(message)
    max_tokens = conversation.max_output_tokens or DEFAULT_MAX_TOKENS
    body: dict[str, Any] = {"model": model, "max_tokens": max_tokens, "messages": turns.messages()}
    if turns.system:
        body["system"] = without_blanks(turns.system)
    if stream:
        body["stream"] = True
    if conversation.tools:
        body["tools"] = [_tool(tool) for tool in conversation.tools]
        choice = _tool_choice(conversation.tool_choice, conversation.parallel_tool_calls)
        if choice is not None:
            body["tool_choice"] = choice
    thinks = _add_reasoning(body, conversation, max_tokens, dropped)
    _add_sampling(body, conversation.sampling, thinks, dropped)
    _add_format(body, conversation, dropped)
    _add_others(body, conversation, dropped)
    return Rendered(msgspec.json.encode(body), tuple(sorted(dropped)))


def _tool(tool: Tool) -> dict[str, Any]:
    rendered: dict[str, Any] = {"name": tool.name}
    if tool.description:
        rendered["description"] = tool.description
    schema = dict(tool.parameters) or {"type": "object", "properties": {}}
    rendered["input_schema"] = schema if "type" in schema else {"type": "object", **schema}
    if tool.strict is not None:
        rendered["strict"] = tool.strict
    if tool.cache is not None:
        rendered["cache_control"] = cache_control(tool.cache)
    return rendered


def _tool_choice(choice: ToolChoice | None, parallel: bool | None) -> dict[str, Any] | None:
    if choice is None and parallel is None:
        return None
    rendered: dict[str, Any] = {"type": "auto"}
    if choice is not None:
        rendered = {"type": "tool", "name": choice.name} if choice.mode == "tool" else {"type": _CHOICES[choice.mode]}
    if parallel is not None and rendered["type"] != "none":
        rendered["disable_parallel_tool_use"] = not parallel
    return rendered


def _add_reasoning(body: dict[str, Any], conversation: Conversation, max_tokens: int, dropped: set[str]) -> bool:
    """Set ``thinking`` and the effort; whether the model thinks."""
    options = conversation.reasoning
    if options.summary is not None:
        dropped.add("reasoning.summary")
    if options.enabled is False or options.effort == "none":
        body["thinking"] = {"type": "disabled"}
        _add_effort(body, options, dropped)
        return False
    if options.enabled is None and options.effort is None and options.budget_tokens is None:
        return False
    if body.get("tool_choice", {}).get("type") in {"any", "tool"}:
        # A forced call and thinking exclude each other, and the call is what the client's program waits for.
        for name in ("enabled", "effort", "budget_tokens"):
            if getattr(options, name) is not None:
                dropped.add(f"reasoning.{name}")
        return False
    _add_effort(body, options, dropped)
    if options.budget_tokens is not None:
        budget = min(max(options.budget_tokens, MIN_BUDGET_TOKENS), max_tokens - 1)
        if budget != options.budget_tokens:
            dropped.add("reasoning.budget_tokens")
        if budget < MIN_BUDGET_TOKENS:
            return False
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    elif options.enabled or "output_config" in body:
        body["thinking"] = {"type": "adaptive"}
    return "thinking" in body


def _add_effort(body: dict[str, Any], options: ReasoningOptions, dropped: set[str]) -> None:
    effort = options.effort
    if effort is None or effort == "none":
        return
    if effort not in _EFFORTS:
        dropped.add("reasoning.effort")
        effort = "low" if effort == "minimal" else None
    if effort is not None:
        body["output_config"] = {"effort": effort}


def _add_sampling(body: dict[str, Any], sampling: Sampling, thinks: bool, dropped: set[str]) -> None:
    temperature, top_k = sampling.temperature, sampling.top_k
    if temperature is not None and (temperature > 1 or (thinks and temperature != 1)):
        dropped.add("sampling.temperature")
        temperature = 1
    if top_k is not None and thinks:
        dropped.add("sampling.top_k")
        top_k = None
    given = {"temperature": temperature, "top_p": sampling.top_p, "top_k": top_k}
    body.update({name: value for name, value in given.items() if value is not None})
    for name in ("seed", "presence_penalty", "frequency_penalty"):
        if getattr(sampling, name) is not None:
            dropped.add(f"sampling.{name}")


def _add_format(body: dict[str, Any], conversation: Conversation, dropped: set[str]) -> None:
    form = conversation.response_format
    if form is None:
        return
    if form.kind == "json_object":
        dropped.add("response_format")
        return
    if form.name or form.description or form.strict is not None:
        dropped.add("response_format.name")
    body.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": dict(form.schema)}


def _add_others(body: dict[str, Any], conversation: Conversation, dropped: set[str]) -> None:
    stop = [text for text in conversation.stop if text.strip()]  # Anthropic refuses those of white space alone
    if len(stop) < len(conversation.stop):
        dropped.add("stop")
    if stop:
        body["stop_sequences"] = stop
    user = conversation.user
    if user is not None and len(user) > MAX_USER_CHARS:
        dropped.add("user")
    elif user:
        body["metadata"] = {"user_id": user}
    if conversation.service_tier in _TIERS:
        body["service_tier"] = conversation.service_tier
    elif conversation.service_tier is not None:
        dropped.add("service_tier")
    for name in ("verbosity", "metadata", "cache_key"):
        if getattr(conversation, name):
            dropped.add(name)

"""Thinking, switched on and off as each family of models wants it. Pure.

Source: the vendor's client 0.5, and for ``minimax-*`` and the ``false`` of older ``glm-*`` router-for-me/CLIProxyAPI;
read 2026-11. For deepseek the two disagree; the vendor's form is the better evidenced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

Wish = Literal["on", "low", "off"]
"""Levels mean no more than on and off, but for deepseek's ``low``."""
Json = dict[str, Any]

OWN_WORDS = frozenset(
    {"chat_template_kwargs", "enable_thinking", "thinking", "thinking_mode", "reasoning", "reasoning_split"}
)
"""The fields in which these models are told; what a client says in them itself stands."""

_NO_THINKING = re.compile(r"qwen.*4b")
_TEMPLATE_ON: Json = {"chat_template_kwargs": {"enable_thinking": True}}
_TEMPLATE_OFF: Json = {"chat_template_kwargs": {"enable_thinking": False}}
_GLM_5_ON: Json = {**_TEMPLATE_ON, "enable_thinking": True, "thinking": {"type": "enabled"}}
_GLM_5_OFF: Json = {**_TEMPLATE_OFF, "enable_thinking": False, "thinking": {"type": "disabled"}}
_ENABLED: Json = {"thinking": {"type": "enabled"}}
_DISABLED: Json = {"thinking": {"type": "disabled"}}

_SWITCHES: tuple[tuple[str, Json, Json], ...] = (
    (r"deepseek", {"thinking_mode": True, "reasoning": True}, {}),
    (r"glm-4\.7", _TEMPLATE_ON, _TEMPLATE_OFF),
    (r"glm-5", _GLM_5_ON, _GLM_5_OFF),
    (r"glm-", _TEMPLATE_ON, _TEMPLATE_OFF),
    (r".*reasoning", {"reasoning": True}, {}),
    (r"kimi-k2\.5", _ENABLED, _DISABLED),
    (r".*thinking", {"thinking_mode": True}, {}),
    (r"mimo-", _ENABLED, {}),
    (r"minimax-", {"reasoning_split": True}, {"reasoning_split": False}),
)
"""The first that matches the id's beginning: what is sent for on, and for off."""


def wish_of(body: Mapping[str, Any]) -> Wish | None:
    """What the client wants, said in OpenAI's words; ``None`` when it does not say."""
    reasoning = body.get("reasoning")
    nested = reasoning if isinstance(reasoning, dict) else {}
    if nested.get("enabled") is False:
        return "off"
    effort = body.get("reasoning_effort") or nested.get("effort")
    if isinstance(effort, str):
        return "off" if effort == "none" else "low" if effort in {"low", "minimal"} else "on"
    return "on" if nested.get("enabled") is True else None


def apply_thinking(body: Json, model: str) -> Wish | None:
    """Say the client's wish in the model's own words, in place; gives the wish."""
    wish = wish_of(body)
    body.pop("reasoning_effort", None)
    if isinstance(body.get("reasoning"), dict):
        del body["reasoning"]
    folded = model.casefold()
    if _NO_THINKING.match(folded):
        for name in OWN_WORDS & body.keys():
            del body[name]
        return None
    if wish is not None:
        for name, value in _switch(folded, wish).items():
            given = body.get(name)
            if given is None:
                body[name] = value
            elif isinstance(value, dict) and isinstance(given, dict):
                body[name] = {**value, **given}
    return wish or _own_wish(body)


def _switch(model: str, wish: Wish) -> Json:
    for pattern, on, off in _SWITCHES:
        if re.match(pattern, model):
            if wish == "low" and pattern == "deepseek":
                return {"thinking_mode": True}
            return off if wish == "off" else on
    return {}


def _own_wish(body: Mapping[str, Any]) -> Wish | None:
    """What the client says in the model's own words."""
    thinking, template = body.get("thinking"), body.get("chat_template_kwargs")
    said = (
        (thinking.get("type") if isinstance(thinking, dict) else None) == "enabled",
        (template.get("enable_thinking") if isinstance(template, dict) else None) is True,
        body.get("enable_thinking") is True,
        body.get("thinking_mode") is True,
    )
    return "on" if any(said) else None

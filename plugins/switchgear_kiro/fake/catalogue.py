"""The models the fake lists, with what each takes beside the conversation."""

from __future__ import annotations

from typing import Any

from switchgear_kiro.models import CATALOGUE

Json = dict[str, Any]


def _adaptive(types: list[str], efforts: list[str]) -> Json:
    thinking = {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": types},
            "display": {"type": "string", "enum": ["summarized", "omitted"]},
        },
        "required": ["type"],
        "additionalProperties": False,
    }
    output = {
        "type": "object",
        "properties": {"effort": {"type": "string", "enum": efforts, "default": "high"}},
        "additionalProperties": False,
    }
    limit = {"type": "integer", "minimum": 1024, "maximum": 64_000}
    return {
        "type": "object",
        "properties": {"thinking": thinking, "output_config": output, "max_tokens": limit},
        "additionalProperties": False,
    }


def _effort(efforts: list[str]) -> Json:
    effort = {"type": "string", "enum": efforts, "default": "medium"}
    reasoning = {"type": "object", "properties": {"effort": effort}, "additionalProperties": False}
    return {"type": "object", "properties": {"reasoning": reasoning}, "additionalProperties": False}


_ALL, _NO_XHIGH = ["low", "medium", "high", "xhigh", "max"], ["low", "medium", "high", "max"]
SCHEMAS: dict[str, Json] = {
    "claude-sonnet-4.6": _adaptive(["adaptive", "disabled"], _NO_XHIGH),
    "claude-opus-4.6": _adaptive(["adaptive", "disabled"], _NO_XHIGH),
    **{f"claude-opus-{version}": _adaptive(["adaptive", "disabled"], _ALL) for version in ("4.7", "4.8", "5")},
    "claude-sonnet-5": _adaptive(["adaptive", "disabled"], _ALL),
    "claude-sonnet-5.5": _adaptive(["adaptive"], _ALL),
    "claude-opus-5.5": _adaptive(["adaptive"], _ALL),
    **{f"gpt-5.6-{name}": _effort(["low", "medium", "high"]) for name in ("sol", "terra", "luna")},
}

PLAIN = "claude-sonnet-4.5"
"""A model that answers plainly: it does not think."""
THINKING = "claude-sonnet-4.6"
"""One that thinks when asked to."""


def _model(id_: str, name: str, reads: int, writes: int) -> Json:
    return {
        "modelId": id_,
        "modelName": name,
        "description": f"The {name} model",
        "rateMultiplier": 1.3,
        "rateUnit": "Credit",
        "supportedInputTypes": ["TEXT", "IMAGE"],
        "tokenLimits": {"maxInputTokens": reads, "maxOutputTokens": writes},
        "promptCaching": {"supportsPromptCaching": True},
        "additionalModelRequestFieldsSchema": SCHEMAS.get(id_),
    }


MODELS: tuple[Json, ...] = tuple(
    _model(one.id, one.name, one.max_input_tokens, one.max_output_tokens)
    for one in CATALOGUE
    if one.max_input_tokens and one.max_output_tokens
)
"""Those whose limits are known."""

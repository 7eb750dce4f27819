"""The models: those that are known, and what a list says of them. Pure.

Which ones an account has, their limits and what reasoning they take differ by plan, region and month; only the live
list is right. The catalogue is for when there is none (union of the newest sources, read 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from switchgear import Model
from switchgear_kiro.model_names import aliases_of

OWNER = "kiro"
LONGEST_ID_CHARS = 256
NO_SCHEMA: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Listed:
    """One model of a list.

    Attributes:
        id: the service's name of it.
        name: for people; empty where the list does not say.
        max_input_tokens: how much it reads, which is what ``contextUsagePercentage`` is a percentage of; ``None`` where
            the list does not say.
        max_output_tokens: likewise for an answer.
        schema: the JSON schema of ``additionalModelRequestFields``; empty for a model that takes none.
    """

    id: str
    name: str = ""
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    schema: Mapping[str, Any] = field(default_factory=lambda: NO_SCHEMA)

    @property
    def model(self) -> Model:
        """The same for core."""
        return Model(
            self.id,
            display_name=self.name or None,
            owned_by=OWNER,
            context_length=self.max_input_tokens,
            max_output_tokens=self.max_output_tokens,
            aliases=aliases_of(self.id),
        )


def models_in(page: Mapping[str, Any]) -> list[Listed]:
    """The models of one page.

    Raises:
        ValueError: it is no list of models.
    """
    entries = page.get("models", page.get("availableModels"))
    if not isinstance(entries, list):
        raise ValueError("the answer is no list of models")
    found = (_listed(entry) for entry in entries if isinstance(entry, dict))
    return [one for one in found if one is not None]


def _listed(entry: Mapping[str, Any]) -> Listed | None:
    id_, name, schema = entry.get("modelId"), entry.get("modelName"), entry.get("additionalModelRequestFieldsSchema")
    if not isinstance(id_, str) or not id_.isprintable() or not 0 < len(id_.strip()) <= LONGEST_ID_CHARS:
        return None
    limits = entry.get("tokenLimits")
    limits = limits if isinstance(limits, dict) else {}
    return Listed(
        id_.strip(),
        name if isinstance(name, str) else "",
        _tokens(limits.get("maxInputTokens")),
        _tokens(limits.get("maxOutputTokens")),
        schema if isinstance(schema, dict) else NO_SCHEMA,
    )


def _tokens(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


_K, _M = 1_000, 1_000_000


CATALOGUE = (
    Listed("auto", "Auto", _M, 64 * _K),
    Listed("claude-sonnet-4", "Claude Sonnet 4", 200 * _K, 64 * _K),
    Listed("claude-sonnet-4.5", "Claude Sonnet 4.5", 200 * _K, 64 * _K),
    Listed("claude-sonnet-4.6", "Claude Sonnet 4.6", _M, 64 * _K),
    Listed("claude-sonnet-5", "Claude Sonnet 5", _M, 64 * _K),
    Listed("claude-sonnet-5.5", "Claude Sonnet 5.5", _M, 128 * _K),
    Listed("claude-haiku-4.5", "Claude Haiku 4.5", 200 * _K, 64 * _K),
    Listed("claude-opus-4.5", "Claude Opus 4.5", 200 * _K, 64 * _K),
    Listed("claude-opus-4.6", "Claude Opus 4.6", _M, 64 * _K),
    Listed("claude-opus-4.7", "Claude Opus 4.7", _M, 128 * _K),
    Listed("claude-opus-4.8", "Claude Opus 4.8", _M, 128 * _K),
    Listed("claude-opus-5", "Claude Opus 5", _M, 128 * _K),
    Listed("claude-opus-5.5", "Claude Opus 5.5", _M, 128 * _K),
    Listed("claude-fable-5", "Claude Fable 5", None, None),
    Listed("deepseek-3.2", "DeepSeek 3.2", 128 * _K, 64 * _K),
    Listed("glm-5", "GLM-5", 200 * _K, 64 * _K),
    Listed("minimax-m2.1", "MiniMax M2.1", 196 * _K, 64 * _K),
    Listed("minimax-m2.5", "MiniMax M2.5", 196 * _K, 64 * _K),
    Listed("qwen3-coder-next", "Qwen3 Coder Next", 256 * _K, 64 * _K),
    Listed("gpt-5.6-sol", "GPT-5.6 Sol", _M, 128 * _K),
    Listed("gpt-5.6-terra", "GPT-5.6 Terra", _M, 128 * _K),
    Listed("gpt-5.6-luna", "GPT-5.6 Luna", _M, 128 * _K),
)
"""Where sources disagree on a limit, the smaller one, but for the models whose window has grown for all."""
BY_ID = {listed.id: listed for listed in CATALOGUE}
FALLBACK = tuple(listed.model for listed in CATALOGUE)
"""Listed while no list can be had."""

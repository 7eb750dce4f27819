"""Token counts in OpenAI's dialects, under all the names in use."""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear.dialects.codec import NO_USAGE
from switchgear.events import Usage


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_creation_tokens: int | None = None
    reasoning_tokens: int | None = None


class UsageFields(msgspec.Struct):
    """Source: OpenAI's chat and Responses APIs, and what DeepSeek, Mistral, Together, Moonshot add (read 2026-11)."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    prompt_token_details: _Details | None = None
    input_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: int | None = None
    cached_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None

    def usage(self) -> Usage:
        """The same, canonical."""
        read = self.prompt_tokens_details or self.input_tokens_details or self.prompt_token_details or _NO_DETAILS
        made = self.completion_tokens_details or self.output_tokens_details or _NO_DETAILS
        return Usage(
            self.prompt_tokens if self.prompt_tokens is not None else self.input_tokens,
            self.completion_tokens if self.completion_tokens is not None else self.output_tokens,
            _first(read.cached_tokens, self.prompt_cache_hit_tokens, self.cached_tokens, self.cache_read_input_tokens),
            _first(read.cache_write_tokens, read.cache_creation_tokens, self.cache_creation_input_tokens),
            made.reasoning_tokens,
        )


_NO_DETAILS = _Details()


def _first(*counts: int | None) -> int | None:
    for count in counts:
        if count is not None:
            return count
    return None


def merge_usage(old: Usage, new: Usage) -> Usage:
    """The last usage counts; one that is all zero or empty never hides an earlier one."""
    return new if new.input_tokens or new.output_tokens or old == NO_USAGE else old


def read_usage(usage: dict[str, Any]) -> UsageFields:
    """Token counts out of any object; a field that is no whole number counts as not given."""
    found = UsageFields()
    for name in UsageFields.__struct_fields__:
        value = usage.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and not name.endswith("_details"):
            setattr(found, name, int(value))
        elif isinstance(value, dict) and name.endswith("_details"):
            counts = {key: count for key, count in value.items() if key in _Details.__struct_fields__}
            setattr(found, name, _Details(**{k: c for k, c in counts.items() if isinstance(c, int)}))
    return found

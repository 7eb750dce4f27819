"""Tokens and credits of an answer. Pure.

The service's own counts come rarely (``metadataEvent.tokenUsage``). Else there is how full the context is, in percent
of what the model takes, measured behind the answer: that is all tokens together, and coarse for a window of a million.
Then the answer's share is estimated from its text, and the rest is the prompt's. Source: captured streams of 2026;
read 2026-11.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from switchgear import Usage
from switchgear_kiro.payloads import Metering, TokenUsage

ASCII_CHARS_PER_TOKEN = 4.0
OTHER_BYTES_PER_TOKEN = 3.0


def tokens_in(text: str) -> float:
    """About how many tokens a text is; tokenizers differ, and none is shipped."""
    if text.isascii():
        return len(text) / ASCII_CHARS_PER_TOKEN
    plain = sum(map(str.isascii, text))
    return plain / ASCII_CHARS_PER_TOKEN + (len(text.encode(errors="replace")) - plain) / OTHER_BYTES_PER_TOKEN


@dataclass(slots=True)
class Figures:
    """What was said of an answer's size so far, and what was counted.

    Attributes:
        max_input_tokens: the model's context window; ``None`` when unknown.
        prompt_estimate: what the prompt has at least, estimated; 0 for not known.
        written: tokens of the answer, estimated: text, reasoning and tool calls.
        context_percent: how full the context is; ``None`` so far.
        credits: what the call costs; exact.
    """

    max_input_tokens: int | None
    prompt_estimate: int
    written: float = 0.0
    context_percent: float | None = None
    credits: float = 0.0
    _reported: TokenUsage | None = None

    def reported(self, usage: TokenUsage) -> None:
        """Take the service's own counts in."""
        if usage.uncached_input_tokens is not None or usage.output_tokens is not None:
            self._reported = usage
        self.filled(usage.context_usage_percentage)

    def filled(self, percent: float | None) -> None:
        """Take in how full the context is."""
        if percent is not None and math.isfinite(percent) and percent >= 0:
            self.context_percent = percent

    def metered(self, metering: Metering) -> None:
        """Take a price in; several add up."""
        price = metering.usage if metering.usage is not None else metering.amount
        if price is not None and math.isfinite(price):
            self.credits += price

    def so_far(self) -> Usage:
        """The tokens while the answer is on its way, or where it was not read to its end: estimates."""
        return Usage(input_tokens=self.prompt_estimate or None, output_tokens=math.ceil(self.written))

    def usage(self) -> Usage | None:
        """The tokens of the whole call; ``None`` where the service said nothing of them."""
        if self._reported is not None:
            return _counted(self._reported)
        if self.context_percent is None or self.max_input_tokens is None:
            return None
        total = round(self.context_percent / 100 * self.max_input_tokens)
        output = math.ceil(self.written)
        return Usage(input_tokens=max(total - output, self.prompt_estimate), output_tokens=output)


def _counted(usage: TokenUsage) -> Usage:
    read, written = usage.cache_read_input_tokens, usage.cache_write_input_tokens
    prompt = None
    if usage.uncached_input_tokens is not None:
        prompt = usage.uncached_input_tokens + (read or 0) + (written or 0)
    elif usage.total_tokens is not None and usage.output_tokens is not None:
        prompt = usage.total_tokens - usage.output_tokens
    return Usage(
        input_tokens=_whole(prompt),
        output_tokens=_whole(usage.output_tokens),
        cache_read_tokens=_whole(read),
        cache_write_tokens=_whole(written),
    )


def _whole(number: float | None) -> int | None:
    return None if number is None or not math.isfinite(number) or number < 0 else int(number)

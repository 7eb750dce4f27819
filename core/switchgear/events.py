"""The canonical answer: what a model says, piece by piece. Sans-IO, frozen.

A plugin's ``forward`` yields these; a codec turns an upstream's bytes into them and renders them in the client's
dialect. :class:`Text`, :class:`Reasoning` and :class:`ToolCall` are also the parts of an assistant's message, see
:mod:`switchgear.conversation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text. ``refusal`` marks the model's own words for why it does not answer."""

    text: str
    refusal: bool = False


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of the model's reasoning.

    Attributes:
        text: what may be read of it; empty where the upstream shows nothing.
        signature: the upstream's opaque proof, to be sent back unchanged with the text. In a stream it comes with or
            after the last piece of its text and ends this stretch of reasoning: what follows is another one.
        redacted: the text was withheld; ``signature`` is all there is. Such a piece stands alone.
    """

    text: str
    signature: str = ""
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One whole tool call; ``arguments`` is a JSON text, ``"{}"`` for none."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call that is still being written.

    Attributes:
        index: which call of this answer, counted from 0; pieces of several calls may be interleaved.
        arguments: the next piece of the JSON text; may be empty.
        id: on the first piece of its index, where it is never empty; empty on the others.
        name: likewise.
    """

    index: int
    arguments: str
    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of the whole request; ``None`` means the upstream does not say. The last one given counts, alone.

    Attributes:
        input_tokens: all that were read, those from and into the cache included.
        output_tokens: all that were made, reasoning included.
        cache_read_tokens: of the input, those that came from the upstream's prompt cache.
        cache_write_tokens: of the input, those that were written into it.
        reasoning_tokens: of the output, those of the reasoning.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """The answer ended by itself. A plugin's stream that ends without one finished with ``stop`` (or ``tool_calls``).

    ``stop_sequence`` is the client's stop sequence that ended it; ``None`` when none did, or it is not known.
    """

    reason: FinishReason = "stop"
    stop_sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """What of the client's request the upstream could not be asked for; the client is told in ``x-switchgear-dropped``.

    Only a plugin's ``forward`` yields it, before any output: once the answer has begun, its headers are gone. Names are
    those that conversions use: ``sampling.seed``, ``cache_hints``, ``tool_choice``.
    """

    names: tuple[str, ...]


Event = Text | Reasoning | ToolCall | ToolCallDelta | Usage | Finish | Ignored

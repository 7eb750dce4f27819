"""How an answer ended. Pure.

There is no last event: an answer ends with the HTTP body. Generation 3 says why in ``metadataEvent.stopReason``, and a
stream without it is incomplete, whatever else came; generation 2 has no such member, and the figures at the tail of a
stream are the only sign that it is whole. Source: the service's models and the vendor's notes on stream recovery (its
test server's README), 352 captured streams of 2026; read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass

from switchgear import Finish
from switchgear_kiro.variants import Generation

FULL_CONTEXT_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What came until the clean end of the body.

    Attributes:
        stop_reason: ``None`` when there was none.
        refused: the model said that it does not answer.
        said: text or reasoning came.
        called: a whole tool call came.
        cut_call: a tool call came that is not whole.
        tail: some of the figures came that end a stream.
        context_percent: how full the context is; ``None`` when not said.
    """

    stop_reason: str | None = None
    refused: bool = False
    said: bool = False
    called: bool = False
    cut_call: bool = False
    tail: bool = False
    context_percent: float | None = None

    @property
    def empty(self) -> bool:
        """Nothing came at all that a client could be told."""
        return not (self.stop_reason or self.refused or self.said or self.called or self.cut_call)


def ending(seen: Seen, generation: Generation) -> Finish:
    """How the answer ended, where it is not empty. ``length`` also stands for an answer that was cut short.

    Tool calls decide over ``END_TURN``: more than a third of the captured answers with calls end with it. A paused turn
    and a full context have no canonical name of their own: they are ``stop`` and ``length``.
    """
    if seen.refused or seen.stop_reason == "CONTENT_FILTERED":
        return Finish("content_filter")
    if seen.cut_call or seen.stop_reason in {"MAX_TOKENS", "MODEL_CONTEXT_WINDOW_EXCEEDED"}:
        return Finish("length")
    if seen.stop_reason is None and (generation == 3 or not (seen.called or _whole_text(seen))):
        return Finish("length")
    if seen.called:
        return Finish("tool_calls")
    return Finish("length" if seen.stop_reason == "TOOL_USE" else "stop")


def _whole_text(seen: Seen) -> bool:
    """Whether a text of generation 2 is complete."""
    return seen.tail and (seen.context_percent or 0.0) < FULL_CONTEXT_PERCENT

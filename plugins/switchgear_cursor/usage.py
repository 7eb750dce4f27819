"""The tokens of a run, as far as the server says them. Pure."""

from __future__ import annotations

from switchgear import Usage
from switchgear_cursor.proto.agent_pb2 import TurnEnded

COUNTER_FACTOR = 3
"""Cache reads beyond so many times the context are a counter of the whole account (seen 2026-08), not of this run."""


def usage_at_end(ended: TurnEnded, context_tokens: int) -> Usage | None:
    """The usage that the end of a turn reports; ``None`` when it reports none.

    Args:
        ended: ``input`` counts what was read from and written to the cache already.
        context_tokens: of the last checkpoint; 0 when there was none.
    """
    read, written = _said(ended, "cache_read_tokens"), _said(ended, "cache_write_tokens")
    output, reasoning = _said(ended, "output_tokens"), _said(ended, "reasoning_tokens")
    given = _said(ended, "input_tokens")
    if given is None and output is None:
        return None
    if context_tokens and (read or 0) > COUNTER_FACTOR * context_tokens:
        read = None
        written = None if (written or 0) > context_tokens else written
        given = max(context_tokens - (output or 0), 0)
    elif given is not None and (read or 0) + (written or 0) > given:
        given += (read or 0) + (written or 0)
    return Usage(given, output, read, written, reasoning)


def usage_so_far(context_tokens: int, output_tokens: int) -> Usage | None:
    """What is known of a run that was left before its end: a lower bound; ``None`` when nothing is.

    ``context_tokens`` is the last checkpoint's, ``output_tokens`` the sum of what the server counted on the way.
    """
    if not context_tokens and not output_tokens:
        return None
    return Usage(context_tokens or None, output_tokens or None)


def _said(ended: TurnEnded, name: str) -> int | None:
    return int(getattr(ended, name)) if ended.HasField(name) else None

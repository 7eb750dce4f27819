"""The model's name in an answer that passes through.

Claude Code sends earlier thinking back only where the answer named the model it had asked for (2.1.197, seen 2026-11):
behind an alias it would lose its thoughts.
"""

from __future__ import annotations

import re

import msgspec

_MODEL = re.compile(rb'("model"\s*:\s*)"(?:[^"\\]|\\.)*"')
_START = b'"message_start"'


def named(beginning: bytes, model: str) -> bytes:
    """A whole answer, or the beginning of a stream, with the name the client asked for; all else as it came."""
    name = msgspec.json.encode(model)
    if not beginning.lstrip().startswith(b"{"):
        at = beginning.find(_START)
        if at < 0:
            return beginning
        end = beginning.find(b"\n", at)  # the event's data is one line, and holds the message's head
        head = _MODEL.sub(lambda found: found[1] + name, beginning[at:end], count=1)
        return b"".join((beginning[:at], head, beginning[end:]))
    fields = msgspec.json.decode(beginning, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**fields, "model": msgspec.Raw(name)}) if "model" in fields else beginning

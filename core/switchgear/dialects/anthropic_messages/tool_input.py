"""A tool call's arguments, which are a JSON text, as the ``input`` object of a ``tool_use`` block."""

from __future__ import annotations

from typing import Any

import msgspec

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def is_whole(arguments: str) -> bool:
    """Whether nothing is missing from the arguments."""
    try:
        _decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def tool_input(arguments: str) -> msgspec.Raw | dict[str, Any]:
    """The arguments as they were written, digit for digit.

    What is no JSON object is wrapped as Anthropic advises for broken arguments, so that a tool refuses it rather than
    run without any. Source:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming, read 2026-11.
    """
    if arguments.strip() in ("", "null"):
        return {}
    return msgspec.Raw(arguments.encode()) if is_whole(arguments) else {"INVALID_JSON": arguments}

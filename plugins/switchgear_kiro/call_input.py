"""A tool call's arguments, a JSON text, as the ``input`` object of an earlier call. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_EMPTY = msgspec.Raw(b"{}")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""One escape; a surrogate without its partner is the group."""


def call_input(arguments: str) -> msgspec.Raw:
    """The arguments as they were written, digit for digit.

    An escaped surrogate without its partner becomes U+FFFD: the service refuses the whole body for it. What is no JSON
    object is wrapped in one, so that the model sees what it wrote.
    """
    if arguments.strip() in {"", "null"}:
        return _EMPTY
    text = arguments
    if "\\ud" in text or "\\uD" in text:
        text = _ESCAPE.sub(lambda found: r"\ufffd" if found[1] else found[0], text)
    try:
        _decode(text)
    except (msgspec.DecodeError, RecursionError):
        broken: dict[str, Any] = {"INVALID_JSON": arguments}
        return msgspec.Raw(msgspec.json.encode(broken))
    return msgspec.Raw(text.encode())

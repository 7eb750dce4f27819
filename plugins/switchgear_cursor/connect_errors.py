"""What an error of the service says: the same JSON in an HTTP error and in a stream's end frame. Pure.

The message is usually just ``Error``; the truth is in the details, under ``debug`` or, where that is missing, in
``value``: a protobuf message in base64. Source: live answers and the descriptor of the vendor's SDK, read 2026-11.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import msgspec

from switchgear_cursor.proto import DecodeError
from switchgear_cursor.proto.agent_pb2 import ErrorDetails

NAMES = {
    1: "BAD_API_KEY",
    2: "NOT_LOGGED_IN",
    3: "INVALID_AUTH_ID",
    4: "NOT_HIGH_ENOUGH_PERMISSIONS",
    5: "BAD_MODEL_NAME",
    6: "USER_NOT_FOUND",
    7: "FREE_USER_RATE_LIMIT_EXCEEDED",
    8: "PRO_USER_RATE_LIMIT_EXCEEDED",
    9: "FREE_USER_USAGE_LIMIT",
    10: "PRO_USER_USAGE_LIMIT",
    11: "AUTH_TOKEN_NOT_FOUND",
    12: "AUTH_TOKEN_EXPIRED",
    13: "OPENAI",
    14: "OPENAI_RATE_LIMIT",
    18: "AGENT_REQUIRES_LOGIN",
    20: "MAX_TOKENS",
    21: "USER_ABORTED_REQUEST",
    22: "GENERIC_RATE_LIMIT_EXCEEDED",
    23: "PRO_USER_ONLY",
    25: "TIMEOUT",
    28: "GPT_4_VISION_PREVIEW_RATE_LIMIT",
    29: "CUSTOM_MESSAGE",
    30: "OUTDATED_CLIENT",
    31: "CLAUDE_IMAGE_TOO_LARGE",
    33: "FILE_NOT_FOUND",
    34: "API_KEY_RATE_LIMIT",
    35: "DEBOUNCED",
    36: "BAD_REQUEST",
    38: "UNAUTHORIZED",
    39: "NOT_FOUND",
    40: "DEPRECATED",
    41: "RESOURCE_EXHAUSTED",
    42: "BAD_USER_API_KEY",
    43: "CONVERSATION_TOO_LONG",
    44: "USAGE_PRICING_REQUIRED",
    45: "USAGE_PRICING_REQUIRED_CHANGEABLE",
    50: "RATE_LIMITED",
    51: "RATE_LIMITED_CHANGEABLE",
    52: "CUSTOM",
    53: "HOOKS_BLOCKED",
    54: "SUSPICIOUS_USAGE_BLOCKED",
    56: "NETWORK_ERROR",
    57: "PROVIDER_ERROR",
    58: "MODEL_BLOCKED",
    59: "INTERNAL",
    60: "MAX_MODE_REQUIRED",
    61: "MODEL_NO_LONGER_SUPPORTED",
    62: "PRICING_WARNING",
    63: "SLOW_POOL",
    64: "UNSUPPORTED_REGION",
    65: "ACCOUNT_CLOSED",
}
"""The numbers in ``value`` and the names in ``debug``, there with ``ERROR_`` before them."""


@dataclass(frozen=True, slots=True)
class ConnectError:
    """One error.

    Attributes:
        code: the Connect code, such as ``resource_exhausted``; empty when it has none.
        message: usually just ``Error``.
        name: the service's own name for it, without ``ERROR_``; empty when the details have none.
        title: for the person; empty likewise.
        detail: likewise.
        is_retryable: whether the same request may be sent again; ``None`` when it does not say.
    """

    code: str = ""
    message: str = ""
    name: str = ""
    title: str = ""
    detail: str = ""
    is_retryable: bool | None = None

    @property
    def is_bare(self) -> bool:
        """Whether nothing but the code says what it is."""
        return not self.name and not self.title and not self.detail

    @property
    def words(self) -> str:
        """Title and detail, or the message where there are none."""
        return ": ".join(part for part in (self.title, self.detail) if part) or self.message

    @property
    def is_about_region(self) -> bool:
        """Whether the way is refused rather than the credential: another host may take the same request."""
        said = f"{self.words} {self.message}".lower()
        return self.name == "UNSUPPORTED_REGION" or ("region" in said and "available" in said)


def connect_error(body: bytes) -> ConnectError | None:
    """The error in an HTTP error's body, or under ``error`` in an end frame; ``None`` when there is none."""
    try:
        document: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    if isinstance(document, dict) and isinstance(document.get("error"), dict):
        document = document["error"]
    if not isinstance(document, dict) or not ("code" in document or "details" in document):
        return None
    details = document.get("details")
    for detail in details if isinstance(details, list) else ():
        name, title, text, retryable = _of_detail(detail)
        if name or title or text:
            return ConnectError(_text(document, "code"), _text(document, "message"), name, title, text, retryable)
    return ConnectError(_text(document, "code"), _text(document, "message"))


def _of_detail(detail: object) -> tuple[str, str, str, bool | None]:
    given: Any = detail if isinstance(detail, dict) else {}
    debug = given.get("debug")
    if isinstance(debug, dict) and debug.get("error"):
        inner = debug.get("details")
        words: Any = inner if isinstance(inner, dict) else {}
        retryable = words.get("isRetryable")
        name = _text(debug, "error").removeprefix("ERROR_")
        return name, _text(words, "title"), _text(words, "detail"), retryable if isinstance(retryable, bool) else None
    return _of_value(_text(given, "value"))


def _of_value(value: str) -> tuple[str, str, str, bool | None]:
    try:
        message = ErrorDetails.FromString(base64.b64decode(value + "=" * (-len(value) % 4), validate=True))
    except (binascii.Error, DecodeError):
        return "", "", "", None
    words = message.details
    retryable = words.is_retryable if words.HasField("is_retryable") else None
    return NAMES.get(message.error, ""), words.title, words.detail, retryable


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    return value if isinstance(value, str) else ""

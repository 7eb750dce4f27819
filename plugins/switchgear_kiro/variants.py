"""The ways of calling the service: three generations of hosts, and on each one or two forms of the same call. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Generation = Literal[2, 3]
"""Whose events and rules hold; generation 1 is like 2."""
ChatVariant = Literal["runtime-json", "runtime-rest", "q-rest", "q-json", "codewhisperer"]
"""How a chat is sent; what each means stands in :data:`CHAT_VARIANTS`."""
ControlVariant = Literal["management", "q", "codewhisperer"]
"""Which host is asked for models, profiles and quota."""
Origin = Literal["AI_EDITOR", "KIRO_CLI", "CLI"]
"""As which kind of client; it decides what is counted against which quota."""

AWS_JSON, REST_JSON = "application/x-amz-json-1.0", "application/json"
_REST_PATH = "/generateAssistantResponse"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of sending a chat.

    Attributes:
        generation: of the host.
        path: of the URL.
        content_type: of the body.
        target: ``x-amz-target``, by which one path serves every operation; empty where the path tells.
    """

    generation: Generation
    path: str
    content_type: str
    target: str = ""


CHAT_VARIANTS: dict[ChatVariant, Variant] = {
    "runtime-json": Variant(3, "/", AWS_JSON, "KiroRuntimeService.GenerateAssistantResponse"),
    "runtime-rest": Variant(3, _REST_PATH, REST_JSON),
    "q-rest": Variant(2, _REST_PATH, REST_JSON),
    "q-json": Variant(2, "/", AWS_JSON, "AmazonCodeWhispererStreamingService.GenerateAssistantResponse"),
    "codewhisperer": Variant(2, _REST_PATH, REST_JSON),
}
"""The first is what the vendor's clients send (2026-10); the others are what gateways were seen to use."""
DEFAULT_VARIANTS: tuple[ChatVariant, ...] = ("runtime-json", "runtime-rest", "q-rest", "q-json")

"""Switchgear: a plugin-based gateway for LLM providers.

What stands in ``__all__`` is what a plugin author imports; nothing else is public.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from switchgear.conversation import (
    CachePoint,
    Conversation,
    File,
    Image,
    Message,
    Part,
    ReasoningOptions,
    ResponseFormat,
    Sampling,
    Tool,
    ToolChoice,
    ToolResult,
)
from switchgear.errors import ConfigError, LoginCancelled, LoginRequired, PluginError, UpstreamError
from switchgear.events import Event, Finish, Reasoning, Text, ToolCall, ToolCallDelta, Usage
from switchgear.hookspecs import CONTRACT_VERSION, hookimpl
from switchgear.secret import Secret, redact
from switchgear.types import (
    Account,
    Alert,
    AttemptRecord,
    AuthStore,
    Dialect,
    Failure,
    ForwardRequest,
    Kind,
    Login,
    Model,
    Provider,
    ProviderInfo,
    Quota,
    Reply,
    Timeouts,
    Verdict,
)

if TYPE_CHECKING:
    from switchgear.classify import default_verdict, retry_hint
    from switchgear.settings import ModelEntry, ProviderSettings, SettingsModel
    from switchgear.upstream import UpstreamClient

__all__ = [
    "CONTRACT_VERSION",
    "Account",
    "Alert",
    "AttemptRecord",
    "AuthStore",
    "CachePoint",
    "ConfigError",
    "Conversation",
    "Dialect",
    "Event",
    "Failure",
    "File",
    "Finish",
    "ForwardRequest",
    "Image",
    "Kind",
    "Login",
    "LoginCancelled",
    "LoginRequired",
    "Message",
    "Model",
    "ModelEntry",
    "Part",
    "PluginError",
    "Provider",
    "ProviderInfo",
    "ProviderSettings",
    "Quota",
    "Reasoning",
    "ReasoningOptions",
    "Reply",
    "ResponseFormat",
    "Sampling",
    "Secret",
    "SettingsModel",
    "Text",
    "Timeouts",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolChoice",
    "ToolResult",
    "UpstreamClient",
    "UpstreamError",
    "Usage",
    "Verdict",
    "default_verdict",
    "hookimpl",
    "redact",
    "retry_hint",
]

_LAZY = {
    "ModelEntry": "switchgear.settings",
    "ProviderSettings": "switchgear.settings",
    "SettingsModel": "switchgear.settings",
    "UpstreamClient": "switchgear.upstream",
    "default_verdict": "switchgear.classify",
    "retry_hint": "switchgear.classify",
}
"""Names whose modules import pydantic, httpx2 or msgspec: fetched when first used, so that the import stays quick."""


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'switchgear' has no attribute {name!r}")

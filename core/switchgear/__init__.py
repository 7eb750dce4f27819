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
from switchgear.dialog import Login
from switchgear.errors import (
    AuthFileError,
    ConfigError,
    LoginCancelled,
    LoginFailed,
    LoginRequired,
    PluginError,
    UpstreamError,
)
from switchgear.events import Event, Finish, Ignored, Reasoning, Text, ToolCall, ToolCallDelta, Usage
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
    from switchgear.duplex import Duplex
    from switchgear.editing import AnswerEditor, edited
    from switchgear.settings import ModelEntry, ProviderSettings, SettingsModel, TimeoutSettings, Url
    from switchgear.think_tags import ThinkTags
    from switchgear.upstream import Post, UpstreamClient

__all__ = [
    "CONTRACT_VERSION",
    "Account",
    "Alert",
    "AnswerEditor",
    "AttemptRecord",
    "AuthFileError",
    "AuthStore",
    "CachePoint",
    "ConfigError",
    "Conversation",
    "Dialect",
    "Duplex",
    "Event",
    "Failure",
    "File",
    "Finish",
    "ForwardRequest",
    "Ignored",
    "Image",
    "Kind",
    "Login",
    "LoginCancelled",
    "LoginFailed",
    "LoginRequired",
    "Message",
    "Model",
    "ModelEntry",
    "Part",
    "PluginError",
    "Post",
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
    "ThinkTags",
    "TimeoutSettings",
    "Timeouts",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolChoice",
    "ToolResult",
    "UpstreamClient",
    "UpstreamError",
    "Url",
    "Usage",
    "Verdict",
    "default_verdict",
    "edited",
    "hookimpl",
    "redact",
    "retry_hint",
]

_LAZY = {
    "AnswerEditor": "switchgear.editing",
    "Duplex": "switchgear.duplex",
    "ModelEntry": "switchgear.settings",
    "Post": "switchgear.upstream",
    "ProviderSettings": "switchgear.settings",
    "SettingsModel": "switchgear.settings",
    "ThinkTags": "switchgear.think_tags",
    "TimeoutSettings": "switchgear.settings",
    "UpstreamClient": "switchgear.upstream",
    "Url": "switchgear.settings",
    "default_verdict": "switchgear.classify",
    "edited": "switchgear.editing",
    "retry_hint": "switchgear.classify",
}
"""Names whose modules import pydantic, httpx2, h2 or msgspec: fetched when first used, to keep the import quick."""


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'switchgear' has no attribute {name!r}")

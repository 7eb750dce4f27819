"""One entry of the ``openai-compatibility`` block."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import httpx2
from pydantic import AfterValidator, Field, model_validator

from switchgear import Dialect, ProviderSettings, Secret, SettingsModel
from switchgear_openai_compatibility.quirks import MaxTokensField, Quirks, ReasoningRequest, StreamUsage
from switchgear_openai_compatibility.target import AuthStyle, Target
from switchgear_openai_compatibility.turns import ReplayReasoning, SystemRole

ALWAYS_SPOKEN: tuple[Dialect, ...] = ("openai-completions", "openai-embeddings")
"""Nothing converts to these, so an upstream that lacks them says so itself."""

OURS = frozenset(
    {"accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host"}
    | {"keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that the connection and the body decide."""


def _base_url(value: str) -> str:
    try:
        parts = urlsplit(value.strip())
        usable = parts.scheme in {"http", "https"} and bool(httpx2.URL(value.strip()).host)
    except (ValueError, httpx2.InvalidURL):
        usable = False
    if not usable:
        raise ValueError("must be an http:// or https:// URL, such as https://openrouter.ai/api/v1")
    if parts.username or parts.password:
        raise ValueError("holds a user name or password; write the key under api-key-entries")
    if parts.fragment:
        raise ValueError("ends in '#...', which is never sent")
    return value.strip()


def _proxy_url(value: Secret) -> Secret:
    parts = urlsplit(value.reveal())
    if parts.scheme not in {"http", "https", "socks5", "socks5h"} or not parts.hostname:
        raise ValueError("must be an http://, https://, socks5:// or socks5h:// URL")
    return value


def _sendable(value: Secret) -> Secret:
    if not value.reveal().isascii():
        raise ValueError("holds a character that no header can carry; was it copied whole?")
    return value


def _header_names(value: dict[str, Secret]) -> dict[str, Secret]:
    for name in value:
        if name.lower() in OURS:
            raise ValueError(f"{name!r} is set by the gateway itself")
        if not name or not all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name) or not name.isascii():
            raise ValueError(f"{name[:40]!r} is no header name")
    return value


def _each_once(value: tuple[Spoken, ...]) -> tuple[Spoken, ...]:
    if len(set(value)) < len(value):
        raise ValueError("names a dialect twice")
    return value


Spoken = Literal["openai-chat", "anthropic-messages", "openai-responses"]
Dialects = Annotated[tuple[Spoken, ...], Field(min_length=1, strict=False), AfterValidator(_each_once)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
ProxyUrl = Annotated[Secret, AfterValidator(_proxy_url)]
HeaderSecret = Annotated[Secret, AfterValidator(_sendable)]
Headers = Annotated[dict[str, HeaderSecret], AfterValidator(_header_names)]
Label = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class KeyEntry(SettingsModel):
    """One API key.

    Attributes:
        api_key: the upstream's key: ``env:NAME``, ``file:PATH``, ``keyring:NAME`` or the key itself.
        label: what logs, headers and metrics call it; made from its digest if absent.
        proxy_url: the proxy of this key's calls (``http``, ``https``, ``socks5``, ``socks5h``).
        headers: sent with this key's calls, beside the entry's own.
    """

    api_key: HeaderSecret
    label: Label | None = None
    proxy_url: ProxyUrl | None = None
    headers: Headers = Field(default_factory=dict)


class Settings(ProviderSettings):
    """One upstream.

    Attributes:
        name: unique over the whole file.
        base_url: the URL before ``/chat/completions``, with the ``/v1`` if the server has one.
        dialects: what the server speaks, the best first: a request in another dialect is converted to the first that
            can carry it. Completions and embeddings are always passed on.
        api_key_entries: its keys, in the order ``fill-first`` follows; empty for a server without keys.
        auth_style: ``bearer`` sends ``Authorization: Bearer``, ``api-key`` the header ``api-key`` (Azure), and
            ``x-api-key`` the header ``x-api-key`` (Anthropic).
        headers: sent with each call; a value ``$Name`` copies the client's header of that name, if it sent one.
        models_path: where the model list is, below the base URL.
        max_tokens_field: the name of the limit in chat requests. ``auto`` leaves it as it came; in a converted request
            it is ``max_tokens``, until a model's refusal asks for the other name.
        system_role: the role of instructions in chat requests. ``auto`` and ``system`` turn ``developer`` into
            ``system``, ``developer`` the other way round, ``as-sent`` neither.
        stream_usage: whether chat streams are asked to report their usage. ``auto`` leaves it to the client, and does
            without for a model that refuses ``stream_options``; ``on`` always asks, and the client sees the answer;
            ``off`` never does.
        replay_reasoning: the field of earlier assistant turns in which chat requests bring reasoning back. ``auto``
            leaves it as it came, ``none`` takes it away, a name moves it there; with ``reasoning_content`` and
            ``reasoning`` a turn with tool calls and no reasoning gets an empty one, as DeepSeek wants it.
        reasoning_request: how ``reasoning_effort`` is said in chat requests. ``auto`` and ``reasoning_effort`` leave it
            as it came, but with ``auto`` a converted request does without where reasoning is off, or where the model
            has refused the field; ``reasoning`` (OpenRouter), ``thinking`` (DeepSeek) and ``chat_template_kwargs``
            (vLLM, SGLang) say it in those words; ``none`` takes it away.
        strict_schema: true sends chat requests without the fields that a server with a closed schema (Mistral) refuses,
            unless another of these keys asks for one.
    """

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    base_url: BaseUrl
    api_key_entries: tuple[KeyEntry, ...] = Field(default=(), strict=False)
    dialects: Dialects = ("openai-chat",)
    auth_style: AuthStyle = "bearer"
    headers: Headers = Field(default_factory=dict)
    models_path: Annotated[str, Field(pattern=r"^/[!-~]*$")] = "/models"
    max_tokens_field: MaxTokensField = "auto"
    system_role: SystemRole = "auto"
    stream_usage: StreamUsage = "auto"
    replay_reasoning: ReplayReasoning = "auto"
    reasoning_request: ReasoningRequest = "auto"
    strict_schema: bool = False

    @model_validator(mode="after")
    def _no_key_twice(self) -> Self:
        keys = [entry.api_key for entry in self.api_key_entries]
        labels = [entry.label for entry in self.api_key_entries if entry.label is not None]
        for what, values in (("api-key", keys), ("label", labels)):
            if len(set(values)) < len(values):
                raise ValueError(f"two api-key-entries have the same {what}")
        return self

    @cached_property
    def target(self) -> Target:
        """Where the entry's calls go, worked out once."""
        return Target(
            self.base_url,
            models_path=self.models_path,
            auth_style=self.auth_style,
            dialects=self.dialects,
            headers=self.headers,
            account_headers={self.account_id(entry): entry.headers for entry in self.api_key_entries},
        )

    @cached_property
    def quirks(self) -> Quirks:
        """What chat bodies need here."""
        return Quirks(
            self.max_tokens_field,
            self.system_role,
            self.stream_usage,
            self.replay_reasoning,
            self.reasoning_request,
            self.strict_schema,
        )

    @property
    def native_dialects(self) -> tuple[Dialect, ...]:
        """What the server speaks, the best first."""
        return (*self.dialects, *ALWAYS_SPOKEN)

    def account_id(self, entry: KeyEntry) -> str:
        """The account of one key: the entry's name and a digest, never the key."""
        return f"{self.name}-{entry.api_key.fingerprint()}"

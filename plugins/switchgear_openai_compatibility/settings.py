"""One entry of the ``openai-compatibility`` block."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import httpx2
from pydantic import AfterValidator, Field, model_validator

from switchgear import ProviderSettings, Secret, SettingsModel
from switchgear_openai_compatibility.target import Target

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
        api_key_entries: its keys, in the order ``fill-first`` follows; empty for a server without keys.
        auth_style: ``bearer`` sends ``Authorization: Bearer``, ``api-key`` the header ``api-key`` (Azure).
        headers: sent with each call; a value ``$Name`` copies the client's header of that name, if it sent one.
        models_path: where the model list is, below the base URL.
    """

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    base_url: BaseUrl
    api_key_entries: tuple[KeyEntry, ...] = Field(default=(), strict=False)
    auth_style: Literal["bearer", "api-key"] = "bearer"
    headers: Headers = Field(default_factory=dict)
    models_path: Annotated[str, Field(pattern=r"^/[!-~]*$")] = "/models"

    @model_validator(mode="after")
    def _each_once(self) -> Self:
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
            headers=self.headers,
            account_headers={self.account_id(entry): entry.headers for entry in self.api_key_entries},
        )

    def account_id(self, entry: KeyEntry) -> str:
        """The account of one key: the entry's name and a digest, never the key."""
        return f"{self.name}-{entry.api_key.fingerprint()}"

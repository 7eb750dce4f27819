"""Core's own keys of ``config.yaml``. What another key may be called is up to the installed plugins."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from switchgear.config.alert_settings import AlertsSettings
from switchgear.references import resolve
from switchgear.secret import Secret
from switchgear.settings import NAME_PATTERN, Prefix, SettingsModel
from switchgear.strategies import Strategy

SHORTEST_KEY = 16
"""A client key has at least this many characters."""

ClientScope = Literal["metrics:read"]

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """What tells a client key again: its SHA-256.

    ``secret`` is kept so that the key is masked wherever it turns up; ``None`` when the file holds the digest alone.
    """

    digest: bytes = field(repr=False)
    secret: Secret | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A key that a client may present.

    Attributes:
        name: labels its requests in logs and metrics.
        digest: SHA-256 of the key, 32 bytes; the key itself is not kept.
        models: wildcards over public model names; others are neither listed nor served.
        requests_per_minute: ``None`` for no limit.
        max_concurrency: requests in flight at once; ``None`` for no limit.
        scopes: what it may do besides asking models.
        secret: the key for the redaction of texts, never for comparison; ``None`` for a ``sha256:`` reference.
    """

    name: str
    digest: bytes = field(repr=False)
    models: tuple[str, ...] = ("*",)
    requests_per_minute: int | None = None
    max_concurrency: int | None = None
    scopes: frozenset[ClientScope] = frozenset()
    secret: Secret | None = field(default=None, repr=False, compare=False)

    def allows(self, model: str) -> bool:
        """Whether the public model name is in the key's scope."""
        return not self.models or _in_scope(self.models, model)


@lru_cache(maxsize=4096)
def _in_scope(patterns: tuple[str, ...], model: str) -> bool:
    return any(fnmatchcase(model, pattern) for pattern in patterns)


def _client_secret(reference: object) -> ClientSecret:
    if isinstance(reference, str) and reference.startswith("sha256:"):
        digest = reference.removeprefix("sha256:").strip()
        if not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
            raise ValueError("must be sha256: and 64 hexadecimal digits; make one with: switchgear keys new")
        return ClientSecret(bytes.fromhex(digest))
    secret = Secret(resolve(reference))
    key = secret.reveal()
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"is shorter than {SHORTEST_KEY} characters; make a good one with: switchgear keys new")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError("may hold only ASCII letters, digits and signs, no spaces: it travels in an HTTP header")
    return ClientSecret(hashlib.sha256(key.encode()).digest(), secret)


def _host(value: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        if not _HOST.fullmatch(value):
            raise ValueError("must be an IP address or a host name, without a port") from None
    return value


def _directory(value: object) -> Path:
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ValueError("must be the path of a directory")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("begins with '~', but this user has no home directory") from None


ClientReference = Annotated[ClientSecret, PlainValidator(_client_secret)]
Host = Annotated[str, AfterValidator(_host)]
Directory = Annotated[Path, PlainValidator(_directory)]
GivenPrefix = Annotated[Prefix, Field(min_length=1)]
Wildcard = Annotated[str, Field(min_length=1, max_length=256)]


class ClientKeyEntry(SettingsModel):
    """One entry of ``api-keys``; a text alone is its ``key``.

    Attributes:
        name: unique; ``key-1``, ``key-2``, ... by position if absent.
        key: ``env:NAME``, ``file:PATH``, ``keyring:NAME``, ``sha256:HEX`` or the key itself.
        models: wildcards over public model names; all if absent.
        requests_per_minute: absent or null for no limit.
        max_concurrency: requests in flight at once; absent or null for no limit.
        scopes: ``metrics:read`` lets the key read the metrics from another machine.
    """

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=NAME_PATTERN)] | None = None
    key: ClientReference
    models: tuple[Wildcard, ...] = Field(default=("*",), min_length=1, strict=False)
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    max_concurrency: Annotated[int, Field(ge=1, le=100_000)] | None = None
    scopes: tuple[ClientScope, ...] = Field(default=(), strict=False)

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"key": value}

    def client_key(self, position: int) -> ClientKey:
        """The key as the gateway uses it; ``position`` counts from 0."""
        return ClientKey(
            name=self.name or f"key-{position + 1}",
            digest=self.key.digest,
            models=self.models,
            requests_per_minute=self.requests_per_minute,
            max_concurrency=self.max_concurrency,
            scopes=frozenset(self.scopes),
            secret=self.key.secret,
        )


class ShiftRule(SettingsModel):
    """Traffic that moves by itself while an alert fires, and back when it is over.

    Attributes:
        alert: the alert rule's name.
        to: the prefix it moves to.
        share: how much of it, in percent. Some has to stay: without traffic nobody sees the provider recover.
    """

    alert: str = "provider-success"
    to: GivenPrefix
    share: Annotated[int, Field(ge=1, le=99)] = 90


class RoutingSettings(SettingsModel):
    """How a request finds its account.

    Attributes:
        strategy: ``round-robin`` over the accounts; ``fill-first``, the first until it cools down; ``weighted``, each
            by its weight; or ``least-busy``, the one with the fewest calls under way.
        keep_conversations: true keeps a conversation on one account while it can be asked, so that its prompt is found
            in that account's cache. Each prefers the accounts in an order of its own; the strategy has no say.
        queue_size: requests that may wait while every account has as many calls under way as it may.
        queue_seconds: how long each waits at the most.
        fallbacks: prefix to the prefixes tried after it, in order, under the same model name.
        shift_on_alert: prefix to where its traffic moves while an alert fires for its provider.
        cooldown_floor_seconds: no cooldown is shorter, whatever the upstream says.
        cooldown_cap_seconds: none is longer.
    """

    strategy: Strategy = "round-robin"
    keep_conversations: bool = False
    queue_size: Annotated[int, Field(ge=0, le=100_000)] = 1000
    queue_seconds: Annotated[float, Field(ge=0, le=3600)] = 30.0
    fallbacks: Mapping[GivenPrefix, Annotated[tuple[GivenPrefix, ...], Field(strict=False)]] = Field(
        default_factory=dict
    )
    shift_on_alert: Mapping[GivenPrefix, ShiftRule] = Field(default_factory=dict)
    cooldown_floor_seconds: Annotated[float, Field(gt=0, le=3600)] = 1.0
    cooldown_cap_seconds: Annotated[float, Field(gt=0, le=7 * 86_400)] = 3600.0

    @model_validator(mode="after")
    def _floor_under_cap(self) -> RoutingSettings:
        if self.cooldown_floor_seconds > self.cooldown_cap_seconds:
            raise ValueError("cooldown-floor-seconds is greater than cooldown-cap-seconds")
        return self


class ResponsesSettings(SettingsModel):
    """What the Responses API keeps, in memory, so that a client can go on from an earlier response.

    Attributes:
        max_mib: the most that is kept altogether, in MiB; the oldest go first.
        ttl_seconds: how long a response is kept.
    """

    max_mib: Annotated[int, Field(ge=1, le=16_384)] = 64
    ttl_seconds: Annotated[float, Field(gt=0, le=30 * 86_400)] = 3600.0


class MetricsSettings(SettingsModel):
    """Who may read the metrics.

    Attributes:
        loopback_open: ``GET /v1/metrics/providers``, ``/v1/alerts`` and ``/metrics`` need no key from this machine.
    """

    loopback_open: bool = True


class LogSettings(SettingsModel):
    """The log, on standard error.

    Attributes:
        format: ``auto`` is text on a terminal and JSON elsewhere.
        level: the least that is logged.
    """

    format: Literal["auto", "json", "text"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(SettingsModel):
    """Core's own keys. Code takes the keys from :attr:`api_keys` and :attr:`management_key`.

    Attributes:
        host: where the gateway listens; loopback unless told otherwise.
        port: where it listens; 0 takes a free one.
        auth_dir: one file per account.
        auth_file_permissions: what is done about an auth file that others may read: ``fix`` takes their rights away,
            ``refuse`` leaves the account out.
        secrets: where the key that seals auth files may be kept: ``auto``, or ``require-keyring``, which refuses the
            key file that is the last resort.
        state_dir: what outlives a restart: cooldowns, shifts, the last model lists; safe to delete.
        client_keys: what clients present, at least one: a key, or a mapping with its limits.
        management: the operator's own key; no client key. Without it there is no management API.
        management_remote: true lets other machines use the management API.
        force_model_prefix: an unprefixed name never reaches a prefixed block.
        request_retry: further attempts after the first, for the whole request.
        max_retry_interval: seconds a request may wait for an account that cools down.
        max_body_mib: the largest request body, in MiB.
        models_ttl_seconds: how long a fetched list of models is good.
        drain_seconds: how long requests in flight may go on after a stop.
        server: ``fast``, or ``stock``, which leaves HTTP/1.1 to hypercorn as it leaves HTTP/2 to it anyway.
    """

    host: Host = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8317
    auth_dir: Directory = Field(default=Path("~/.switchgear/auth"), validate_default=True)
    auth_file_permissions: Literal["fix", "refuse"] = "fix"
    secrets: Literal["auto", "require-keyring"] = "auto"
    state_dir: Directory = Field(default=Path("~/.switchgear/state"), validate_default=True)
    client_keys: tuple[ClientKeyEntry, ...] = Field(default=(), alias="api-keys", strict=False)
    management: ClientReference | None = Field(default=None, alias="management-key")
    management_remote: bool = False
    force_model_prefix: bool = False
    request_retry: Annotated[int, Field(ge=0, le=10)] = 3
    max_retry_interval: Annotated[float, Field(ge=0, le=300)] = 30.0
    max_body_mib: Annotated[int, Field(ge=1, le=1024)] = 32
    models_ttl_seconds: Annotated[float, Field(ge=10, le=7 * 86_400)] = 600.0
    drain_seconds: Annotated[float, Field(ge=0, le=3600)] = 30.0
    server: Literal["fast", "stock"] = "fast"
    routing: RoutingSettings = RoutingSettings()
    responses: ResponsesSettings = ResponsesSettings()
    metrics: MetricsSettings = MetricsSettings()
    alerts: AlertsSettings = AlertsSettings()
    log: LogSettings = LogSettings()

    @property
    def auth_key_file(self) -> Path:
        """Where the key that seals auth files is kept as the last resort."""
        return self.auth_dir.parent / f"{self.auth_dir.name}.key"

    @cached_property
    def api_keys(self) -> tuple[ClientKey, ...]:
        """The keys that clients may present."""
        return tuple(entry.client_key(position) for position, entry in enumerate(self.client_keys))

    @cached_property
    def management_key(self) -> ClientKey | None:
        """The operator's own key; ``None`` when there is none."""
        if self.management is None:
            return None
        return ClientKey("management", self.management.digest, secret=self.management.secret)


CORE_KEYS = tuple(info.alias or name for name, info in Config.model_fields.items())

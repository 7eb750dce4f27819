"""What every provider entry of ``config.yaml`` may say; a plugin's own settings model extends it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from switchgear.types import Dialect, Timeouts

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""What an entry or a client key may be called."""


def kebab(name: str) -> str:
    """The key of ``config.yaml`` for a Python field.

    >>> kebab("max_retry_interval")
    'max-retry-interval'
    """
    return name.rstrip("_").replace("_", "-")


class SettingsModel(BaseModel):
    """A strict, frozen settings model with kebab-case keys."""

    model_config = ConfigDict(
        alias_generator=kebab, extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True
    )


def _name_part(value: str) -> str:
    if value != value.strip() or any(c.isspace() or not c.isprintable() for c in value):
        raise ValueError("may not hold spaces or control characters")
    if any(part in {"", ".", ".."} for part in value.split("/")):
        raise ValueError("may not start, end or go up with '/'")
    return value


def _prefix(value: str) -> str:
    if "/" in value:
        raise ValueError("may not hold '/': a model is named prefix/alias")
    return _name_part(value) if value else value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or any(c.isspace() for c in value.strip()):
        raise ValueError("must be an http:// or https:// URL")
    if parts.username or parts.password:
        raise ValueError("holds a user name or password")
    if parts.fragment or parts.query:
        raise ValueError("may not have a query or a fragment")
    return value.strip().rstrip("/")


Url = Annotated[str, AfterValidator(_url)]
"""The URL of an endpoint, without a closing slash: where a provider's host can be replaced in its settings."""
ModelName = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_name_part)]
Prefix = Annotated[str, Field(max_length=64), AfterValidator(_prefix)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class ModelEntry(SettingsModel):
    """One model of a block: the upstream's ``name``, and the ``alias`` clients use (the name itself if absent)."""

    name: ModelName
    alias: ModelName | None = None
    display_name: str | None = None
    context_length: Annotated[int, Field(gt=0)] | None = None

    @property
    def public(self) -> str:
        """The name clients use, without the prefix."""
        return self.alias or self.name


class TimeoutSettings(SettingsModel):
    """How long one upstream call may take."""

    connect_seconds: Seconds = 10.0
    first_byte_seconds: Seconds = 600.0
    idle_seconds: Seconds = 120.0
    total_seconds: Seconds = 3600.0

    def timeouts(self) -> Timeouts:
        """The same as the value that crosses the hooks."""
        return Timeouts(self.connect_seconds, self.first_byte_seconds, self.idle_seconds, self.total_seconds)


class ProviderSettings(SettingsModel):
    """The keys every provider entry has.

    Attributes:
        name: unique over the whole file; the block's key (numbered from the second entry on) if absent.
        disabled: true keeps the entry in the file and out of service.
        prefix: models are listed as ``prefix/alias``; empty for none; absent for the provider's default.
        models: what is served, and under which alias; the same alias again is a pool. Absent: what the
            upstream lists.
        excluded_models: wildcards (``*-preview``, ``*:free``) over upstream names and aliases.
        max_concurrency: calls under way at once, over all its accounts; absent or null for no limit.
        timeouts: limits of one upstream call, in seconds.
    """

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=NAME_PATTERN)] | None = None
    disabled: bool = False
    prefix: Prefix | None = None
    models: tuple[ModelEntry, ...] = Field(default=(), strict=False)
    excluded_models: tuple[str, ...] = Field(default=(), strict=False)
    max_concurrency: Annotated[int, Field(ge=1, le=100_000)] | None = None
    timeouts: TimeoutSettings = TimeoutSettings()

    @property
    def account_files(self) -> tuple[Path, ...]:
        """Files outside the auth directory that accounts of this entry live in, there or not.

        ``load_accounts`` is called again when one of them changes, comes or goes.
        """
        return ()

    @property
    def native_dialects(self) -> tuple[Dialect, ...] | None:
        """What this entry's upstream speaks, the best first; ``None`` for what ``ProviderInfo.dialects`` says."""
        return None

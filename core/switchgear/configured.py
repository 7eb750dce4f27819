"""A configuration file with its plugins, read and checked; nothing runs yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from switchgear.config import Config, ProviderEntry, check_names, read_config, validate_entries
from switchgear.config.diff import Outline, outline
from switchgear.loading import Installed, installed
from switchgear.plugins import Plugins
from switchgear.settings import ProviderSettings
from switchgear.types import Provider


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration with its plugins; nothing was asked of any upstream yet.

    Attributes:
        entries: each provider with the entry of the file it stands for.
        broken: the key of each block whose plugin cannot be used, and why; its entries are not in ``entries``.
        digest: of the file as it was read, for :func:`~switchgear.config.watch`.
    """

    config: Config
    plugins: Plugins
    entries: tuple[tuple[Provider, ProviderEntry], ...]
    broken: Mapping[str, str]
    digest: str


def load(path: Path, text: str | None = None, available: Mapping[str, Installed] | None = None) -> Loaded:
    """Read and check ``path`` (or ``text``, as if it stood there), and import the plugins it names.

    It blocks (files, imports, keyring), so call it in a thread where an event loop runs.

    Raises:
        ConfigError: the file is wrong. A plugin that is wrong does not raise: see ``Loaded.broken``.
    """
    found = installed() if available is None else available
    raw = read_config(path, text, installed=found.keys())
    plugins = Plugins.load(raw.blocks.keys(), found)
    models = {key: plugins.info(key).settings or ProviderSettings for key in raw.blocks if key in plugins}
    entries = validate_entries(raw, models)
    providers = tuple((_provider(entry, plugins), entry) for entry in entries)
    check_names(raw, [(entry, provider.prefix) for provider, entry in providers])
    broken = {key: plugins.statuses[key].problem for key in raw.blocks if key not in plugins}
    return Loaded(raw.config, plugins, providers, broken, raw.digest)


def outline_of(loaded: Loaded, salt: str) -> Outline:
    """The configuration's keys with digests of their values."""
    return outline(loaded.config, [(entry.key, entry.name, entry.settings) for _, entry in loaded.entries], salt)


def _provider(entry: ProviderEntry, plugins: Plugins) -> Provider:
    prefix = entry.settings.prefix
    if prefix is None:
        prefix = entry.key if plugins.info(entry.key).login_methods else ""
    return Provider(entry.name, entry.key, prefix, entry.settings)

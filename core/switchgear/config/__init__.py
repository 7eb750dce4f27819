"""``config.yaml``: strict, with the line of everything that is wrong, and watched for changes."""

from __future__ import annotations

from switchgear.config.alert_settings import AlertsSettings, WebhookSettings
from switchgear.config.load import ProviderEntry, RawConfig, RawEntry, read_config, validate_entries
from switchgear.config.names import check_names
from switchgear.config.places import Place
from switchgear.config.schema import CORE_KEYS, ClientKey, Config
from switchgear.config.watching import content_digest, watch

__all__ = [
    "CORE_KEYS",
    "AlertsSettings",
    "ClientKey",
    "Config",
    "Place",
    "ProviderEntry",
    "RawConfig",
    "RawEntry",
    "WebhookSettings",
    "check_names",
    "content_digest",
    "read_config",
    "validate_entries",
    "watch",
]

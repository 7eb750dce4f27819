"""The hooks of ``roo``."""

from __future__ import annotations

from switchgear import ProviderInfo, hookimpl


@hookimpl
def provider_info() -> ProviderInfo:
    """What it is."""
    return ProviderInfo(title="Roo Code Router")

"""The hooks of ``minimax``."""

from __future__ import annotations

from switchgear import ProviderInfo, hookimpl


@hookimpl
def provider_info() -> ProviderInfo:
    """What it is."""
    return ProviderInfo(title="MiniMax")

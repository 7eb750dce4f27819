"""There is no configuration file: said alike by every command, without importing the server."""

from __future__ import annotations

from switchgear.errors import SwitchgearError


class NoConfigError(SwitchgearError):
    """There is no configuration file."""

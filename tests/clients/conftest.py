"""Plain ``pytest`` passes these tests by; ``SWITCHGEAR_CLIENTS=1`` runs them."""

from __future__ import annotations

import os

import pytest

from tests.clients import installs

if os.environ.get("SWITCHGEAR_CLIENTS") != "1":
    collect_ignore_glob = ["*"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was tested."""
    if installs.versions:
        tested = ", ".join(f"{name} {version}" for name, version in sorted(installs.versions.items()))
        terminalreporter.write_line(f"clients: {tested}")

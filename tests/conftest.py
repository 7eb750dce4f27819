"""What every test may use."""

from __future__ import annotations

import pytest

from switchgear import logs


@pytest.fixture
def anyio_backend() -> str:
    """The tests run on asyncio, as the gateway does."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _logs() -> None:
    """Log as the gateway does: structured, on standard error."""
    logs.configure("json", "info")


@pytest.fixture
def log_output(_logs: None, capfd: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    """What is logged, everything of it, as the captured standard error."""
    logs.configure("json", "debug")
    return capfd

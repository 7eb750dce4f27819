"""What every test may use."""

from __future__ import annotations

import os

import pytest

from switchgear import logs

# Nobody's own keyring is touched, here and in the processes that tests start.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"


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

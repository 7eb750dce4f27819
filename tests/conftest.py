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

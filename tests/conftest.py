"""What every test may use."""

from __future__ import annotations

import gc
import os
from typing import Any

import pytest

from switchgear import logs
from tests import leaks
from tests.leaks import pytest_runtest_makereport as pytest_runtest_makereport

# Nobody's own keyring is touched, here and in the processes that tests start.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"


def pytest_collection_finish() -> None:
    """The garbage collector need not go through all that was collected, each time it runs."""
    gc.collect()
    gc.freeze()


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
    read = capfd.readouterr

    def scanned() -> Any:
        found = read()
        leaks.answered("the log", (found.out + found.err).encode())
        return found

    capfd.readouterr = scanned  # type: ignore[method-assign]
    return capfd

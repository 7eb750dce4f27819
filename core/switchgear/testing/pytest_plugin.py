"""What pytest finds of Switchgear in any project that has it installed: two fixtures, imported when they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from switchgear.testing.clock import FakeClock
    from switchgear.testing.leaks import LeakScanner


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that only the test moves."""
    from switchgear.testing.clock import FakeClock

    return FakeClock()


@pytest.fixture
def leak_scanner() -> LeakScanner:
    """Takes in texts, and tells which of them hold a secret; the test asks it for ``leaks()``."""
    from switchgear.testing.leaks import LeakScanner

    return LeakScanner()

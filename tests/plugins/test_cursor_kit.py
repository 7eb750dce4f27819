"""The cursor plugin passes the conformance kit."""

from __future__ import annotations

import pytest

from switchgear_cursor import calls
from switchgear_cursor.contract import Contract


class TestCursor(Contract):
    @pytest.fixture(autouse=True)
    def _soon_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Calls that fail in passing are tried again without a pause."""
        monkeypatch.setattr(calls, "FIRST_PAUSE_S", 0.0)

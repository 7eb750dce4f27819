"""The minimax plugin passes the conformance kit."""

from __future__ import annotations

import pytest

from switchgear_minimax import auth
from switchgear_minimax.contract import Contract


class TestMiniMax(Contract):
    @pytest.fixture(autouse=True)
    def _soon_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Refreshes that fail in passing are tried again without a pause."""
        monkeypatch.setattr(auth, "REFRESH_PAUSE_S", 0.0)

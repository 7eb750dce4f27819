"""The conformance kit's factory: ``switchgear plugins check minimax`` runs it."""

from __future__ import annotations

from switchgear.testing.contract import ProviderContract
from switchgear_minimax.fake import FakeMiniMax


class Contract(ProviderContract):
    """MiniMax, as its fake is."""

    plugin = "minimax"
    refreshable = ("oauth", "oauth-cn")

    def fake(self) -> FakeMiniMax:
        """A fresh fake."""
        return FakeMiniMax()

"""What the conformance kit runs for ``roo``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from switchgear.testing.contract import ProviderContract
from switchgear_roo.fake import FakeRoo


class Contract(ProviderContract):
    """Only those who signed in by ticket have something to refresh."""

    plugin = "roo"
    refreshable = ("clerk",)
    cannot_pass: ClassVar[Mapping[str, str]] = {
        "test_a_new_token_is_saved_before_it_is_used": (
            "a session token lives for one minute and is never written; what mints it is in the file since the sign-in"
        ),
    }

    def fake(self) -> FakeRoo:
        """A fresh service with its people."""
        return FakeRoo()

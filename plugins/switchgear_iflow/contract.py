"""What the conformance kit runs for ``iflow``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from switchgear.testing.contract import ProviderContract
from switchgear_iflow.accounts import COOKIE_METHOD, OAUTH, OAUTH_CODE
from switchgear_iflow.fake import FakeIFlow


class Contract(ProviderContract):
    """A pasted key cannot be refreshed; everything else can."""

    plugin = "iflow"
    refreshable = (OAUTH, OAUTH_CODE, COOKIE_METHOD)
    cannot_pass: ClassVar[Mapping[str, str]] = {
        "test_urls_hold_no_secret": "iFlow takes the access token of its user info in the address, and nowhere else",
    }

    def fake(self) -> FakeIFlow:
        """A fresh service with its people."""
        return FakeIFlow()

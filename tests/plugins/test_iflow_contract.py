"""iflow against the conformance kit."""

from __future__ import annotations

from switchgear_iflow.contract import Contract


class TestIFlow(Contract):
    pass

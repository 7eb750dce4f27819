"""The roo plugin passes the conformance kit."""

from __future__ import annotations

from switchgear_roo.contract import Contract


class TestRoo(Contract):
    pass

"""The conformance kit over Kiro's fake."""

from __future__ import annotations

from switchgear_kiro.contract import Contract


class TestKiro(Contract):
    pass

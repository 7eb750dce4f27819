"""The plugin passes the conformance kit, over the fake upstream with two keys."""

from __future__ import annotations

from switchgear_openai_compatibility.contract import Contract


class TestContract(Contract):
    """Every check is a test."""

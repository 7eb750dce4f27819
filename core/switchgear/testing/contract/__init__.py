"""The conformance kit: what a plugin has to do, proved over a fake of its provider by a real gateway.

An author subclasses :class:`ProviderContract`, gives it the plugin's name and a fake, and has every check run: under
pytest as the methods of a test class, and by ``switchgear plugins check``.
"""

from __future__ import annotations

from switchgear.testing.contract.base import Check, CheckFailed, NotApplicable, Result
from switchgear.testing.contract.fake import (
    ADA,
    BEN,
    BROKEN,
    OPTIONAL,
    REFRESH,
    TOLD,
    FakeProvider,
)
from switchgear.testing.contract.provider import ProviderContract
from switchgear.testing.contract.report import Report

__all__ = [
    "ADA",
    "BEN",
    "BROKEN",
    "OPTIONAL",
    "REFRESH",
    "TOLD",
    "Check",
    "CheckFailed",
    "FakeProvider",
    "NotApplicable",
    "ProviderContract",
    "Report",
    "Result",
]

"""The whole contract: every level's checks in one class."""

from __future__ import annotations

from collections.abc import Callable

from switchgear.testing.contract.answers import AnswerChecks
from switchgear.testing.contract.base import Result
from switchgear.testing.contract.faults import FaultChecks
from switchgear.testing.contract.importing import ImportChecks
from switchgear.testing.contract.loads import LoadChecks
from switchgear.testing.contract.renewing import RenewingChecks
from switchgear.testing.contract.report import Report, report_on
from switchgear.testing.contract.secrecy import SecrecyChecks
from switchgear.testing.contract.signing import SigningChecks
from switchgear.testing.contract.tools import ToolChecks


class ProviderContract(
    LoadChecks, AnswerChecks, ToolChecks, SigningChecks, ImportChecks, RenewingChecks, FaultChecks, SecrecyChecks
):
    """What a plugin has to do. Subclass it, name the plugin, and give it a fake of its provider::

        class Contract(ProviderContract):
            plugin = "acme"

            def fake(self):
                return FakeAcme()

    The class goes into the plugin's package, named by an entry point of the group ``switchgear.contract``, so that
    ``switchgear plugins check acme`` finds it; and a test module of two lines has pytest run it::

        class TestAcme(Contract):
            pass

    Checks are not overridden; one that cannot pass is marked in :attr:`cannot_pass`, with its reason.
    """

    def report(self, told: Callable[[Result], None] = lambda result: None) -> Report:
        """Run every check; ``told`` hears of each as it ends."""
        return report_on(self, told)

"""The conformance kit's factory: ``switchgear plugins check kiro`` runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from switchgear.testing.contract import ProviderContract
from switchgear_kiro.fake import FakeKiro
from switchgear_kiro.fake.machine import machine


class Contract(ProviderContract):
    """Kiro, as its fake is. A key is never renewed, and what is taken over is renewed like any other sign-in."""

    plugin = "kiro"
    refreshable = ("portal", "builder-id", "idc", "idc-code", "social")

    def fake(self) -> AbstractAsyncContextManager[FakeKiro]:
        """A fresh fake, on a machine where other programs have signed in."""
        return _kiro()


@asynccontextmanager
async def _kiro() -> AsyncIterator[FakeKiro]:
    async with FakeKiro() as fake:
        with machine(fake.sign_in.people):
            yield fake

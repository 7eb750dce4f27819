"""The conformance kit's factory: ``switchgear plugins check cursor`` runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from switchgear.testing.contract import ProviderContract
from switchgear_cursor.fake import FakeCursor
from switchgear_cursor.fake.machine import machine


class Contract(ProviderContract):
    """Cursor, as its fake is. What is taken over is renewed like any other session."""

    plugin = "cursor"
    refreshable = ("browser", "browser-session", "api-key")

    def fake(self) -> AbstractAsyncContextManager[FakeCursor]:
        """A fresh fake, on a machine where Cursor's own programs are signed in."""
        return _cursor()


@asynccontextmanager
async def _cursor() -> AsyncIterator[FakeCursor]:
    async with FakeCursor() as fake:
        with machine(fake.services.people):
            yield fake

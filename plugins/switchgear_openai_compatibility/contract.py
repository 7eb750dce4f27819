"""The conformance kit's factory: the fake upstream, made to fail in every way the kit asks for."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self

from switchgear.testing import (
    CHAT_FAULTS,
    Behaviour,
    FakeOpenAI,
    FakeProvider,
    LoopbackServer,
    ProviderContract,
    refusing,
)

KEYS = ("contract-upstream-key-one-5b1e", "contract-upstream-key-two-94cd")
RETRY_AFTER_S = 30.0


FAULTS: dict[str, str | Behaviour] = {
    **CHAT_FAULTS,
    "login_required": "err-401",
    "suspended": refusing(403, "This organization has been suspended.", "account_suspended"),
}
"""The kit's name for a fault, and the fake's. A key cannot be refreshed, so no token expires."""


class ContractFake:
    """The fake upstream with two keys, as the kit wants it."""

    model = "demo-model"
    refreshes = 0

    def __init__(self) -> None:
        self.fake = FakeOpenAI(keys=KEYS)
        self.fake.timings.retry_after_s = RETRY_AFTER_S
        self.settings: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        await self.fake.__aenter__()
        keys = [{"api-key": key} for key in KEYS]
        self.settings = {"name": "upstream", "base-url": self.fake.base_url(), "api-key-entries": keys}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.fake.__aexit__(kind, error, trace)

    @property
    def server(self) -> LoopbackServer:
        """The fake's server."""
        return self.fake.server

    def secrets(self) -> set[str]:
        """The keys."""
        return set(KEYS)

    def fail(self, fault: str) -> bool:
        """Script the next call."""
        if fault not in FAULTS:
            return False
        self.fake.script(behaviour=FAULTS[fault], times=1)
        return True

    async def visit(self, url: str, code: str | None, person: str) -> None:
        """Nobody signs in."""

    def answer(self, question: str, person: str) -> str:
        """Nobody is asked."""
        return ""

    def expire(self) -> None:
        """A key does not expire."""

    def revoke(self) -> None:
        """There is nothing to refresh with."""


class Contract(ProviderContract):
    """What the kit runs."""

    plugin = "openai-compatibility"

    def fake(self) -> AbstractAsyncContextManager[FakeProvider]:
        """A fake upstream of its own for each check."""
        return ContractFake()

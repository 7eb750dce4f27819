"""What ``switchgear serve --demo`` routes to: a fake upstream inside the process, over real HTTP on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from switchgear.testing import FakeOpenAI

KEYS = ("demo-upstream-key-one-8c41", "demo-upstream-key-two-e07b")
"""Two accounts, so that one can be seen to fail while the other serves. They open nothing but the fake."""
REFUSED_KEY = "demo-upstream-key-refused-35fa"
SLOW_S = 3.0

MODELS = {
    "demo": "demo-model",
    "demo-429": "err-429-header",
    "demo-500": "err-500",
    "demo-slow": "slow",
    "demo-cut": "cut",
    "demo-embedding": "demo-embedding",
}
"""Alias to the fake's id."""


@asynccontextmanager
async def demo() -> AsyncIterator[list[dict[str, object]]]:
    """Start the fake on a free port; yield the block's entries that lead to it.

    ``demo-401`` has an entry of its own: a refused key is out until the operator acts, and the rest shall go on.
    """
    async with FakeOpenAI(keys=KEYS) as fake:
        fake.timings.slow_s = SLOW_S
        fake.timings.retry_after_s = 60.0  # longer than a request waits: the client sees the 429 at once
        yield [
            _entry("demo", fake, KEYS, MODELS),
            _entry("demo-refused", fake, (REFUSED_KEY,), {"demo-401": "demo-model"}),
        ]


def _entry(name: str, fake: FakeOpenAI, keys: tuple[str, ...], models: dict[str, str]) -> dict[str, object]:
    return {
        "name": name,
        "base-url": fake.base_url(),
        "api-key-entries": [{"api-key": key} for key in keys],
        "models": [{"name": model, "alias": alias} for alias, model in models.items()],
    }

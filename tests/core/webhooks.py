"""A webhook at work, for tests: what it is told, how its receiver answers, and waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from switchgear.config import WebhookSettings
from switchgear.testing import Exchange
from switchgear.webhook import Webhook

SECRET = "a-webhook-signing-secret-4821"


def settings(url: str, **fields: Any) -> WebhookSettings:
    return WebhookSettings.model_validate({"url": url, "secret": SECRET, "allow-private": True, **fields})


class Pauses:
    """Takes the place of sleeping: remembers how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@asynccontextmanager
async def delivering(chosen: WebhookSettings | None, **parts: Any) -> AsyncIterator[Webhook]:
    hook = Webhook(lambda: chosen, **parts)
    running = asyncio.create_task(hook.run())
    try:
        yield hook
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def answers(*statuses: int) -> Callable[[Exchange], Awaitable[None]]:
    """Answers with these, one after another; the last for ever."""
    left = list(statuses)

    async def handle(exchange: Exchange) -> None:
        await exchange.respond(left.pop(0) if len(left) > 1 else left[0], headers={"location": "/elsewhere"})

    return handle


async def until(hook: Webhook, word: str, count: int = 1) -> None:
    async with asyncio.timeout(5):
        while hook.counts[word] < count:
            await asyncio.sleep(0)

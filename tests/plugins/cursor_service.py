"""A whole gateway over a fake of all of Cursor: real configuration, files and sockets; runs go over TLS."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trustme

from switchgear import Account
from switchgear.testing import Person
from switchgear_cursor.fake import FakeCursor
from tests.core.duplexes import server_context
from tests.gateways import Running, gateway

MODEL = "cursor/composer-2.5"
THINKER = "cursor/claude-opus-5-5-medium"


@asynccontextmanager
async def served(
    folder: Path, *who: str, authority: trustme.CA | None = None, method: str = "", **config: Any
) -> AsyncIterator[tuple[Running, FakeCursor]]:
    """The gateway, with the accounts of these people, or else Ada's.

    Args:
        authority: the agent's host speaks TLS, by a certificate of this authority's; else cleartext HTTP/2.
        method: they sign in so; else their keys stand in the configuration.
        config: the entry's further keys, with underscores.
    """
    people = who or ("ada",)
    ssl = None if authority is None else server_context(authority)
    async with FakeCursor(ssl) as fake:
        block = {**fake.settings, **{name.replace("_", "-"): value for name, value in config.items()}}
        if not method:
            block["api-keys"] = [fake.services.people.api_key(person) for person in people]
        async with gateway(folder, {"cursor": [block], "max-retry-interval": 1}) as running:
            if method:
                for person in people:
                    await sign_in(running, fake, person, method)
            else:
                await running.service.current.catalog.refresh()
            yield running, fake


async def sign_in(running: Running, fake: FakeCursor, who: str, method: str = "browser") -> Account:
    """Sign somebody in, and have the gateway take the account in."""

    async def visit(url: str, code: str | None) -> None:
        await fake.visit(url, code, who)

    current = running.service.current
    (entry,) = current.entries
    async with Person(method, visit, lambda question: fake.answer(question, who)) as person:
        client = entry.client(Account("new"))
        account = await current.plugins.authenticate(entry.provider, person, entry.store, client)
    await running.service.load_accounts(current)
    await current.catalog.relist(entry)
    return account


def events(content: bytes) -> list[Any]:
    """The JSON of a stream's events, without the last word of chat completions."""
    lines = [line[6:] for line in content.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]

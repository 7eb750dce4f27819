"""A canary: one small request, as a client's would go, to see whether it is served, by whom and how fast."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from switchgear.accounts import Entry
from switchgear.ask import Ask, ClientSide, Served, Tried
from switchgear.dialects import OPENAI_CHAT, ErrorDetail
from switchgear.dialects.request_body import parse_body
from switchgear.errors import Refusal
from switchgear.gateway import Gateway
from switchgear.routing import Candidate
from switchgear.types import Kind

QUESTION = "Answer with the word: ok"
MAX_TOKENS = 64
"""Enough for a model that thinks first."""
LIMIT_S = 120.0
"""Nobody waits longer to see whether it works."""
NO_BURST = frozenset({401, 403, 429})


@dataclass(frozen=True, slots=True)
class Canary:
    """What became of it.

    Attributes:
        model: as it was asked for.
        status: the upstream's, of the last attempt; ``None`` where there was none.
        kind: ``None`` for success.
        message: what was wrong; empty for success.
        duration_ms: from the request to the last byte.
        code: the gateway's own, where it refused the request itself; else empty.
        tried: the attempts, in order; the last one served it, or was given up with.
    """

    model: str
    status: int | None
    kind: Kind | None
    message: str
    duration_ms: float
    code: str = ""
    tried: tuple[Tried, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it was served."""
        return self.kind is None


async def canary(gateway: Gateway, entry: Entry, account_id: str, model: str) -> Canary:
    """Ask ``model``, the upstream's name, on one account; never raises for what the upstream does."""
    candidate = Candidate(entry, account_id, entry.label(account_id), model, "canary")
    return await _see(model, lambda ask: gateway.ask_one(ask, candidate, _Nobody()))


async def routed_canary(gateway: Gateway, model: str) -> Canary:
    """Ask ``model``, a public name, wherever a client's request would go now: with retries, waits and fallbacks."""
    return await _see(model, lambda ask: gateway.serve(ask, lambda _: True, _Nobody()))


async def _see(model: str, send: Callable[[Ask], Awaitable[object]]) -> Canary:
    tried: list[Tried] = []
    started = time.perf_counter()
    # A stream, as most clients want one: it tells when the first token came.
    fields = {
        "model": model,
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": MAX_TOKENS,
        "stream": True,
    }
    body = parse_body(msgspec.json.encode(fields))
    ask = Ask(f"canary_{secrets.token_hex(12)}", OPENAI_CHAT, body, {}, started, int(time.time()), tried=tried.append)
    status, kind, message, code = None, None, "", ""
    try:
        async with asyncio.timeout(LIMIT_S):
            await send(ask)
    except TimeoutError:
        kind, message = Kind.TIMEOUT, f"there was no whole answer within {LIMIT_S:g} s"
    except Refusal as refusal:
        kind, message, code = Kind.INVALID_REQUEST, refusal.message, refusal.code
    else:
        last = tried[-1]
        status, kind = last.status, last.record.kind
        message = last.message or str(kind or "")
    return Canary(model, status, kind, message, (time.perf_counter() - started) * 1000, code, tuple(tried))


class _Nobody(ClientSide):
    """Takes an answer that nobody reads."""

    def __init__(self) -> None:
        self.committed = False
        self.error_event: Callable[[ErrorDetail], bytes] = lambda error: b""

    async def whole(
        self, status: int, content_type: bytes, body: bytes, served: Served, retry_after_s: int | None = None
    ) -> None:
        self.committed = True

    async def start(self, content_type: bytes, served: Served) -> None:
        self.committed = True

    async def send(self, data: bytes) -> None:
        pass

    async def end(self) -> None:
        pass

"""A canary: one small request to one account, as a client's would go, to see whether it is served."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from switchgear.accounts import Entry
from switchgear.ask import Ask, ClientSide, Served
from switchgear.dialects import OPENAI_CHAT, ErrorDetail
from switchgear.dialects.request_body import parse_body
from switchgear.errors import Refusal
from switchgear.gateway import Gateway
from switchgear.routing import Candidate
from switchgear.secret import redact
from switchgear.types import Kind

QUESTION = "Answer with the word: ok"
MAX_TOKENS = 64
"""Enough for a model that thinks first."""
NO_BURST = frozenset({401, 403, 429})


@dataclass(frozen=True, slots=True)
class Canary:
    """What became of it. ``status`` is the upstream's, ``None`` where there was none; ``kind`` ``None`` for success."""

    model: str
    status: int | None
    kind: Kind | None
    message: str
    duration_ms: float

    @property
    def ok(self) -> bool:
        """Whether the account was served."""
        return self.kind is None


async def canary(gateway: Gateway, entry: Entry, account_id: str, model: str) -> Canary:
    """Ask ``model``, the upstream's name, on one account; never raises for what the upstream does."""
    started = time.perf_counter()
    fields = {"model": model, "messages": [{"role": "user", "content": QUESTION}], "max_tokens": MAX_TOKENS}
    body = parse_body(msgspec.json.encode(fields))
    ask = Ask(f"canary_{secrets.token_hex(12)}", OPENAI_CHAT, body, {}, started, int(time.time()))
    candidate = Candidate(entry, account_id, model, "canary")
    try:
        verdict, failure = await gateway.ask_one(ask, candidate, _Nobody())
    except Refusal as refusal:
        return Canary(model, None, Kind.INVALID_REQUEST, refusal.message, _ms(started))
    if verdict is None:
        return Canary(model, 200, None, "", _ms(started))
    message = redact(verdict.message or str(failure))
    return Canary(model, verdict.status or failure.status, verdict.kind, message, _ms(started))


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


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

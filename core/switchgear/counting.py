"""How many input tokens a request has: the upstream's own count where it has one, else an estimate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, NamedTuple

import structlog

from switchgear.ask import Ask
from switchgear.dialects.estimate import estimate_tokens
from switchgear.errors import PluginError, UpstreamError
from switchgear.gateway import Gateway
from switchgear.plugins import Plugins
from switchgear.routing import Candidate
from switchgear.secret import redact

COUNT_LIMIT_S = 10.0
"""A client waits for the count before it asks: after so long it gets the estimate."""

log = structlog.get_logger("switchgear.counting")


class Count(NamedTuple):
    """A number of tokens, who counted, and the provider the request would go to (empty when nobody is free)."""

    tokens: int
    source: Literal["upstream", "estimate"]
    provider: str


async def count_tokens(gateway: Gateway, ask: Ask, allowed: Callable[[str], bool]) -> Count:
    """Count for the account that would be asked first. A count that fails is no failure of the account.

    Raises:
        Refusal: the model is unknown, or the request is malformed.
    """
    route = await gateway.route(ask, allowed)
    candidate = next(iter(route.eligible()), None)
    if candidate is not None:
        tokens = await _upstreams(gateway.plugins, ask, candidate)
        if tokens is not None:
            return Count(tokens, "upstream", candidate.entry.name)
    tokens = estimate_tokens(ask.conversation())
    return Count(tokens, "estimate", "" if candidate is None else candidate.entry.name)


async def _upstreams(plugins: Plugins, ask: Ask, candidate: Candidate) -> int | None:
    entry = candidate.entry
    if not plugins.implements(entry.provider.key, "count_tokens"):
        return None
    request = ask.prepare(candidate).request
    try:
        async with asyncio.timeout(COUNT_LIMIT_S):
            account = await entry.fresh(candidate.account)
            return await plugins.count_tokens(entry.provider, request, account, entry.client(account))
    except (UpstreamError, PluginError, TimeoutError) as error:
        problem = redact(str(error)) or "it took too long"
        log.warning("tokens_not_counted", request_id=ask.id, provider=entry.name, problem=problem)
        return None

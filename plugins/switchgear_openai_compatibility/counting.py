"""Asking an upstream that speaks ``anthropic-messages`` how many tokens a request has."""

from __future__ import annotations

from switchgear import Account, ForwardRequest, UpstreamClient
from switchgear_openai_compatibility.answers import json_of, refused
from switchgear_openai_compatibility.settings import Settings
from switchgear_openai_compatibility.wire import without_empty_tools

NO_SUCH_THING = frozenset({404, 405, 501})
"""Servers with ``/messages`` need not count: then nobody has to be told of a failure."""


async def count(settings: Settings, request: ForwardRequest, account: Account, client: UpstreamClient) -> int | None:
    """The input tokens of ``request``; ``None`` where the upstream does not count.

    Source: platform.claude.com, "Count tokens", read 2026-11.

    Raises:
        UpstreamError: the count could not be had.
    """
    if request.dialect != "anthropic-messages":
        return None
    post = settings.target.count(account, client_headers=request.headers)
    response = await client.fetch(post.request(without_empty_tools(request.body)), request.timeouts)
    if response.status_code in NO_SUCH_THING:
        return None
    answer = json_of(settings, response)
    tokens = answer.get("input_tokens") if isinstance(answer, dict) else None
    if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0:
        raise refused(settings, response, "protocol", "the answer counts no input_tokens")
    return tokens

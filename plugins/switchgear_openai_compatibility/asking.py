"""One request to an upstream: its body made fit, sent, and sent once more where the refusal says how it should be."""

from __future__ import annotations

from collections.abc import AsyncIterator

import structlog

from switchgear import Account, Failure, ForwardRequest, Reply, UpstreamClient
from switchgear_openai_compatibility.lessons import REFUSALS, open_questions, taught_by
from switchgear_openai_compatibility.settings import Settings
from switchgear_openai_compatibility.wire import without_empty_tools

MAX_REFUSAL_BYTES = 64 * 1024

log = structlog.get_logger("switchgear.openai-compatibility")


async def ask(settings: Settings, request: ForwardRequest, account: Account, client: UpstreamClient) -> Reply:
    """Send the request and give the answer, whatever it is.

    Raises:
        UpstreamError: there is none.
    """
    post = settings.target.post(request.dialect, account, stream=request.stream, client_headers=request.headers)
    body = without_empty_tools(request.body)
    if request.dialect != "openai-chat":
        return await client.post(post, body, request.timeouts)
    quirks, model = settings.quirks, request.model
    converted = request.client_dialect != "openai-chat"
    used = settings.target.lessons.of(model)
    sent = quirks.applied(body, stream=request.stream, converted=converted, lessons=used)
    reply = await client.post(post, sent, request.timeouts)
    if reply.status not in REFUSALS:
        return reply
    questions = open_questions(quirks, sent, converted=converted)
    if not questions:
        return reply
    try:
        head = await _head(reply)
        taught = taught_by(Failure("status", reply.status, reply.headers, head, model=model), questions)
        if not taught:
            return Reply(reply.status, reply.headers, _after(head, reply.body), reply.aclose)
    except BaseException:
        await reply.aclose()
        raise
    await reply.aclose()
    known = settings.target.lessons.learn(model, taught, used)
    log.info("upstream_habit_learned", provider=settings.name, model=model, habits=sorted(known))
    again = quirks.applied(body, stream=request.stream, converted=converted, lessons=known)
    return await client.post(post, again, request.timeouts)


async def _head(reply: Reply) -> bytes:
    """The refusal, or the beginning of a long one, of which the rest is left unread."""
    parts, size = [], 0
    async for part in reply.body:
        parts.append(part)
        size += len(part)
        if size > MAX_REFUSAL_BYTES:
            break
    return b"".join(parts)


async def _after(head: bytes, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for part in body:
        yield part

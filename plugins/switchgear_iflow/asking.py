"""One request to iFlow: the models that may answer it are tried in order, until one is not refused."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import structlog

from switchgear import Account, Failure, ForwardRequest, Reply, UpstreamClient, UpstreamError, edited
from switchgear_iflow.answers import IFlowEditor
from switchgear_iflow.body import chat_body, wire_model
from switchgear_iflow.errors import business_error, object_in, refuses_model, verdict_on
from switchgear_iflow.models import candidates
from switchgear_iflow.settings import Settings
from switchgear_iflow.wire import JSON, TRACE, chat_request, with_content_type

MAX_HEAD_BYTES = 64 * 1024
"""How much of an answer is looked at for a refusal; the rest is passed on unseen."""

log = structlog.get_logger("switchgear.iflow")


async def ask(
    settings: Settings, provider: str, request: ForwardRequest, account: Account, client: UpstreamClient
) -> Reply:
    """Send the request and give the answer; a refusal of the model makes the next candidate's turn.

    Nothing has gone to the client by then. Which model really answered is logged.

    Raises:
        UpstreamError: there is no answer, or every candidate was refused to this account already.
    """
    order = candidates(request.model, account, settings.memory, settings.alias_table)
    if not order:
        raise _all_refused(request.model)
    for model in order[:-1]:
        reply, refused = await _ask_one(settings, provider, request, model, account, client)
        if not refused:
            return reply
        await reply.aclose()
    return (await _ask_one(settings, provider, request, order[-1], account, client))[0]


async def _ask_one(
    settings: Settings, provider: str, request: ForwardRequest, model: str, account: Account, client: UpstreamClient
) -> tuple[Reply, bool]:
    """One call; and whether the model was refused to the account, which is remembered."""
    sent = wire_model(model, request.json, settings.wire_ids, settings.thinking_ids)
    body = chat_body(request.json, sent, stream=request.stream, vision=settings.vision_models)
    call = chat_request(
        settings.endpoints.inference, account, body, request_id=request.id, stream=request.stream, now=time.time()
    )
    reply = await client.reply(call, request.timeouts)
    headers = with_content_type(reply.headers, stream=request.stream)
    reply = Reply(reply.status, headers, reply.body, reply.aclose)
    try:
        head = await _head(reply)
    except BaseException:
        await reply.aclose()
        raise
    failure = _failure_in(reply, head, sent)
    refused = failure is not None and refuses_model(verdict_on(failure))
    if refused:
        settings.memory.refused(account, model)
    elif failure is None:
        settings.memory.served(account, model)
    log.info(
        "asked",
        request_id=request.id,
        provider=provider,
        account=account.label,
        model=request.model,
        sent_model=sent,
        status=reply.status,
        refused=refused,
        trace=reply.headers.get(TRACE),
    )
    whole = Reply(reply.status, headers, _after(head, reply.body), reply.aclose)
    return edited(whole, IFlowEditor()), refused


async def _head(reply: Reply) -> bytes:
    """As much as tells a refusal: a whole error or answer, or a stream's first event."""
    is_stream = reply.status < 400 and not reply.headers["content-type"].startswith((JSON, "text/html"))
    head = bytearray()
    async for part in reply.body:
        head += part
        if len(head) > MAX_HEAD_BYTES or (is_stream and (b"\n\n" in head or b"\r\n\r\n" in head)):
            break
    return bytes(head)


def _failure_in(reply: Reply, head: bytes, model: str) -> Failure | None:
    """The error that the beginning of an answer is; ``None`` when it is none, or not seen to be one."""
    if reply.status >= 300:
        return Failure("status", reply.status, reply.headers, head[:MAX_HEAD_BYTES], model=model)
    first = head.lstrip()
    if first.startswith(b"data:"):
        first = first.removeprefix(b"data:").splitlines()[0]
    answer = object_in(first)
    if not answer and first:
        return None
    if not first or business_error(answer) is not None or answer.get("error"):
        return Failure("in_band", reply.status, reply.headers, bytes(first[:MAX_HEAD_BYTES]), model=model)
    return None


async def _after(head: bytes, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if head:
        yield head
    async for part in body:
        yield part


def _all_refused(model: str) -> UpstreamError:
    message = f"iFlow refused every model of {model} to this account within the last six hours"
    return UpstreamError(Failure("status", 404, message=message, model=model, body=b'{"status": "435"}'))

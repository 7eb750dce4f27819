"""One request to the proxy, and its answer."""

from __future__ import annotations

import httpx2

from switchgear import (
    Account,
    Failure,
    ForwardRequest,
    Reply,
    Secret,
    UpstreamClient,
    UpstreamError,
    edited,
)
from switchgear_roo.answers import RooAnswer
from switchgear_roo.auth import bearer
from switchgear_roo.listing import learn
from switchgear_roo.settings import Settings
from switchgear_roo.wire import CHAT_PATH, TASK_HEADER, chat_body

MAX_TEXT_BYTES = 65_536
NO_ANSWER = "text/plain"
"""No model's answer comes so. Core would look for events in it; of ``text/html`` it knows itself."""


async def ask(settings: Settings, request: ForwardRequest, account: Account, client: UpstreamClient) -> Reply:
    """Ask the proxy.

    Raises:
        UpstreamError: there is no session token, no answer, or a text in its place.
    """
    token = bearer(account)
    if token is None:  # the service's own programs send "unauthenticated" and have it refused
        raise UpstreamError(Failure("status", 401, message="the session token has expired", model=request.model))
    await learn(settings, token, client)
    body = chat_body(request.body, settings.book.thinking(request.model))
    url = settings.endpoints.provider_v1 + CHAT_PATH
    http = httpx2.Request("POST", url, headers=_headers(token, request), content=body)
    reply = await client.reply(http, request.timeouts)
    if reply.status < 300 and reply.headers.get("content-type", "").lower().startswith(NO_ANSWER):
        await _fail_text(reply, request.model)
    return edited(reply, RooAnswer())


def _headers(token: Secret, request: ForwardRequest) -> dict[str, str]:
    headers = {
        "authorization": f"Bearer {token.reveal()}",
        "content-type": "application/json",
        "accept": "text/event-stream" if request.stream else "application/json",
    }
    task = request.headers.get(TASK_HEADER, "")
    if task and task.isascii() and task.isprintable():
        headers[TASK_HEADER] = task
    return headers


async def _fail_text(reply: Reply, model: str) -> None:
    """Read what it says, and fail the call with it."""
    text = b""
    try:
        async for part in reply.body:
            text += part
            if len(text) >= MAX_TEXT_BYTES:
                break
    finally:
        await reply.aclose()
    what = "a text came in an answer's place"
    raise UpstreamError(Failure("protocol", reply.status, reply.headers, text[:MAX_TEXT_BYTES], what, model))

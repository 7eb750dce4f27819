"""What Anthropic's Messages API has beside ``POST /v1/messages``: the token count, and a word on threads."""

from __future__ import annotations

import time

import structlog
from starlette.types import Receive, Scope, Send

from switchgear.ask import Keep
from switchgear.assembly import Service
from switchgear.counting import count_tokens
from switchgear.dialects import ANTHROPIC_MESSAGES
from switchgear.dialects.request_body import RequestBody
from switchgear.errors import Refusal
from switchgear.http.answers import id_headers, send_json, send_refusal
from switchgear.http.forward import ClientGoneError, new_ask, new_request_id, read_body
from switchgear.http.keys import Keys

log = structlog.get_logger("switchgear.request")


def refuse_threads(body: RequestBody, owner: str) -> tuple[RequestBody, Keep | None]:
    """A thread would live with one account of one upstream, and the next request may go to another.

    The SDK's tool runner falls back to the full history at just this answer (``message-threads-2026-08-12``, read
    2026-11).
    """
    if body.value("thread") is not None:
        raise Refusal(
            400,
            "thread_unsupported_request",
            "message threads are not kept by this gateway; send the whole conversation with each request",
            param="thread",
            details={"error_code": "thread_unsupported_request"},
        )
    return body, None


class CountTokensRoute:
    """``POST /v1/messages/count_tokens``. The header ``x-switchgear-token-count`` says ``upstream`` or ``estimate``."""

    def __init__(self, service: Service, keys: Keys) -> None:
        self._service = service
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        received = time.perf_counter()
        request_id = new_request_id()
        try:
            runtime = self._service.current
            key = self._keys.ring.find(scope)
            with key.use():
                body = await read_body(scope, receive, runtime.config.max_body_mib * 1024 * 1024)
                ask = new_ask(scope, body, ANTHROPIC_MESSAGES, request_id, received)
                count = await count_tokens(runtime.gateway, ask, key.allows)
        except Refusal as refusal:
            await send_refusal(send, refusal, request_id, ANTHROPIC_MESSAGES)
        except ClientGoneError:
            pass
        else:
            headers = [*id_headers(request_id), (b"x-switchgear-token-count", count.source.encode())]
            if count.provider:
                headers.append((b"x-switchgear-provider", count.provider.encode()))
            await send_json(send, {"input_tokens": count.tokens}, headers=headers)

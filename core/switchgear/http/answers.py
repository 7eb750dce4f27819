"""Writing to the client over ASGI: JSON answers, errors in the client's dialect, and the gateway's client side."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from starlette.types import Send

from switchgear.attempt import JSON, Served
from switchgear.dialects import OPENAI_CHAT, Codec, ErrorDetail
from switchgear.errors import Refusal

Headers = list[tuple[bytes, bytes]]


async def send_json(send: Send, value: Any, status: int = 200) -> None:
    """Send ``value`` as JSON, indented: people read these with curl."""
    body = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    await send_whole(send, status, JSON, body, [(b"cache-control", b"no-store")])


async def send_refusal(send: Send, refusal: Refusal, headers: Headers, codec: Codec = OPENAI_CHAT) -> None:
    """Send the gateway's own "no" in the dialect's envelope."""
    error = ErrorDetail(refusal.status, refusal.message, refusal.code, None, refusal.param)
    if refusal.retry_after_s is not None:
        headers = [*headers, (b"retry-after", b"%d" % max(1, math.ceil(refusal.retry_after_s)))]
    if refusal.status == 401:
        headers = [*headers, (b"www-authenticate", b'Bearer realm="switchgear"')]
    await send_whole(send, refusal.status, JSON, codec.error_body(error), headers)


async def send_whole(send: Send, status: int, content_type: bytes, body: bytes, headers: Headers) -> None:
    """Send a whole answer."""
    head = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


class AsgiClient:
    """The gateway's :class:`~switchgear.attempt.ClientSide` over one ASGI request.

    ``status`` is what the client got; ``None`` while nothing was sent. ``served`` says who served it.
    """

    __slots__ = ("_request_id", "_send", "committed", "ended", "served", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id.encode()
        self.committed = False
        self.ended = False
        self.status: int | None = None
        self.served: Served | None = None

    def _headers(self, served: Served) -> Headers:
        return [
            (b"x-request-id", self._request_id),
            (b"x-switchgear-provider", served.provider.encode()),
            (b"x-switchgear-account", served.account.encode("ascii", "replace")),
            (b"x-switchgear-attempts", b"%d" % served.attempts),
            (b"x-switchgear-overhead-ms", b"%.2f" % served.overhead_ms),
        ]

    async def whole(
        self, status: int, content_type: bytes, body: bytes, served: Served, retry_after_s: int | None = None
    ) -> None:
        """See the protocol."""
        headers = self._headers(served)
        if retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % max(retry_after_s, 1)))
        self.committed = self.ended = True
        self.status = status
        self.served = served
        await send_whole(self._send, status, content_type, body, headers)

    async def start(self, content_type: bytes, served: Served) -> None:
        """See the protocol."""
        self.committed = True
        self.status = 200
        self.served = served
        headers = [
            (b"content-type", content_type),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
            *self._headers(served),
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def send(self, data: bytes) -> None:
        """See the protocol."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """See the protocol."""
        self.ended = True
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def break_off(self, refusal: Refusal, codec: Codec) -> None:
        """End an answer that cannot be completed, as well as what was already sent allows."""
        if not self.committed:
            self.status = refusal.status
            self.committed = self.ended = True
            await send_refusal(self._send, refusal, [(b"x-request-id", self._request_id)], codec)
        elif not self.ended:
            await self.send(codec.error_event(ErrorDetail(refusal.status, refusal.message, refusal.code)))
            await self.end()

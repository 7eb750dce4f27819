"""Writing to the client over ASGI: JSON answers, errors in the client's dialect, and the gateway's client side."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.types import Send

from switchgear.ask import Served
from switchgear.attempt import JSON
from switchgear.dialects import OPENAI_CHAT, Codec, ErrorDetail
from switchgear.errors import Refusal

Headers = list[tuple[bytes, bytes]]
LONGEST_LIST_CHARS = 1000


async def send_json(send: Send, value: Any, status: int = 200, headers: Headers | None = None) -> None:
    """Send ``value`` as JSON, indented: people read these with curl."""
    body = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    await send_whole(send, status, JSON, body, [(b"cache-control", b"no-store"), *(headers or ())])


def detail_of(refusal: Refusal) -> ErrorDetail:
    """The gateway's own "no" as an error of any dialect."""
    return ErrorDetail(refusal.status, refusal.message, refusal.code, None, refusal.param, refusal.details)


async def send_refusal(send: Send, refusal: Refusal, request_id: str, codec: Codec = OPENAI_CHAT) -> None:
    """Send the gateway's own "no" in the dialect's envelope."""
    headers = id_headers(request_id)
    if refusal.retry_after_s is not None:
        headers = [*headers, (b"retry-after", b"%d" % max(1, math.ceil(refusal.retry_after_s)))]
    if refusal.status == 401:
        headers = [*headers, (b"www-authenticate", b'Bearer realm="switchgear"')]
    await send_whole(send, refusal.status, JSON, codec.error_body(detail_of(refusal), request_id), headers)


async def send_whole(send: Send, status: int, content_type: bytes, body: bytes, headers: Headers) -> None:
    """Send a whole answer."""
    head = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def id_headers(request_id: str) -> Headers:
    """The request's id under the two names that SDKs look for."""
    value = request_id.encode()
    return [(b"x-request-id", value), (b"request-id", value)]


class AsgiClient:
    """The gateway's :class:`~switchgear.attempt.ClientSide` over one ASGI request.

    ``status`` is what the client got; ``None`` while nothing was sent. ``served`` says who served it.
    """

    __slots__ = ("_codec", "_request_id", "_send", "committed", "ended", "error_event", "served", "status")

    def __init__(self, send: Send, request_id: str, codec: Codec) -> None:
        self._send = send
        self._request_id = request_id
        self._codec = codec
        self.error_event: Callable[[ErrorDetail], bytes] = codec.error_event
        self.committed = False
        self.ended = False
        self.status: int | None = None
        self.served: Served | None = None

    def _headers(self, served: Served) -> Headers:
        headers = [
            *id_headers(self._request_id),
            (b"x-switchgear-provider", served.provider.encode()),
            (b"x-switchgear-account", served.account.encode("ascii", "replace")),
            (b"x-switchgear-attempts", b"%d" % served.attempts),
            (b"x-switchgear-overhead-ms", b"%.2f" % served.overhead_ms),
        ]
        if served.converted is not None:
            headers.append((b"x-switchgear-converted", served.converted.encode()))
        if served.dropped:
            headers.append((b"x-switchgear-dropped", _listed(served.dropped)))
        return headers

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

    async def break_off(self, refusal: Refusal) -> None:
        """End an answer that cannot be completed, as well as what was already sent allows."""
        if not self.committed:
            self.status = refusal.status
            self.committed = self.ended = True
            await send_refusal(self._send, refusal, self._request_id, self._codec)
        elif not self.ended:
            await self.send(self.error_event(detail_of(refusal)))
            await self.end()


def _listed(names: tuple[str, ...]) -> bytes:
    """Names for a header, cut at a name: they come from the client's own body."""
    shown: list[str] = []
    left = LONGEST_LIST_CHARS
    for name in names:
        shown.append("".join(c if c.isascii() and c.isprintable() and c != "," else "?" for c in name[:100]))
        left -= len(shown[-1]) + 2
        if left < 0:
            shown.append("...")
            break
    return ", ".join(shown).encode()

"""The routes that reach upstreams: chat, completions, embeddings. One class, one instance for each dialect."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import structlog
from starlette.types import Receive, Scope, Send

from switchgear.ask import Ask, Keep
from switchgear.assembly import Service
from switchgear.dialects import Codec
from switchgear.dialects.request_body import RequestBody, parse_body
from switchgear.errors import Refusal
from switchgear.http.active import Active, End
from switchgear.http.answers import AsgiClient
from switchgear.http.keys import KeyLimits, Keys

WITHHELD_HEADERS = frozenset(
    {
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
    }
)
"""Credentials and hop-by-hop headers of the client: no plugin sees them, no upstream gets them."""

DISCONNECTED = "switchgear.disconnected"
"""An ASGI extension of our own server: a future that is done when the client has hung up."""

log = structlog.get_logger("switchgear.request")


Prepare = Callable[[RequestBody, str], tuple[RequestBody, Keep | None]]
"""A dialect's own step before routing: the body to go on with, and who takes the whole answer; given the key's name.

Raises :class:`~switchgear.errors.Refusal` where the request asks for what the gateway does not do.
"""


class ForwardRoute:
    """Serves one dialect's endpoint, as a plain ASGI application."""

    def __init__(
        self, service: Service, active: Active, keys: Keys, codec: Codec, prepare: Prepare | None = None
    ) -> None:
        self._prepare = prepare
        self._service = service
        self._active = active
        self._keys = keys
        self._codec = codec

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; everything that can go wrong is answered in the dialect's envelope."""
        received = time.perf_counter()
        request_id = new_request_id()
        client = AsgiClient(send, request_id, self._codec)
        key_name = model = None
        outcome = "ok"
        try:
            runtime = self._service.current
            key = self._keys.ring.find(scope)
            key_name = key.name
            with key.use():
                body = await read_body(scope, receive, runtime.config.max_body_mib * 1024 * 1024)
                ask = new_ask(scope, body, self._codec, request_id, received)
                model = ask.body.model
                if self._prepare is not None:
                    ask.sent = ask.body
                    ask.body, ask.keep = self._prepare(ask.body, key.name)
                outcome = await self._serve(ask, key, scope, receive, client)
        except Refusal as refusal:
            outcome = refusal.code
            await client.break_off(refusal)
        except ClientGoneError:
            outcome = "client_gone"
        except Exception as error:
            outcome = "internal_error"
            log.exception("internal_error", request_id=request_id, exc_info=error)
            ours = Refusal(500, "internal_error", f"the gateway failed; its log says why under {request_id}")
            await client.break_off(ours)
        finally:
            self._log(scope, client, request_id, key_name, model, outcome, received)

    async def _serve(self, ask: Ask, key: KeyLimits, scope: Scope, receive: Receive, client: AsgiClient) -> str:
        gateway = self._service.current.gateway
        work = gateway.serve(ask, key.allows, client)
        disconnected = scope.get("extensions", {}).get(DISCONNECTED)
        try:
            end = await self._active.run(work, receive, lambda: client.ended, disconnected)
        finally:
            if ask.queued_s:
                self._service.metrics.clients.queue_wait.record(ask.queued_s)
        if end is End.DONE:
            return "ok"
        if end is End.FAILED:
            return "upstream_error"
        if end is End.CLIENT_GONE:
            return "client_gone"
        refusal = Refusal(503, "shutting_down", "the gateway is shutting down; try again", retry_after_s=1.0)
        await client.break_off(refusal)
        return "shutting_down"

    def _log(
        self,
        scope: Scope,
        client: AsgiClient,
        request_id: str,
        key: str | None,
        model: str | None,
        outcome: str,
        received: float,
    ) -> None:
        served = client.served
        self._service.metrics.request(self._codec.name, outcome, client.status)
        if served is not None:
            self._service.metrics.clients.overhead.record(served.overhead_ms / 1000)
        converted = {}
        if served is not None and (served.converted is not None or served.dropped):
            converted = {"converted": served.converted, "dropped": ", ".join(served.dropped)}
        log.info(
            "request",
            request_id=request_id,
            route=scope["path"],
            key=key,
            model=model,
            status=client.status or 499,
            outcome=outcome,
            provider=None if served is None else served.provider,
            account=None if served is None else served.account,
            attempts=None if served is None else served.attempts,
            ms=round((time.perf_counter() - received) * 1000, 1),
            overhead_ms=None if served is None else round(served.overhead_ms, 2),
            **converted,
        )


def new_ask(scope: Scope, body: bytes, codec: Codec, request_id: str, received: float) -> Ask:
    """The request in ``body``.

    Raises:
        Refusal: 400; the body is no request.
    """
    return Ask(
        id=request_id,
        codec=codec,
        body=parse_body(body),
        headers=_headers(scope),
        received=received,
        created=int(time.time()),
    )


def new_request_id() -> str:
    """An id that nobody can guess."""
    return f"req_{secrets.token_hex(12)}"


class ClientGoneError(Exception):
    """The client hung up before its request was complete."""


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """The request's whole body.

    Raises:
        Refusal: 413, it is longer than the operator allows; 415, it is compressed.
        ClientGoneError: the client hung up.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > max_bytes:
            raise _too_large(max_bytes)
        if name == b"content-encoding" and value.strip().lower() not in {b"", b"identity"}:
            raise Refusal(415, "unsupported_encoding", "a compressed request body is not supported; send it plain")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        size += len(part)
        if size > max_bytes:
            raise _too_large(max_bytes)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(max_bytes: int) -> Refusal:
    mib = max_bytes // (1024 * 1024)
    return Refusal(413, "request_too_large", f"the request body is larger than {mib} MiB (max-body-mib in config.yaml)")


def _headers(scope: Scope) -> dict[str, str]:
    headers = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1")
        if name not in WITHHELD_HEADERS:
            headers[name] = raw_value.decode("latin-1")
    return headers

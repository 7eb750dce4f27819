"""The application: a plain ASGI object that any server can run."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from switchgear.alerting import Alerting
from switchgear.assembly import Service
from switchgear.dialects import (
    ANTHROPIC_MESSAGES,
    OPENAI_CHAT,
    OPENAI_COMPLETIONS,
    OPENAI_EMBEDDINGS,
    OPENAI_RESPONSES,
    Codec,
)
from switchgear.errors import Refusal
from switchgear.http.active import Active
from switchgear.http.alerts import AlertsRoute
from switchgear.http.answers import detail_of, id_headers, send_json
from switchgear.http.forward import ForwardRoute, Prepare, new_request_id
from switchgear.http.health import HealthRoute
from switchgear.http.keys import Keys
from switchgear.http.management import ManagementRoute
from switchgear.http.messages import CountTokensRoute, refuse_threads
from switchgear.http.metrics import MetricsRoute
from switchgear.http.models import ModelsRoute, wants_anthropic
from switchgear.http.prometheus import PrometheusRoute
from switchgear.http.responses import Memory, ResponseRoute
from switchgear.http.stored import ResponseStore

FAREWELL_S = 3.0
"""How long the last words to the clients may take at a shutdown."""

log = structlog.get_logger("switchgear.http")


class App:
    """Every route of the gateway. ``active`` holds the requests in flight, for the drain."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.active = Active()
        self._keys = Keys(service)
        alerting = Alerting(service)
        service.background += (alerting.run, alerting.webhook.run)
        health = HealthRoute(service, self.active, self._keys)
        models = ModelsRoute(service, self._keys)
        responses = ResponseStore(
            lambda: service.current.config.responses.max_mib * 1024 * 1024,
            lambda: service.current.config.responses.ttl_seconds,
        )
        count = CountTokensRoute(service, self._keys)
        self._management = ManagementRoute(service, self._keys)
        self._forwarding = {
            "/v1/chat/completions": self._forward(OPENAI_CHAT),
            "/v1/completions": self._forward(OPENAI_COMPLETIONS),
            "/v1/embeddings": self._forward(OPENAI_EMBEDDINGS),
            "/v1/messages": self._forward(ANTHROPIC_MESSAGES, refuse_threads),
            "/v1/responses": self._forward(OPENAI_RESPONSES, Memory(responses).prepare),
        }
        self._starlette = Starlette(
            routes=[
                *(Route(path, route, methods=["POST"]) for path, route in self._forwarding.items()),
                Route("/v1/messages/count_tokens", count, methods=["POST"]),
                Route("/v1/responses/{response}", ResponseRoute(responses, self._keys), methods=["GET", "DELETE"]),
                Route("/v1/models", models, methods=["GET"]),
                Route("/v1/models/{model:path}", models, methods=["GET"]),
                Route("/v1/metrics/providers", MetricsRoute(service, self._keys), methods=["GET"]),
                Route("/v1/alerts", AlertsRoute(service, self._keys), methods=["GET"]),
                Route("/metrics", PrometheusRoute(service, self._keys, alerting.webhook), methods=["GET"]),
                Route("/v0/{path:path}", self._management),
                Route("/health", health, methods=["GET"]),
                Route("/health/live", health, methods=["GET"]),
                Route("/health/ready", health, methods=["GET"]),
                Route("/", Root(), methods=["GET"]),
            ],
            exception_handlers={Refusal: _refused, HTTPException: _no_route, Exception: _failed},
        )

        self._starlette.router.redirect_slashes = False  # a path with a slash too many is a wrong path

    def _forward(self, codec: Codec, prepare: Prepare | None = None) -> ForwardRoute:
        return ForwardRoute(self._service, self.active, self._keys, codec, prepare)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope; what is asked most goes its way at once."""
        if scope["type"] == "http" and scope["method"] == "POST":
            forward = self._forwarding.get(scope["path"])
            if forward is not None:
                await forward(scope, receive, send)
                return
        await self._starlette(scope, receive, send)

    async def drain(self) -> None:
        """Let the requests in flight end; at the deadline tell their clients and end them."""
        self._service.draining = True
        await self._management.aclose()
        if len(self.active):
            log.info("draining", requests=len(self.active))
        try:
            async with asyncio.timeout(self._service.current.config.drain_seconds):
                await self.active.idle.wait()
        except TimeoutError:
            log.warning("drain_deadline", requests=len(self.active))
            self.active.stop_all()
            with suppress(TimeoutError):  # a client that does not read cannot be told
                async with asyncio.timeout(FAREWELL_S):
                    await self.active.idle.wait()


class Root:
    """``/``: some clients look whether anybody is there, without a key."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say who this is."""
        await send_json(send, {"service": "switchgear", "api": "/v1", "health": "/health"})


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        raise error
    return _answer(request.scope, error)


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    path = request.scope["path"][:100]
    if status == 405:
        return _answer(request.scope, Refusal(405, "method_not_allowed", f"{request.method} is not answered at {path}"))
    hint = f"; did you mean /v1{path}?" if f"/v1{path}" in PATHS else f"; the API is at {', '.join(sorted(PATHS))}"
    return _answer(request.scope, Refusal(404, "unknown_path", f"nothing is served at {path!r}{hint}"))


async def _failed(request: Request, error: Exception) -> Response:
    log.error("internal_error", path=request.scope["path"], exc_info=error)
    return _answer(request.scope, Refusal(500, "internal_error", "the gateway failed; its log says why"))


PATHS = frozenset(
    {"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/messages", "/v1/messages/count_tokens"}
    | {"/v1/models", "/v1/responses", "/v1/metrics/providers", "/v1/alerts", "/metrics"}
)


def _answer(scope: Scope, refusal: Refusal) -> Response:
    """A refusal outside the forwarding routes, in the envelope of whom the path or the headers tell."""
    codec = ANTHROPIC_MESSAGES if scope["path"].startswith("/v1/messages") or wants_anthropic(scope) else OPENAI_CHAT
    request_id = new_request_id()
    body = codec.error_body(detail_of(refusal), request_id)
    response = Response(body, refusal.status, media_type="application/json")
    response.raw_headers.extend(id_headers(request_id))
    if refusal.status == 401:
        response.headers["www-authenticate"] = 'Bearer realm="switchgear"'
    return response

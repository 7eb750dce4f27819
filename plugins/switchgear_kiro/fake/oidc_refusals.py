"""How SSO-OIDC says no in the fake: statuses, codes and the exceptions' names; and when it does."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any

from switchgear.testing import Exchange

EXCEPTIONS = {
    "authorization_pending": "AuthorizationPendingException",
    "slow_down": "SlowDownException",
    "expired_token": "ExpiredTokenException",
    "access_denied": "AccessDeniedException",
    "invalid_grant": "InvalidGrantException",
    "invalid_client": "InvalidClientException",
    "unauthorized_client": "UnauthorizedClientException",
    "invalid_scope": "InvalidScopeException",
    "invalid_request": "InvalidRequestException",
    "unsupported_grant_type": "UnsupportedGrantTypeException",
    "server_error": "InternalServerException",
}
STATUSES = {"invalid_client": 401, "server_error": 500}


class OidcRefusals:
    """The refusals of one SSO-OIDC.

    Attributes:
        names_by_header: an error is told by the exception's name alone, without its code.
    """

    def __init__(self) -> None:
        self.names_by_header = False
        self._scripts: dict[str, deque[str]] = defaultdict(deque)

    def script(self, step: str, *faults: str) -> None:
        """Let the next calls go wrong: of ``register``, ``device``, ``poll``, ``code`` or ``refresh``.

        A fault is an error's code, ``region:NAME`` (asked in the wrong region), an HTTP status, ``html`` or ``cut``.
        """
        self._scripts[step].extend(faults)

    def next_is(self, step: str, fault: str) -> bool:
        """Whether the next call of this kind goes wrong so."""
        script = self._scripts[step]
        return bool(script) and script[0] == fault

    async def faulty(self, exchange: Exchange, step: str) -> bool:
        """Let the step go wrong as it is scripted, if it is; whether it did."""
        script = self._scripts[step]
        if not script:
            return False
        fault = script.popleft()
        if fault.isdecimal():
            await exchange.respond(int(fault), "{}")
        elif fault == "html":
            await exchange.respond(200, "<h1>Welcome</h1>", content_type="text/html")
        elif fault == "cut":
            exchange.cut()
        elif fault.startswith("region:"):
            await self.refuse_region(exchange, fault.removeprefix("region:"))
        else:
            await self.refuse(exchange, fault)
        return True

    async def refuse_region(self, exchange: Exchange, region: str) -> None:
        """Say that it belongs to another region."""
        more = {"endpoint": f"https://oidc.{region}.amazonaws.com", "region": region}
        await self.refuse(exchange, "invalid_request", "it belongs to another region", more)

    async def refuse(
        self, exchange: Exchange, error: str, text: str = "", more: Mapping[str, Any] | None = None
    ) -> None:
        """Say no."""
        name = EXCEPTIONS.get(error, "ValidationException")
        said = text or f"{name} of the fake"
        body = (
            {"message": said} if self.names_by_header else {"error": error, "error_description": said, **(more or {})}
        )
        await exchange.respond(STATUSES.get(error, 400), json.dumps(body), {"x-amzn-errortype": name})

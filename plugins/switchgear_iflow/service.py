"""iFlow's own calls around a sign-in: what is asked, and what its answers mean.

Sources: the vendor's client 0.5, router-for-me/CLIProxyAPI before f5dc6483d (``internal/auth/iflow``) and its issues
239, 352, 724, KooshaPari/cliproxyapi-plusplus; read 2026-11.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from switchgear import Failure, LoginRequired, Secret, Timeouts, UpstreamClient, UpstreamError
from switchgear_iflow.accounts import Identity, expiry, text
from switchgear_iflow.errors import BUSY, object_in
from switchgear_iflow.settings import Settings

TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=20.0, idle_s=10.0, total_s=30.0)
USER_INFO_TIMEOUTS = Timeouts(connect_s=3.0, first_byte_s=6.0, idle_s=3.0, total_s=8.0)
"""Short, since it may be asked four times within the minute that a refresh may take."""
PAUSES_S = (1.0, 2.0, 3.0)
"""Before each further try of the user info."""
PASSING = frozenset({408, 429, 500, 502, 503, 504})
TERMINAL_CODES = frozenset({"400", "401", "403", "invalid_grant"})
"""Codes of a refusal, in the body, that no waiting changes."""
BUSY_CODES = frozenset({"500", "502", "503", "504"})

NO_CLIENT_SECRET = (
    "iFlow's sign-in needs the secret of its OAuth client: write it as client-secret in the iflow block "  # noqa: S105
    "(such as env:IFLOW_CLIENT_SECRET), or use the method cookie or api-key"
)

Json = Mapping[str, Any]


class Refused(LoginRequired):
    """The service refused the credential itself: a code, a token or a cookie is worth nothing (any more)."""


@dataclass(frozen=True, slots=True)
class IFlowTokens:
    """A token answer. ``expires_at`` is Unix seconds; ``refresh_token`` is ``None`` where the old one stays."""

    access_token: Secret
    refresh_token: Secret | None
    expires_at: float
    details: Mapping[str, str]


async def exchange(settings: Settings, client: UpstreamClient, code: str, redirect_uri: str) -> IFlowTokens:
    """Trade an authorisation code for tokens. Raises as :func:`refresh`."""
    return await _tokens(
        settings, client, {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    )


async def refresh(settings: Settings, client: UpstreamClient, refresh_token: Secret) -> IFlowTokens:
    """Trade a refresh token for new tokens.

    Raises:
        Refused: the token is spent.
        UpstreamError: anything else: busy, rate limited, no answer, one without a token.
    """
    return await _tokens(settings, client, {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()})


async def _tokens(settings: Settings, client: UpstreamClient, form: Mapping[str, str]) -> IFlowTokens:
    secret = settings.client_secret
    if secret is None:
        raise UpstreamError(Failure("protocol", message=NO_CLIENT_SECRET))
    basic = base64.b64encode(f"{settings.client_id}:{secret.reveal()}".encode()).decode()
    fields = {**form, "client_id": settings.client_id, "client_secret": secret.reveal()}
    headers = {
        "authorization": f"Basic {basic}",
        "content-type": "application/x-www-form-urlencoded",
        "accept": "application/json",
    }
    content = str(httpx2.QueryParams(fields)).encode()
    request = httpx2.Request("POST", settings.endpoints.token, headers=headers, content=content)
    response = await client.fetch(request, TIMEOUTS)
    answer = object_in(response.content)
    access_token, refresh_token = text(answer, "access_token"), text(answer, "refresh_token")
    if response.status_code == 200 and access_token:
        return IFlowTokens(
            Secret(access_token),
            Secret(refresh_token) if refresh_token else None,
            expiry(answer.get("expires_in")),
            {name: said for name in ("token_type", "scope") if (said := text(answer, name))},
        )
    raise refusal(response, answer, "the token endpoint's answer holds no access token")


def refusal(response: httpx2.Response, answer: Json, otherwise: str) -> UpstreamError:
    """What an answer without a result means: :class:`Refused`, or an error that may pass.

    Args:
        response: the answer.
        answer: its JSON object; empty where it has none.
        otherwise: what is said where the answer says nothing.
    """
    code = text(answer, "error", "code", "error_code")
    words = text(answer, "error_description", "message", "msg") or otherwise
    status = response.status_code
    message = f"iFlow ({f'{code}, ' if code else ''}HTTP {status}): {words[:300]}"
    lowered = words.lower()
    if BUSY in words or "server busy" in lowered or code in BUSY_CODES or status in PASSING - {429}:
        return UpstreamError(Failure("status", 503, message=message))
    if code == "429" or status == 429 or "rate limit" in lowered or "quota" in lowered:
        return UpstreamError(Failure("status", 429, message=message))
    if code == "invalid_client":
        return UpstreamError(Failure("protocol", status, message=f"{message}; check client-secret"))
    if code in TERMINAL_CODES or "invalid_grant" in lowered:
        return Refused(Failure("status", status, message=message))
    return UpstreamError(Failure("protocol", status, message=message))


async def user_info(settings: Settings, client: UpstreamClient, access_token: Secret) -> tuple[Identity, str]:
    """Who an access token belongs to, and their API key, which is what chat calls carry.

    Raises:
        Refused: the token is not accepted (401).
        UpstreamError: anything else; it was tried four times. Without an API key the answer is none.
    """
    # The service takes the token in the address only; nothing here may show it.
    url = httpx2.URL(settings.endpoints.user_info, params={"accessToken": access_token.reveal()})
    for pause_s in (*PAUSES_S, None):
        try:
            response = await client.fetch(
                httpx2.Request("GET", url, headers={"accept": "application/json"}), USER_INFO_TIMEOUTS
            )
            if response.status_code not in PASSING:
                break
            problem = UpstreamError(Failure("status", response.status_code, message="iFlow gives no user info now"))
        except UpstreamError as error:
            problem = error
        if pause_s is None:
            raise problem
        await asyncio.sleep(pause_s)
    if response.status_code == 401:
        raise Refused(Failure("status", 401, message="iFlow refuses the new access token"))
    answer = object_in(response.content)
    data = answer.get("data")
    known = data if isinstance(data, dict) else {}
    api_key = text(known, "apiKey")
    if response.status_code != 200 or answer.get("success") is False or not api_key:
        raise UpstreamError(
            Failure("protocol", response.status_code, message="iFlow's user info holds no API key, so chat is not open")
        )
    identity = Identity(text(known, "userId"), text(known, "email"), text(known, "phone"), text(known, "userName"))
    return identity, api_key
